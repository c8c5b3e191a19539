"""Findings about classes and splits: tiny and unbalanced classes, groups split apart, balance and drift of splits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from keras_transfer.data import class_balance
from keras_transfer.data.examples import Examples
from keras_transfer.inspection.findings import Finding
from keras_transfer.settings.config import SPLITS

_TINY = 10  # training images of a class, below which its metrics and its learning are chance
_SIGNIFICANT = 0.001  # many comparisons are made, and small differences are no fault
_LEAST_ASSOCIATION = 0.1  # Cramer's V: a small effect (Cohen 1988, chapter 7)
_LEAST_AREA = 0.6  # area under the ROC curve; 0.5 is chance
_MOST_EXAMPLES = 2000  # of a split: fitted in seconds, and more would change the area by less than a hundredth
_FOLDS = 5
_STRENGTH, _TOLERANCE, _MOST_STEPS = 0.01, 1e-3, 500


@dataclass(frozen=True)
class Drift:
    """Whether a classifier can tell one split from train.

    Attributes:
      split: the other one.
      area: under the ROC curve, of examples that the classifier did not see; 0.5 is chance.
      p_value: that such an area comes by chance.
    """

    split: str
    area: float
    p_value: float


def check_classes(examples: Examples) -> list[Finding]:
    """Tiny and unbalanced classes, of what is trained on; of all where there are no splits."""
    if len(examples.class_names) < 2:
        return []
    trained = examples.in_split("train") if "train" in examples.splits else examples
    counts = dict(zip(examples.class_names, trained.class_counts().tolist(), strict=True))
    found = [
        Finding(
            "tiny_class",
            (),
            f"A class has fewer than {_TINY} images to train on.",
            score=-count,
            detail=f"{name!r} has {count}",
        )
        for name, count in counts.items()
        if count < _TINY
    ]
    advice = class_balance.advice(counts, class_weights="none")
    return [*found, Finding("imbalance", (), advice)] if advice else found


def check_groups(examples: Examples) -> list[Finding]:
    """Groups of the source with examples in several splits."""
    members = defaultdict(list)
    for index, name in enumerate(examples.groups):
        if name:
            members[name].append(index)
    found = []
    for name, indices in members.items():
        splits = sorted({examples.splits[index] for index in indices}, key=SPLITS.index) if any(examples.splits) else []
        if len(splits) > 1:
            why = f"Group {name!r} has images in {' and '.join(splits)}."
            found.append(Finding("group_split_apart", tuple(examples.paths[index] for index in indices), why))
    return found


def check_balance(examples: Examples) -> list[Finding]:
    """Splits whose shares of the classes differ from those of train, by the chi-square test of independence."""
    train, found = examples.in_split("train").class_counts(), []
    for split in _others(examples):
        table = np.stack([train, examples.in_split(split).class_counts()])
        table = table[:, table.sum(axis=0) > 0]
        result = stats.chi2_contingency(table)
        association = float(np.sqrt(result.statistic / table.sum()))  # Cramer's V of a table of two rows
        if result.pvalue < _SIGNIFICANT and association >= _LEAST_ASSOCIATION:
            why = (
                f"The classes have other shares in {split} than in train (chi-square test, p = {result.pvalue:.1g}, "
                f"Cramer's V = {association:.2f})."
            )
            found.append(Finding("class_balance", (), why, score=association))
    return found


def measure_drift(features: NDArray[np.float32], examples: Examples) -> list[Drift]:
    """The classifier two-sample test of each split against train: Lopez-Paz and Oquab 2017, arXiv:1610.06545.

    A logistic regression is trained to tell the splits apart and judged on what it did not see. The p-value is that of
    the Mann-Whitney test, whose statistic the area under the ROC curve is.

    Args:
      features: float32, shape (examples, features).
      examples: in the same order.
    """
    found = []
    for split in _others(examples):
        train, other = (_drawn(examples, name) for name in ("train", split))
        if min(len(train), len(other)) < _FOLDS:
            continue
        is_other = np.repeat([0, 1], [len(train), len(other)])
        scores = _scores(features[np.concatenate([train, other])], is_other)
        test = stats.mannwhitneyu(scores[is_other == 1], scores[is_other == 0], alternative="greater")
        found.append(Drift(split, float(roc_auc_score(is_other, scores)), float(test.pvalue)))
    return found


def drift_findings(drifts: list[Drift]) -> list[Finding]:
    """Findings about the splits that can be told from train."""
    return [
        Finding(
            "drift",
            (),
            f"A simple classifier tells {item.split} from train by their features: of two images, one of each, it "
            f"picks the right one {item.area:.0%} of the time (chance is 50%, p = {item.p_value:.1g}).",
            score=item.area,
        )
        for item in drifts
        if item.p_value < _SIGNIFICANT and item.area >= _LEAST_AREA
    ]


def describe(drifts: list[Drift]) -> list[dict[str, Any]]:
    """As rows of inspection.json."""
    return [{"split": item.split, "area_under_roc": item.area, "p_value": item.p_value} for item in drifts]


def _others(examples: Examples) -> list[str]:
    """The splits to compare with train."""
    return [split for split in SPLITS if split != "train" and {split, "train"} <= set(examples.splits)]


def _drawn(examples: Examples, split: str) -> NDArray[np.int64]:
    indices = np.flatnonzero(np.array(examples.splits) == split)
    if len(indices) <= _MOST_EXAMPLES:
        return indices
    return np.sort(np.random.default_rng(0).choice(indices, _MOST_EXAMPLES, replace=False))


def _scores(features: NDArray[np.float32], is_other: NDArray[np.int64]) -> NDArray[np.floating]:
    """Of each example, by a classifier that did not see it."""
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=_STRENGTH, max_iter=_MOST_STEPS, tol=_TOLERANCE, class_weight="balanced"),
    )
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    with threadpool_limits(1):
        scores: NDArray[np.floating] = cross_val_predict(
            model, features, is_other, cv=folds, method="decision_function"
        )
    return scores
