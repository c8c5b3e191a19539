"""Confusion matrices: counted, written small where there are many classes, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of a matrix that is written in full: 10,000 counts. Of 1,000 classes it would be a million, nearly all of them 0.
MOST_FULL_CLASSES = 100


@dataclass(frozen=True)
class SparseCounts:
    """The counts above 0 of a confusion matrix, as lists of equal length.

    Attributes:
      true: label ids of the rows.
      predicted: label ids of the columns.
      examples: the counts.
    """

    true: Sequence[int]
    predicted: Sequence[int]
    examples: Sequence[int]


Counts = Sequence[Sequence[int]] | SparseCounts


def count(label_ids: NDArray[np.integer], predicted_ids: NDArray[np.integer], class_count: int) -> Counts:
    """How many examples of each class are predicted as each class.

    Args:
      label_ids: true label ids, integers in [0, classes), shape (examples,).
      predicted_ids: likewise.
      class_count: of the classifier.

    Returns:
      Up to `MOST_FULL_CLASSES` classes a list for each true class with a count for each predicted one; beyond, the
      counts above 0 only.
    """
    pairs, examples = np.unique(np.stack([label_ids, predicted_ids]), axis=1, return_counts=True)
    if class_count > MOST_FULL_CLASSES:
        true, predicted = pairs.tolist()
        return SparseCounts(true, predicted, examples.tolist())
    full = np.zeros((class_count, class_count), np.int64)
    full[tuple(pairs)] = examples
    rows: list[list[int]] = full.tolist()
    return rows


def matrix(counts: Counts, class_count: int) -> NDArray[np.int64]:
    """The whole matrix, whichever way it is held.

    Args:
      counts: from `count`.
      class_count: of the classifier.

    Returns:
      A new array, shape (classes, classes); a row for each true class.
    """
    if not isinstance(counts, SparseCounts):
        return np.array(counts, np.int64)
    full = np.zeros((class_count, class_count), np.int64)
    full[counts.true, counts.predicted] = counts.examples
    return full
