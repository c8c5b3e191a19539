"""What it brings to abstain: how many examples are still answered above a confidence, and how many of them right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.evaluation import intervals
from keras_transfer.evaluation.bootstrap import Interval

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Threshold:
    """What is answered, and how well, where only a confidence of at least a threshold is.

    Attributes:
      threshold: in [0, 1).
      coverage: the answered fraction of the examples.
      examples: the answered number of them.
      accuracy: fraction of those that is classified correctly; None where none is answered.
      interval: 95% interval of the accuracy; None likewise.
    """

    threshold: float
    coverage: float
    examples: int
    accuracy: float | None
    interval: Interval | None


def table(
    label_ids: NDArray[np.integer], probabilities: NDArray[np.float32], *, abstain_below: float = 0.0
) -> list[Threshold]:
    """Coverage against accuracy, after Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500.

    An example is answered where its confidence, the probability of the predicted class, is at least the threshold, as
    in the export's `accepted`.

    Args:
      label_ids: integers in [0, classes), shape (examples,).
      probabilities: float32, shape (examples, classes).
      abstain_below: the export's own threshold, in [0, 1); 0 for none.

    Returns:
      One for each of `THRESHOLDS` and the export's own, in order.
    """
    confidences = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == label_ids
    rows = []
    for threshold in sorted({*THRESHOLDS, abstain_below}):
        is_answered = confidences >= np.float32(threshold)
        answered, right = int(is_answered.sum()), int((is_answered & is_right).sum())
        accuracy, interval = (right / answered, intervals.of_fraction(right, answered)) if answered else (None, None)
        rows.append(Threshold(threshold, answered / len(label_ids), answered, accuracy, interval))
    return rows
