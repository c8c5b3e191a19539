"""Tests of keras_transfer.evaluation.calibration."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import bootstrap, calibration
from keras_transfer.evaluation.calibration import ReliabilityBin


def two_class_examples(confidences, is_correct):
    """Examples that are predicted as class 0 with the given confidences (above 0.5)."""
    confidences = np.asarray(confidences, np.float64)
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    return np.where(is_correct, 0, 1), probabilities


def bins_of(confidences, is_correct, **settings):
    label_ids, probabilities = two_class_examples(confidences, is_correct)
    return calibration.reliability_bins(label_ids=label_ids, probabilities=probabilities, **settings)


def test_the_error_weighs_each_gap_by_the_examples_of_its_bin():
    # Bin (0.6, 0.8]: confidences 0.7, 0.8, one of two right. Bin (0.8, 1]: 0.9, 0.9, 1.0, all right.
    bins = bins_of([0.7, 0.8, 0.9, 0.9, 1.0], [True, False, True, True, True], bin_count=5)
    expected = 2 / 5 * abs(0.5 - 0.75) + 3 / 5 * abs(1.0 - 2.8 / 3)
    assert calibration.expected_calibration_error(bins) == pytest.approx(expected)


def test_the_error_agrees_with_a_plain_loop_over_random_examples():
    random = np.random.default_rng(5)
    logits = random.normal(size=(300, 4)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label_ids = random.integers(0, 4, 300)
    sums: dict[int, tuple[int, float, int]] = {}
    for row, label_id in zip(probabilities, label_ids, strict=True):
        confidence = max(row)
        number = next(m for m in range(1, 16) if confidence <= m / 15)
        right, total, count = sums.get(number, (0, 0.0, 0))
        sums[number] = (right + (row[label_id] == confidence), total + confidence, count + 1)
    expected = sum(count / 300 * abs(right / count - total / count) for right, total, count in sums.values())
    bins = calibration.reliability_bins(label_ids=label_ids, probabilities=probabilities)
    assert calibration.expected_calibration_error(bins) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("confidence", "is_correct", "expected"), [(1.0, True, 0.0), (1.0, False, 1.0), (0.75, False, 0.75)]
)
def test_the_error_of_one_example_is_its_distance_from_the_truth(confidence, is_correct, expected):
    assert calibration.expected_calibration_error(bins_of([confidence], [is_correct])) == pytest.approx(expected)


def test_gaps_within_a_bin_cancel_out_as_in_the_definition():
    assert calibration.expected_calibration_error(bins_of([0.75] * 4, [True, True, True, False])) == 0


def test_there_are_fifteen_bins_of_equal_width_from_zero_to_one():
    bins = bins_of([0.9], [True])
    assert [each.lower for each in bins] == pytest.approx([m / 15 for m in range(15)])
    assert [each.upper for each in bins] == pytest.approx([m / 15 for m in range(1, 16)])


@pytest.mark.parametrize(("confidence", "position"), [(0.75, 2), (0.7500001, 3), (1.0, 3), (0.51, 2)])
def test_a_bin_holds_its_upper_edge_and_not_its_lower_one(confidence, position):
    counts = [each.examples for each in bins_of([confidence], [True], bin_count=4)]
    assert counts == [int(each == position) for each in range(4)]


def test_a_confidence_that_was_rounded_to_just_over_one_is_counted_in_the_last_bin():
    probabilities = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0]], np.float32)
    bins = calibration.reliability_bins(label_ids=np.array([0]), probabilities=probabilities)
    assert [each.examples for each in bins] == [0] * 14 + [1]


def test_every_example_is_in_one_bin():
    probabilities = np.random.default_rng(1).dirichlet(np.ones(7), size=123)
    bins = calibration.reliability_bins(label_ids=np.zeros(123, int), probabilities=probabilities)
    assert sum(each.examples for each in bins) == 123


def test_an_empty_bin_has_no_confidence_and_no_accuracy():
    assert bins_of([0.9], [True], bin_count=2)[0] == ReliabilityBin(0.0, 0.5, 0, None, None)


def test_bins_hold_the_mean_confidence_and_the_accuracy_of_their_examples():
    last = bins_of([0.8, 0.9, 1.0], [True, True, False], bin_count=2)[1]
    assert (last.examples, last.confidence, last.accuracy) == (3, pytest.approx(0.9), pytest.approx(2 / 3))


def test_the_mean_confidence_is_that_of_all_examples():
    assert calibration.mean_confidence(bins_of([0.6, 0.6, 0.99], [True] * 3)) == pytest.approx(2.19 / 3)


def test_chance_alone_stays_below_its_error_95_times_in_100():
    """Labels drawn with the classifier's own confidences, with which it is perfectly calibrated."""
    random = np.random.default_rng(6)
    confidences = random.uniform(0.5, 1, 150)
    _, probabilities = two_class_examples(confidences, np.ones(150, bool))
    limit = calibration.error_by_chance(probabilities)
    trials = 1000
    below = 0
    for _ in range(trials):
        bins = bins_of(confidences, random.random(150) < confidences)
        below += calibration.expected_calibration_error(bins) <= limit
    # Four standard errors: of the trials, and as large ones of the 1,000 draws that the limit comes from.
    assert below / trials == pytest.approx(0.95, abs=4 * np.sqrt(2 * 0.95 * 0.05 / trials))


def test_the_error_by_chance_of_one_even_guess_is_its_distance_from_either_outcome():
    assert calibration.error_by_chance(np.array([[0.5, 0.5]])) == pytest.approx(0.5)


def test_certainty_leaves_nothing_to_chance():
    certain = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0]] * 20, np.float32)
    assert calibration.error_by_chance(certain) == pytest.approx(0, abs=1e-6)


def test_memory_blocks_do_not_change_the_error_by_chance(monkeypatch):
    _, probabilities = two_class_examples(np.linspace(0.5, 1, 40), np.ones(40, bool))
    in_one_block = calibration.error_by_chance(probabilities)
    monkeypatch.setattr(bootstrap, "_BLOCK", 40 * 7)
    assert calibration.error_by_chance(probabilities) == in_one_block
