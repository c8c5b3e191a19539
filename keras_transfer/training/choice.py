"""Chooses a linear head by cross-validation on the training images: layers, pooling, strength of its penalty, views.

All candidates stand on the same stored features, so trying them costs no pass through the network. Neither the
validation nor the test split has a part in it.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.model_selection import StratifiedGroupKFold

from keras_transfer.model.classifier import Tap
from keras_transfer.training import logistic, threads
from keras_transfer.training.logistic import Problem, Solution
from keras_transfer.training.training_images import TrainingImages, columns_of

POOLINGS = (("avg",), ("max",), ("avg", "max"))  # the network's record has the last of them
STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)  # scikit-learn's C, of standardized features
FOLDS = 5
MOST_IMAGES = 2_000  # cross-validated on: more take minutes and change the choice little
AVERAGED = 3  # best candidates, at most, whose heads are averaged into one
_USUAL_STRENGTH = 0.03  # where there are too few images to choose one
_TOLERANCE = 1e-5  # of the loss, relative: far below what tells candidates apart


@dataclass(frozen=True)
class Candidate:
    """A linear head that was tried.

    Attributes:
      layers: that it stands on, the highest first.
      poolings: of each of them.
      uses_views: whether it learns from augmented views too.
      strength: inverse of the L2 penalty, see `logistic.solve`.
      log_loss: of held-out images, mean, in nats.
      log_loss_error: standard error of that.
      accuracy: of held-out images.
      accuracy_error: standard error of that.
    """

    layers: tuple[str, ...]
    poolings: tuple[str, ...]
    uses_views: bool
    strength: float
    log_loss: float
    log_loss_error: float
    accuracy: float
    accuracy_error: float


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose.

    Attributes:
      tried: every candidate at its best strength, the best first.
      chosen: those whose heads are averaged.
      averaged: the head that they make together, as a candidate of its own.
      plain: the one on the average of the last layer, without views.
      gain: by how much the log loss of `averaged` is lower than that of `plain`, over the same held-out images.
      gain_error: standard error of that.
      folds: of the cross-validation; 0 where there were too few images for one.
      images: that were cross-validated on.
      label_ids: of these images, shape (images,).
      logits: of the averaged head for each image by the fold that had not seen it, shape (images, classes).
      seconds: that choosing took.
    """

    tried: tuple[Candidate, ...]
    chosen: tuple[Candidate, ...]
    averaged: Candidate
    plain: Candidate
    gain: float
    gain_error: float
    folds: int
    images: int
    label_ids: NDArray[np.integer]
    logits: NDArray[np.float64]
    seconds: float


Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
_Tried = tuple[Candidate, NDArray[np.float64]]


def choose(images: TrainingImages, taps: Sequence[Tap], *, seed: int) -> Choice:
    """Tries every candidate by stratified cross-validation of the log loss, in which groups stay together.

    First all sets of layers and poolings on the clean views; then the best few with augmented views, which help with
    some photos and harm with others. The heads of the best one to `AVERAGED` are averaged, whichever mean has the
    least log loss: it is a linear head again. All stand on one pass through the network: a simpler one saves nothing.

    Args:
      images: at most `MOST_IMAGES`.
      taps: what the features are made of.
      seed: of the folds.
    """
    started = time.perf_counter()
    found = _choose(images, taps, folds_of(images, seed))
    return dataclasses.replace(found, seconds=time.perf_counter() - started)


