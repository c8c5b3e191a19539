"""Confusion matrices: counted, written small where there are many classes, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of a matrix that is written in full: 10,000 counts. Of 1,000 classes it would be a million, nearly all of them 0.
MOST_FULL_CLASSES = 100


def count(label_ids: NDArray[np.integer], predicted_ids: NDArray[np.integer], class_count: int) -> Any:
    """How many examples of each class are predicted as each class.

    Args:
      label_ids: true label ids, integers in [0, classes), shape (examples,).
      predicted_ids: likewise.
      class_count: of the classifier.

    Returns:
      JSON-ready. Up to `MOST_FULL_CLASSES` classes: a list for each true class with a count for each predicted one.
      Beyond: the counts above 0 only, as three lists of equal length: `true` and `predicted` label ids, and `examples`.
    """
    pairs, examples = np.unique(np.stack([label_ids, predicted_ids]), axis=1, return_counts=True)
    if class_count > MOST_FULL_CLASSES:
        true, predicted = pairs.tolist()
        return {"true": true, "predicted": predicted, "examples": examples.tolist()}
    matrix = np.zeros((class_count, class_count), np.int64)
    matrix[tuple(pairs)] = examples
    return matrix.tolist()


def matrix(measured: Mapping[str, Any]) -> NDArray[np.int64]:
    """The whole matrix, whichever way it was written.

    Args:
      measured: from `metrics.measure`.

    Returns:
      A new array, shape (classes, classes); a row for each true class.
    """
    counts, class_count = measured["confusion_matrix"], len(measured["per_class"])
    if not isinstance(counts, Mapping):
        return np.array(counts, np.int64)
    full = np.zeros((class_count, class_count), np.int64)
    full[counts["true"], counts["predicted"]] = counts["examples"]
    return full
