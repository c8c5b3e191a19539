"""What more training images would bring: the chosen head on parts of them, and a power law through its errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from keras_transfer.model.classifier import Tap
from keras_transfer.training import choice, threads
from keras_transfer.training.choice import Choice
from keras_transfer.training.training_images import TrainingImages

FRACTIONS = (0.1, 0.2, 0.4, 0.7, 1.0)
LEAST_IMAGES = 50  # with fewer the first points are of a handful of images, and the law is chance
COVERAGE = 0.8  # of the forecast's interval
_ENDS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
_RESAMPLES = 200
_LEAST_GAIN = 0.005  # of accuracy: less is not worth collecting as many photos again
# Of the law a + b * n ** -c. Errors of classifiers fall with exponents of 0.2 to 1: Hestness et al. 2017,
# https://arxiv.org/abs/1712.00409, figure 1; Figueroa et al. 2012, https://doi.org/10.1186/1472-6947-12-8.
_LOWEST, _HIGHEST = np.array([0.0, 0.0, 0.1]), np.array([1.0, 50.0, 1.5])


@dataclass(frozen=True)
class LearningCurve:
    """Accuracy over the number of training images.

    Attributes:
      images: trained on at each point, mean over the folds.
      accuracy: of held-out images at each point.
      accuracy_error: standard error of each.
      forecast_images: twice as many as there are.
      forecast: accuracy expected of that many.
      low: lower end of the forecast's interval, of `COVERAGE`: of an accuracy measured on as many images as these.
      high: upper end.
      present: accuracy expected of all training images, by the same law.
      class_gains: of each class, by how much its recall is expected to rise with twice as many images.
      more_will_help: whether the forecast is worth collecting them.
    """

    images: tuple[int, ...]
    accuracy: tuple[float, ...]
    accuracy_error: tuple[float, ...]
    forecast_images: int
    forecast: float
    low: float
    high: float
    present: float
    class_gains: tuple[float, ...]
    more_will_help: bool


def measure(
    images: TrainingImages, taps: Sequence[Tap], chosen: Choice, *, seed: int, total: int
) -> LearningCurve | None:
    """Fits the chosen head to growing parts of each fold's training images, and forecasts its accuracy.

    Args:
      images: that were chosen on.
      taps: what their features are made of.
      chosen: of these images.
      seed: of the folds, as for `choice.choose`.
      total: number of all training images.

    Returns:
      None where there are too few images for it.
    """
    if not chosen.folds or len(images.label_ids) < LEAST_IMAGES:
        return None
    folds = choice.folds_of(images, seed)
    is_right = np.zeros((len(FRACTIONS), len(images.label_ids)), np.bool_)
    threads.at_once(lambda fold: _answer(images, taps, chosen, fold, is_right), folds)
    learned_count = np.mean([len(learned) for learned, _ in folds])
    counts = np.array(FRACTIONS) * learned_count
    class_gains = [
        _gain(counts, 1 - own.mean(axis=1), total) if own.size else 0.0  # a sample may lack a rare class
        for own in (is_right[:, images.label_ids == label_id] for label_id in range(len(images.class_weights)))
    ]
    return dataclasses.replace(_curve(is_right, counts, total), class_gains=tuple(class_gains))


def _gain(counts: NDArray[np.float64], errors: NDArray[np.float64], total: int) -> float:
    """By how much the error falls from all training images to twice as many."""
    present, doubled = forecast(counts, errors, np.array([total, 2 * total], np.float64))
    return float(present - doubled)


def _answer(
    images: TrainingImages, taps: Sequence[Tap], chosen: Choice, fold: choice.Fold, is_right: NDArray[np.bool_]
) -> None:
    """Fills in which of a fold's held-out images are classified right after each part of the others."""
    learned, held_out = fold
    order = _by_class_in_turn(images.label_ids, learned)
    for place, fraction in enumerate(FRACTIONS):
        part = order[: max(len(np.unique(images.label_ids)), round(fraction * len(order)))]
        logits = choice.logits_of(images, taps, chosen.chosen, part, held_out)
        is_right[place, held_out] = logits.argmax(axis=1) == images.label_ids[held_out]


def _by_class_in_turn(label_ids: NDArray[np.integer], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in an order whose every beginning holds each class in its share, drawn by a seed."""
    drawn = np.random.default_rng(0).permutation(rows)
    share = np.zeros(len(drawn))
    for label_id in np.unique(label_ids[drawn]):
        own = np.flatnonzero(label_ids[drawn] == label_id)
        share[own] = (np.arange(len(own)) + 0.5) / len(own)
    return drawn[np.argsort(share, kind="stable")]


def _curve(is_right: NDArray[np.bool_], counts: NDArray[np.float64], total: int) -> LearningCurve:
    errors = 1 - is_right.mean(axis=1)
    rng = np.random.default_rng(0)
    wanted = np.array([total, 2 * total], np.float64)
    forecasts = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(is_right.shape[1], size=is_right.shape[1])
        forecasts.append(forecast(counts, 1 - is_right[:, drawn].mean(axis=1), wanted))
    low, high = np.quantile(1 - _measured(np.array(forecasts)[:, 1], is_right.shape[1], rng), _ENDS)
    present, doubled = 1 - forecast(counts, errors, wanted)
    deviation = np.sqrt(errors * (1 - errors) / is_right.shape[1])
    return LearningCurve(
        images=tuple(round(count) for count in counts),
        accuracy=tuple((1 - errors).tolist()),
        accuracy_error=tuple(deviation.tolist()),
        forecast_images=2 * total,
        forecast=float(doubled),
        low=float(min(low, doubled)),
        high=float(max(high, doubled)),
        present=float(present),
        class_gains=(),
        more_will_help=bool(doubled - present >= _LEAST_GAIN),
    )


def _measured(errors: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Errors as they would be measured on so many images: a few wrong ones say little of how many others would be.

    Draws from the posterior under Jeffreys' prior: Brown, Cai and DasGupta 2001, https://doi.org/10.1214/ss/1009213286.
    """
    return rng.beta(errors * count + 0.5, (1 - errors) * count + 0.5)


def forecast(
    counts: NDArray[np.float64], errors: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Errors at other numbers of images, by the inverse power law a + b * n ** -c that fits best.

    Args:
      counts: images at each point, rising, shape (points,).
      errors: fractions, shape (points,).
      wanted: numbers of images, shape (wanted,).

    Returns:
      Fractions, shape (wanted,).
    """
    scale = np.sqrt(np.maximum(errors * (1 - errors), 0.01))

    def residuals(law: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (_law(law, counts) - errors) / scale
        return found

    first = np.clip([errors[-1] / 2, errors[0] * counts[0] ** 0.5, 0.5], _LOWEST + 1e-6, _HIGHEST - 1e-6)
    fitted = optimize.least_squares(residuals, first, bounds=(_LOWEST, _HIGHEST), x_scale=[0.1, 1.0, 0.5])
    return np.asarray(np.clip(_law(fitted.x, wanted), 0, 1))


def _law(law: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    floor, factor, exponent = law
    return np.asarray(floor + factor * counts**-exponent)
