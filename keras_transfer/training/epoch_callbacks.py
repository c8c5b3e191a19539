"""What is done after each epoch: its line is printed and kept, and the weights of the best epoch are kept.

`STATE` names the attributes that a checkpoint keeps.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.errors import UserError


class EpochLines(keras.callbacks.Callback):
    """Keeps the history, prints a line an epoch, and ends a training whose loss is no number.

    Attributes:
      rows: an epoch each: epoch (from 1), loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds.
    """

    STATE = ("rows",)

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


class EpochSummaries(keras.callbacks.Callback):
    """Logs each epoch for TensorBoard, in the runs train and validation of a folder; for a `with` block.

    Of an earlier try that was killed it logs the epochs that count, and removes the rest.
    """

    def __init__(self, history: EpochLines, folder: Path) -> None:
        super().__init__()
        self._history, self._folder = history, folder
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> EpochSummaries:
        for name in ("train", "validation"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            self._writers[name] = tf.summary.create_file_writer(str(self._folder / name))
        for row in self._history.rows:
            self._write(row)
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the epoch that the history has just been given."""
        self._write(self._history.rows[-1])

    def _write(self, row: dict[str, float]) -> None:
        logged = {"train": ("loss", "accuracy", "learning_rate"), "validation": ("loss", "accuracy")}
        for run, names in logged.items():
            with self._writers[run].as_default(step=int(row["epoch"]) - 1):
                for name in names:
                    value = row[f"validation_{name}" if run == "validation" else name]
                    tf.summary.scalar(f"epoch_{name}", value)
            self._writers[run].flush()


class BestEpoch(keras.callbacks.Callback):
    """Remembers the weights of the best epoch, and ends a training whose validation stalls.

    Only an epoch that is at least as good as the start, in both loss and accuracy, can be the best one: fine-tuning
    must not pay for one of them with the other. Whether validation stalls is asked of all epochs, those included that
    are not good enough to be kept, because they may lead to one that is.

    Attributes:
      best: number of the best epoch, from 1; 0 where none is as good as the start.
    """

    STATE = ("best", "_best_value", "_last_better_value", "_stalled", "_weights")

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
            self._weights = self._trained()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the weights of a better epoch, and counts the epochs without a better validation."""
        logs = logs or {}
        loss, accuracy = logs["val_loss"], logs["val_accuracy"]
        value = accuracy if self._keep_best == "accuracy" else -loss
        is_good_enough = self._start is None or (loss <= self._start[0] and accuracy >= self._start[1])
        if is_good_enough and value > self._best_value:
            self.best, self._best_value, self._weights = epoch + 1, value, self._trained()
        self._stalled = 0 if value > self._last_better_value else self._stalled + 1
        self._last_better_value = max(value, self._last_better_value)
        if self._patience and self._stalled >= self._patience:
            self.model.stop_training = True

    def give_back(self, model: keras.Model) -> None:
        """Gives a model that was trained the weights of its best epoch, or of its start where none was as good."""
        for variable, value in zip(model.trainable_variables, self._weights, strict=True):
            variable.assign(value)

    def _trained(self) -> list[NDArray[np.float32]]:
        return [variable.numpy() for variable in self.model.trainable_variables]


class EpochWeights(keras.callbacks.Callback):
    """Remembers the weights of the best epoch and the mean over all, and ends a training that no longer gets better.

    Attributes:
      best: number of the best epoch, from 1.
      of_best: its weights.
      mean: of the weights after each epoch.
    """

    STATE = ("best", "_least", "of_best", "mean")

    def __init__(self, variables: Sequence[Any], *, patience: int) -> None:
        super().__init__()
        self._variables, self._patience, self._least = variables, patience, math.inf
        self.best, self.of_best, self.mean = 0, list[NDArray[np.float32]](), list[NDArray[np.float32]]()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Takes an epoch's weights into account."""
        values = [variable.numpy() for variable in self._variables]
        if epoch == 0:
            self.mean = values
        self.mean = [old + (new - old) / np.float32(epoch + 1) for old, new in zip(self.mean, values, strict=True)]
        loss = (logs or {})["val_log_loss"]
        if loss < self._least:
            self.best, self._least, self.of_best = epoch + 1, loss, values
        if epoch + 1 - self.best >= self._patience:
            self.model.stop_training = True
