"""Tests of keras_transfer.training.fine_tuning_obstacles."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.training import fine_tuning_obstacles
from keras_transfer.training.choice import Candidate, Choice
from small_training import make_config


@pytest.mark.parametrize(
    ("settings", "training_images", "validation_images", "is_tried"),
    [
        ({}, 5_000, 500, True),
        ({}, 500, 500, False),
        ({}, 5_000, 20, False),
        ({"fine_tune": "off"}, 5_000, 500, False),
        ({"fine_tune": "on"}, 20, 5, True),
        ({"fine_tune_epochs": 2}, 20, 5, True),
    ],
)
def test_auto_asks_whether_there_are_photos_enough(tmp_path, settings, training_images, validation_images, is_tried):
    training = make_config(tmp_path, **settings).training
    why_not = fine_tuning_obstacles.obstacle(
        training, training_images=training_images, validation_images=validation_images
    )
    assert (why_not == "") == is_tried


@pytest.mark.parametrize(
    ("accuracy", "settings", "is_tried"),
    [(0.90, {}, True), (0.995, {}, False), (0.995, {"fine_tune": "on"}, True)],
)
def test_auto_asks_whether_there_is_something_to_gain(tmp_path, accuracy, settings, is_tried):
    candidate = Candidate(("block5_pool",), ("avg",), False, 0.1, 0.3, 0.01, accuracy, 0.01)
    choice = Choice(
        (candidate,), (candidate,), candidate, candidate, 0.0, 0.0, 5, 100, np.zeros(1, int), np.zeros((1, 2)), 0.0
    )
    why_not = fine_tuning_obstacles.later_obstacle(
        make_config(tmp_path, **settings).training, choice, validation_images=200
    )
    assert (why_not == "") == is_tried
