"""Tests of keras_transfer.evaluation.result_rows."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import metrics, result_rows, unpaired


def measured(right: int, examples: int, abstain_below: float = 0.0):
    """Two classes, all of the first; the right answers with a confidence of 0.9, the wrong ones with 0.6."""
    is_right = np.arange(examples)[:, None] < right
    probabilities = np.where(is_right, [0.9, 0.1], [0.4, 0.6]).astype(np.float32)
    return metrics.measure(
        label_ids=np.zeros(examples, np.int32),
        probabilities=probabilities,
        class_names=("a", "b"),
        abstain_below=abstain_below,
    )


@pytest.mark.parametrize(
    ("abstain_below", "words"), [(0.55, ["100.0%", "0.7500"]), (0.85, ["75.0%", "1.0000"]), (0.97, ["0.0%"])]
)
def test_the_accepted_answers_are_counted_at_the_export_s_own_threshold(abstain_below, words):
    ((name, text),) = result_rows.of_accepted(measured(6, 8, abstain_below), abstain_below)
    assert name == "accepted"
    assert all(word in text for word in words)


def test_an_export_that_never_abstains_has_no_such_row():
    assert result_rows.of_accepted(measured(6, 8), 0.0) == []


@pytest.mark.parametrize(("right", "differs"), [(48, True), (96, False)])
def test_the_own_test_is_told_with_whether_the_photos_differ(right, differs):
    ((_, text),) = result_rows.of_own_test(unpaired.with_own_test(measured(right, 100), accuracy=0.97, examples=100))
    assert "0.9700" in text
    assert ("differ" in text) == differs


def test_without_an_own_test_there_is_no_such_row():
    assert result_rows.of_own_test(None) == []
