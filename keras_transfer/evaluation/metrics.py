"""True labels and predicted probabilities -> metrics, as JSON-ready values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from keras_transfer.errors import UserError
from keras_transfer.evaluation import calibration, confusion, intervals, thresholds

# A float32 softmax over thousands of classes adds up to 1 within 1e-5; logits or half-precision sums don't.
_SUM_TOLERANCE = 1e-4


def measure(
    *,
    label_ids: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
    abstain_below: float = 0.0,
) -> dict[str, Any]:
    """Measures predictions against true labels; every example counts once.

    The predicted class is the most probable one (the first of equals). A class without examples can't be measured,
    so it enters neither `balanced_accuracy` nor `macro_f1`, and has no recall and no F1; its column of the confusion
    matrix still shows what was mistaken for it.

    Args:
      label_ids: true label ids, integers in [0, classes), shape (examples,).
      probabilities: float32 in [0, 1], shape (examples, classes), rows adding up to 1.
      class_names: different names in the order of the label ids, at least two.
      abstain_below: the score from which on the export accepts its own answers, in [0, 1); 0 for always.

    Returns:
      JSON-ready metrics:
        examples: number of examples.
        accuracy: fraction that is classified correctly.
        balanced_accuracy: mean recall of the classes that have examples.
        macro_f1: mean F1 of the classes that have examples.
        weighted_f1: the same, each class weighing as much as it has examples.
        top_k: 5.
        top_k_accuracy: fraction whose true class is among the 5 most probable; None where there are no more classes.
        log_loss: mean of -ln(probability of the true class), in nats; a probability of 0 counts as float32's epsilon,
          1.2e-7, so that no example costs more than 15.9.
        brier: mean over the examples of the squared error of the probabilities, added up over the classes; from 0 to 2:
          Brier 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
        roc_auc, average_precision: of each class against the rest, the mean of the classes for which they are defined:
          those that some examples belong to and some do not; None where there is none.
        ece: see `calibration.expected_calibration_error`.
        ece_by_chance: see `calibration.error_by_chance`.
        reliability: see `calibration.reliability_bins`.
        confusion_matrix: a list for each true class with the number of its examples predicted as each class; beyond
          100 classes only the counts above 0, see `confusion.count`: in full it would grow with the square of the
          classes, to 4 MB for 1,000 of them. `confusion.matrix` reads both.
        per_class: class name -> precision (None where the class was never predicted), recall and f1 (None where it
          has no examples), support (its number of examples), roc_auc and average_precision.
        intervals: see `intervals.of_metrics`.
        thresholds: see `thresholds.table`.

    Raises:
      UserError: no examples, or probabilities that are not finite.
      ValueError: shapes, label ids or probabilities that don't belong together; a fault of the program.
    """
    _check(label_ids, probabilities, class_names)
    predicted_ids = probabilities.argmax(axis=1)
    bins = calibration.reliability_bins(label_ids=label_ids, probabilities=probabilities)
    rows = intervals.contributions(label_ids, probabilities)
    headline = intervals.headline_metrics(np.asarray(rows.sum(axis=0)))
    ranking = _one_against_rest(label_ids, probabilities)
    return {
        "examples": len(label_ids),
        **{name: float(headline[name]) for name in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")},
        "top_k": intervals.TOP_K,
        "top_k_accuracy": float(headline["top_k_accuracy"]) if "top_k_accuracy" in headline else None,
        "log_loss": float(headline["log_loss"]),
        "brier": float(headline["brier"]),
        **{name: _mean_of_known(values) for name, values in ranking.items()},
        "ece": calibration.expected_calibration_error(bins),
        "ece_by_chance": calibration.error_by_chance(probabilities),
        "reliability": bins,
        "confusion_matrix": confusion.count(label_ids, predicted_ids, len(class_names)),
        "per_class": _per_class(label_ids, predicted_ids, class_names, ranking),
        "intervals": intervals.of_metrics(rows),
        "thresholds": thresholds.table(label_ids, probabilities, abstain_below=abstain_below),
    }


def _one_against_rest(
    label_ids: NDArray[np.integer], probabilities: NDArray[np.float32]
) -> dict[str, list[float | None]]:
    """Area under the ROC curve, and average precision, of each class."""
    counts = np.bincount(label_ids, minlength=probabilities.shape[1])
    # None, or at least two: what is not of one class is of another.
    measured_ids = np.flatnonzero((counts > 0) & (counts < len(label_ids)))
    found = {}
    for name, score in (
        ("roc_auc", sklearn_metrics.roc_auc_score),
        ("average_precision", sklearn_metrics.average_precision_score),
    ):
        values: list[float | None] = [None] * len(counts)
        if len(measured_ids):
            is_own = label_ids[:, None] == measured_ids
            for label_id, value in zip(
                measured_ids, score(is_own, probabilities[:, measured_ids], average=None), strict=True
            ):
                values[label_id] = float(value)
        found[name] = values
    return found


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _per_class(
    label_ids: NDArray[np.integer],
    predicted_ids: NDArray[np.intp],
    class_names: Sequence[str],
    ranking: dict[str, list[float | None]],
) -> dict[str, dict[str, float | int | None]]:
    true, predicted, right = (
        np.bincount(ids, minlength=len(class_names)).tolist()
        for ids in (label_ids, predicted_ids, label_ids[label_ids == predicted_ids])
    )
    return {
        name: {
            "precision": right[label_id] / predicted[label_id] if predicted[label_id] else None,
            "recall": right[label_id] / true[label_id] if true[label_id] else None,
            "f1": 2 * right[label_id] / (true[label_id] + predicted[label_id]) if true[label_id] else None,
            "support": true[label_id],
            **{metric: values[label_id] for metric, values in ranking.items()},
        }
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
