"""Whether a classifier is worse for some examples than for the rest: its metrics for each value of each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from keras_transfer.evaluation import bootstrap, comparison, intervals

LEAST_EXAMPLES = 10  # below it even 0 of 10 against 10 of 10 is the least that a test could tell
LEAST_GAP = 0.05  # of accuracy, house choice: a smaller one is seldom worth collecting images for
SIGNIFICANCE = 0.05  # the share of flags that is false on average, at most
MOST_VALUES = 50  # of a column, the most frequent first; one with more is a name or a number rather than a kind


def measure(
    *,
    label_ids: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    columns: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Measures the examples with each value of each column, against all other examples.

    Whether the accuracy differs is asked by Fisher's exact test (1922, https://doi.org/10.2307/2340521). Many slices
    are asked at once, so the p-values of all columns together are adjusted after Benjamini and Hochberg 1995,
    https://doi.org/10.1111/j.2517-6161.1995.tb02031.x. A slice is flagged where it is significantly worse than the
    rest, and by enough to matter. The classes of a slice may be harder ones: compare `balanced_accuracy` too.

    Args:
      label_ids: integers in [0, classes), shape (examples,).
      probabilities: float32, shape (examples, classes).
      columns: name -> value of each example.

    Returns:
      For each column: column; least_examples; left_out, the number of its values that have fewer examples than that,
      all examples, or are beyond the `MOST_VALUES` most frequent; and values, the rest of them, the most frequent
      first: value, examples, figures (its metrics), intervals (as in `intervals.of_metrics`), gaps (metric minus that
      of the rest), gap_intervals, p_value, adjusted_p_value and is_flagged.
    """
    rows = intervals.contributions(label_ids, probabilities)
    found = [_measure_column(rows, name, np.asarray(values)) for name, values in columns.items()]
    _flag([row for column in found for row in column["values"]])
    return found


def _measure_column(rows: Any, name: str, values: NDArray[Any]) -> dict[str, Any]:
    distinct, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    # A value that nearly all have says as little, because the rest is too small.
    is_enough = (counts >= LEAST_EXAMPLES) & (len(values) - counts >= LEAST_EXAMPLES)
    chosen = [place for place in order if is_enough[place]][:MOST_VALUES]
    groups = []
    for place in chosen:
        groups += [np.flatnonzero(values == distinct[place]), np.flatnonzero(values != distinct[place])]
    resampled = intervals.resampled_metrics(rows, groups)
    return {
        "column": name,
        "least_examples": LEAST_EXAMPLES,
        "left_out": len(distinct) - len(chosen),
        "values": [
            {
                "value": str(distinct[place]),
                **_measure_value(rows, groups[2 * number : 2 * number + 2], resampled[2 * number : 2 * number + 2]),
            }
            for number, place in enumerate(chosen)
        ],
    }


def _measure_value(
    rows: Any, groups: Sequence[NDArray[np.int64]], resampled: Sequence[dict[str, NDArray[np.float64]]]
) -> dict[str, Any]:
    """Metrics of the first group, and how they differ from those of the second."""
    own, rest = (intervals.headline_metrics(np.asarray(rows[group].sum(axis=0))) for group in groups)
    right = [round(float(metrics["accuracy"]) * len(group)) for metrics, group in zip((own, rest), groups, strict=True)]
    return {
        "examples": len(groups[0]),
        "figures": {name: float(value) for name, value in own.items()},
        "intervals": intervals.of_metrics(rows[groups[0]]),
        "gaps": {name: float(value - rest[name]) for name, value in own.items()},
        "gap_intervals": {
            name: bootstrap.percentile_interval(values - resampled[1][name]) for name, values in resampled[0].items()
        },
        "p_value": comparison.chance_of_difference(right[0], len(groups[0]), right[1], len(groups[1])),
    }


def _flag(found: Sequence[dict[str, Any]]) -> None:
    if not found:
        return
    adjusted = stats.false_discovery_control([row["p_value"] for row in found], method="bh")
    for row, p_value in zip(found, adjusted, strict=True):
        row["adjusted_p_value"] = float(p_value)
        row["is_flagged"] = bool(p_value <= SIGNIFICANCE and row["gaps"]["accuracy"] <= -LEAST_GAP)
