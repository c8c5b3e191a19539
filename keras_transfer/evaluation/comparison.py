"""Whether accuracies differ by more than chance: of two classifiers on the same examples, or on different examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from keras_transfer.evaluation import intervals

SIGNIFICANCE = 0.05  # the customary level: of two equally good classifiers, 1 in 20 pairs is called different at most


@dataclass(frozen=True)
class Comparison:
    """A new classifier against an earlier one.

    Attributes:
      examples: that both classified.
      only_new_right: examples that only the new one classifies correctly.
      only_earlier_right: examples that only the earlier one does.
      p_value: probability of a difference at least as uneven between equally good classifiers.
      verdict: better, worse or no difference, of the new one.
    """

    examples: int
    only_new_right: int
    only_earlier_right: int
    p_value: float
    verdict: str


def compare(*, new_is_right: NDArray[np.bool_], earlier_is_right: NDArray[np.bool_]) -> Comparison:
    """McNemar's exact test: McNemar 1947, https://doi.org/10.1007/BF02295996.

    Examples that both get right, or both get wrong, say nothing about which is better. If neither is, each of the
    others falls to either side with probability 1/2, so their split is binomial. Exact, because small test splits have
    few of them.

    Args:
      new_is_right: shape (examples,).
      earlier_is_right: shape (examples,), of the same examples in the same order.

    Raises:
      ValueError: the shapes differ.
    """
    if new_is_right.shape != earlier_is_right.shape:
        raise ValueError(f"Both need the same examples. Received: {new_is_right.shape} and {earlier_is_right.shape}")
    gained = int(np.sum(new_is_right & ~earlier_is_right))
    lost = int(np.sum(earlier_is_right & ~new_is_right))
    p_value = float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    verdict = "no difference" if p_value > SIGNIFICANCE else "better" if gained > lost else "worse"
    return Comparison(len(new_is_right), gained, lost, p_value, verdict)


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


def with_own_test(measured: Mapping[str, Any], own: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Whether an export's accuracy on some images differs from that on its own test split, by more than chance.

    Args:
      measured: from `metrics.measure`, at least one example.
      own: the same of the export's own test split, as its metadata tells it; None where there was none.

    Returns:
      JSON-ready: accuracy, interval (95%) and examples of its own test split; measured_accuracy; p_value; and differs.
      None where its own test split is not known.
    """
    if not own:
        return None
    counts = [(round(each["accuracy"] * each["examples"]), each["examples"]) for each in (measured, own)]
    p_value = chance_of_difference(*counts[0], *counts[1])
    return {
        "accuracy": own["accuracy"],
        "interval": intervals.of_fraction(*counts[1]),
        "examples": own["examples"],
        "measured_accuracy": measured["accuracy"],
        "p_value": p_value,
        "differs": p_value <= SIGNIFICANCE,
    }
