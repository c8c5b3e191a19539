"""Suspected label errors: what a simple classifier that never saw an example makes of it, against its label.

Confident learning (Northcutt, Jiang and Chuang 2021, https://arxiv.org/abs/1911.00068), by its own library, cleanlab.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from keras_transfer.data.examples import Examples
from keras_transfer.inspection.findings import Finding

_FOLDS = 5
# C, the inverse of the L2 penalty: strong, so that wrong labels are not learned by heart. Of 5% labels that were
# flipped in hymenoptera and flowers, 90 to 100% come in the first tenth with 0.001 and 0.01, less with 0.1.
_STRENGTH = 0.01
_TOLERANCE, _MOST_STEPS = 1e-3, 500


@dataclass(frozen=True)
class Ranking:
    """Examples by how doubtful their labels are.

    Attributes:
      order: int64, shape (checked,): indices of the examples, the most doubtful first.
      quality: float, shape (checked,): in that order, the probability given to an example's own label.
      suggested: int64, shape (checked,): in that order, the label id that the classifier would give.
      is_suspect: bool, shape (checked,): in that order, whether confident learning counts it as an error.
      reason: why some or all examples were not checked, or "".
    """

    order: NDArray[np.int64]
    quality: NDArray[np.floating]
    suggested: NDArray[np.int64]
    is_suspect: NDArray[np.bool_]
    reason: str


def rank(features: NDArray[np.float32], label_ids: NDArray[np.int32], *, copies: NDArray[np.int64]) -> Ranking:
    """Ranks examples by the doubt about their labels.

    A copy of an example in another fold would tell its label, so that copies stay in one fold.

    Args:
      features: float32, shape (examples, features).
      label_ids: int32, shape (examples,).
      copies: int64, shape (examples,): the same number for copies of each other.

    Returns:
      The ranking, without the classes that have fewer than 5 different examples.
    """
    checked, reason = _checkable(label_ids, copies)
    classes, labels = np.unique(label_ids[checked], return_inverse=True)
    if len(classes) < 2:
        nothing = np.zeros(0, np.int64)
        return Ranking(nothing, np.zeros(0), nothing, np.zeros(0, np.bool_), reason)
    probabilities = _out_of_fold(features[checked], labels, copies[checked])
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    is_suspect = find_label_issues(labels, probabilities, n_jobs=1)
    order = np.argsort(quality, kind="stable")
    return Ranking(
        checked[order],
        quality[order],
        classes[probabilities.argmax(axis=1)][order].astype(np.int64),
        is_suspect[order],
        reason,
    )


def _checkable(label_ids: NDArray[np.int32], copies: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """Indices of the examples whose class has enough different ones, and what is said of the others."""
    different = {label_id: len(set(copies[label_ids == label_id])) for label_id in np.unique(label_ids).tolist()}
    few = [label_id for label_id, count in different.items() if count < _FOLDS]
    checked = np.flatnonzero(~np.isin(label_ids, few))
    if len(different) - len(few) < 2:
        return np.zeros(
            0, np.int64
        ), f"Labels were not checked: it takes two classes with {_FOLDS} different images each."
    skipped = len(label_ids) - len(checked)
    return (
        checked,
        f"{skipped} images of classes with fewer than {_FOLDS} different images were not checked." if few else "",
    )


def _out_of_fold(
    features: NDArray[np.float32], labels: NDArray[np.intp], copies: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Probabilities of each example by a classifier that saw neither it nor its copies."""
    probabilities = np.zeros((len(labels), labels.max() + 1))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    with threadpool_limits(1):  # more threads wait for each other at this size, and round otherwise
        for train, held_out in folds.split(features, labels, copies):
            model = make_pipeline(
                StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=_MOST_STEPS, tol=_TOLERANCE)
            )
            model.fit(features[train], labels[train])
            probabilities[np.ix_(held_out, model.classes_)] = model.predict_proba(features[held_out])
    return probabilities


def findings(ranking: Ranking, examples: Examples) -> list[Finding]:
    """A finding for each example whose label confident learning counts as an error."""
    return [
        Finding(
            "suspected_label",
            (row["path"],),
            f"Its label is {row['label']!r}; a simple classifier that never saw it says {row['suggested']!r}.",
            score=1 - row["quality"],
            detail=f"its label is {row['quality']:.1%} likely",
        )
        for row in describe(ranking, examples)
        if row["is_suspect"]
    ]


def describe(ranking: Ranking, examples: Examples) -> list[dict[str, Any]]:
    """The ranking as rows of inspection.json, the most doubtful label first."""
    return [
        {
            "path": examples.paths[index],
            "label": examples.class_names[examples.label_ids[index]],
            "suggested": examples.class_names[suggested],
            "quality": round(float(quality), 6),
            "is_suspect": bool(is_suspect),
        }
        for index, quality, suggested, is_suspect in zip(
            ranking.order, ranking.quality, ranking.suggested, ranking.is_suspect, strict=True
        )
    ]
