"""Whether two accuracies on different images differ by more than chance."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from keras_transfer.evaluation import intervals
from keras_transfer.evaluation.bootstrap import Interval
from keras_transfer.evaluation.metrics import Metrics

SIGNIFICANCE = 0.05  # the customary level


@dataclass(frozen=True, kw_only=True)
class OwnTest:
    """An export's accuracy on its own test split, beside that on the measured images.

    Attributes:
      accuracy: on its own test split, in [0, 1].
      interval: 95% interval of that.
      examples: of its own test split.
      measured_accuracy: on the measured images.
      p_value: see `chance_of_difference`.
      differs: whether they differ by more than chance.
    """

    accuracy: float
    interval: Interval
    examples: int
    measured_accuracy: float
    p_value: float
    differs: bool


def chance_of_difference(right: int, examples: int, other_right: int, other_examples: int) -> float:
    """The p-value of two accuracies on different examples, by Fisher's exact test: https://doi.org/10.2307/2340521.

    Args:
      right: of the one, in [0, examples].
      examples: of the one, at least 1.
      other_right: likewise.
      other_examples: likewise.

    Returns:
      The probability of accuracies at least as far apart where both are really the same; in [0, 1].
    """
    table = [[right, examples - right], [other_right, other_examples - other_right]]
    return float(stats.fisher_exact(table).pvalue)


def with_own_test(measured: Metrics, *, accuracy: float, examples: int) -> OwnTest:
    """Whether an export's accuracy on some images differs from that on its own test split, by more than chance.

    Args:
      measured: on the images.
      accuracy: on its own test split, in [0, 1].
      examples: of its own test split, at least 1.
    """
    right = round(accuracy * examples)
    p_value = chance_of_difference(round(measured.accuracy * measured.examples), measured.examples, right, examples)
    return OwnTest(
        accuracy=accuracy,
        interval=intervals.of_fraction(right, examples),
        examples=examples,
        measured_accuracy=measured.accuracy,
        p_value=p_value,
        differs=p_value <= SIGNIFICANCE,
    )
