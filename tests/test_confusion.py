"""Tests of keras_transfer.evaluation.confusion."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from keras_transfer.evaluation import confusion


@pytest.mark.parametrize("classes", [2, 3, 100, 101, 250])
@pytest.mark.parametrize("examples", [1, 2, 57])
def test_what_is_counted_is_scikit_learn_s_matrix(classes, examples):
    random = np.random.default_rng(examples)
    label_ids, predicted_ids = random.integers(0, classes, (2, examples))

    counts = confusion.count(label_ids, predicted_ids, classes)

    expected = sklearn.metrics.confusion_matrix(label_ids, predicted_ids, labels=np.arange(classes))
    np.testing.assert_array_equal(confusion.matrix(counts, classes), expected)


def test_few_classes_are_a_list_of_rows():
    assert confusion.count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2) == [[1, 1], [0, 1]]


def test_many_classes_take_no_more_room_than_their_examples():
    label_ids = np.arange(200)
    counts = confusion.count(label_ids, label_ids[::-1], 1000)
    assert counts == confusion.SparseCounts(list(range(200)), list(range(199, -1, -1)), [1] * 200)
