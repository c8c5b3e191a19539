"""Pairs of examples whose features are very similar: other shots of one scene, which no hash of pixels finds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data.near_copies import Pairs

# Cosine of features less their mean. On MobileNetV2's features of hymenoptera and flowers, one pair of different photos
# in 200,000 lies above; those that do are mostly shots of one plant or animal.
LEAST_COSINE = 0.8
_ROWS, _COLUMNS = 1024, 8192  # of a block of pairs: 32 MiB
_MOST_PAIRS = 200_000  # the most similar ones are kept, for time and memory


def find(features: NDArray[np.float32]) -> Pairs:
    """All pairs of rows with a cosine of at least `LEAST_COSINE`, compared in blocks.

    Args:
      features: float32, shape (examples, features).

    Returns:
      The pairs with their cosines; the most similar ones where there are very many.
    """
    centred = features - features.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    first, second, score = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    for top in range(0, len(unit), _ROWS):
        for left in range(top - top % _COLUMNS, len(unit), _COLUMNS):
            cosines = unit[top : top + _ROWS] @ unit[left : left + _COLUMNS].T
            rows, columns = np.nonzero(cosines >= LEAST_COSINE)
            above = rows + top < columns + left
            rows, columns = rows[above], columns[above]
            first, second = np.concatenate([first, rows + top]), np.concatenate([second, columns + left])
            score = np.concatenate([score, cosines[rows, columns]])
            if len(score) > _MOST_PAIRS:
                best = np.sort(np.argpartition(-score, _MOST_PAIRS)[:_MOST_PAIRS])
                first, second, score = first[best], second[best], score[best]
    return Pairs(first, second, score)