def _choose(images: TrainingImages, taps: Sequence[Tap], folds: Sequence[Fold]) -> Choice:
    layers = tuple(dict.fromkeys(tap.layer for tap in taps))
    stands = [(layers[:count], poolings) for count in range(1, len(layers) + 1) for poolings in POOLINGS]
    if not folds:
        return _unchosen(images, layers)
    clean = threads.at_once(
        lambda stand: _cross_validate(images, taps, stand, STRENGTHS, folds, uses_views=False), reversed(stands)
    )[::-1]
    tried = sorted(clean, key=lambda each: each[0].log_loss)
    if len(images.features) > 1:

        def with_its_views(each: Candidate) -> _Tried:
            stand, around = (each.layers, each.poolings), _around(each.strength)
            return _cross_validate(images, taps, stand, around, folds, uses_views=True)

        with_views = threads.at_once(with_its_views, (each for each, _ in tried[:AVERAGED]))
        # Together, because one by one chance would decide.
        if _mean_loss(with_views) < _mean_loss(tried[:AVERAGED]):
            tried = sorted(with_views, key=lambda each: each[0].log_loss) + tried
        else:
            tried += with_views
    averages = [np.mean([own for _, own in tried[:count]], axis=0) for count in range(1, AVERAGED + 1)]
    count = int(np.argmin([_losses(each, images.label_ids).mean() for each in averages])) + 1
    best, logits = tried[:count], averages[count - 1]
    plain, plain_logits = clean[0]
    gains = _losses(plain_logits, images.label_ids) - _losses(logits, images.label_ids)
    return Choice(
        tried=tuple(sorted((each for each, _ in tried), key=lambda each: each.log_loss)),
        chosen=tuple(each for each, _ in best),
        averaged=_measured(best[0][0], logits, images.label_ids),
        plain=plain,
        gain=float(gains.mean()),
        gain_error=_standard_error(gains),
        folds=len(folds),
        images=len(images.label_ids),
        label_ids=images.label_ids,
        logits=logits,
        seconds=0.0,
    )


def folds_of(images: TrainingImages, seed: int) -> list[Fold]:
    """(places of the images that are learned from, places of those held out); none where hardly a class has two groups.

    A class with fewer groups than folds is held out in some of them only, and one with a single group is never answered
    right: that costs all candidates the same.
    """
    groups_of_class = [len(np.unique(images.groups[images.label_ids == each])) for each in np.unique(images.label_ids)]
    count = min(FOLDS, sorted([0, *groups_of_class])[-2])
    if count < 2:
        return []
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(images.label_ids, images.label_ids, images.groups))


def _cross_validate(
    images: TrainingImages,
    taps: Sequence[Tap],
    stand: tuple[tuple[str, ...], tuple[str, ...]],
    strengths: Sequence[float],
    folds: Sequence[Fold],
    *,
    uses_views: bool,
) -> _Tried:
    """A candidate at its best strength, and its logits for the held-out images."""
    columns = columns_of(taps, *stand)
    logits = np.zeros((len(strengths), len(images.label_ids), len(images.class_weights)))
    for learned, held_out in folds:
        problem, clean = images.problem(learned, columns, uses_views=uses_views), images.features[0]
        unseen = clean[np.ix_(held_out, columns)]
        for place, solution in enumerate(_path(problem, strengths)):
            logits[place, held_out] = solution.logits(unseen)
    losses = [float(_losses(own, images.label_ids).mean()) for own in logits]
    best = int(np.argmin(losses))
    candidate = Candidate(*stand, uses_views, strengths[best], 0.0, 0.0, 0.0, 0.0)
    return _measured(candidate, logits[best], images.label_ids), logits[best]


