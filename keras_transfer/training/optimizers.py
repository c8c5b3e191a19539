"""Optimizers, and learning rates as a function of the epoch."""

from __future__ import annotations

import math

import keras

from keras_transfer.settings.config import TrainingConfig


def build(training: TrainingConfig) -> keras.optimizers.Optimizer:
    """The optimizer that a configuration names. `schedule_callbacks` alone set its learning rate, which is 0 before."""
    if training.optimizer == "adam":
        return keras.optimizers.Adam(0.0)
    if training.optimizer == "adamw":
        return keras.optimizers.AdamW(0.0, weight_decay=training.weight_decay)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(0.0, momentum=training.momentum)
    return keras.optimizers.RMSprop(0.0)


def learning_rate(training: TrainingConfig, *, peak: float, epoch: int, epochs: int) -> float:
    """The learning rate of one epoch.

    Warm-up rises in equal steps to `peak`. After it, with e epochs since and n epochs in all after it:
    constant: peak; step: peak * step_factor ** (e // step_epochs); cosine: peak * (1 + cos(pi * e / n)) / 2
    (Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5). Plateau is constant here: Keras's ReduceLROnPlateau
    lowers it (`schedule_callbacks`).

    Args:
      training: names the schedule and its settings.
      peak: the phase's learning rate.
      epoch: from 0.
      epochs: of the whole phase.

    Returns:
      The learning rate.
    """
    if epoch < training.warmup_epochs:
        return peak * (epoch + 1) / (training.warmup_epochs + 1)
    since = epoch - training.warmup_epochs
    if training.learning_rate_schedule == "step":
        return peak * float(training.step_factor ** (since // training.step_epochs))
    if training.learning_rate_schedule == "cosine":
        return peak * (1 + math.cos(math.pi * since / (epochs - training.warmup_epochs))) / 2
    return peak


def schedule_callbacks(training: TrainingConfig, *, peak: float, epochs: int) -> list[keras.callbacks.Callback]:
    """The Keras callbacks that carry out the schedule."""
    if training.learning_rate_schedule == "plateau":
        # After warm-up the rate must stay where ReduceLROnPlateau put it.
        def warm_up_only(epoch: int, current: float) -> float:
            return (
                learning_rate(training, peak=peak, epoch=epoch, epochs=epochs)
                if epoch <= training.warmup_epochs
                else current
            )

        return [
            keras.callbacks.LearningRateScheduler(warm_up_only),
            _Plateau("val_loss", factor=training.step_factor, patience=training.step_epochs),
        ]
    return [
        keras.callbacks.LearningRateScheduler(
            lambda epoch, current: learning_rate(training, peak=peak, epoch=epoch, epochs=epochs)
        )
    ]


class _Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's own, with the names of what a checkpoint keeps."""

    STATE = ("best", "wait", "cooldown_counter")
