"""Temperature scaling: one number that makes a classifier as sure of its answers as it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from keras_transfer.evaluation import calibration
from keras_transfer.evaluation.calibration import ReliabilityBin

# House choices. With fewer images or mistakes the best temperature is chance; without mistakes it is 0.
LEAST_EXAMPLES, LEAST_MISTAKES = 50, 5
BOUNDS = (0.1, 10.0)  # networks need 0.5 to 5 (Guo et al. 2017, table 1 and section 4.2); beyond it something is wrong


@dataclass(frozen=True)
class Temperature:
    """What the logits are to be divided by.

    Attributes:
      value: 1 changes nothing; above 1 the classifier was too sure.
      reason: a sentence saying why it is that.
    """

    value: float
    reason: str


@dataclass(frozen=True)
class Calibrated:
    """How well calibrated a classifier is with one temperature.

    Attributes:
      log_loss: mean, in nats.
      ece: calibration error, in [0, 1].
      reliability: from `calibration.reliability_bins`.
    """

    log_loss: float
    ece: float
    reliability: Sequence[ReliabilityBin]


@dataclass(frozen=True)
class Calibration:
    """What dividing the logits has changed.

    Attributes:
      temperature: that they were divided by; 1 changes nothing.
      reason: a sentence saying why it is that.
      examples: number of images of `before` and `after`.
      before: as trained.
      after: with the temperature.
    """

    temperature: float
    reason: str
    examples: int
    before: Calibrated
    after: Calibrated


def fit(label_ids: NDArray[np.integer], logits: NDArray[np.float32], *, of: str = "validation") -> Temperature:
    """The temperature with the least log loss: Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 4.2.

    It changes no label, and is 1 where the best one gains no more than a standard error. The log loss is convex in
    1 / temperature, so the one minimum is found by a bounded search.

    Args:
      label_ids: of images that were not trained on, never of test images; integers in [0, classes), shape (examples,).
      logits: shape (examples, classes).
      of: what kind of images they are, for the reason.
    """
    mistakes = int(np.sum(logits.argmax(axis=1) != label_ids))
    if len(label_ids) < LEAST_EXAMPLES or mistakes < LEAST_MISTAKES:
        return Temperature(
            1.0,
            f"Not calibrated: {len(label_ids):,} {of} images with {mistakes:,} mistakes say too little; it takes "
            f"at least {LEAST_EXAMPLES} and {LEAST_MISTAKES}.",
        )
    wide = logits.astype(np.float64)
    found = optimize.minimize_scalar(
        lambda exponent: log_loss(label_ids, wide / np.exp(exponent)), bounds=np.log(BOUNDS), method="bounded"
    )
    value = float(np.exp(found.x))
    gains = _losses(label_ids, wide) - _losses(label_ids, wide / value)
    gain, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
    if gain <= error:
        return Temperature(
            1.0,
            f"Not calibrated: it would lower the log loss of the {of} images by {gain:.4f} ± {error:.4f}, which chance "
            "alone may do.",
        )
    was = "too sure" if value > 1 else "not sure enough"
    return Temperature(value, f"Its logits are divided by {value:.3f}: it was {was} on the {of} images.")


def log_loss(label_ids: NDArray[np.integer], logits: NDArray[np.floating]) -> float:
    """Mean of -ln(probability of the true class), from logits, in nats."""
    return float(_losses(label_ids, logits).mean())


def _losses(label_ids: NDArray[np.integer], logits: NDArray[np.floating]) -> NDArray[np.floating]:
    losses: NDArray[np.floating] = -special.log_softmax(logits, axis=1)[np.arange(len(label_ids)), label_ids]
    return losses


def probabilities(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """softmax(logits / temperature): float32, shape (examples, classes)."""
    scaled: NDArray[np.float32] = special.softmax(logits.astype(np.float64) / temperature, axis=1).astype(np.float32)
    return scaled


def describe(label_ids: NDArray[np.integer], logits: NDArray[np.float32], temperature: Temperature) -> Calibration:
    """Calibration before and after, on some images.

    Args:
      label_ids: as for `fit`.
      logits: as for `fit`.
      temperature: what was done.
    """
    return Calibration(
        temperature=temperature.value,
        reason=temperature.reason,
        examples=len(label_ids),
        before=_measure(label_ids, logits, 1.0),
        after=_measure(label_ids, logits, temperature.value),
    )


def _measure(label_ids: NDArray[np.integer], logits: NDArray[np.float32], temperature: float) -> Calibrated:
    bins = calibration.reliability_bins(label_ids=label_ids, probabilities=probabilities(logits, temperature))
    loss = log_loss(label_ids, logits.astype(np.float64) / temperature)
    return Calibrated(loss, calibration.expected_calibration_error(bins), bins)
