"""Tests of keras_transfer.training.training_images."""

from __future__ import annotations

import numpy as np

from keras_transfer.model.classifier import Tap
from keras_transfer.training.training_images import TrainingImages, columns_of

TAPS = tuple(Tap(layer, pooling, 6, f"{pooling}_{layer}") for layer in ("high", "low") for pooling in ("avg", "max"))


def test_columns_are_those_of_the_layers_and_poolings_in_the_order_of_the_taps():
    assert columns_of(TAPS, ["low"], ["avg"]).tolist() == list(range(12, 18))
    assert columns_of(TAPS, ["low", "high"], ["max"]).tolist() == [*range(6, 12), *range(18, 24)]
    assert columns_of((Tap("fc2", "", 5, "fc2"),), ["fc2"], ["avg"]).tolist() == list(range(5))


def test_class_weights_and_label_smoothing_reach_the_problem():
    given = TrainingImages(
        features=[np.zeros((6, 24), np.float32)] * 3,
        label_ids=np.arange(6) % 3,
        groups=np.arange(6),
        class_weights=np.array([1, 2, 3], np.float32),
        label_smoothing=0.3,
    )
    problem = given.problem(np.array([0, 1, 2]), np.array([0]), uses_views=True)
    np.testing.assert_allclose(problem.weights, np.tile([1 / 3, 2 / 3, 1], 3), rtol=1e-6)
    np.testing.assert_allclose(problem.targets[0], [0.8, 0.1, 0.1], rtol=1e-6)
