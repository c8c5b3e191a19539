"""Tests of keras_transfer.evaluation.slices."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics
from scipy import stats

from keras_transfer import atomic_files
from keras_transfer.evaluation import intervals, slices


def predictions(is_right):
    """Two classes by turns; a wrong example is taken for the other class."""
    label_ids = np.arange(len(is_right)) % 2
    predicted_ids = np.where(is_right, label_ids, 1 - label_ids)
    return label_ids, np.where(np.eye(2)[predicted_ids] == 1, 0.8, 0.2).astype(np.float32)


def measure(is_right, **columns):
    label_ids, probabilities = predictions(np.asarray(is_right))
    return slices.measure(label_ids=label_ids, probabilities=probabilities, columns=columns)


@pytest.fixture(scope="module")
def night():
    """Of 40 images by night 20 are right, of 160 by day 152."""
    is_right = [True] * 20 + [False] * 20 + [True] * 152 + [False] * 8
    (column,) = measure(is_right, time=["night"] * 40 + ["day"] * 160)
    return {row.value: row for row in column.values}


def test_a_slice_has_the_metrics_of_its_examples(night):
    label_ids, probabilities = predictions(np.array([True] * 20 + [False] * 20))
    measured = night["night"].metrics
    assert night["night"].examples == 40
    assert measured["accuracy"] == 0.5
    expected = sklearn.metrics.f1_score(label_ids, probabilities.argmax(axis=1), average="macro")
    assert measured["macro_f1"] == pytest.approx(expected)
    assert measured["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2, rel=1e-6)
    assert night["night"].intervals["accuracy"] == intervals.of_fraction(20, 40)


def test_the_gap_is_to_the_rest(night):
    assert night["night"].gaps["accuracy"] == pytest.approx(20 / 40 - 152 / 160)
    assert night["day"].gaps["accuracy"] == pytest.approx(152 / 160 - 20 / 40)


def test_the_interval_of_the_gap_agrees_with_the_normal_one(night):
    half_width = 1.96 * np.sqrt(0.5 * 0.5 / 40 + 0.95 * 0.05 / 160)
    low, high = night["night"].gap_intervals["accuracy"]
    assert (low, high) == pytest.approx((-0.45 - half_width, -0.45 + half_width), abs=0.025)


def test_the_p_value_is_fishers(night):
    expected = stats.fisher_exact([[20, 20], [152, 8]]).pvalue
    assert night["night"].p_value == pytest.approx(expected)


def test_only_the_worse_slice_is_flagged(night):
    assert night["night"].is_flagged
    assert not night["day"].is_flagged


def test_p_values_of_all_columns_are_adjusted_together():
    is_right = np.random.default_rng(0).random(200) < 0.8
    columns = {name: np.random.default_rng(seed).choice(list("abc"), 200) for seed, name in enumerate(("one", "two"))}
    rows = [row for column in measure(is_right, **columns) for row in column.values]
    # By hand: the p-value times their number over its rank, no larger than that of any greater p-value.
    p_values = np.array([row.p_value for row in rows])
    order = np.argsort(p_values)
    scaled = p_values[order] * len(rows) / np.arange(1, len(rows) + 1)
    expected = np.empty(len(rows))
    expected[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    assert [row.adjusted_p_value for row in rows] == pytest.approx(expected)


def test_a_significant_gap_too_small_to_matter_is_not_flagged():
    # 97% of 5,000 against 99.5% of 5,000.
    is_right = [True] * 4850 + [False] * 150 + [True] * 4975 + [False] * 25
    (column,) = measure(is_right, place=["a"] * 5000 + ["b"] * 5000)
    row = next(row for row in column.values if row.value == "a")
    assert row.adjusted_p_value < 1e-6
    assert not row.is_flagged


def test_a_large_gap_that_may_be_chance_is_not_flagged():
    is_right = [True] * 7 + [False] * 3 + [True] * 45 + [False] * 5
    (column,) = measure(is_right, place=["a"] * 10 + ["b"] * 50)
    row = next(row for row in column.values if row.value == "a")
    assert row.gaps["accuracy"] == pytest.approx(-0.2)
    assert not row.is_flagged


def test_few_slices_are_flagged_where_nothing_differs():
    random = np.random.default_rng(0)
    flagged = 0
    for _ in range(20):
        column = [str(value) for value in random.integers(0, 8, 200)]
        (found,) = measure(random.random(200) < 0.8, noise=column)
        flagged += any(row.is_flagged for row in found.values)
    # A tenth of the runs in the long run, by chance alone; without the correction it would be a third.
    assert flagged <= 3


def test_values_with_few_examples_or_nearly_all_are_left_out():
    (column,) = measure([True] * 109, place=["a"] * 50 + ["b"] * 50 + ["c"] * 9, country=["x"] * 109)[:1]
    assert ([row.value for row in column.values], column.left_out) == (["a", "b"], 1)
    everywhere = measure([True] * 109, country=["x"] * 100 + ["y"] * 9)[0]
    assert (everywhere.values, everywhere.left_out) == ([], 2)


def test_a_column_of_names_is_cut_to_the_most_frequent_values():
    values = [str(number) for number in range(60) for _ in range(10 + number % 2)]
    (column,) = measure([True] * len(values), name=values)
    assert len(column.values) == slices.MOST_VALUES
    assert [row.examples for row in column.values[:30]] == [11] * 30
    assert column.left_out == 10


def test_no_columns_give_no_slices():
    assert measure([True, False]) == []


def test_slices_are_json(night):
    assert json.loads(atomic_files.json_text(night))["night"]["gaps"] == night["night"].gaps
