"""Whether a classifier is worse for some examples than for the rest: its metrics for each value of each column."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from keras_transfer.evaluation import bootstrap, intervals, unpaired
from keras_transfer.evaluation.bootstrap import Interval

LEAST_EXAMPLES = 10  # below it even 0 of 10 against 10 of 10 is the least that a test could tell
LEAST_GAP = 0.05  # of accuracy, house choice: a smaller one is seldom worth collecting images for
SIGNIFICANCE = 0.05  # the share of flags that is false on average, at most
MOST_VALUES = 50  # of a column, the most frequent first; one with more is a name or a number rather than a kind


@dataclass(frozen=True)
class Slice:
    """The examples with one value of a column.

    Attributes:
      value: that they have.
      examples: number of them.
      metrics: of these images, by name.
      intervals: 95% intervals of these, as in `intervals.of_metrics`.
      gaps: each metric minus that of all other examples.
      gap_intervals: 95% intervals of these; None where the resamples do not differ.
      p_value: of their accuracy against that of the other examples, in [0, 1].
      adjusted_p_value: the same, adjusted for the number of slices.
      is_flagged: whether they are significantly worse, and by enough to matter.
    """

    value: str
    examples: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval | None]
    gaps: Mapping[str, float]
    gap_intervals: Mapping[str, Interval | None]
    p_value: float
    adjusted_p_value: float = 1.0
    is_flagged: bool = False


@dataclass(frozen=True)
class Column:
    """The slices of one column.

    Attributes:
      column: its name.
      least_examples: that a slice has.
      left_out: number of its values that have fewer examples than that, all examples, or are beyond the `MOST_VALUES`
        most frequent.
      values: a slice for each of the rest, the most frequent first.
    """

    column: str
    least_examples: int
    left_out: int
    values: Sequence[Slice]


def measure(
    *,
    label_ids: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    columns: Mapping[str, Sequence[str]],
) -> list[Column]:
    """Measures the examples with each value of each column, against all other examples.

    Whether the accuracy differs is asked by Fisher's exact test (1922, https://doi.org/10.2307/2340521). Many slices
    are asked at once, so the p-values of all columns together are adjusted after Benjamini and Hochberg 1995,
    https://doi.org/10.1111/j.2517-6161.1995.tb02031.x. A slice is flagged where it is significantly worse than the
    rest, and by enough to matter. The classes of a slice may be harder ones: compare `balanced_accuracy` too.

    Args:
      label_ids: integers in [0, classes), shape (examples,).
      probabilities: float32, shape (examples, classes).
      columns: name -> value of each example.
    """
    rows = intervals.contributions(label_ids, probabilities)
    return _flagged([_measure_column(rows, name, np.asarray(values)) for name, values in columns.items()])


def _measure_column(rows: Any, name: str, values: NDArray[Any]) -> Column:
    distinct, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    # A value that nearly all have says as little, because the rest is too small.
    is_enough = (counts >= LEAST_EXAMPLES) & (len(values) - counts >= LEAST_EXAMPLES)
    chosen = [place for place in order if is_enough[place]][:MOST_VALUES]
    groups = []
    for place in chosen:
        groups += [np.flatnonzero(values == distinct[place]), np.flatnonzero(values != distinct[place])]
    resampled = intervals.resampled_metrics(rows, groups)
    pairs = [slice(2 * number, 2 * number + 2) for number in range(len(chosen))]
    found = [
        _measure_slice(str(distinct[place]), rows, groups[pair], resampled[pair])
        for place, pair in zip(chosen, pairs, strict=True)
    ]
    return Column(name, LEAST_EXAMPLES, len(distinct) - len(chosen), found)


def _measure_slice(
    value: str, rows: Any, groups: Sequence[NDArray[np.int64]], resampled: Sequence[dict[str, NDArray[np.float64]]]
) -> Slice:
    """Metrics of the first group, and how they differ from those of the second."""
    own, rest = (intervals.headline_metrics(np.asarray(rows[group].sum(axis=0))) for group in groups)
    right = [round(float(metrics["accuracy"]) * len(group)) for metrics, group in zip((own, rest), groups, strict=True)]
    return Slice(
        value=value,
        examples=len(groups[0]),
        metrics={name: float(metric) for name, metric in own.items()},
        intervals=intervals.of_metrics(rows[groups[0]]),
        gaps={name: float(metric - rest[name]) for name, metric in own.items()},
        gap_intervals={
            name: bootstrap.percentile_interval(values - resampled[1][name]) for name, values in resampled[0].items()
        },
        p_value=unpaired.chance_of_difference(right[0], len(groups[0]), right[1], len(groups[1])),
    )


def _flagged(columns: Sequence[Column]) -> list[Column]:
    """The columns with their p-values adjusted together, and those slices flagged that are clearly worse."""
    p_values = [each.p_value for column in columns for each in column.values]
    adjusted = iter(stats.false_discovery_control(p_values, method="bh") if p_values else [])

    def judged(each: Slice) -> Slice:
        p_value = float(next(adjusted))
        is_flagged = p_value <= SIGNIFICANCE and each.gaps["accuracy"] <= -LEAST_GAP
        return dataclasses.replace(each, adjusted_p_value=p_value, is_flagged=is_flagged)

    return [dataclasses.replace(column, values=[judged(each) for each in column.values]) for column in columns]
