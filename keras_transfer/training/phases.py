"""The head phase and the fine-tune phase: what each trains, and which weights are kept."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import special
from sklearn.utils.class_weight import compute_class_weight

from keras_transfer import atomic_files, terminal
from keras_transfer.model import cut
from keras_transfer.model.classifier import LOGITS_LAYER, STANDARDIZING_LAYER, Classifier
from keras_transfer.settings.config import TrainingConfig
from keras_transfer.training import fitting, optimizers, standardization
from keras_transfer.training.epoch_callbacks import BestEpoch, EpochLines
from keras_transfer.training.logistic import Solution
from keras_transfer.training.phase_inputs import PhaseInputs

HEAD, FINE_TUNE = "head", "fine_tune"
EPOCHS = 8  # of the fine-tune phase, unless a number is given


@dataclass(frozen=True)
class Phase:
    """One stretch of training.

    Attributes:
      name: head or fine_tune.
      cut: layer below which everything is frozen.
      epochs: at most; early stopping may end it sooner. 0 for a head that is solved.
      learning_rate: before the schedule.
      tries: how many times it is trained from its start, with other learning rates or depths.
    """

    name: str
    cut: str
    epochs: int
    learning_rate: float
    tries: int = 1


@dataclass(frozen=True)
class PhaseResult:
    """What a phase did.

    Attributes:
      phase: which.
      epochs: a row an epoch: epoch (from 1), loss, accuracy, validation_loss, validation_accuracy, learning_rate,
        seconds.
      best_epoch: the one whose weights were kept, from 1; 0 where no epoch was as good as the start.
      validation_loss: at the kept weights.
      validation_accuracy: likewise.
      seconds: of the whole phase.
    """

    phase: Phase
    epochs: tuple[dict[str, float], ...]
    best_epoch: int
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What all phases did.

    Attributes:
      phases: in order.
      kept_phase: whose weights the classifier now has.
      reason: a sentence saying why.
      validation_logits: float32, shape (validation examples, classes), of the kept weights.
    """

    phases: tuple[PhaseResult, ...]
    kept_phase: str
    reason: str
    validation_logits: NDArray[np.float32]


def plan(classifier: Classifier, training: TrainingConfig, *, is_solved: bool = False) -> tuple[Phase, ...]:
    """The phases that a configuration asks for, with their cuts.

    Args:
      classifier: built.
      training: epochs and learning rates.
      is_solved: whether the head is solved, not trained: then `fine_tuning` plans what follows it.

    Raises:
      UserError: more blocks to unfreeze than the base has.
    """
    if is_solved:
        return (Phase(HEAD, classifier.head_cut, 0, 0.0),)
    phases = [Phase(HEAD, classifier.head_cut, training.head_epochs, training.head_learning_rate)]
    if epochs := fine_tune_epochs(training):
        block_cut = cut.block_cut(classifier, training.unfreeze_blocks)
        phases.append(Phase(FINE_TUNE, block_cut, epochs, training.fine_tune_learning_rate))
    return tuple(phases)


def fine_tune_epochs(training: TrainingConfig) -> int:
    """Epochs of the fine-tune phase, at most; 0 where none is asked for."""
    return training.fine_tune_epochs or (EPOCHS if training.fine_tune == "on" else 0)


def run(
    classifier: Classifier,
    phases: Sequence[Phase],
    inputs_of: Callable[[Phase], PhaseInputs],
    *,
    training: TrainingConfig,
    class_weights: dict[int, float] | None,
    run_dir: Path,
    solution: Solution | None = None,
) -> Outcome:
    """Trains the classifier in place, phase by phase, each from the best weights of the one before.

    Args:
      classifier: its weights are changed.
      phases: from `plan`.
      inputs_of: makes a phase's inputs once its trainable layers are set.
      training: optimizer, schedule, what counts as best.
      class_weights: label id -> weight in the training loss, or None.
      run_dir: gets checkpoints/ and tensorboard/.
      solution: of a head phase without epochs.

    Returns:
      The history, which phase's weights were kept and why, and the validation predictions of those weights.

    Raises:
      UserError: the loss is no longer a number.
      RuntimeError: a frozen weight changed, which must never happen.
    """
    results = []
    for phase in phases:
        cut.set_trainable(classifier, phase.cut)
        describe(classifier, phase)
        before = frozen_checksum(classifier)
        inputs = inputs_of(phase)
        if phase.name == HEAD:
            standardization.fit(classifier, inputs)
        if phase.epochs:
            result = _fit(inputs, phase, training=training, class_weights=class_weights, run_dir=run_dir)
        else:
            assert solution is not None
            result = _put_in(solution, inputs, phase, run_dir=run_dir)
        results.append(result)
        if frozen_checksum(classifier) != before:
            raise RuntimeError(f"A frozen weight changed during the {phase.name} phase. Nothing was exported.")
    kept_phase, reason = _verdict(results)
    logits = inputs.model.predict(inputs.validation, verbose=0)
    return Outcome(tuple(results), kept_phase, reason, np.asarray(logits, np.float32))


def balanced_class_weights(counts: NDArray[np.int64]) -> dict[int, float]:
    """Weights that make every class count the same: examples / (classes * examples of the class).

    Source: King and Zeng 2001, "Logistic Regression in Rare Events Data"; scikit-learn's "balanced".

    Args:
      counts: examples of each class, shape (classes,); a class without examples gets no weight.
    """
    present = np.flatnonzero(counts)
    weights = compute_class_weight("balanced", classes=present, y=np.repeat(present, counts[present]))
    return dict(zip(present.tolist(), weights.tolist(), strict=True))


