"""Tests of keras_transfer.evaluation.intervals."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest

from keras_transfer.evaluation import intervals, metrics, paired

POPULATION, DRAWN, SAMPLES = 20_000, 150, 400


def predictions(examples, classes, seed=0):
    """Labels, and probabilities that are right more often than not."""
    random = np.random.default_rng(seed)
    label_ids = random.integers(0, classes, examples)
    logits = random.normal(size=(examples, classes)) + 1.5 * np.eye(classes)[label_ids]
    return label_ids, (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


def interval_of(rows, name):
    found = intervals.of_metrics(rows)[name]
    assert found is not None
    return found


def exact(rows):
    return intervals.headline_metrics(np.asarray(rows.sum(axis=0)))


@pytest.mark.parametrize("classes", [2, 7])
def test_the_metrics_are_those_of_the_report(classes):
    label_ids, probabilities = predictions(300, classes)
    names = [f"class {number}" for number in range(classes)]
    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=names)
    found = exact(intervals.contributions(label_ids, probabilities))
    assert found == {name: pytest.approx(getattr(measured, name), rel=1e-5) for name in found}
    assert ("top_k_accuracy" in found) is (classes == 7)


def uneven_classes(examples, seed=0):
    """Labels of five classes, two of them with a tenth each, and probabilities that are right 9 times in 10."""
    random = np.random.default_rng(seed)
    label_ids = random.choice(5, examples, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    logits = 1.5 * (random.normal(size=(examples, 5)) + 2.6 * np.eye(5)[label_ids])
    return label_ids, (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def covered(classes: str) -> dict[str, float]:
    """How many of the intervals of samples from a known population hold the population's metric."""
    population = predictions(POPULATION, 6) if classes == "six" else uneven_classes(POPULATION)
    rows = intervals.contributions(*population)
    population_metrics = exact(rows)
    random = np.random.default_rng(1)
    hits = dict.fromkeys(population_metrics, 0)
    for _ in range(SAMPLES):
        found = intervals.of_metrics(rows[random.integers(0, POPULATION, DRAWN)])
        for name in hits:
            low, high = found[name] or (1, 0)
            hits[name] += bool(low <= population_metrics[name] <= high)
    return {name: count / SAMPLES for name, count in hits.items()}


@pytest.mark.parametrize(
    ("classes", "name"),
    [
        *itertools.product(
            ("six", "uneven"), ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "log_loss", "brier")
        ),
        ("six", "top_k_accuracy"),
    ],
)
def test_95_percent_intervals_hold_the_population_metrics_95_times_in_100(classes, name):
    # Four standard errors of 400 trials at 95% are 4.4 points: 90.6% to 99.4%.
    assert abs(covered(classes)[name] - 0.95) < 4 * math.sqrt(0.95 * 0.05 / SAMPLES)


def test_the_interval_of_a_difference_holds_the_population_metrics_95_times_in_100():
    label_ids, probabilities = predictions(POPULATION, 3)
    random = np.random.default_rng(2)
    noisy = np.log(probabilities) + random.normal(size=probabilities.shape)
    other = (np.exp(noisy) / np.exp(noisy).sum(axis=1, keepdims=True)).astype(np.float32)
    of_one, of_other = (exact(intervals.contributions(label_ids, each)) for each in (probabilities, other))
    population_metrics = {name: float(value - of_other[name]) for name, value in of_one.items()}
    hits = dict.fromkeys(population_metrics, 0)
    for _ in range(SAMPLES):
        drawn = random.integers(0, POPULATION, DRAWN)
        for name, found in paired.differences(
            label_ids=label_ids[drawn], probabilities=probabilities[drawn], other_probabilities=other[drawn]
        ).items():
            low, high = found.interval or (1, 0)
            hits[name] += low <= population_metrics[name] <= high
    assert {name: count / SAMPLES for name, count in hits.items()} == {
        name: pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / SAMPLES)) for name in population_metrics
    }


def test_the_interval_of_a_mean_agrees_with_the_normal_one():
    label_ids, probabilities = predictions(2000, 3)
    losses = -np.log(probabilities[np.arange(2000), label_ids].astype(float))
    low, high = interval_of(intervals.contributions(label_ids, probabilities), "log_loss")
    half_width = 1.96 * losses.std() / math.sqrt(2000)
    assert (low, high) == pytest.approx((losses.mean() - half_width, losses.mean() + half_width), abs=half_width / 5)


def test_the_interval_of_a_fraction_is_wilsons():
    # Newcombe 1998, https://pubmed.ncbi.nlm.nih.gov/9595616, table I: 81 of 263 and 0 of 20.
    assert intervals.of_fraction(81, 263) == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert intervals.of_fraction(0, 20) == pytest.approx([0, 0.1611], abs=5e-5)


def test_a_perfect_classifier_has_an_interval_of_its_accuracy_and_none_that_has_no_width():
    rows = intervals.contributions(np.array([0, 1] * 10), np.eye(2, dtype=np.float32)[[0, 1] * 10])
    low, high = interval_of(rows, "accuracy")
    assert low < 0.9
    assert high == 1
    assert intervals.of_metrics(rows)["balanced_accuracy"] is None


def test_the_same_predictions_give_the_same_intervals():
    rows = intervals.contributions(*predictions(50, 3))
    assert intervals.of_metrics(rows) == intervals.of_metrics(rows)


def test_memory_blocks_do_not_change_the_intervals(monkeypatch):
    rows = intervals.contributions(*predictions(50, 3))
    in_one_block = intervals.of_metrics(rows)
    monkeypatch.setattr(intervals, "_BLOCK", 7 * rows.shape[1])
    assert intervals.of_metrics(rows) == in_one_block


def test_a_paired_difference_is_surer_than_two_intervals():
    label_ids, probabilities = predictions(300, 3)
    other = probabilities.copy()
    other[:10] = 1 / 3
    first, second = (intervals.contributions(label_ids, each) for each in (probabilities, other))
    found = paired.differences(label_ids=label_ids, probabilities=probabilities, other_probabilities=other)["log_loss"]
    low, high = interval_of(first, "log_loss")
    assert found.difference == pytest.approx(float(exact(first)["log_loss"] - exact(second)["log_loss"]))
    assert found.interval is not None
    assert found.interval[1] - found.interval[0] < (high - low) / 2


def test_a_classifier_does_not_differ_from_itself():
    label_ids, probabilities = predictions(30, 3)
    assert paired.differences(label_ids=label_ids, probabilities=probabilities, other_probabilities=probabilities)[
        "accuracy"
    ] == paired.Difference(0.0, None)
