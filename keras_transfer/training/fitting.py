"""One `model.fit` that may be killed at any moment: it goes on from its last checkpoint, to the same bits."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_transfer
from keras_transfer import interruption, terminal
from keras_transfer.model import cut
from keras_transfer.settings.config import TrainingConfig
from keras_transfer.training import optimizers
from keras_transfer.training.checkpoints import Checkpoints
from keras_transfer.training.epoch_callbacks import EpochLines, EpochSummaries
from keras_transfer.training.phase_inputs import PhaseInputs

# At epoch ends a checkpoint is written if all of them take no more than this part of the training's time; within an
# epoch this many seconds must have passed too. So what a kill costs is bounded, and so is what is paid for that.
COST = 0.02
SECONDS = 30.0
_BYTES_A_SECOND = 400e6  # for a guess before the first is written; measured 500e6, on a cloud machine's disk
_VALIDATION_SECONDS = 2.0  # that an interruption waits for the end of a validation, after which an epoch is whole


@dataclass(frozen=True)
class Stretch:
    """What is trained in one go.

    Attributes:
      name: of its checkpoints and its folder of TensorBoard's logs, such as fine_tune/1_blocks_0.0001.
      cut: layer below which everything is frozen.
      epochs: at most.
      learning_rate: before the schedule.
    """

    name: str
    cut: str
    epochs: int
    learning_rate: float


def fit(
    inputs: PhaseInputs,
    stretch: Stretch,
    callbacks: tuple[EpochLines, keras.callbacks.Callback],
    *,
    training: TrainingConfig,
    class_weights: dict[int, float] | None,
    run_dir: Path,
) -> None:
    """Trains, from the last checkpoint if an earlier try has left one; not at all if that try finished this.

    Args:
      inputs: whose model is trained; compiled.
      stretch: what to train.
      callbacks: the history, which refuses what is no number, and what remembers the best weights. Their attributes
        that `STATE` names are kept in the checkpoints, as are those of the schedule.
      training: optimizer and schedule.
      class_weights: label id -> weight in the training loss, or None.
      run_dir: gets checkpoints/ and tensorboard/.

    Raises:
      Interrupted: by Ctrl-C or SIGTERM, after a checkpoint was written.
    """
    model, history = inputs.model, callbacks[0]
    every = [
        *callbacks,
        *optimizers.schedule_callbacks(training, peak=stretch.learning_rate, epochs=stretch.epochs),
    ]
    with interruption.Stopping() as stopping:
        files = Checkpoints(
            run_dir / "checkpoints", stretch.name.replace("/", "-"), _belongs_to(inputs, stretch, class_weights)
        )
        keeper = _Checkpointing(inputs, stretch.epochs, every, stopping, files)
        if keeper.take_up(with_one_hot(inputs.validation.take(1), model)):
            return
        with EpochSummaries(history, run_dir / "tensorboard" / stretch.name) as summaries:
            for first, last, batch in keeper.parts():
                model.fit(
                    with_one_hot(inputs.training_from(first * inputs.steps_per_epoch + batch), model),
                    initial_epoch=first,
                    epochs=last,
                    steps_per_epoch=inputs.steps_per_epoch - batch,
                    validation_data=with_one_hot(inputs.validation, model),
                    class_weight=class_weights,
                    shuffle=False,  # the schedule has shuffled already
                    verbose=0,
                    callbacks=[*every, summaries, keeper],
                )
                if model.stop_training:
                    break
        keeper.finish()


def with_one_hot(batches: tf.data.Dataset, model: keras.Model) -> tf.data.Dataset:
    """Batches of (input, label ids) as (input, one-hot labels)."""
    class_count = model.output.shape[-1]
    return batches.map(lambda inputs, label_ids: (inputs, tf.one_hot(label_ids, class_count)))


def _belongs_to(inputs: PhaseInputs, stretch: Stretch, class_weights: dict[int, float] | None) -> dict[str, Any]:
    """What a checkpoint depends on; the run directory holds the other settings, and the photos."""
    return {
        **dataclasses.asdict(stretch),
        "class_weights": class_weights,
        "steps_per_epoch": inputs.steps_per_epoch,
        "start": cut.checksum(inputs.model.weights),
        "versions": [keras_transfer.__version__, tf.__version__, keras.__version__],
    }


class _Checkpointing(keras.callbacks.Callback):
    """Writes checkpoints, and puts back what one holds; comes after all other callbacks."""

    def __init__(
        self,
        inputs: PhaseInputs,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
        stopping: interruption.Stopping,
        files: Checkpoints,
    ) -> None:
        super().__init__()
        self._trained, self._steps_per_epoch, self._epochs = inputs.model, inputs.steps_per_epoch, epochs
        self._callbacks = [each for each in callbacks if hasattr(each, "STATE")]
        self._stopping, self._files = stopping, files
        self._epoch = self._batch = 0  # that are done
        self._states: list[dict[str, Any]] | None = None  # of the callbacks, to be put back
        self._metrics: list[Any] | None = None  # likewise
        self._started = self._written = time.monotonic()
        # Weights, usually two values of the optimizer for each, and the best weights.
        self._cost: float = 4 * sum(value.nbytes for value in _values(_changing(inputs.model))) / _BYTES_A_SECOND
        self._spent = self._stopped = 0.0
        self._kept = self._done()

    def take_up(self, one_batch: tf.data.Dataset) -> bool:
        """Puts the last checkpoint back; whether the training is finished.

        Args:
          one_batch: of the validation examples: Keras makes its metrics' variables when it first needs them.
        """
        found = self._files.latest()
        if found is None:
            return False
        content, is_finished = found
        _assign(_changing(self._trained), content["variables"])
        self._states = content["callbacks"]
        if is_finished:
            self._put_back()
            terminal.say(f"  {len(self._callbacks[0].rows)} epochs were trained by an earlier try of this run.")
            return True
        self._trained.optimizer.build(self._trained.trainable_variables)
        _assign(self._trained.optimizer.variables, content["optimizer"])
        self._epoch, self._batch, self._metrics = content["epoch"], content["batch"], content["metrics"]
        if self._batch:
            self._trained.evaluate(one_batch, verbose=0)
        self._put_back()
        self._kept = self._done()
        terminal.say(f"  goes on after {self._kept}")
        return False

    def parts(self) -> list[tuple[int, int, int]]:
        """What is left to do, as (first epoch, epoch to end before, batches of the first that are done)."""
        epochs = self._epochs
        if not self._batch:
            return [(self._epoch, epochs, 0)]
        rest = [(self._epoch + 1, epochs, 0)] if self._epoch + 1 < epochs else []
        return [(self._epoch, self._epoch + 1, self._batch), *rest]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Puts the callbacks' states back, because some begin anew with each `fit`."""
        self._put_back()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Puts the metrics of a part of an epoch back; Keras has just reset them."""
        if self._metrics:
            _assign(self._trained.metrics_variables, self._metrics)
        self._metrics = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Writes a checkpoint within an epoch, if it is time, or if the training is to stop."""
        self._batch += 1
        if self._batch == self._steps_per_epoch:
            return  # its end comes at once
        if self._stopping or (time.monotonic() - self._written >= SECONDS and self._is_worth_it()):
            self._write()
        self._stop_if_asked()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stops a long validation, without its epoch."""
        if self._stopping:
            self._stopped = self._stopped or time.monotonic()
            if time.monotonic() - self._stopped > _VALIDATION_SECONDS:
                self._stop_if_asked()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes a checkpoint, if it is time, or if the training is to stop."""
        self._epoch, self._batch, self._states = epoch + 1, 0, self._state()
        if self._trained.stop_training or self._epoch == self._epochs:
            return  # `finish` comes at once
        if self._stopping or self._is_worth_it():
            self._write()
        self._stop_if_asked()

    def finish(self) -> None:
        """Keeps the result."""
        content = {"variables": _values(_changing(self._trained)), "callbacks": self._state()}
        self._files.write(content, is_finished=True)
        self._kept = self._done()
        self._stop_if_asked()

    def _is_worth_it(self) -> bool:
        next_and_last = 2 * self._cost
        return self._spent + next_and_last <= COST * (time.monotonic() - self._started)

    def _write(self) -> None:
        started = time.monotonic()
        content = {
            "epoch": self._epoch,
            "batch": self._batch,
            "variables": _values(_changing(self._trained)),
            "optimizer": _values(self._trained.optimizer.variables),
            "metrics": _values(self._trained.metrics_variables) if self._batch else [],
            "callbacks": self._state(),
        }
        self._files.write(content)
        self._kept, self._written = self._done(), time.monotonic()
        self._cost = self._written - started
        self._spent += self._cost

    def _stop_if_asked(self) -> None:
        if self._stopping:
            raise interruption.Interrupted(
                f"Interrupted. {self._kept} of {self._files.name} are kept. Run the same command again.",
                self._stopping.signal_number,
            )

    def _done(self) -> str:
        epochs = f"{self._epoch} of {self._epochs} epochs"
        return f"{epochs} and {self._batch} of {self._steps_per_epoch} batches" if self._batch else epochs

    def _state(self) -> list[dict[str, Any]]:
        return [{name: getattr(each, name) for name in each.STATE} for each in self._callbacks]

    def _put_back(self) -> None:
        for callback, state in zip(self._callbacks, self._states or (), strict=False):
            for name, value in state.items():
                setattr(callback, name, value)


def _changing(model: keras.Model) -> list[Any]:
    """The variables that training changes: what is trained, and the random states of dropout."""
    frozen = {id(variable) for variable in model.non_trainable_weights}
    return [variable for variable in model.variables if id(variable) not in frozen]


def _values(variables: Sequence[Any]) -> list[Any]:
    return [np.asarray(variable) for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
