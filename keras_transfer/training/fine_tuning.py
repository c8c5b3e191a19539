"""Fine-tuning that goes on from a solved head: what is tried, and whether it is kept."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from keras_transfer import terminal
from keras_transfer.model import cut
from keras_transfer.model.classifier import LOGITS_LAYER, Classifier
from keras_transfer.settings.config import TrainingConfig, settings_of
from keras_transfer.training import fitting, phases
from keras_transfer.training.epoch_callbacks import EpochLines, EpochWeights
from keras_transfer.training.logistic import Solution
from keras_transfer.training.phase_inputs import PhaseInputs
from keras_transfer.training.phases import Outcome, Phase, PhaseResult

EPOCHS = 8  # at most, of each learning rate
LEARNING_RATES = (3e-5, 1e-4, 3e-4)  # tried unless one is given
# Of the weights that were found, against those before: Wortsman et al. 2021, https://arxiv.org/abs/2109.01903.
FACTORS = (0.25, 0.5, 0.75)
# The chosen head fits the training images so closely that it leaves the base nothing to learn. Fine-tuning begins with
# one whose penalty is this many times as strong, and keeps the penalty.
STRONGER_PENALTY = 30.0
# Standard errors that the gain must exceed: the best of a dozen trials gains one by chance alone.
_LEAST_STANDARD_ERRORS = 2.0
_PATIENCE = 2  # epochs
_LOG_TEMPERATURES = (-1.5, 1.5)

_Weights = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Trial:
    """Weights that were tried.

    Attributes:
      blocks: that were trained, from the top.
      learning_rate: they were trained with.
      epoch: after which they were taken, from 1; 0 for the mean over all epochs.
      factor: how far from the weights before fine-tuning (0) to those after it (1).
      log_loss: of the validation images, mean, in nats, at the temperature that suits them best.
      accuracy: of the validation images.
    """

    blocks: int
    learning_rate: float
    epoch: int
    factor: float
    log_loss: float
    accuracy: float


@dataclass(frozen=True)
class FineTuning:
    """What fine-tuning brought.

    Attributes:
      trials: in the order in which they were tried.
      best: the one with the lowest log loss.
      gain: by how much its log loss is lower than that of the weights before, over the validation images.
      gain_error: standard error of that.
      is_kept: whether the gain is larger than twice its standard error.
      seconds: in all.
    """

    trials: tuple[Trial, ...]
    best: Trial
    gain: float
    gain_error: float
    is_kept: bool
    seconds: float


def learning_rates(training: TrainingConfig) -> tuple[float, ...]:
    """Those that are tried: the given one, or a few."""
    given = training.fine_tune_learning_rate
    is_default = given == settings_of(TrainingConfig)["fine_tune_learning_rate"][0].default
    return LEARNING_RATES if is_default else (given,)


def phase(classifier: Classifier, training: TrainingConfig) -> Phase:
    """The fine-tune phase that goes on from a solved head.

    Raises:
      UserError: more blocks to unfreeze than the base has.
    """
    rates = learning_rates(training)
    return Phase(
        phases.FINE_TUNE,
        cut.block_cut(classifier, training.unfreeze_blocks),
        training.fine_tune_epochs or EPOCHS,
        rates[0],
        tries=len(rates) * training.unfreeze_blocks,
    )


@dataclass(frozen=True)
class Start:
    """From where fine-tuning sets out.

    Attributes:
      head: fitted with `STRONGER_PENALTY`.
      l2: factor of the squares of its kernel in the loss, as it was fitted with.
    """

    head: Solution
    l2: float


@dataclass(frozen=True)
class Job:
    """What fine-tuning works on.

    Attributes:
      classifier: with the solved head's weights; they are changed.
      phase: from `phase`.
      inputs: of that phase.
      training: learning rates, depth, optimizer, schedule.
      class_weights: label id -> weight in the training loss, or None.
      run_dir: gets checkpoints/ and tensorboard/.
    """

    classifier: Classifier
    phase: Phase
    inputs: PhaseInputs
    training: TrainingConfig
    class_weights: dict[int, float] | None
    run_dir: Path


@dataclass(frozen=True)
class _Attempt:
    """A trial with all that is needed to keep it: weights, rows of its epochs, and the validation images' answers."""

    trial: Trial
    weights: _Weights
    rows: tuple[dict[str, float], ...]
    logits: NDArray[np.float32]
    losses: NDArray[np.float64]