def frozen_checksum(classifier: Classifier) -> str:
    """Of every weight that no phase may change; standardization is set once, by the head phase, from its data."""
    layers = [layer for layer in classifier.model.layers if layer.name != STANDARDIZING_LAYER]
    return cut.checksum([weight for layer in layers for weight in layer.non_trainable_weights])


def describe(classifier: Classifier, phase: Phase) -> None:
    """Prints what a phase trains and what it leaves frozen."""

    def size(weights: Sequence[Any]) -> str:
        return f"{len(weights):,} tensors, {sum(math.prod(weight.shape) for weight in weights):,} parameters"

    how = f"{phase.epochs} epochs" if phase.epochs else "solved to convergence"
    terminal.say(f"\n{phase.name} phase: everything above {phase.cut}, {how}")
    terminal.say(f"  trained {size(classifier.model.trainable_weights)}")
    terminal.say(f"  frozen  {size(classifier.model.non_trainable_weights)}")


def _fit(
    inputs: PhaseInputs,
    phase: Phase,
    *,
    training: TrainingConfig,
    class_weights: dict[int, float] | None,
    run_dir: Path,
) -> PhaseResult:
    started = time.perf_counter()
    model = inputs.model
    compile_model(model, training)
    start = _evaluate(inputs) if phase.name == FINE_TUNE else None
    best = BestEpoch(training.keep_best, patience=training.early_stopping_patience, start=start)
    history = EpochLines(phase.epochs)
    stretch = fitting.Stretch(phase.name, phase.cut, phase.epochs, phase.learning_rate)
    fitting.fit(inputs, stretch, (history, best), training=training, class_weights=class_weights, run_dir=run_dir)
    best.give_back(model)
    loss, accuracy = start or (math.nan, math.nan)
    if best.best:
        loss, accuracy = (history.rows[best.best - 1][key] for key in ("validation_loss", "validation_accuracy"))
    save(model, phase, run_dir)
    return PhaseResult(phase, tuple(history.rows), best.best, loss, accuracy, time.perf_counter() - started)


def _put_in(solution: Solution, inputs: PhaseInputs, phase: Phase, *, run_dir: Path) -> PhaseResult:
    """Gives the head the weights that were found, and measures it on the validation images."""
    started = time.perf_counter()
    inputs.model.get_layer(LOGITS_LAYER).set_weights(
        [solution.kernel.astype(np.float32), solution.bias.astype(np.float32)]
    )
    logits = np.asarray(inputs.model.predict(inputs.validation, verbose=0), np.float64)
    label_ids = np.concatenate([ids.numpy() for _, ids in inputs.validation])
    losses = -special.log_softmax(logits, axis=1)[np.arange(len(label_ids)), label_ids]
    save(inputs.model, phase, run_dir)
    accuracy = float((logits.argmax(axis=1) == label_ids).mean())
    return PhaseResult(phase, (), 0, float(losses.mean()), accuracy, time.perf_counter() - started)


def save(model: keras.Model, phase: Phase, run_dir: Path) -> None:
    """Writes the weights that a phase ended with."""
    with atomic_files.whole_file(run_dir / "checkpoints" / f"{phase.name}.weights.h5") as temporary:
        model.save_weights(temporary, overwrite=True)


def compile_model(model: keras.Model, training: TrainingConfig) -> None:
    """Gives a model the optimizer, loss and metrics (`accuracy`, `log_loss`) of a phase."""
    model.compile(
        optimizer=optimizers.build(training),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=training.label_smoothing),
        metrics=[
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            # The loss without penalties and label smoothing, by which weights are compared.
            keras.metrics.CategoricalCrossentropy(name="log_loss", from_logits=True),
        ],
        # XLA makes convolutions slower on a CPU (measured: 5.2 instead of 13 images/s on VGG16).
        jit_compile=False if not tf.config.list_physical_devices("GPU") else "auto",
    )


def _evaluate(inputs: PhaseInputs) -> tuple[float, float]:
    """Validation loss and accuracy of the weights as they are."""
    metrics = inputs.model.evaluate(fitting.with_one_hot(inputs.validation, inputs.model), verbose=0, return_dict=True)
    return float(metrics["loss"]), float(metrics["accuracy"])


def _verdict(results: Sequence[PhaseResult]) -> tuple[str, str]:
    last = results[-1]
    metrics = f"validation loss {last.validation_loss:.4f}, accuracy {last.validation_accuracy:.4f}"
    if len(results) == 1 and not last.phase.epochs:
        return last.phase.name, f"The head was solved to convergence on the training images ({metrics})."
    if len(results) == 1:
        return last.phase.name, f"Epoch {last.best_epoch} of the head phase was the best ({metrics})."
    if last.best_epoch == 0:
        return HEAD, (
            "No epoch of the fine-tune phase was at least as good in both validation loss and accuracy as the head "
            f"phase's best ({metrics})."
        )
    return last.phase.name, f"Fine-tuning made validation no worse (epoch {last.best_epoch}: {metrics})."


def as_history(result: PhaseResult) -> dict[str, Any]:
    """A phase as JSON-ready values, for metrics.json and the report."""
    row = dataclasses.asdict(result)
    phase = row.pop("phase")
    return {**row, "phase": phase["name"], "cut": phase["cut"], "epochs": list(row["epochs"])}
