"""What is done after each epoch: its line is printed and kept, and the weights of the best epoch are kept."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from keras_transfer import terminal
from keras_transfer.errors import UserError


class EpochLines(keras.callbacks.Callback):
    """Keeps the history, prints a line an epoch, and ends a training whose loss is no number.

    Attributes:
      rows: an epoch each: epoch (from 1), loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds.
    """

    def __init__(self, epochs: int, *, loss: str = "loss") -> None:
        """Makes the callback for one `fit`.

        Args:
          epochs: of the phase.
          loss: which of the logged values is told as the loss.
        """
        super().__init__()
        self.epochs = epochs
        self._loss = loss
        self.rows: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps and prints the epoch, or ends the training."""
        logs = logs or {}
        row = {
            "epoch": epoch + 1,
            "loss": float(logs[self._loss]),
            "accuracy": float(logs["accuracy"]),
            "validation_loss": float(logs[f"val_{self._loss}"]),
            "validation_accuracy": float(logs["val_accuracy"]),
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": time.perf_counter() - self._started,
        }
        for name in ("loss", "validation_loss"):
            if not math.isfinite(row[name]):
                raise UserError(
                    f"The {name.replace('_', ' ')} is no longer a number in epoch {epoch + 1}: the learning rate "
                    f"{row['learning_rate']:g} is too high. Lower --head_learning_rate or --fine_tune_learning_rate."
                )
        self.rows.append(row)
        terminal.say(
            f"  epoch {epoch + 1:>3}/{self.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
            f"validation loss {row['validation_loss']:.4f}  accuracy {row['validation_accuracy']:.4f}  "
            f"{row['seconds']:.1f} s"
        )


class BestEpoch(keras.callbacks.Callback):
    """Gives the model the weights of its best epoch when training ends, and ends it where validation stalls.

    Only an epoch that is at least as good as the start, in both loss and accuracy, can be the best one: fine-tuning
    must not pay for one of them with the other. Whether validation stalls is asked of all epochs, those included that
    are not good enough to be kept, because they may lead to one that is.

    Attributes:
      best: number of the best epoch, from 1; 0 where none is as good as the start, whose weights the model then has.
    """

    def __init__(self, keep_best: str, *, patience: int, start: tuple[float, float] | None) -> None:
        """Makes the callback for one `fit`.

        Args:
          keep_best: loss or accuracy, of validation.
          patience: epochs without a better validation after which training ends; 0 for never.
          start: validation loss and accuracy before training; None where the start is not worth keeping.
        """
        super().__init__()
        self.best = 0
        self._keep_best, self._patience, self._start = keep_best, patience, start
        self._best_value = self._last_better_value = -math.inf
        self._stalled = 0
        self._weights: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Keeps the start, if it can be the best."""
        if self._start:
            self._weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the weights of a better epoch, and counts the epochs without a better validation."""
        logs = logs or {}
        loss, accuracy = logs["val_loss"], logs["val_accuracy"]
        value = accuracy if self._keep_best == "accuracy" else -loss
        is_good_enough = self._start is None or (loss <= self._start[0] and accuracy >= self._start[1])
        if is_good_enough and value > self._best_value:
            self.best, self._best_value, self._weights = epoch + 1, value, self.model.get_weights()
        self._stalled = 0 if value > self._last_better_value else self._stalled + 1
        self._last_better_value = max(value, self._last_better_value)
        if self._patience and self._stalled >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Gives the model the weights that were kept."""
        self.model.set_weights(self._weights)
