"""True labels and predicted probabilities -> metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from keras_transfer.errors import UserError
from keras_transfer.evaluation import calibration, confusion, intervals, thresholds
from keras_transfer.evaluation.bootstrap import Interval
from keras_transfer.evaluation.calibration import ReliabilityBin
from keras_transfer.evaluation.thresholds import Threshold

# A float32 softmax over thousands of classes adds up to 1 within 1e-5; logits or half-precision sums don't.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class, in [0, 1]; None where there is nothing to measure.

    Attributes:
      precision: the fraction of the answers with this class that is right; None where it was never predicted.
      recall: the fraction of its examples that is found; None where it has none.
      f1: their harmonic mean; None where it has no examples.
      support: its number of examples.
      roc_auc: of the class against the rest; None where all examples belong to it, or none.
      average_precision: likewise.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    roc_auc: float | None
    average_precision: float | None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """How good a classifier is on some examples; in [0, 1] unless it is said.

    Attributes:
      examples: number of examples, at least 1.
      accuracy: fraction that is classified correctly.
      balanced_accuracy: mean recall of the classes that have examples.
      macro_f1: mean F1 of the classes that have examples; None where it is not to be told.
      weighted_f1: the same, each class weighing as much as it has examples.
      top_k: 5.
      top_k_accuracy: fraction whose true class is among the 5 most probable; None where there are no more classes.
      log_loss: mean of -ln(probability of the true class), in nats; a probability of 0 counts as float32's epsilon,
        1.2e-7, so that no example costs more than 15.9.
      brier: mean over the examples of the squared error of the probabilities, added up over the classes; from 0 to 2:
        Brier 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
      roc_auc: of each class against the rest, the mean of the classes for which it is defined: those that some
        examples belong to and some do not; None where there is none.
      average_precision: likewise.
      ece: see `calibration.expected_calibration_error`.
      ece_by_chance: see `calibration.error_by_chance`.
      reliability: see `calibration.reliability_bins`.
      confusion_matrix: the number of examples of each true class (rows) predicted as each class; beyond 100 classes
        only the counts above 0: in full it would grow with the square of the classes, to 4 MB for 1,000 of them.
      per_class: by class name, in the order of the label ids.
      intervals: by name of the metric, see `intervals.of_metrics`.
      thresholds: see `thresholds.table`.
    """

    examples: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float | None
    weighted_f1: float | None
    top_k: int = intervals.TOP_K
    top_k_accuracy: float | None
    log_loss: float
    brier: float
    roc_auc: float | None
    average_precision: float | None
    ece: float
    ece_by_chance: float
    reliability: Sequence[ReliabilityBin] = field(repr=False)
    confusion_matrix: confusion.Counts = field(repr=False)
    per_class: Mapping[str, ClassMetrics] = field(repr=False)
    intervals: Mapping[str, Interval | None] = field(repr=False)
    thresholds: Sequence[Threshold] = field(repr=False)

    def matrix(self) -> NDArray[np.int64]:
        """The whole confusion matrix, a new array of shape (classes, classes), a row for each true class."""
        return confusion.matrix(self.confusion_matrix, len(self.per_class))

    def accuracy_interval(self) -> Interval:
        """95% interval of the accuracy, which there always is."""
        return self.intervals["accuracy"] or (self.accuracy, self.accuracy)


def measure(
    *,
    label_ids: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
    abstain_below: float = 0.0,
) -> Metrics:
    """Measures predictions against true labels; every example counts once.

    The predicted class is the most probable one (the first of equals). A class without examples can't be measured,
    so it enters neither `balanced_accuracy` nor `macro_f1`, and has no recall and no F1; its column of the confusion
    matrix still shows what was mistaken for it.

    Args:
      label_ids: true label ids, integers in [0, classes), shape (examples,).
      probabilities: float32 in [0, 1], shape (examples, classes), rows adding up to 1.
      class_names: different names in the order of the label ids, at least two.
      abstain_below: the score from which on the export accepts its own answers, in [0, 1); 0 for always.

    Raises:
      UserError: no examples, or probabilities that are not finite.
      ValueError: shapes, label ids or probabilities that don't belong together; a fault of the program.
    """
    _check(label_ids, probabilities, class_names)
    predicted_ids = probabilities.argmax(axis=1)
    bins = calibration.reliability_bins(label_ids=label_ids, probabilities=probabilities)
    rows = intervals.contributions(label_ids, probabilities)
    headline = {name: float(value) for name, value in intervals.headline_metrics(np.asarray(rows.sum(axis=0))).items()}
    roc_aucs, precisions = _one_against_rest(label_ids, probabilities)
    return Metrics(
        examples=len(label_ids),
        accuracy=headline["accuracy"],
        balanced_accuracy=headline["balanced_accuracy"],
        macro_f1=headline["macro_f1"],
        weighted_f1=headline["weighted_f1"],
        top_k_accuracy=headline.get("top_k_accuracy"),
        log_loss=headline["log_loss"],
        brier=headline["brier"],
        roc_auc=_mean_of_known(roc_aucs),
        average_precision=_mean_of_known(precisions),
        ece=calibration.expected_calibration_error(bins),
        ece_by_chance=calibration.error_by_chance(probabilities),
        reliability=bins,
        confusion_matrix=confusion.count(label_ids, predicted_ids, len(class_names)),
        per_class=_per_class(label_ids, predicted_ids, class_names, roc_aucs, precisions),
        intervals=intervals.of_metrics(rows),
        thresholds=thresholds.table(label_ids, probabilities, abstain_below=abstain_below),
    )


def _one_against_rest(label_ids: NDArray[np.integer], probabilities: NDArray[np.float32]) -> list[list[float | None]]:
    """Area under the ROC curve of each class, and average precision of each."""
    counts = np.bincount(label_ids, minlength=probabilities.shape[1])
    # None, or at least two: what is not of one class is of another.
    measured_ids = np.flatnonzero((counts > 0) & (counts < len(label_ids)))
    found = []
    for score in (sklearn_metrics.roc_auc_score, sklearn_metrics.average_precision_score):
        values: list[float | None] = [None] * len(counts)
        if len(measured_ids):
            is_own = label_ids[:, None] == measured_ids
            for label_id, value in zip(
                measured_ids, score(is_own, probabilities[:, measured_ids], average=None), strict=True
            ):
                values[label_id] = float(value)
        found.append(values)
    return found


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _per_class(
    label_ids: NDArray[np.integer],
    predicted_ids: NDArray[np.intp],
    class_names: Sequence[str],
    roc_aucs: Sequence[float | None],
    precisions: Sequence[float | None],
) -> dict[str, ClassMetrics]:
    true, predicted, right = (
        np.bincount(ids, minlength=len(class_names)).tolist()
        for ids in (label_ids, predicted_ids, label_ids[label_ids == predicted_ids])
    )
    return {
        name: ClassMetrics(
            precision=right[label_id] / predicted[label_id] if predicted[label_id] else None,
            recall=right[label_id] / true[label_id] if true[label_id] else None,
            f1=2 * right[label_id] / (true[label_id] + predicted[label_id]) if true[label_id] else None,
            support=true[label_id],
            roc_auc=roc_aucs[label_id],
            average_precision=precisions[label_id],
        )
        for label_id, name in enumerate(class_names)
    }


def _check(label_ids: NDArray[np.integer], probabilities: NDArray[np.float32], class_names: Sequence[str]) -> None:
    if len(class_names) < 2 or len(set(class_names)) < len(class_names):
        raise ValueError(f"class_names must be at least two different names. Received: {list(class_names)}")
    if label_ids.ndim != 1 or probabilities.shape != (len(label_ids), len(class_names)):
        raise ValueError(
            "label_ids must have the shape (examples,) and probabilities (examples, classes). "
            f"Received: {label_ids.shape} and {probabilities.shape} with {len(class_names)} classes"
        )
    if not len(label_ids):
        raise UserError(
            "There are no examples to measure on: the split is empty, or none of its files could be read. "
            "Check the files that were left out, or give the split more images."
        )
    _check_values(label_ids, probabilities)


def _check_values(label_ids: NDArray[np.integer], probabilities: NDArray[np.float32]) -> None:
    if label_ids.min() < 0 or label_ids.max() >= probabilities.shape[1]:
        raise ValueError(
            f"label_ids must lie in [0, {probabilities.shape[1]}). Received: {label_ids.min()} to {label_ids.max()}"
        )
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if broken:
        raise UserError(
            f"{broken:,} of {len(probabilities):,} examples have probabilities that are not finite, so nothing can "
            "be measured: the weights are damaged, or --precision=float16 overflowed. "
            "Train again with --precision=float32."
        )
    worst = float(np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max())
    if worst > _SUM_TOLERANCE or probabilities.min() < 0:
        raise ValueError(
            "probabilities must be at least 0 and add up to 1 in each row (are they logits?). "
            f"Received: a row that is off by {worst:.3g}, least value {probabilities.min():.3g}"
        )