def logits_of(
    images: TrainingImages,
    taps: Sequence[Tap],
    candidates: Sequence[Candidate],
    learned: NDArray[np.int64],
    held_out: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What the averaged head of some candidates, fitted to some images, says of others: shape (held out, classes)."""
    found = []
    for each in candidates:
        columns = columns_of(taps, each.layers, each.poolings)
        problem = images.problem(learned, columns, uses_views=each.uses_views)
        solution = logistic.solve(problem, each.strength, tolerance=_TOLERANCE)
        found.append(solution.logits(images.features[0][np.ix_(held_out, columns)]))
    return np.asarray(np.mean(found, axis=0))


def _path(problem: Problem, strengths: Sequence[float]) -> Iterator[Solution]:
    """Solutions of rising strength, each found from the one before."""
    solution = None
    for strength in strengths:
        solution = logistic.solve(problem, strength, start=solution, tolerance=_TOLERANCE)
        yield solution


def _around(strength: float) -> tuple[float, ...]:
    place = STRENGTHS.index(strength)
    return STRENGTHS[max(0, place - 1) : place + 2]


def _measured(candidate: Candidate, logits: NDArray[np.float64], label_ids: NDArray[np.integer]) -> Candidate:
    losses, is_right = _losses(logits, label_ids), (logits.argmax(axis=1) == label_ids).astype(np.float64)
    return dataclasses.replace(
        candidate,
        log_loss=float(losses.mean()),
        log_loss_error=_standard_error(losses),
        accuracy=float(is_right.mean()),
        accuracy_error=_standard_error(is_right),
    )


def _losses(logits: NDArray[np.float64], label_ids: NDArray[np.integer]) -> NDArray[np.float64]:
    """Of each image: -ln(probability of its class)."""
    losses: NDArray[np.float64] = -special.log_softmax(logits, axis=1)[np.arange(len(label_ids)), label_ids]
    return losses


def _mean_loss(tried: Sequence[_Tried]) -> float:
    return float(np.mean([each.log_loss for each, _ in tried]))


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _unchosen(images: TrainingImages, layers: Sequence[str]) -> Choice:
    """The plain head, where cross-validation is not possible."""
    nothing = float("nan")
    plain = Candidate(tuple(layers[:1]), POOLINGS[0], False, _USUAL_STRENGTH, *[nothing] * 4)
    empty = np.zeros((0, len(images.class_weights)))
    return Choice((), (plain,), plain, plain, nothing, nothing, 0, 0, images.label_ids[:0], empty, 0.0)


def as_json(choice: Choice) -> dict[str, Any]:
    """What was tried and what won, JSON-ready, for metrics.json and the report.

    Returns:
      All of `Choice` but labels and logits, candidates as their fields; what was not measured is None.
    """
    return {
        "tried": [_row(each) for each in choice.tried],
        "chosen": [_row(each) for each in choice.chosen],
        "averaged": _row(choice.averaged),
        "plain": _row(choice.plain),
        "gain": _or_none(choice.gain),
        "gain_error": _or_none(choice.gain_error),
        "folds": choice.folds,
        "images": choice.images,
        "seconds": choice.seconds,
    }


def _row(candidate: Candidate) -> dict[str, Any]:
    values = dataclasses.asdict(candidate)
    for name in ("log_loss", "log_loss_error", "accuracy", "accuracy_error"):
        values[name] = _or_none(values[name])
    return {**values, "layers": list(candidate.layers), "poolings": list(candidate.poolings)}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def fit(images: TrainingImages, taps: Sequence[Tap], choice: Choice) -> tuple[tuple[Tap, ...], Solution]:
    """The chosen head, fitted to all images that are given: the mean of the chosen candidates' heads.

    Args:
      images: to fit to; may be more than were chosen on.
      taps: what their features are made of.
      choice: of this or a smaller set of images.

    Returns:
      The taps that it stands on, in their order, and the head on their features.
    """
    layers = {name for each in choice.chosen for name in each.layers}
    poolings = {name for each in choice.chosen for name in each.poolings}
    kept = tuple(tap for tap in taps if tap.layer in layers and (tap.pooling in poolings or not tap.pooling))
    all_rows, width = np.arange(len(images.label_ids)), sum(tap.width for tap in kept)
    kernel = np.zeros((width, len(images.class_weights)))
    bias = np.zeros(len(images.class_weights))
    for each in choice.chosen:
        columns = columns_of(taps, each.layers, each.poolings)
        problem = images.problem(all_rows, columns, uses_views=each.uses_views)
        solution = logistic.solve(problem, each.strength)
        kernel[columns_of(kept, each.layers, each.poolings)] += solution.kernel / len(choice.chosen)
        bias += solution.bias / len(choice.chosen)
    return kept, Solution(kernel, bias)
