"""Tests of keras_transfer.training.optimizers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_transfer.settings.config import TrainingConfig
from keras_transfer.training import optimizers


def rates(epochs: int, **settings: object) -> list[float]:
    training = TrainingConfig(**settings)
    return [optimizers.learning_rate(training, peak=0.1, epoch=epoch, epochs=epochs) for epoch in range(epochs)]


def test_constant_stays():
    assert rates(4, learning_rate_schedule="constant") == [0.1] * 4


def test_steps_fall_by_the_factor_every_so_many_epochs():
    expected = [0.1] * 7 + [0.01] * 7 + [0.001] * 2
    assert rates(16, learning_rate_schedule="step", step_epochs=7, step_factor=0.1) == pytest.approx(expected)


def test_cosine_falls_along_the_cosine():
    expected = [0.1 * (1 + np.cos(np.pi * epoch / 5)) / 2 for epoch in range(5)]
    assert rates(5, learning_rate_schedule="cosine") == pytest.approx(expected)


def test_warm_up_rises_in_equal_steps_and_the_schedule_starts_after_it():
    expected = [0.1 / 3, 0.2 / 3, 0.1, 0.1, 0.01, 0.01]
    warm = rates(6, learning_rate_schedule="step", warmup_epochs=2, step_epochs=2, step_factor=0.1)
    assert warm == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", keras.optimizers.Adam),
        ("adamw", keras.optimizers.AdamW),
        ("sgd", keras.optimizers.SGD),
        ("rmsprop", keras.optimizers.RMSprop),
    ],
)
def test_the_optimizer_is_the_one_named(name, kind):
    optimizer = optimizers.build(TrainingConfig(optimizer=name, momentum=0.7, weight_decay=0.03))
    assert type(optimizer) is kind
    if name == "sgd":
        assert optimizer.momentum == 0.7
    if name == "adamw":
        assert optimizer.weight_decay == 0.03


def seen_rates(losses: list[float], **settings: object) -> list[float]:
    """Learning rates that a model trained with the callbacks would see, for given validation losses."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=optimizers.build(TrainingConfig(**settings)), loss="mse")
    callbacks = optimizers.schedule_callbacks(TrainingConfig(**settings), peak=0.1, epochs=len(losses))
    seen = []
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        seen.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
        for callback in callbacks:
            callback.on_epoch_end(epoch, {"val_loss": loss})
    return seen


def test_a_plateau_lowers_the_rate_and_it_stays_lowered():
    seen = seen_rates([1, 1, 1, 1, 1], learning_rate_schedule="plateau", step_epochs=2, step_factor=0.5)
    assert seen == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05])


def test_no_plateau_keeps_the_rate():
    seen = seen_rates([5, 4, 3, 2, 1], learning_rate_schedule="plateau", step_epochs=2, step_factor=0.5)
    assert seen == pytest.approx([0.1] * 5)


def test_warm_up_comes_before_a_plateau():
    seen = seen_rates([5, 4, 3, 2], learning_rate_schedule="plateau", warmup_epochs=1, step_epochs=2)
    assert seen == pytest.approx([0.05, 0.1, 0.1, 0.1])


def test_the_schedule_is_carried_out_by_its_callback():
    seen = seen_rates([1, 1, 1], learning_rate_schedule="step", step_epochs=1, step_factor=0.1)
    assert seen == pytest.approx([0.1, 0.01, 0.001])
