"""What is measured of an export on labelled photos, alone, against another export and against its own test split."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.evaluation import metrics, paired, slices, unpaired
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import OtherExport
from keras_transfer.evaluation.unpaired import OwnTest
from keras_transfer.images import unreadable as unreadable_files
from keras_transfer.saved_model import seen_images, version_folder
from keras_transfer.saved_model.reader import Export
from keras_transfer.settings.config import EvaluateConfig

# Both fall with false alarms, which images of one class cannot show.
_NEEDS_TWO_CLASSES = ("macro_f1", "weighted_f1")


@dataclass(frozen=True)
class Answers:
    """What an export answers.

    Attributes:
      examples: the readable ones.
      label_ids: theirs in the export's order, int32, shape (examples,).
      probabilities: float32, shape (examples, classes).
    """

    examples: Examples
    label_ids: NDArray[np.int32]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Unmeasured:
    """A file that has no part in the metrics.

    Attributes:
      path: the file.
      reason: why.
    """

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """The content of the metrics.json of an evaluation.

    Attributes:
      export: path of the version folder.
      split: train, validation, test or all.
      weights: of the base, see `report_data.Report`; likewise `weights_note`.
      weights_note: see there.
      abstain_below: the score from which on the export accepts its own answers, in [0, 1); 0 for always.
      evaluation: the metrics.
      own_test: None where the export's own test split is not known.
      slices: of the columns that the photos came with.
      seen_in_training: split -> how many of the images were in it when the export was trained.
      comparison: None where no other export is given.
      left_out: files that were not measured.
      notes: sentences on how the photos were understood.
    """

    export: str
    split: str
    weights: str
    weights_note: str
    abstain_below: float
    evaluation: Metrics
    own_test: OwnTest | None
    slices: Sequence[slices.Column]
    seen_in_training: Mapping[str, int]
    comparison: OtherExport | None
    left_out: Sequence[Unmeasured]
    notes: Sequence[str]


def measure(
    config: EvaluateConfig,
    exports: tuple[Export, Export | None],
    answers: Answers,
    *,
    split: str,
    left_out: Sequence[Unmeasured],
    notes: Sequence[str],
) -> EvaluationResult:
    """Measures what an export has answered, and asks the other one, if any."""
    export, other = exports
    known, (label_ids, probabilities) = _read_metadata(export), (answers.label_ids, answers.probabilities)
    base, own = known.get("base", {}), known.get("test")
    abstain_below = known.get("serving", {}).get("abstain_below", 0.0)
    measured = metrics.measure(
        label_ids=label_ids,
        probabilities=probabilities,
        class_names=export.class_names,
        abstain_below=abstain_below,
    )
    return EvaluationResult(
        export=str(export.path),
        split=split,
        weights=base.get("weights", ""),
        weights_note=base.get("weights_note", ""),
        abstain_below=abstain_below,
        evaluation=_of_one_class(measured),
        own_test=unpaired.with_own_test(measured, accuracy=own["accuracy"], examples=own["examples"]) if own else None,
        slices=slices.measure(label_ids=label_ids, probabilities=probabilities, columns=answers.examples.slices),
        seen_in_training=_count_seen(export, answers.examples),
        comparison=_against(config, other, answers) if other else None,
        left_out=left_out,
        notes=notes,
    )


def _read_metadata(export: Export) -> dict[str, Any]:
    """What the export tells of itself; nothing, with a warning, where that is missing or damaged."""
    try:
        return version_folder.read_metadata(export.path)
    except UserError as error:
        terminal.warn(
            f"{error} So it is not known whether its weights are random, whether it abstains, and how accurate it was "
            "on its own test images."
        )
        return {}


def _against(config: EvaluateConfig, other: Export, answers: Answers) -> OtherExport:
    """The other export's metrics and the differences, on the files that both can read."""
    of_other, positions, unreadable = other.measure_files(
        answers.examples.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating the other",
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        sha256=answers.examples.sha256,
    )
    unreadable_files.warn(unreadable)
    label_ids, probabilities = answers.label_ids[positions], answers.probabilities[positions]
    measured = _of_one_class(
        metrics.measure(label_ids=label_ids, probabilities=of_other, class_names=other.class_names)
    )
    differences = paired.differences(label_ids=label_ids, probabilities=probabilities, other_probabilities=of_other)
    is_right, other_is_right = (each.argmax(axis=1) == label_ids for each in (probabilities, of_other))
    return OtherExport(
        export=str(other.path),
        seen_in_training=_count_seen(other, answers.examples),
        evaluation=measured,
        paired=paired.compare(new_is_right=is_right, earlier_is_right=other_is_right),
        differences={name: each for name, each in differences.items() if getattr(measured, name) is not None},
    )


def _count_seen(export: Export, examples: Examples) -> dict[str, int]:
    """Split -> how many of the images were in it when the export was trained; warns where there are any."""
    digests = (hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in examples.paths)
    counts = seen_images.count(export.path, digests)
    if counts:
        terminal.warn(
            f"{export.path} has seen some of these images before: {seen_images.in_words(counts)}, of "
            f"{len(examples):,}. On new images it does worse than these metrics say."
        )
    return counts


def _of_one_class(measured: Metrics) -> Metrics:
    """The metrics without those that images of one class cannot say: false alarms need images of another class."""
    present = [name for name, own in measured.per_class.items() if own.support]
    if len(present) != 1:
        return measured
    own = dataclasses.replace(measured.per_class[present[0]], precision=None, f1=None)
    return dataclasses.replace(
        measured,
        macro_f1=None,
        weighted_f1=None,
        per_class={**measured.per_class, present[0]: own},
        intervals={**measured.intervals, **dict.fromkeys(_NEEDS_TWO_CLASSES)},
    )
