"""Tests of keras_transfer.training.fitting: a training that is killed goes on, and ends with the same bits."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_transfer import interruption
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.training import fitting, phases
from keras_transfer.training.phase_inputs import PhaseInputs
from keras_transfer.training.phases import Outcome, Phase
from small_training import make_classifier, make_config

EXAMPLES, STEPS = 10, 3  # the last batch of an epoch is smaller
RECIPE = {"dropout": 0.5, "head_units": (8,), "head_epochs": 4, "head_learning_rate": 0.01}


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the package may catch it."""


def noisy_inputs(classifier: Classifier, phase: Phase) -> PhaseInputs:
    """Every epoch has other examples; validation contradicts some of them."""
    shape = cut.record_shape(classifier.model, phase.cut)
    rng = np.random.default_rng(1)
    labels = (np.arange(EXAMPLES * phase.epochs) % 2).astype(np.int32)
    rows = rng.normal(labels.reshape(-1, *[1] * len(shape)), 1.0, (len(labels), *shape)).astype(np.float32)
    epochs = tf.data.Dataset.from_tensor_slices(
        (rows.reshape(phase.epochs, EXAMPLES, *shape), labels.reshape(phase.epochs, EXAMPLES))
    )
    others = np.where(rng.random(EXAMPLES) < 0.3, 1 - labels[:EXAMPLES], labels[:EXAMPLES])
    return PhaseInputs(
        model=cut.trainable_part(classifier.model, phase.cut),
        training=epochs.flat_map(lambda *epoch: tf.data.Dataset.from_tensor_slices(epoch).batch(4)),
        validation=tf.data.Dataset.from_tensor_slices((rows[:EXAMPLES], others)).batch(4),
        steps_per_epoch=STEPS,
        clean_features=lambda: iter([rows[:EXAMPLES].astype(np.float64)]),
    )


def train(folder: Path, **settings: Any) -> tuple[list[np.ndarray], Outcome]:
    """Trains all phases of a new classifier; gives its weights, and what the phases did."""
    config = make_config(folder, **{**RECIPE, **settings})
    classifier = make_classifier(config)
    outcome = phases.run(
        classifier,
        phases.plan(classifier, config.training),
        lambda phase: noisy_inputs(classifier, phase),
        training=config.training,
        class_weights={0: 1.0, 1: 1.5},
        run_dir=folder,
    )
    return classifier.model.get_weights(), outcome


