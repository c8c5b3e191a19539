"""The step between filling the bank and training: the head is chosen by cross-validation, and solved."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data.examples import Examples
from keras_transfer.model import classifier as classifiers
from keras_transfer.model.classifier import Classifier
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.settings import choosing
from keras_transfer.training import (
    choice,
    fine_tuning,
    fine_tuning_obstacles,
    kept_choice,
    learning_curve,
    phases,
    standardization,
)
from keras_transfer.training.choice import Candidate
from keras_transfer.training.learning_curve import LearningCurve
from keras_transfer.training.logistic import Solution
from keras_transfer.training.training_images import TrainingImages, columns_of

# Of the features in memory while the head is solved; with more images some views, and then some images, are left out.
_MOST_BYTES = 2**30
_ROWS_AT_ONCE = 256


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A head that was chosen and solved.

    Attributes:
      choice: what was tried, and what won.
      columns: of the bank's records: the features that the head stands on.
      solution: the head.
      start: where fine-tuning begins; None where there is none.
      curve: what more training images would bring; None where there are too few to tell.
    """

    choice: choice.Choice
    columns: NDArray[np.int64]
    solution: Solution
    start: fine_tuning.Start | None
    curve: LearningCurve | None


def choose(prepared: Prepared, folder: Path) -> tuple[Prepared, Chosen | None]:
    """Chooses and solves the head, if it is to be chosen.

    Args:
      prepared: with a filled bank, whose records hold the features of all candidates.
      folder: where what was found is kept, for another try of the run.

    Returns:
      The run with the classifier that has the chosen head's layers (as yet without its weights), and the head.
    """
    if prepared.no_choice:
        return prepared, None
    with prepared.watch.stage("choice"):
        network, train = prepared.network, prepared.examples.in_split("train")
        seed, views = prepared.config.training.seed, prepared.config.views.augmented_views + 1
        sampled = sample(train, choice.MOST_IMAGES)
        images = training_images(prepared, train.select(sampled), prepared.groups_of_training[sampled], views=views)
        found, curve = kept_choice.choose(images, network.taps, folder / "choice.npz", seed=seed, total=len(train))
        if len(sampled) < len(train):
            fitted_on = sample(train, _most_images(prepared))
            groups = prepared.groups_of_training[fitted_on]
            images = training_images(prepared, train.select(fitted_on), groups, views=views)
        taps, solution = choice.fit(images, network.taps, found)
        classifier = _with_taps(prepared, taps)
        prepared = _reconsider_fine_tuning(prepared, found)
        start = _start(images, prepared, found) if _fine_tuned(prepared) else None
    columns = columns_of(network.taps, [tap.layer for tap in taps], [tap.pooling for tap in taps])
    _show(found, curve)
    if len(images.label_ids) < len(train):
        terminal.warn(
            f"The head was solved on {len(images.label_ids):,} of the {len(train):,} training images, because the "
            f"features of all would take more than {_MOST_BYTES / 2**30:.0f} GiB. --choose=off trains on all of them."
        )
    planned = phases.plan(classifier, prepared.config.training, is_solved=True)
    chosen = Chosen(found, columns, solution, start, curve)
    return dataclasses.replace(prepared, classifier=classifier, phases=(*planned, *_fine_tuned(prepared))), chosen


def _fine_tuned(prepared: Prepared) -> tuple[phases.Phase, ...]:
    return tuple(phase for phase in prepared.phases if phase.name == phases.FINE_TUNE)


def _reconsider_fine_tuning(prepared: Prepared, found: choice.Choice) -> Prepared:
    """Leaves the fine-tune phase out where the chosen head leaves too little to gain."""
    count = prepared.examples.splits.count("validation")
    no = fine_tuning_obstacles.later_obstacle(prepared.config.training, found, validation_images=count)
    if not no or not _fine_tuned(prepared):
        return prepared
    terminal.say(f"\nno fine-tuning, because {no}")
    return dataclasses.replace(prepared, no_fine_tuning=no, phases=prepared.phases[:1])


def _start(images: TrainingImages, prepared: Prepared, found: choice.Choice) -> fine_tuning.Start:
    """The chosen head with a stronger penalty."""
    weaker = [dataclasses.replace(each, strength=each.strength / fine_tuning.STRONGER_PENALTY) for each in found.chosen]
    _, head = choice.fit(images, prepared.network.taps, dataclasses.replace(found, chosen=tuple(weaker)))
    strength = float(np.mean([each.strength for each in weaker]))
    return fine_tuning.Start(head, l2=1 / (2 * strength * len(images.label_ids)))


