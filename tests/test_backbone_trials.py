"""Tests of keras_transfer.training.backbone_trials."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.training import backbone_trials
from keras_transfer.training.backbone_trials import BackboneTrial

IMAGES = 200


def taken(*given: tuple[float, int, float]) -> int:
    """Place of the backbone taken of (mean log loss, cost, noise of each image's own)."""
    rng = np.random.default_rng(0)
    shared = rng.exponential(0.3, IMAGES)
    losses, trials = [], []
    for mean, cost, noise in given:
        own = shared + noise * rng.normal(size=IMAGES)
        losses.append(own - own.mean() + mean)
        trials.append(BackboneTrial("name", mean, 0.0, 0.9, cost, 1.0))
    return backbone_trials.cheapest_of_the_best(trials, losses)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([(0.3, 15, 0.1), (0.5, 1, 0.1)], 0),  # clearly better, however dear
        ([(0.5, 15, 0.1), (0.3, 1, 0.1)], 1),
        ([(0.30, 15, 0.5), (0.31, 1, 0.5)], 1),  # as good as chance can tell, and cheaper
        ([(0.30, 1, 0.5), (0.31, 15, 0.5)], 0),
        ([(0.3, 15, 0.1)], 0),
    ],
)
def test_the_best_is_taken_or_a_cheaper_one_that_is_as_good(given, place):
    assert taken(*given) == place
