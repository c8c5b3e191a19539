"""What simpler classifiers reach on the same features: the measure of whether training the head was worth it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from keras_transfer.evaluation import paired

# Of each split. They are fitted in seconds up to here, in memory that does not grow with the data; more examples than
# that change a linear probe little.
MOST_EXAMPLES = 2000
MOST_FEATURES = 4096  # of VGG16's widest layer; flattened maps have more, and take minutes
STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # C, the inverse of the L2 penalty, of standardized features
_USUAL_STRENGTH = 0.1
_PROBE = "linear probe"
FOLDS = 3
NEIGHBOURS = 5
_TOLERANCE, _MOST_STEPS = 1e-3, 200


@dataclass(frozen=True)
class Features:
    """A split's clean features.

    Attributes:
      values: float, shape (examples, features).
      label_ids: integers in [0, classes), shape (examples,).
    """

    values: NDArray[np.floating]
    label_ids: NDArray[np.integer]


@dataclass(frozen=True)
class BaselineMetrics:
    """How good a baseline is on a split, defined as in `metrics.Metrics`."""

    examples: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Baseline:
    """A simpler classifier.

    Attributes:
      name: what it is.
      setting: what was chosen for it.
      validation: its metrics on that split; None where there is no such split.
      test: likewise.
    """

    name: str
    setting: str
    validation: BaselineMetrics | None = None
    test: BaselineMetrics | None = None


@dataclass(frozen=True)
class HeadAgainstProbe:
    """The trained head as the new classifier, the linear probe as the earlier one, see `paired.PairedTest`.

    Attributes:
      split: test or validation.
      examples: of it, that both classified.
      only_head_right: examples that only the head classifies correctly.
      only_probe_right: examples that only the probe does.
      p_value: of McNemar's test, in [0, 1].
      verdict: better, worse or no difference, of the head.
    """

    split: str
    examples: int
    only_head_right: int
    only_probe_right: int
    p_value: float
    verdict: str


@dataclass(frozen=True)
class BaselineResults:
    """What simpler classifiers reach.

    Attributes:
      features: number of them that each stands on.
      training_examples: that they were fitted on.
      reason: a sentence on what was left out, or "".
      rows: the baselines.
      head_against_probe: None where there is no probe, or it was not compared.
    """

    features: int
    training_examples: int
    reason: str
    rows: Sequence[Baseline]
    head_against_probe: HeadAgainstProbe | None = None


@dataclass(frozen=True)
class Baselines:
    """Fitted baselines.

    Attributes:
      results: not yet compared with the head.
      probe_is_right: split -> whether the linear probe classifies each of them correctly, bool, shape (examples,);
        empty where there is no probe.
    """

    results: BaselineResults
    probe_is_right: dict[str, NDArray[np.bool_]]


def choose_examples(count: int) -> NDArray[np.int64]:
    """Positions of a split's examples that the baselines see, in order: at most `MOST_EXAMPLES`, drawn by a seed."""
    if count <= MOST_EXAMPLES:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, MOST_EXAMPLES, replace=False))


def measure(train: Features, others: Mapping[str, Features | None], *, training_examples: int) -> Baselines:
    """Fits the baselines on training features and measures them on other splits.

    Majority class: the simplest guess. Linear probe: logistic regression, Alain and Bengio 2017,
    https://arxiv.org/abs/1610.01644, its penalty chosen by cross-validation on the training examples. Nearest
    neighbours: the vote of the 5 training images with the most similar features, by cosine.

    Args:
      train: of the examples chosen by `choose_examples`.
      others: validation and test -> features of its examples chosen likewise; None where there is no such split.
      training_examples: that there are in all.
    """
    present = {split: features for split, features in others.items() if features and len(features.label_ids)}
    # Fits this small are 3 to 10 times as fast on one thread: more of them wait for each other, and for TensorFlow's.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe is judged by its metrics, finished or not
        # Label ids are classes, however many of them have one image only.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        fitted, reason = _fit(train)
        predicted = [{split: model.predict(each.values) for split, each in present.items()} for _, _, model in fitted]
    rows = []
    for (name, setting, _), label_ids in zip(fitted, predicted, strict=True):
        found = {split: _metrics(present[split].label_ids, own) for split, own in label_ids.items()}
        rows.append(Baseline(name, setting, **found))
    if len(train.label_ids) < training_examples:
        sample = f"{len(train.label_ids):,} of {training_examples:,} training images"
        reason = f"Fitted on {sample}, drawn by a seed. {reason}".strip()
    results = BaselineResults(train.values.shape[1], len(train.label_ids), reason, rows)
    of_probe = next((own for row, own in zip(rows, predicted, strict=True) if row.name == _PROBE), {})
    return Baselines(results, {split: own == present[split].label_ids for split, own in of_probe.items()})


