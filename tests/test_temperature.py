"""Tests of keras_transfer.evaluation.temperature."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from scipy import special

from keras_transfer.evaluation import temperature


def cases(true_temperature, examples=4000, classes=4, seed=0):
    """Labels drawn from softmax(logits / true temperature)."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=3, size=(examples, classes)).astype(np.float32)
    wide = np.exp(logits.astype(float) / true_temperature)
    bounds = np.cumsum(wide / wide.sum(axis=1, keepdims=True), axis=1)
    return (random.random((examples, 1)) > bounds).sum(axis=1), logits


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_with_is_found(true_temperature):
    assert temperature.fit(*cases(true_temperature, examples=20_000)).value == pytest.approx(true_temperature, rel=0.05)


def test_no_temperature_of_a_grid_has_less_log_loss():
    label_ids, logits = cases(1.7, examples=200)
    found = temperature.fit(label_ids, logits).value
    grid = np.geomspace(0.2, 8, 400)
    losses = [
        sklearn.metrics.log_loss(label_ids, temperature.probabilities(logits, each), labels=range(4)) for each in grid
    ]
    best = grid[np.argmin(losses)]
    assert found == pytest.approx(best, rel=0.01)


def test_log_loss_agrees_with_scikit_learn():
    label_ids, logits = cases(1.0, examples=50)
    wide = special.softmax(logits.astype(float), axis=1)
    expected = sklearn.metrics.log_loss(label_ids, wide, labels=range(4))
    assert temperature.log_loss(label_ids, logits) == pytest.approx(expected, rel=1e-5)


def test_probabilities_are_the_softmax_of_the_divided_logits():
    found = temperature.probabilities(np.log(np.array([[1, 4, 16]], np.float32)), 2.0)
    assert found[0] == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("examples", "mistakes"), [(49, 20), (200, 4), (200, 0)], ids=["few images", "few mistakes", "no mistakes"]
)
def test_too_little_to_go_by_changes_nothing_and_says_so(examples, mistakes):
    label_ids = np.zeros(examples, int)
    logits = np.tile(np.array([2, 0], np.float32), (examples, 1))
    logits[:mistakes] = [0, 2]
    found = temperature.fit(label_ids, logits)
    assert found.value == 1
    assert f"{examples} validation images with {mistakes} mistakes" in found.reason


def test_calibration_is_told_before_and_after():
    label_ids, logits = cases(2.5)
    found = temperature.describe(label_ids, logits, temperature.fit(label_ids, logits))
    assert found.examples == 4000
    assert found.temperature == pytest.approx(2.5, rel=0.05)
    assert found.after.log_loss < found.before.log_loss
    assert found.before.ece > 0.1
    assert found.after.ece < 0.03
    assert len(found.before.reliability) == len(found.after.reliability) == 15
    assert "too sure" in found.reason


def test_a_gain_that_chance_alone_may_bring_changes_nothing():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(200, 3)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label_ids = np.array([rng.choice(3, p=row / row.sum()) for row in shares.astype(np.float64)])
    found = temperature.fit(label_ids, logits, of="held-out training")
    assert found.value == 1
    assert "held-out training" in found.reason
