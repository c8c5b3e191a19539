"""Tests of keras_transfer.evaluation.thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import intervals, thresholds
from keras_transfer.evaluation.thresholds import Threshold


@pytest.fixture(scope="module")
def rows():
    """Confidence 0.55 wrong, 0.7 right, 0.85 wrong, 0.96 right."""
    confidences = np.array([0.55, 0.7, 0.85, 0.96], np.float32)
    table = thresholds.table(np.array([1, 0, 1, 0]), np.stack([confidences, 1 - confidences], axis=1))
    return {row.threshold: row for row in table}


@pytest.mark.parametrize(
    ("threshold", "answered", "right"), [(0.0, 4, 2), (0.5, 4, 2), (0.6, 3, 2), (0.8, 2, 1), (0.9, 1, 1), (0.95, 1, 1)]
)
def test_a_row_counts_what_is_answered_and_what_of_it_is_right(rows, threshold, answered, right):
    interval = intervals.of_fraction(right, answered)
    assert rows[threshold] == Threshold(threshold, answered / 4, answered, right / answered, interval)


def test_a_confidence_at_the_threshold_is_answered(rows):
    assert rows[0.7].examples == 3


def test_nothing_answered_has_no_accuracy(rows):
    assert rows[0.99] == Threshold(0.99, 0.0, 0, None, None)
