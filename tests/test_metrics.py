"""Tests of keras_transfer.evaluation.metrics."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import sklearn.metrics

from keras_transfer import atomic_files
from keras_transfer.errors import UserError
from keras_transfer.evaluation import metrics
from keras_transfer.evaluation.metrics import ClassMetrics

NAMES = ("bus", "car", "truck")


def one_hot(predicted_ids, classes=3):
    return np.eye(classes, dtype=np.float32)[np.asarray(predicted_ids)]


def measure(label_ids, probabilities, class_names=NAMES):
    return metrics.measure(label_ids=np.asarray(label_ids), probabilities=probabilities, class_names=class_names)


@pytest.fixture(name="small")
def fixture_small():
    """True ids 0 0 0 0 1 1 2, predicted 0 0 0 1 1 2 2."""
    return measure([0, 0, 0, 0, 1, 1, 2], one_hot([0, 0, 0, 1, 1, 2, 2]))


@pytest.fixture(name="no_truck")
def fixture_no_truck():
    """No example is a truck, and one car is taken for one: true ids 0 0 1 1, predicted 0 0 1 2."""
    return measure([0, 0, 1, 1], one_hot([0, 0, 1, 2]))


def random_case(examples, classes, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), size=examples).astype(np.float32)
    return random.integers(0, classes, examples).astype(np.int32), probabilities


def test_accuracy_is_the_fraction_of_right_examples(small):
    assert small.accuracy == pytest.approx(5 / 7)


def test_balanced_accuracy_is_the_mean_recall_of_the_classes(small):
    assert small.balanced_accuracy == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


def test_macro_f1_is_the_mean_f1_of_the_classes(small):
    # F1 = 2 TP / (2 TP + FP + FN): bus 6/7, car 2/4, truck 2/3.
    assert small.macro_f1 == pytest.approx((6 / 7 + 1 / 2 + 2 / 3) / 3)


def test_the_confusion_matrix_has_the_true_classes_as_rows(small):
    assert small.confusion_matrix == [[3, 1, 0], [0, 1, 1], [0, 0, 1]]


def classification(per_class):
    """The metrics of each class that need no ranking of the examples."""
    names = ("precision", "recall", "f1", "support")
    return {label: {name: getattr(row, name) for name in names} for label, row in per_class.items()}


def test_each_class_has_its_precision_recall_f1_and_support(small):
    assert classification(small.per_class) == {
        "bus": pytest.approx({"precision": 1.0, "recall": 3 / 4, "f1": 6 / 7, "support": 4}),
        "car": pytest.approx({"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "support": 2}),
        "truck": pytest.approx({"precision": 1 / 2, "recall": 1.0, "f1": 2 / 3, "support": 1}),
    }


def test_log_loss_is_the_mean_surprise_in_nats():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1]], np.float32)
    assert measure([0, 2], probabilities).log_loss == pytest.approx(-(math.log(0.5) + math.log(0.1)) / 2, rel=1e-6)


def test_a_probability_of_zero_costs_no_more_than_float32_can_tell():
    assert measure([0], one_hot([1])).log_loss == pytest.approx(-math.log(2**-23), rel=1e-6)


def test_log_loss_takes_a_softmax_that_was_rounded_to_just_over_one():
    probabilities = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0, 0]], np.float32)
    assert measure([0], probabilities).log_loss == pytest.approx(0, abs=1e-6)


def test_ece_comes_from_the_confidence_of_the_predicted_class():
    # Bin (8/15, 9/15]: confidence 0.6, right. Bin (13/15, 14/15]: confidence 0.9, wrong.
    probabilities = np.array([[0.6, 0.3, 0.1], [0.9, 0.1, 0.0]], np.float32)
    assert measure([0, 1], probabilities).ece == pytest.approx((0.4 + 0.9) / 2, rel=1e-6)


@pytest.mark.parametrize(("examples", "classes"), [(7, 2), (97, 5), (333, 30)])
def test_random_predictions_agree_with_scikit_learn_where_every_class_has_examples(examples, classes):
    label_ids, probabilities = random_case(examples, classes)
    label_ids[:classes] = np.arange(classes)
    found = measure(label_ids, probabilities, [f"class {number}" for number in range(classes)])
    predicted_ids = probabilities.argmax(axis=1)
    assert found.accuracy == pytest.approx(np.mean(label_ids == predicted_ids))
    assert found.balanced_accuracy == pytest.approx(sklearn.metrics.balanced_accuracy_score(label_ids, predicted_ids))
    assert found.macro_f1 == pytest.approx(sklearn.metrics.f1_score(label_ids, predicted_ids, average="macro"))
    expected_loss = -np.log(probabilities[np.arange(examples), label_ids]).mean()
    assert found.log_loss == pytest.approx(expected_loss, rel=1e-5)
    assert found.weighted_f1 == pytest.approx(sklearn.metrics.f1_score(label_ids, predicted_ids, average="weighted"))
    assert found.brier == pytest.approx(((probabilities - one_hot(label_ids, classes)) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize(("examples", "classes"), [(97, 3), (333, 30)])
def test_ranking_agrees_with_scikit_learn_class_by_class(examples, classes):
    label_ids, probabilities = random_case(examples, classes)
    names = [f"class {number}" for number in range(classes)]
    found = measure(label_ids, probabilities, names)
    for name, function in (
        ("roc_auc", sklearn.metrics.roc_auc_score),
        ("average_precision", sklearn.metrics.average_precision_score),
    ):
        expected = [function(label_ids == label_id, probabilities[:, label_id]) for label_id in range(classes)]
        assert [getattr(found.per_class[each], name) for each in names] == pytest.approx(expected)
        assert getattr(found, name) == pytest.approx(np.mean(expected))


def test_ranking_means_only_the_classes_that_have_examples():
    # Bus: both buses above the car. Car: the car above both buses.
    probabilities = np.array([[0.6, 0.1, 0.3], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]], np.float32)
    found = measure([0, 0, 1], probabilities)
    assert found.roc_auc == found.average_precision == 1
    assert found.per_class["truck"].roc_auc is None


def test_ranking_is_undefined_where_all_examples_are_of_one_class():
    found = measure([1, 1], one_hot([1, 0]))
    assert found.roc_auc is None
    assert found.average_precision is None


def test_the_top_5_agree_with_scikit_learn():
    label_ids, probabilities = random_case(200, 12)
    found = measure(label_ids, probabilities, [f"class {number}" for number in range(12)])
    expected = sklearn.metrics.top_k_accuracy_score(label_ids, probabilities, k=5, labels=np.arange(12))
    assert (found.top_k, found.top_k_accuracy) == (5, pytest.approx(expected))


def test_the_top_5_of_no_more_than_5_classes_say_nothing(small):
    assert small.top_k_accuracy is None


def test_the_brier_score_of_certain_mistakes_is_2():
    assert measure([0, 1], one_hot([1, 2])).brier == pytest.approx(2)


@pytest.mark.parametrize("examples", [1, 31, 32, 33, 65])
def test_every_example_counts_once_however_uneven_their_number(examples):
    label_ids, probabilities = random_case(examples, 3)
    found = measure(label_ids, probabilities)
    assert found.examples == examples
    assert np.sum(found.confusion_matrix) == examples
    assert sum(row.support for row in found.per_class.values()) == examples
    assert sum(each.examples for each in found.reliability) == examples


def test_a_class_without_examples_has_no_recall_and_no_f1(no_truck):
    assert no_truck.per_class["truck"] == ClassMetrics(0.0, None, None, 0, None, None)


def test_a_class_without_examples_does_not_enter_the_means(no_truck):
    assert no_truck.balanced_accuracy == pytest.approx((1 + 1 / 2) / 2)
    assert no_truck.macro_f1 == pytest.approx((1 + 2 / 3) / 2)


def test_a_class_without_examples_keeps_its_row_and_column_of_the_confusion_matrix(no_truck):
    assert no_truck.confusion_matrix == [[2, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_a_class_without_examples_keeps_its_probability_in_the_log_loss():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]], np.float32)
    assert measure([0, 1], probabilities).log_loss == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2, rel=1e-6)


def test_a_class_that_is_never_predicted_has_no_precision_and_pulls_macro_f1_down():
    found = measure([0, 1], one_hot([0, 0]))
    assert classification(found.per_class)["car"] == {"precision": None, "recall": 0.0, "f1": 0.0, "support": 1}
    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_a_split_with_one_class_only_is_measured():
    found = measure([1, 1], np.array([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1]], np.float32))
    assert found.accuracy == found.balanced_accuracy == found.macro_f1 == 1
    assert found.log_loss == pytest.approx(-math.log(0.8), rel=1e-6)


@pytest.mark.parametrize("case", ["small", "no_truck"])
def test_the_metrics_are_json_without_nan(case, request):
    measured = request.getfixturevalue(case)
    written = json.loads(atomic_files.json_text(measured))
    assert list(written) == [each.name for each in dataclasses.fields(measured)]
    assert written["per_class"]["truck"] == dataclasses.asdict(measured.per_class["truck"])


def test_the_metrics_show_themselves_in_a_few_words(small):
    assert "macro_f1=" in repr(small)
    assert len(repr(small)) < 500


def test_classes_are_listed_in_the_order_of_their_ids():
    assert list(measure([0], one_hot([0]), ("z", "a", "m")).per_class) == ["z", "a", "m"]


def test_no_examples_are_refused():
    with pytest.raises(UserError, match="no examples to measure"):
        measure(np.zeros(0, np.int32), np.zeros((0, 3), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_probabilities_that_are_not_finite_are_refused_with_their_number(value):
    probabilities = one_hot([0, 1, 2])
    probabilities[1, 1] = value
    with pytest.raises(UserError, match="1 of 3 examples have probabilities that are not finite"):
        measure([0, 1, 2], probabilities)


@pytest.mark.parametrize(
    "row", [[2.0, -1.0, 0.0], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]], ids=["negative", "sum 1.5", "sum 0"]
)
def test_values_that_are_no_probabilities_are_refused(row):
    with pytest.raises(ValueError, match="are they logits"):
        measure([0], np.array([row], np.float32))


@pytest.mark.parametrize("label_id", [-1, 3])
def test_a_label_id_out_of_range_is_refused(label_id):
    with pytest.raises(ValueError, match=f"Received: {label_id} to {label_id}"):
        measure([label_id], one_hot([0]))


@pytest.mark.parametrize(
    ("label_shape", "probability_shape"), [((2,), (3, 3)), ((2,), (2, 2)), ((2, 1), (2, 3)), ((2,), (2,))]
)
def test_shapes_that_do_not_belong_together_are_refused(label_shape, probability_shape):
    with pytest.raises(ValueError, match="must have the shape"):
        measure(np.zeros(label_shape, int), np.full(probability_shape, 1 / 3, np.float32))


@pytest.mark.parametrize("class_names", [("a",), ("a", "a", "b")], ids=["one class", "twice the same"])
def test_class_names_that_cannot_be_told_apart_are_refused(class_names):
    with pytest.raises(ValueError, match="at least two different names"):
        measure([0], one_hot([0], len(class_names)), class_names)