def run(job: Job, start: Start, solved: Outcome) -> tuple[Outcome, FineTuning]:
    """Tries depths and learning rates, and leaves the best weights in the classifier if they are better than before.

    Args:
      job: what to train, with what.
      start: of each try.
      solved: the outcome of the head phase.

    Raises:
      UserError: the loss is no longer a number.
      RuntimeError: a frozen weight changed, which must never happen.
    """
    started = time.perf_counter()
    cut.set_trainable(job.classifier, job.phase.cut)
    phases.describe(job.classifier, job.phase)
    frozen, variables = phases.frozen_checksum(job.classifier), list(job.inputs.model.trainable_variables)
    trials, best, before = list[Trial](), None, [variable.numpy() for variable in variables]
    for attempt in _attempts(job, start, variables, before):
        trials.append(attempt.trial)
        best = attempt if best is None or attempt.trial.log_loss < best.trial.log_loss else best
    assert best is not None
    gains = _losses(job, solved.validation_logits) - best.losses
    # One image alone tells nothing of chance: an error that no gain exceeds.
    spread = gains.std(ddof=1) if len(gains) > 1 else abs(gains[0])
    gain, gain_error = float(gains.mean()), float(spread / math.sqrt(len(gains)))
    is_kept = gain > _LEAST_STANDARD_ERRORS * gain_error
    found = FineTuning(tuple(trials), best.trial, gain, gain_error, is_kept, time.perf_counter() - started)
    _assign(variables, best.weights if found.is_kept else before)
    cut.set_trainable(job.classifier, job.phase.cut)
    if phases.frozen_checksum(job.classifier) != frozen:
        raise RuntimeError("A frozen weight changed during the fine_tune phase. Nothing was exported.")
    phases.save(job.inputs.model, job.phase, job.run_dir)
    terminal.say(f"  {in_words(found)}")
    return _outcome(job.phase, solved, best, found), found


def in_words(found: FineTuning) -> str:
    """What it brought."""
    verdict = "kept" if found.is_kept else "not kept"
    gain = f"{found.gain:.4f} ± {found.gain_error:.4f} ({found.seconds:.0f} s)"
    return f"Fine-tuning lowers the validation log loss by {gain}: {verdict}."


def _attempts(job: Job, start: Start, variables: Sequence[Any], before: _Weights) -> Iterator[_Attempt]:
    """Every depth and learning rate, and then weights between those before and the best of them."""
    best: _Attempt | None = None
    for blocks in range(1, job.training.unfreeze_blocks + 1):
        for learning_rate in learning_rates(job.training):
            _assign(variables, before)
            for attempt in _train(job, start, variables, blocks=blocks, learning_rate=learning_rate):
                best = attempt if best is None or attempt.trial.log_loss < best.trial.log_loss else best
                yield attempt
    assert best is not None
    for factor in FACTORS:
        weights = [old + np.float32(factor) * (new - old) for old, new in zip(before, best.weights, strict=True)]
        yield _measure(job, variables, weights, dataclasses.replace(best.trial, factor=factor), best.rows)


