"""How well calibrated the confidence of a classifier is: reliability bins and the calibration error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.evaluation import bootstrap

BIN_COUNT = 15  # Guo et al. 2017, table 1
_SEED = 0


@dataclass(frozen=True)
class ReliabilityBin:
    """The examples whose confidence lies in (lower, upper].

    Attributes:
      lower: least confidence, not included.
      upper: greatest confidence, included.
      examples: how many there are.
      confidence: their mean confidence in [0, 1]; None where there are none.
      accuracy: the fraction of them that is classified correctly; None where there are none.
    """

    lower: float
    upper: float
    examples: int
    confidence: float | None
    accuracy: float | None


def reliability_bins(
    *, label_ids: NDArray[np.integer], probabilities: NDArray[np.floating], bin_count: int = BIN_COUNT
) -> list[ReliabilityBin]:
    """Sorts examples into bins of equal width by confidence, the probability of the predicted class.

    Bin m of M holds the confidences in ((m - 1) / M, m / M], as in Guo et al. 2017, "On Calibration of Modern
    Neural Networks", https://arxiv.org/abs/1706.04599, section 2.

    Args:
      label_ids: true label ids, integers, shape (examples,).
      probabilities: floats in [0, 1], shape (examples, classes), rows adding up to 1.
      bin_count: M, at least 1.

    Returns:
      All M bins from low to high confidence, the empty ones too.
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    is_correct = probabilities.argmax(axis=1) == label_ids
    edges, positions = _place(confidences, bin_count)
    return [
        _bin(float(lower), float(upper), confidences[positions == position], is_correct[positions == position])
        for position, (lower, upper) in enumerate(itertools.pairwise(edges))
    ]


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """The mean distance between confidence and accuracy, weighted by examples.

    ECE = sum over m of |B_m| / n * |accuracy(B_m) - confidence(B_m)|, where B_m are the examples of bin m and n is
    the number of all examples: Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3. It is at least 0 (every
    confidence is right on average) and at most 1. With few examples it comes out too high: chance alone separates
    accuracy from confidence.

    Args:
      bins: from `reliability_bins`, at least one of them with examples.
    """
    total = sum(each.examples for each in bins)
    return sum(each.examples / total * abs(gap) for each in bins if (gap := _gap(each)) is not None)


def error_by_chance(probabilities: NDArray[np.floating]) -> float:
    """The calibration error that stays within chance: where every confidence is right, it is below it 95 times in 100.

    Each example is drawn as right with its own confidence as the probability, again and again (consistency
    resampling): Bröcker and Smith 2007, "Increasing the Reliability of Reliability Diagrams",
    https://doi.org/10.1175/WAF993.1. The calibration error adds up gaps in either direction, so confidences that are
    too high throughout can hide below it: compare their mean with the accuracy too.

    Args:
      probabilities: as for `reliability_bins`, at least one row.

    Returns:
      In [0, 1]; the same for the same probabilities.
    """
    confidences = np.minimum(probabilities.max(axis=1).astype(np.float64), 1)
    _, positions = _place(confidences, BIN_COUNT)
    order = np.argsort(positions, kind="stable")
    confidences = confidences[order]
    _, bin_starts = np.unique(positions[order], return_index=True)
    random = np.random.default_rng(_SEED)
    errors = []
    for size in bootstrap.blocks(len(confidences)):
        gaps = (random.random((size, len(confidences))) < confidences) - confidences
        errors.append(np.abs(np.add.reduceat(gaps, bin_starts, axis=1)).sum(axis=1) / len(confidences))
    return float(np.quantile(np.concatenate(errors), 0.95))


def mean_confidence(bins: Sequence[ReliabilityBin]) -> float:
    """The mean confidence of all examples, in [0, 1]; above the accuracy it means overconfidence.

    Args:
      bins: from `reliability_bins`, at least one of them with examples.
    """
    total = sum(each.examples for each in bins)
    return sum(each.examples / total * each.confidence for each in bins if each.confidence is not None)


def _place(confidences: NDArray[np.float64], bin_count: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The edges of the bins, and the bin of each confidence."""
    edges = np.linspace(0, 1, bin_count + 1)
    # Only the inner edges: a confidence that float32 rounded to just over 1 belongs to the last bin.
    return edges, np.digitize(confidences, edges[1:-1], right=True)


def _bin(lower: float, upper: float, confidences: NDArray[np.float64], is_correct: NDArray[np.bool_]) -> ReliabilityBin:
    if not len(confidences):
        return ReliabilityBin(lower, upper, 0, None, None)
    return ReliabilityBin(lower, upper, len(confidences), float(confidences.mean()), float(is_correct.mean()))


def _gap(each: ReliabilityBin) -> float | None:
    if each.accuracy is None or each.confidence is None:
        return None
    return each.accuracy - each.confidence
