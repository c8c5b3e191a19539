"""Tests of keras_transfer.evaluation.baselines."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from keras_transfer import atomic_files
from keras_transfer.evaluation import baselines
from keras_transfer.evaluation.baselines import Features


def features(examples, seed, classes=3, width=12):
    """Noise around a centre for each class; class 0 is twice as common as any other."""
    random = np.random.default_rng(seed)
    label_ids = np.maximum(np.arange(examples) % (classes + 1) - 1, 0)
    centres = np.random.default_rng(0).normal(size=(classes, width))
    return Features((centres[label_ids] + random.normal(size=(examples, width))).astype(np.float32), label_ids)


TRAIN, TEST = features(120, 1), features(60, 2)


@pytest.fixture(scope="module")
def measured():
    return baselines.measure(TRAIN, {"validation": None, "test": TEST}, training_examples=120)


@pytest.fixture(scope="module")
def rows(measured):
    return {row.name: row for row in measured.results.rows}


def test_the_majority_class_is_right_as_often_as_it_comes(rows):
    measured = rows["majority class"].test
    assert measured.accuracy == pytest.approx(np.mean(TEST.label_ids == 0))
    assert measured.balanced_accuracy == pytest.approx(1 / 3)


def test_the_linear_probe_is_the_logistic_regression_of_scikit_learn(rows, measured):
    strength = float(rows["linear probe"].setting.removeprefix("C = "))
    assert strength in baselines.STRENGTHS
    scaler = StandardScaler().fit(TRAIN.values)
    regression = LogisticRegression(C=strength, max_iter=5000).fit(scaler.transform(TRAIN.values), TRAIN.label_ids)
    predicted_ids = regression.predict(scaler.transform(TEST.values))
    assert rows["linear probe"].test.accuracy == np.mean(predicted_ids == TEST.label_ids)
    expected = sklearn.metrics.f1_score(TEST.label_ids, predicted_ids, average="macro")
    assert rows["linear probe"].test.macro_f1 == pytest.approx(expected)
    np.testing.assert_array_equal(measured.probe_is_right["test"], predicted_ids == TEST.label_ids)


def test_nearest_neighbours_vote_by_cosine(rows):
    directions = [each.values / np.linalg.norm(each.values, axis=1, keepdims=True) for each in (TRAIN, TEST)]
    expected = KNeighborsClassifier(5).fit(directions[0], TRAIN.label_ids).score(directions[1], TEST.label_ids)
    assert rows["nearest neighbours"].test.accuracy == pytest.approx(expected)


def test_the_metrics_say_of_how_many_examples_they_are(rows):
    assert {row.test.examples for row in rows.values()} == {60}


def test_the_head_is_compared_on_the_examples_that_the_baselines_saw(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_EXAMPLES", 20)
    chosen = baselines.choose_examples(60)
    part = Features(TEST.values[chosen], TEST.label_ids[chosen])
    found = baselines.measure(TRAIN, {"validation": None, "test": part}, training_examples=120)
    is_right = np.ones(60, bool)
    is_right[chosen] = found.probe_is_right["test"]
    compared = baselines.against_head(found, {"test": is_right})
    assert compared is not None
    assert (compared.examples, compared.only_head_right, compared.only_probe_right) == (20, 0, 0)


def test_a_split_that_is_not_there_has_no_metrics(rows):
    assert all(row.validation is None for row in rows.values())


def test_the_result_is_json_and_the_same_each_time(measured):
    again = baselines.measure(TRAIN, {"validation": None, "test": TEST}, training_examples=120)
    assert atomic_files.json_text(again.results) == atomic_files.json_text(measured.results)


def test_a_class_with_too_few_examples_for_cross_validation_still_gets_a_probe():
    train = Features(TRAIN.values[:9], np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]))
    found = baselines.measure(train, {"test": TEST}, training_examples=9)
    assert [row.setting for row in found.results.rows][1:] == ["C = 0.1", "k = 5"]


def test_a_single_training_class_leaves_the_majority_class_and_says_why():
    train = Features(TRAIN.values[:4], np.zeros(4, int))
    found = baselines.measure(train, {"test": TEST}, training_examples=4)
    assert [row.name for row in found.results.rows] == ["majority class"]
    assert "one class" in found.results.reason
    assert baselines.against_head(found, {}) is None


def test_too_many_features_leave_the_majority_class_and_say_why(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_FEATURES", 11)
    found = baselines.measure(TRAIN, {"test": TEST}, training_examples=120)
    assert [row.name for row in found.results.rows] == ["majority class"]
    assert "12 features" in found.results.reason


def test_all_training_examples_are_chosen_where_they_are_few():
    np.testing.assert_array_equal(baselines.choose_examples(7), np.arange(7))


def test_many_training_examples_are_sampled_once_each_and_the_report_says_so():
    chosen = baselines.choose_examples(10_000)
    assert len(set(chosen.tolist())) == len(chosen) == baselines.MOST_EXAMPLES
    np.testing.assert_array_equal(chosen, baselines.choose_examples(10_000))
    found = baselines.measure(TRAIN, {"test": TEST}, training_examples=10_000)
    assert "120 of 10,000 training images" in found.results.reason


def test_a_head_worse_than_the_probe_by_more_than_chance_is_called_worse(measured):
    found = baselines.against_head(measured, {"test": np.zeros(60, bool)})
    right = int(measured.probe_is_right["test"].sum())
    assert found is not None
    assert (found.split, found.examples, found.only_head_right, found.only_probe_right) == ("test", 60, 0, right)
    assert found.p_value == pytest.approx(2 * 0.5**right)
    assert found.verdict == "worse"


def test_the_validation_split_decides_where_there_is_no_test():
    found = baselines.measure(TRAIN, {"validation": TEST, "test": None}, training_examples=120)
    compared = baselines.against_head(found, found.probe_is_right)
    assert compared is not None
    assert (compared.split, compared.verdict) == ("validation", "no difference")