def _train(
    job: Job, start: Start, variables: Sequence[Any], *, blocks: int, learning_rate: float
) -> tuple[_Attempt, _Attempt]:
    """The best epoch of one learning rate, and the mean of all its epochs."""
    model, training = job.inputs.model, job.training
    cut.set_trainable(job.classifier, cut.block_cut(job.classifier, blocks))
    logits = model.get_layer(LOGITS_LAYER)
    logits.set_weights([start.head.kernel.astype(np.float32), start.head.bias.astype(np.float32)])
    logits.kernel.regularizer = keras.regularizers.L2(start.l2)
    history = EpochLines(job.phase.epochs, loss="log_loss")
    weights = EpochWeights(variables, patience=training.early_stopping_patience or _PATIENCE)
    name = f"{job.phase.name}/{blocks}_blocks_{learning_rate:g}"
    terminal.say(f"  learning rate {learning_rate:g}, {blocks} block{'s' if blocks > 1 else ''}")
    phases.compile_model(model, training)
    fitting.fit(
        job.inputs,
        fitting.Stretch(name, job.phase.cut, job.phase.epochs, learning_rate),
        (history, weights),
        training=training,
        class_weights=job.class_weights,
        run_dir=job.run_dir,
    )
    logits.kernel.regularizer = None
    trial, rows = Trial(blocks, learning_rate, weights.best, 1.0, math.nan, math.nan), tuple(history.rows)
    mean = dataclasses.replace(trial, epoch=0)
    return (
        _measure(job, variables, weights.of_best, trial, rows),
        _measure(job, variables, weights.mean, mean, rows),
    )


def _measure(
    job: Job, variables: Sequence[Any], weights: _Weights, trial: Trial, rows: tuple[dict[str, float], ...]
) -> _Attempt:
    _assign(variables, weights)
    logits = np.asarray(job.inputs.model.predict(job.inputs.validation, verbose=0), np.float32)
    losses = _losses(job, logits)
    is_right = logits.argmax(axis=1) == _label_ids(job)
    measured = dataclasses.replace(trial, log_loss=float(losses.mean()), accuracy=float(is_right.mean()))
    return _Attempt(measured, weights, rows, logits, losses)


def _assign(variables: Sequence[Any], weights: _Weights) -> None:
    for variable, value in zip(variables, weights, strict=True):
        variable.assign(value)


def _label_ids(job: Job) -> NDArray[np.int32]:
    return np.concatenate([label_ids.numpy() for _, label_ids in job.inputs.validation])


def _losses(job: Job, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each validation image: -ln(probability of its class), with the temperature that suits these logits best.

    Without it weights would win by being less sure of themselves, which calibration gives for nothing.
    """
    label_ids = _label_ids(job)

    def losses(log_temperature: float) -> NDArray[np.float64]:
        scaled = special.log_softmax(logits.astype(np.float64) / math.exp(log_temperature), axis=1)
        return np.asarray(-scaled[np.arange(len(label_ids)), label_ids])

    best = optimize.minimize_scalar(lambda value: losses(value).mean(), bounds=_LOG_TEMPERATURES, method="bounded")
    return losses(best.x)


def _outcome(phase: Phase, solved: Outcome, best: _Attempt, found: FineTuning) -> Outcome:
    head = solved.phases[-1]
    result = PhaseResult(
        phase=dataclasses.replace(phase, learning_rate=best.trial.learning_rate),
        epochs=best.rows,
        best_epoch=_best_epoch(best) if found.is_kept else 0,
        validation_loss=best.trial.log_loss if found.is_kept else head.validation_loss,
        validation_accuracy=best.trial.accuracy if found.is_kept else head.validation_accuracy,
        seconds=found.seconds,
    )
    kept = (phase.name, best.logits) if found.is_kept else (solved.kept_phase, solved.validation_logits)
    return Outcome((*solved.phases, result), kept[0], in_words(found), kept[1])


def _best_epoch(attempt: _Attempt) -> int:
    """The epoch whose weights were taken, or the best of those whose mean was taken."""
    return attempt.trial.epoch or 1 + int(np.argmin([row["validation_loss"] for row in attempt.rows]))