def at_batch(number: int, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something once, after a batch, counted over all phases from 1, and after its checkpoint if it has one."""
    done, write = [0], fitting._Checkpointing.on_train_batch_end

    def counted(callback: Any, batch: int, logs: Any = None) -> None:
        done[0] += 1
        if done[0] == number and act is not kill:
            act()
        write(callback, batch, logs)
        if done[0] == number and act is kill:
            act()

    monkeypatch.setattr(fitting._Checkpointing, "on_train_batch_end", counted)


def count_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the batches that are trained."""
    done, write = [0], fitting._Checkpointing.on_train_batch_end

    def counted(callback: Any, batch: int, logs: Any = None) -> None:
        done[0] += 1
        write(callback, batch, logs)

    monkeypatch.setattr(fitting._Checkpointing, "on_train_batch_end", counted)
    return done


def first_epoch_only(keeper: Any) -> bool:
    return bool(keeper._epoch == 1)


def kill() -> None:
    raise Killed


def rows_of(outcome: Outcome) -> list[list[dict[str, float]]]:
    return [[{**row, "seconds": 0} for row in result.epochs] for result in outcome.phases]


def check_same(first: tuple[list[np.ndarray], Outcome], other: tuple[list[np.ndarray], Outcome]) -> None:
    """Bit for bit."""
    assert rows_of(first[1]) == rows_of(other[1])
    assert [each.best_epoch for each in first[1].phases] == [each.best_epoch for each in other[1].phases]
    assert first[1].reason == other[1].reason
    np.testing.assert_array_equal(first[1].validation_logits, other[1].validation_logits)
    assert all(np.array_equal(one, two) for one, two in zip(first[0], other[0], strict=True))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[np.ndarray], Outcome]:
    """Undisturbed, with the recipe as it is."""
    return train(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every batch."""
    monkeypatch.setattr(fitting, "SECONDS", 0.0)
    monkeypatch.setattr(fitting, "COST", 1e9)


EARLY = {"early_stopping_patience": 1, "head_learning_rate": 0.3, "head_epochs": 8}
PLATEAU = {"learning_rate_schedule": "plateau", "step_epochs": 1, "head_learning_rate": 0.1, "head_epochs": 6}
COSINE = {"learning_rate_schedule": "cosine", "warmup_epochs": 1, "optimizer": "sgd"}
FINE_TUNED = {"fine_tune_epochs": 2, "head_epochs": 2, "fine_tune_learning_rate": 1e-3}


@pytest.mark.parametrize(
    ("settings", "batch"),
    [
        (EARLY, 4),
        (PLATEAU, 2 * STEPS + 1),
        (PLATEAU, 5 * STEPS - 1),
        (COSINE, 8),
        pytest.param(FINE_TUNED, 2 * STEPS + 1, marks=pytest.mark.slow),
        (FINE_TUNED, 3 * STEPS + 2),
    ],
)
def test_a_killed_training_goes_on_bit_for_bit(tmp_path, monkeypatch, often, settings, batch):
    whole = train(tmp_path / "whole", **settings)
    with monkeypatch.context() as once:
        at_batch(batch, kill, once)
        with pytest.raises(Killed):
            train(tmp_path / "killed", **settings)
    assert len(list((tmp_path / "killed" / "checkpoints").glob("*.npz"))) <= 2 + len(whole[1].phases)
    check_same(train(tmp_path / "killed", **settings), whole)


def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path, monkeypatch, often, plain):
    for batch in (1, STEPS - 1, STEPS, STEPS - 2):  # the third of them is at its epoch's end, before the validation
        with monkeypatch.context() as once:
            at_batch(batch, kill, once)
            with pytest.raises(Killed):
                train(tmp_path)
    check_same(train(tmp_path), plain)


@pytest.mark.parametrize(
    ("number", "exit_code", "batch", "kept"),
    [
        (signal.SIGINT, 130, 5, "1 of 4 epochs and 2 of 3 batches"),
        (signal.SIGTERM, 143, 6, "2 of 4 epochs"),
        (signal.SIGTERM, 143, 12, "4 of 4 epochs"),
    ],
)
def test_an_interrupted_training_keeps_its_last_batch(tmp_path, monkeypatch, plain, number, exit_code, batch, kept):
    with monkeypatch.context() as once:
        at_batch(batch, lambda: signal.raise_signal(number), once)
        with pytest.raises(interruption.Interrupted) as stopped:
            train(tmp_path)
    assert kept in str(stopped.value)
    assert stopped.value.exit_code == exit_code
    done = count_batches(monkeypatch)
    check_same(train(tmp_path), plain)
    assert done == [4 * STEPS - batch]


def test_a_long_validation_is_interrupted_without_its_epoch(tmp_path, monkeypatch, plain):
    monkeypatch.setattr(fitting, "_VALIDATION_SECONDS", -1.0)
    with monkeypatch.context() as once:
        once.setattr(fitting._Checkpointing, "_is_worth_it", first_epoch_only)
        at_batch(2 * STEPS, lambda: signal.raise_signal(signal.SIGTERM), once)
        with pytest.raises(interruption.Interrupted, match="1 of 4 epochs of head are kept"):
            train(tmp_path)
    check_same(train(tmp_path), plain)


def test_a_finished_phase_is_not_trained_again(tmp_path, monkeypatch, plain):
    train(tmp_path)
    done = count_batches(monkeypatch)
    check_same(train(tmp_path), plain)
    assert done == [0]


@pytest.mark.parametrize("change", [{"head_learning_rate": 0.02}, {"seed": 1}])
def test_a_checkpoint_of_another_training_is_left_aside_with_a_warning(tmp_path, monkeypatch, capsys, often, change):
    with monkeypatch.context() as once:
        at_batch(2, kill, once)
        with pytest.raises(Killed):
            train(tmp_path)
    alone = train(tmp_path / "alone", **change)
    check_same(train(tmp_path, **change), alone)
    assert "left aside" in capsys.readouterr().err


def test_a_short_epoch_has_no_checkpoint_within(tmp_path, monkeypatch):
    at_batch(STEPS - 1, kill, monkeypatch)
    with pytest.raises(Killed):
        train(tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_checkpoints_are_written_no_more_often_than_their_cost_allows(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "COST", 0.5)
    write, seconds = fitting.Checkpoints.write, 0.1
    written: list[bool] = []

    def write_slowly(own: Any, content: Any, *, is_finished: bool = False) -> None:
        time.sleep(seconds)
        written.append(is_finished)
        write(own, content, is_finished=is_finished)

    monkeypatch.setattr(fitting.Checkpoints, "write", write_slowly)
    started = time.monotonic()
    train(tmp_path, head_epochs=30)
    assert written[-1]
    assert 2 <= len(written) <= 0.5 * (time.monotonic() - started) / seconds


def test_tensorboard_shows_each_epoch_once(tmp_path, monkeypatch):
    with monkeypatch.context() as once:
        once.setattr(fitting._Checkpointing, "_is_worth_it", first_epoch_only)  # so that the second is logged twice
        at_batch(2 * STEPS + 1, kill, once)
        with pytest.raises(Killed):
            train(tmp_path)
    _, outcome = train(tmp_path)
    for run, name in (("train", "loss"), ("validation", "validation_loss")):
        found = EventAccumulator(str(tmp_path / "tensorboard" / "head" / run), size_guidance={"tensors": 0})
        found.Reload()
        events = found.Tensors("epoch_loss")
        assert [event.step for event in events] == list(range(4))
        shown = [tf.make_ndarray(event.tensor_proto) for event in events]
        assert shown == pytest.approx([row[name] for row in outcome.phases[0].epochs])
