"""Tests of keras_transfer.training.learning_curve: what is expected of more training images, and how surely."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from keras_transfer.model.classifier import Tap
from keras_transfer.training import choice, learning_curve
from keras_transfer.training.training_images import TrainingImages

FEATURES, CLASSES = 30, 3
TAPS = tuple(Tap("high", pooling, FEATURES, pooling) for pooling in ("avg", "max"))  # the second is noise


def images(count: int, *, gap: float, seed: int = 0) -> TrainingImages:
    """Classes whose means lie apart by a gap along features that differ, in noise."""
    rng = np.random.default_rng(seed)
    label_ids = np.arange(count) % CLASSES
    features = rng.normal(size=(count, 2 * FEATURES)).astype(np.float32)
    features[:, :CLASSES] += gap * np.eye(CLASSES, dtype=np.float32)[label_ids]
    return TrainingImages([features], label_ids, np.arange(count), np.ones(CLASSES, np.float32), 0.0)


def measured(count: int, *, gap: float, **changes: Any) -> learning_curve.LearningCurve:
    given = images(count, gap=gap, **changes)
    found = learning_curve.measure(given, TAPS, choice.choose(given, TAPS, seed=0), seed=0, total=count)
    assert found is not None
    return found


@pytest.mark.parametrize("law", [(0.02, 1.5, 0.5), (0.1, 0.8, 0.3), (0.0, 5.0, 1.0)])
def test_the_law_that_errors_follow_is_found(law):
    floor, factor, exponent = law
    counts = np.array([40.0, 80, 160, 280, 400])
    errors = floor + factor * counts**-exponent
    wanted = np.array([800.0])
    assert learning_curve.forecast(counts, errors, wanted) == pytest.approx(
        floor + factor * wanted**-exponent, abs=0.005
    )


def test_each_point_is_of_a_share_of_the_images_that_a_fold_learns_from():
    found = measured(150, gap=2)
    assert found.images == (12, 24, 48, 84, 120)
    assert found.forecast_images == 300
    assert len(found.accuracy) == len(found.accuracy_error) == 5


def test_where_accuracy_rises_more_images_are_expected_to_help():
    found = measured(150, gap=2.5)
    assert found.accuracy[0] < found.accuracy[-1]
    assert found.more_will_help
    assert found.present < found.forecast <= 1
    assert found.low <= found.forecast <= found.high


def test_the_class_that_is_learned_slowest_gains_most_from_more_images():
    given = images(150, gap=2.5)
    easy = given.features[0]
    easy[given.label_ids == 0, 0] += 8
    found = learning_curve.measure(given, TAPS, choice.choose(given, TAPS, seed=0), seed=0, total=150)
    assert found is not None
    assert len(found.class_gains) == CLASSES
    assert found.class_gains[0] < min(found.class_gains[1:])


@pytest.mark.parametrize("gap", [0.0, 12.0])
def test_where_accuracy_is_flat_more_images_are_not_expected_to_help(gap):
    assert not measured(150, gap=gap).more_will_help


def test_every_beginning_of_the_order_holds_each_class_in_its_share():
    label_ids = np.repeat([0, 1, 2], [100, 50, 10])
    order = learning_curve._by_class_in_turn(label_ids, np.arange(160))
    assert sorted(order.tolist()) == list(range(160))
    assert np.bincount(label_ids[order[:80]]).tolist() == pytest.approx([50, 25, 5], abs=1)


def test_few_images_give_no_curve():
    few = images(30, gap=3)
    assert learning_curve.measure(few, TAPS, choice.choose(few, TAPS, seed=0), seed=0, total=30) is None


def test_it_is_the_same_every_time_and_ready_for_json():
    one, other = (measured(90, gap=2) for _ in range(2))
    assert one == other
    assert json.loads(json.dumps(asdict(one)))["forecast"] == one.forecast


def test_a_class_that_the_sample_lacks_gains_nothing():
    given = images(150, gap=2.5)
    wider = dataclasses.replace(given, class_weights=np.ones(CLASSES + 1, np.float32))
    found = learning_curve.measure(wider, TAPS, choice.choose(wider, TAPS, seed=0), seed=0, total=150)
    assert found is not None
    assert found.class_gains[-1] == 0
