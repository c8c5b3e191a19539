"""How sure the headline metrics are: their 95% intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from keras_transfer.evaluation import bootstrap
from keras_transfer.evaluation.bootstrap import Interval

TOP_K = 5  # the customary number of best guesses
# A fraction's interval comes from its own distribution: the bootstrap has no width where all or none are right.
FRACTIONS = ("accuracy", "top_k_accuracy")
_BLOCK = 2_000_000  # sums in memory at once: 16 MB


def has_top_k(class_count: int) -> bool:
    """Whether a guess among the best `TOP_K` can be wrong."""
    return class_count > TOP_K


def contributions(label_ids: NDArray[np.integer], probabilities: NDArray[np.float32]) -> Any:
    """What each example adds to the sums from which `headline_metrics` are made.

    Args:
      label_ids: integers in [0, classes), shape (examples,).
      probabilities: float32, shape (examples, classes).

    Returns:
      float64 `scipy.sparse.csr_array`, shape (examples, 3 * classes + 3): whether it is classified right, by true
      class; its true class and its predicted class, one-hot; its log loss, its Brier score, and whether its true class
      is among the `TOP_K` most probable.
    """
    count, class_count = probabilities.shape
    rows, predicted_ids = np.arange(count), probabilities.argmax(axis=1)
    is_right = predicted_ids == label_ids
    of_true = probabilities[rows, label_ids]
    epsilon = np.finfo(np.float32).eps
    errors = probabilities.astype(np.float64)
    errors[rows, label_ids] -= 1
    in_top = (probabilities > of_true[:, None]).sum(axis=1) < TOP_K
    losses = np.stack([-np.log(np.clip(of_true, epsilon, 1 - epsilon)), (errors**2).sum(axis=1), in_top], axis=1)

    def one_hot(values: NDArray[Any], columns: NDArray[Any]) -> Any:
        return sparse.csr_array((values, (rows, columns)), shape=(count, class_count), dtype=np.float64)

    ones = np.ones(count)
    blocks = [one_hot(is_right, label_ids), one_hot(ones, label_ids), one_hot(ones, predicted_ids)]
    return sparse.hstack([*blocks, sparse.csr_array(losses.astype(np.float64))], format="csr")


def headline_metrics(sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The headline metrics, defined as in `metrics.measure`, of sums over examples.

    Args:
      sums: of rows of `contributions`, shape (..., 3 * classes + 3).

    Returns:
      Name -> values of shape (...); nan where there are no examples.
    """
    class_count = (sums.shape[-1] - 3) // 3
    right, true, predicted = np.split(sums[..., : 3 * class_count], 3, axis=-1)
    is_present = true > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        total, present = true.sum(axis=-1), is_present.sum(axis=-1)
        recall = np.where(is_present, right / true, 0)
        f1 = np.where(is_present, 2 * right / (true + predicted), 0)
        found = {
            "accuracy": right.sum(axis=-1) / total,
            "balanced_accuracy": recall.sum(axis=-1) / present,
            "macro_f1": f1.sum(axis=-1) / present,
            "weighted_f1": (f1 * true).sum(axis=-1) / total,
            "log_loss": sums[..., -3] / total,
            "brier": sums[..., -2] / total,
        }
        if has_top_k(class_count):
            found["top_k_accuracy"] = sums[..., -1] / total
    return found


def resampled_metrics(rows: Any, groups: Sequence[NDArray[np.int64]]) -> list[dict[str, NDArray[np.float64]]]:
    """The metrics of groups of examples in each bootstrap resample of all of them, see `bootstrap.weights`.

    Args:
      rows: from `contributions`.
      groups: positions of the examples of each group.

    Returns:
      For each group: name -> float64, shape (bootstrap.RESAMPLES,).
    """
    group_rows = [rows[group] for group in groups]
    parts: list[list[dict[str, NDArray[np.float64]]]] = [[] for _ in groups]
    for weights in bootstrap.weights(rows.shape[0]):
        for group, own, part in zip(groups, group_rows, parts, strict=True):
            part.append(headline_metrics(weights[:, group] @ own))
    return [{name: np.concatenate([each[name] for each in part]) for name in part[0]} for part in parts]


def of_metrics(rows: Any) -> dict[str, Interval | None]:
    """The 95% interval of each headline metric.

    Accuracies have the score interval, see `of_fraction`; the others `bootstrap.bias_corrected_interval`. There is none
    for `ece`, which chance alone raises in every resample: see `calibration.error_by_chance`.

    Args:
      rows: from `contributions`.

    Returns:
      By name; None where the bootstrap cannot tell.
    """
    (resampled,) = resampled_metrics(rows, [np.arange(rows.shape[0])])
    exact, without_one = headline_metrics(np.asarray(rows.sum(axis=0))), _metrics_without_one(rows)
    return {
        name: of_fraction(round(float(exact[name]) * rows.shape[0]), rows.shape[0])
        if name in FRACTIONS
        else bootstrap.bias_corrected_interval(values, exact=float(exact[name]), without_one=without_one[name])
        for name, values in resampled.items()
    }


def of_fraction(right: int, count: int) -> Interval:
    """The 95% score interval of a fraction: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953.

    Args:
      right: in [0, count].
      count: at least 1.

    Returns:
      Low and high, in [0, 1].
    """
    interval = stats.binomtest(right, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _metrics_without_one(rows: Any) -> dict[str, NDArray[np.float64]]:
    """The metrics without each of the examples: name -> float64, shape (examples,)."""
    total = np.asarray(rows.sum(axis=0))
    block = max(1, _BLOCK // rows.shape[1])
    starts = range(0, rows.shape[0], block)
    parts = [headline_metrics(total - rows[start : start + block].toarray()) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
