"""What is measured of a training run: the content of its metrics.json."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer.evaluation import baselines, metrics, slices, temperature
from keras_transfer.evaluation.baselines import BaselineResults
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.temperature import Calibration
from keras_transfer.pipelines import publish
from keras_transfer.pipelines.fit import Fitted
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.settings.config import SPLITS
from keras_transfer.training import choice, phases
from keras_transfer.training.backbone_trials import BackboneTrial
from keras_transfer.training.fine_tuning import FineTuning
from keras_transfer.training.learning_curve import LearningCurve


@dataclass(frozen=True)
class Finished:
    """A run whose export is about to be published.

    Attributes:
      fitted: what the training left.
      published: the export and its metrics.
    """

    fitted: Fitted
    published: publish.Published


@dataclass(frozen=True)
class BankUse:
    """What the feature bank did for a run.

    Attributes:
      used: whether it was used.
      reason: why, or why not.
      views_computed: records that it lacked.
      precision: float16 or float32, of its records.
    """

    used: bool
    reason: str
    views_computed: int
    precision: str


@dataclass(frozen=True, kw_only=True)
class RunMetrics:
    """The content of the metrics.json of a run.

    Attributes:
      model_name: of the served model.
      validation: of the trained classifier.
      test: of the export; None where there is no test split.
      slices: of the test split, by the columns that the photos came with.
      calibration: on the validation split, before and after it.
      baselines: simpler classifiers on the same features.
      seconds: of each stage, and "total".
      examples: number in each split, and of the files "left_out".
      leaked: see `Prepared`; likewise `near_leaks` and `label_conflicts`.
      near_leaks: see there.
      label_conflicts: see there.
      class_names: in the order of the label ids.
      backbone: its name.
      weights: of the base, see `report_data.Report`; likewise `weights_note`.
      weights_note: see there.
      backbones_tried: where there were several.
      choice: from `choice.as_json`; None where the head was not chosen.
      no_choice: why it was not; "" where it was.
      fine_tuning: what it brought after a chosen head; None where there was none.
      no_fine_tuning: why there was none; "" where there was.
      learning_curve: what more training images would bring; None where that was not measured.
      kept_phase: name of the phase whose weights were kept.
      reason: a sentence saying why.
      phases: from `phases.as_history`, in order.
      feature_bank: what it did.
      versions: name -> version of what the run depends on.
    """

    model_name: str
    validation: Metrics
    test: Metrics | None
    slices: Sequence[slices.Column]
    calibration: Calibration
    baselines: BaselineResults
    seconds: Mapping[str, float]
    examples: Mapping[str, int]
    leaked: Mapping[str, int]
    near_leaks: Mapping[str, int]
    label_conflicts: int
    class_names: Sequence[str]
    backbone: str
    weights: str
    weights_note: str
    backbones_tried: Sequence[BackboneTrial]
    choice: Mapping[str, Any] | None
    no_choice: str
    fine_tuning: FineTuning | None
    no_fine_tuning: str
    learning_curve: LearningCurve | None
    kept_phase: str
    reason: str
    phases: Sequence[Mapping[str, Any]]
    feature_bank: BankUse
    versions: Mapping[str, str]


def measure(prepared: Prepared, finished: Finished) -> RunMetrics:
    """Measures a run; what is computed of its export is there already."""
    examples, fitted, published = prepared.examples, finished.fitted, finished.published
    validation_ids = examples.in_split("validation").label_ids
    counts = {split: examples.splits.count(split) for split in SPLITS}
    return RunMetrics(
        model_name=prepared.config.output.model_name,
        validation=_validation(prepared, fitted),
        test=published.test,
        slices=_slices(prepared, published),
        calibration=temperature.describe(validation_ids, fitted.outcome.validation_logits, fitted.temperature),
        baselines=_baselines(prepared, finished),
        seconds=_seconds(prepared),
        examples={**counts, "left_out": len(examples.left_out) + len(published.unreadable)},
        leaked=prepared.leaked,
        near_leaks=prepared.near_leaks,
        label_conflicts=prepared.label_conflicts,
        class_names=examples.class_names,
        backbone=prepared.config.model.backbone,
        weights=prepared.classifier.weights,
        weights_note=prepared.classifier.weights_note,
        backbones_tried=prepared.backbones_tried,
        choice=choice.as_json(fitted.choice) if fitted.choice else None,
        no_choice=prepared.no_choice,
        fine_tuning=fitted.fine_tuning,
        no_fine_tuning=prepared.no_fine_tuning,
        learning_curve=fitted.curve,
        kept_phase=fitted.outcome.kept_phase,
        reason=fitted.outcome.reason,
        phases=[phases.as_history(result) for result in fitted.outcome.phases],
        feature_bank=_bank_use(prepared),
        versions=publish.versions(),
    )


def _validation(prepared: Prepared, fitted: Fitted) -> Metrics:
    return metrics.measure(
        label_ids=prepared.examples.in_split("validation").label_ids,
        probabilities=fitted.validation_probabilities,
        class_names=prepared.examples.class_names,
        abstain_below=prepared.config.serving.abstain_below,
    )


def _seconds(prepared: Prepared) -> dict[str, float]:
    names = ("read", "backbones", "build", "extract", "choice", "baselines", "head", "fine_tune", "export", "evaluate")
    return {**{name: prepared.watch.seconds.get(name, 0.0) for name in names}, "total": prepared.watch.total()}


def _bank_use(prepared: Prepared) -> BankUse:
    plan = prepared.plan
    computed = sum(part.record_count for part in plan.missing) if plan.uses_bank else 0
    return BankUse(plan.uses_bank, plan.reason, computed, plan.precision)


def _slices(prepared: Prepared, published: publish.Published) -> list[slices.Column]:
    if published.test is None:
        return []
    test = prepared.examples.in_split("test").select(published.test_positions)
    return slices.measure(label_ids=test.label_ids, probabilities=published.test_probabilities, columns=test.slices)


def _baselines(prepared: Prepared, finished: Finished) -> BaselineResults:
    fitted = finished.fitted.baselines
    compared = baselines.against_head(fitted, _head_is_right(prepared, finished))
    return dataclasses.replace(fitted.results, head_against_probe=compared)


def _head_is_right(prepared: Prepared, finished: Finished) -> dict[str, NDArray[np.bool_]]:
    """Split -> whether each example is classified right; an unreadable one is not."""
    validation, test = (prepared.examples.in_split(split) for split in ("validation", "test"))
    is_right = np.zeros(len(test), np.bool_)
    positions = np.asarray(finished.published.test_positions, np.int64)
    is_right[positions] = finished.published.test_probabilities.argmax(axis=1) == test.label_ids[positions]
    answers = finished.fitted.validation_probabilities.argmax(axis=1)
    return {"validation": answers == validation.label_ids, "test": is_right}