def against_head(baselines: Baselines, head_is_right: Mapping[str, NDArray[np.bool_]]) -> HeadAgainstProbe | None:
    """Whether the trained head is better than the linear probe, on the same examples of the most telling split.

    Args:
      baselines: measured.
      head_is_right: split -> whether the classifier gets each example right: bool, of all examples of the split.

    Returns:
      None where there is no probe.
    """
    split = next((name for name in ("test", "validation") if name in baselines.probe_is_right), None)
    if split is None:
        return None
    chosen = choose_examples(len(head_is_right[split]))
    found = paired.compare(new_is_right=head_is_right[split][chosen], earlier_is_right=baselines.probe_is_right[split])
    return HeadAgainstProbe(
        split=split,
        examples=found.examples,
        only_head_right=found.only_new_right,
        only_probe_right=found.only_earlier_right,
        p_value=found.p_value,
        verdict=found.verdict,
    )


def linear_probe(strength: float) -> Pipeline:
    """Logistic regression on features scaled to mean 0 and variance 1, with C = `strength`."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=_TOLERANCE, max_iter=_MOST_STEPS))


def _fit(train: Features) -> tuple[list[tuple[str, str, Any]], str]:
    """(name, setting, fitted model) of each baseline, and why some are missing."""
    majority = DummyClassifier(strategy="most_frequent").fit(train.values, train.label_ids)
    found = [("majority class", "the commonest class in training", majority)]
    if train.values.shape[1] > MOST_FEATURES:
        return found, f"No others: {train.values.shape[1]:,} features, more than {MOST_FEATURES:,}, would take minutes."
    if len(np.unique(train.label_ids)) < 2:
        return found, "No others: all training images are of one class."
    strength = _best_strength(train)
    probe = linear_probe(strength).fit(train.values, train.label_ids)
    found.append((_PROBE, f"C = {strength:g}", probe))
    count = min(NEIGHBOURS, len(train.label_ids))
    neighbours = KNeighborsClassifier(count, metric="cosine").fit(train.values, train.label_ids)
    found.append(("nearest neighbours", f"k = {count}", neighbours))
    return found, ""


def _best_strength(train: Features) -> float:
    """C with the least log loss in cross-validation; the usual one where a class has too few examples for it."""
    _, counts = np.unique(train.label_ids, return_counts=True)
    if counts.min() < FOLDS:
        return _USUAL_STRENGTH
    search = GridSearchCV(
        linear_probe(1.0),
        {"logisticregression__C": STRENGTHS},
        scoring="neg_log_loss",
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=0),
        refit=False,
    )
    search.fit(train.values, train.label_ids)
    return float(search.best_params_["logisticregression__C"])


def _metrics(label_ids: NDArray[np.integer], predicted_ids: NDArray[np.integer]) -> BaselineMetrics:
    means = {"labels": np.unique(label_ids), "average": "macro", "zero_division": 0.0}
    return BaselineMetrics(
        examples=len(label_ids),
        accuracy=float(sklearn_metrics.accuracy_score(label_ids, predicted_ids)),
        balanced_accuracy=float(sklearn_metrics.recall_score(label_ids, predicted_ids, **means)),
        macro_f1=float(sklearn_metrics.f1_score(label_ids, predicted_ids, **means)),
    )
