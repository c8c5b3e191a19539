"""Tests of keras_transfer.training.epoch_callbacks; test_phases tests them in a training."""

from __future__ import annotations

import math
import types
from typing import Any

import pytest
import tensorflow as tf

from keras_transfer.errors import UserError
from keras_transfer.training.epoch_callbacks import BestEpoch, EpochLines


class FakeModel:
    """Holds the number of the last epoch in place of weights."""

    def __init__(self) -> None:
        self.weight = tf.Variable(0)
        self.stop_training = False
        self.trained_epochs = 0
        self.optimizer = types.SimpleNamespace(learning_rate=0.5)

    @property
    def trainable_variables(self) -> list[Any]:
        return [self.weight]


def train(callback: BestEpoch, validation: list[tuple[float, float]]) -> FakeModel:
    """A training whose epochs give these validation losses and accuracies."""
    model = FakeModel()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, (loss, accuracy) in enumerate(validation):
        model.weight.assign(epoch + 1)
        callback.on_epoch_end(epoch, {"val_loss": loss, "val_accuracy": accuracy})
        if model.stop_training:
            break
    model.trained_epochs = epoch + 1
    callback.give_back(model)
    return model


START = (0.5, 0.8)
EARLY_GOOD = [(0.45, 0.85), (0.44, 0.82), (0.40, 0.70)]  # the best loss alone belongs to a worse accuracy


@pytest.mark.parametrize(
    ("keep_best", "start", "validation", "best"),
    [
        ("loss", None, EARLY_GOOD, 3),
        ("accuracy", None, EARLY_GOOD, 1),
        ("loss", START, EARLY_GOOD, 2),
        ("accuracy", START, EARLY_GOOD, 1),
        ("accuracy", START, [(0.6, 0.95), (0.45, 0.81)], 2),
        ("loss", START, [(0.5, 0.8)], 1),
        ("loss", START, [(0.4, 0.79), (0.51, 0.9)], 0),
        ("accuracy", START, [(0.4, 0.79), (0.51, 0.9)], 0),
        ("loss", None, [(0.4, 0.5), (0.4, 0.9)], 1),
    ],
)
def test_the_best_of_the_epochs_that_are_good_enough_is_kept(keep_best, start, validation, best):
    callback = BestEpoch(keep_best, patience=0, start=start)
    model = train(callback, validation)
    assert (callback.best, int(model.weight.numpy())) == (best, best)
    assert model.trained_epochs == len(validation)


@pytest.mark.parametrize(
    ("keep_best", "start", "patience", "validation", "trained", "best"),
    [
        ("loss", None, 2, [(0.5, 0.8), (0.6, 0.8), (0.5, 0.9), (0.1, 0.9)], 3, 1),
        ("loss", START, 2, [(0.45, 0.85), (0.5, 0.8), (0.49, 0.8), (0.1, 0.9)], 3, 1),
        # Its loss gets better in every epoch, though its accuracy is good enough in the last one only.
        ("loss", START, 1, [(0.45, 0.7), (0.44, 0.7), (0.43, 0.8)], 3, 3),
        ("accuracy", START, 1, [(0.6, 0.7), (0.6, 0.7), (0.4, 0.9)], 2, 0),
    ],
)
def test_training_ends_where_validation_stalls(keep_best, start, patience, validation, trained, best):
    callback = BestEpoch(keep_best, patience=patience, start=start)
    model = train(callback, validation)
    assert (model.trained_epochs, callback.best, int(model.weight.numpy())) == (trained, best, best)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_no_number_is_an_error_that_names_its_epoch(name, value):
    lines = EpochLines(5)
    lines.set_model(FakeModel())
    good = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.9}
    for epoch in range(2):
        lines.on_epoch_begin(epoch)
        lines.on_epoch_end(epoch, good)
    lines.on_epoch_begin(2)
    with pytest.raises(UserError, match=r"epoch 3\b.*--fine_tune_learning_rate"):
        lines.on_epoch_end(2, {**good, name: value})
    assert [row["epoch"] for row in lines.rows] == [1, 2]