def training_images(prepared: Prepared, train: Examples, groups: NDArray[np.int64], *, views: int) -> TrainingImages:
    """The features of training images, standardized by their clean views as the classifier's own layer does it.

    Args:
      prepared: whose bank has them.
      train: training images, or a sample of them.
      groups: of these, see `Prepared`.
      views: how many of each are read, at most; fewer where they would take too much memory.
    """
    config, bank = prepared.config, prepared.plan.banks[0]
    starts = range(0, len(train), _ROWS_AT_ONCE)

    def read(view: int) -> NDArray[np.float32]:
        batches = (train.sha256[start : start + _ROWS_AT_ONCE] for start in starts)
        return np.concatenate([bank.read(batch, [view] * len(batch)) for batch in batches]).astype(np.float32)

    clean = read(0)
    mean, variance = standardization.mean_and_variance(
        clean[start : start + _ROWS_AT_ONCE].astype(np.float64) for start in starts
    )
    scale = np.sqrt(standardization.bounded(variance, prepared.network.taps))

    def standardized(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((features - mean) / scale).astype(np.float32)

    kept = max(1, min(views, _MOST_BYTES // clean.nbytes))
    weights = np.ones(len(train.class_names), np.float32)
    if config.training.class_weights == "balanced":
        for label_id, weight in phases.balanced_class_weights(train.class_counts()).items():
            weights[label_id] = weight
    return TrainingImages(
        features=[standardized(read(view) if view else clean) for view in range(kept)],
        label_ids=train.label_ids,
        groups=groups,
        class_weights=weights,
        label_smoothing=config.training.label_smoothing,
    )


def sample(train: Examples, most: int) -> NDArray[np.int64]:
    """Places of at most so many training images, drawn by a seed, each class in its share."""
    if len(train) <= most:
        return np.arange(len(train))
    order = np.random.default_rng(0).permutation(len(train))
    by_class = order[np.argsort(train.label_ids[order], kind="stable")]
    return np.sort(by_class[np.linspace(0, len(train) - 1, most).round().astype(np.int64)])


def _most_images(prepared: Prepared) -> int:
    return max(choice.MOST_IMAGES, _MOST_BYTES // (4 * sum(tap.width for tap in prepared.network.taps)))


def _with_taps(prepared: Prepared, taps: Sequence[classifiers.Tap]) -> Classifier:
    layers, poolings = (
        tuple(dict.fromkeys(names)) for names in zip(*((tap.layer, tap.pooling) for tap in taps), strict=True)
    )
    return classifiers.with_head(
        prepared.network,
        dataclasses.replace(choosing.all_features(prepared.config.model), pooling=tuple(filter(None, poolings))),
        feature_layers=layers,
        class_count=len(prepared.examples.class_names),
        seed=prepared.config.training.seed,
    )


def in_words(candidate: Candidate) -> str:
    """What a candidate is, in a line of a table."""
    views = ", augmented views too" if candidate.uses_views else ""
    return f"{' + '.join(candidate.layers)}, {' and '.join(candidate.poolings)}, C = {candidate.strength:g}{views}"


def _show(found: choice.Choice, curve: LearningCurve | None) -> None:
    if not found.folds:
        terminal.say("\nchoice: too few training images for a cross-validation, so the plain linear head is taken")
        return
    rows = [
        (in_words(each), f"log loss {each.log_loss:.4f} ± {each.log_loss_error:.4f}, accuracy {each.accuracy:.4f}")
        for each in found.tried[: choice.AVERAGED + 2]
    ]
    rows.append(("averaged", f"log loss {found.averaged.log_loss:.4f}, accuracy {found.averaged.accuracy:.4f}"))
    rows.append(("gain over the plain one", f"log loss {found.gain:.4f} ± {found.gain_error:.4f}"))
    if curve:
        interval = f"({learning_curve.COVERAGE:.0%}: {curve.low:.4f} to {curve.high:.4f})"
        expected = f"accuracy {curve.forecast:.4f} {interval}; now {curve.present:.4f}"
        rows.append((f"expected of {curve.forecast_images:,} images", expected))
    terminal.table(rows, title=f"Choice by {found.folds}-fold cross-validation on {found.images:,} training images")
