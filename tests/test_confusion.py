"""Tests of keras_transfer.evaluation.confusion."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics

from keras_transfer.evaluation import confusion


@pytest.mark.parametrize("classes", [2, 3, 100, 101, 250])
@pytest.mark.parametrize("examples", [1, 2, 57])
def test_what_is_written_is_read_as_scikit_learn_s_matrix(classes, examples):
    random = np.random.default_rng(examples)
    label_ids, predicted_ids = random.integers(0, classes, (2, examples))

    written = json.loads(json.dumps(confusion.count(label_ids, predicted_ids, classes)))

    measured = {"confusion_matrix": written, "per_class": dict.fromkeys(range(classes))}
    expected = sklearn.metrics.confusion_matrix(label_ids, predicted_ids, labels=np.arange(classes))
    np.testing.assert_array_equal(confusion.matrix(measured), expected)


def test_few_classes_are_a_list_of_rows():
    assert confusion.count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2) == [[1, 1], [0, 1]]


def test_many_classes_take_no_more_room_than_their_examples():
    label_ids = np.arange(200)
    assert confusion.count(label_ids, label_ids[::-1], 1000)["examples"] == [1] * 200
