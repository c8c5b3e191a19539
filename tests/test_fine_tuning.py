"""Tests of keras_transfer.training.fine_tuning."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import fine_tuning, fitting, phases
from keras_transfer.training.logistic import Solution
from keras_transfer.training.phase_inputs import PhaseInputs
from small_training import make_classifier, make_config

EXAMPLES = 24


def inputs_of(classifier: Classifier, phase: phases.Phase, *, label_noise: float) -> PhaseInputs:
    """Activations that tell the classes apart; a part of the validation labels may be wrong."""
    shape = cut.record_shape(classifier.model, phase.cut)
    labels = (np.arange(EXAMPLES) % 2).astype(np.int32)
    rng = np.random.default_rng(0)
    rows = rng.normal(labels.reshape(-1, *[1] * len(shape)), 0.5, (EXAMPLES, *shape)).astype(np.float32)
    others = np.where(rng.random(EXAMPLES) < label_noise, 1 - labels, labels).astype(np.int32)
    batches = tf.data.Dataset.from_tensor_slices((rows, labels)).batch(8)
    return PhaseInputs(
        model=cut.trainable_part(classifier.model, phase.cut),
        training=batches.repeat(phase.epochs),
        validation=tf.data.Dataset.from_tensor_slices((rows, others)).batch(8),
        steps_per_epoch=3,
        clean_features=lambda: iter([rows]),
    )


def tune(
    folder: Path, *, label_noise: float = 0.0, **settings: Any
) -> tuple[Classifier, phases.Outcome, fine_tuning.FineTuning, dict[str, np.ndarray]]:
    """Fine-tunes from a head that knows nothing yet; the weights before it come last."""
    config: TrainConfig = make_config(folder, **{"fine_tune_epochs": 3, **settings})
    classifier = make_classifier(config)
    phase = fine_tuning.phase(classifier, config.training)
    inputs = inputs_of(classifier, phase, label_noise=label_noise)
    before = {weight.path: weight.numpy() for weight in classifier.model.weights}
    logits = np.asarray(inputs.model.predict(inputs.validation, verbose=0), np.float32)
    head = phases.PhaseResult(phases.Phase("head", classifier.head_cut, 0, 0.0), (), 0, 0.7, 0.5, 0.0)
    job = fine_tuning.Job(classifier, phase, inputs, config.training, None, folder)
    start = fine_tuning.Start(Solution(np.zeros((512, 2)), np.zeros(2)), l2=1e-4)
    outcome, found = fine_tuning.run(job, start, phases.Outcome((head,), "head", "solved", logits))
    return classifier, outcome, found, before


def changed(classifier: Classifier, before: dict[str, np.ndarray]) -> set[str]:
    return {
        weight.path.split("/")[0]
        for weight in classifier.model.weights
        if not np.array_equal(before[weight.path], weight.numpy())
    }


def test_better_weights_are_kept_and_measured(tmp_path):
    classifier, outcome, found, before = tune(tmp_path, fine_tune_learning_rate=1e-3)
    assert found.is_kept
    assert found.gain > found.gain_error > 0
    assert outcome.kept_phase == "fine_tune"
    assert changed(classifier, before) == {"block5_conv1", "block5_conv2", "block5_conv3", "logits"}
    phase = dataclasses.replace(outcome.phases[-1].phase, epochs=1)
    inputs = inputs_of(classifier, phase, label_noise=0)
    now = inputs.model.predict(inputs.validation, verbose=0)
    np.testing.assert_allclose(now, outcome.validation_logits, rtol=1e-4, atol=1e-5)
    assert (now.argmax(axis=1) == np.arange(EXAMPLES) % 2).mean() == pytest.approx(found.best.accuracy)


def test_weights_that_are_no_better_leave_the_head_as_it_was_bit_for_bit(tmp_path):
    classifier, outcome, found, before = tune(tmp_path, label_noise=0.5, fine_tune_learning_rate=1e-6)
    assert not found.is_kept
    assert outcome.kept_phase == "head"
    assert outcome.phases[-1].best_epoch == 0
    assert changed(classifier, before) == set()


def test_every_learning_rate_and_depth_is_tried_and_then_weights_between(tmp_path):
    _, _, found, _ = tune(tmp_path, fine_tune_epochs=1, unfreeze_blocks=2)
    ends = [(each.blocks, each.learning_rate) for each in found.trials if each.factor == 1]
    expected = [(blocks, rate) for blocks in (1, 2) for rate in fine_tuning.LEARNING_RATES]
    assert list(dict.fromkeys(ends)) == expected
    between = {each.factor for each in found.trials if each.factor < 1}
    assert between == set(fine_tuning.FACTORS)
    assert found.best.log_loss == min(each.log_loss for each in found.trials)


def test_the_same_seed_gives_the_same_weights_bit_for_bit(tmp_path):
    first, again = (tune(tmp_path / name, fine_tune_epochs=1)[0].model.get_weights() for name in ("a", "b"))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_a_killed_sweep_goes_on_after_its_finished_tries_bit_for_bit(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fine_tuning, "LEARNING_RATES", (1e-4, 1e-3))
    settings = {"fine_tune_epochs": 2, "dropout": 0.5, "label_noise": 0.2}
    whole = tune(tmp_path / "whole", **settings)
    write = fitting._Checkpointing.on_epoch_end
    ended: list[int] = []

    def killed(callback: Any, epoch: int, logs: Any = None) -> None:
        write(callback, epoch, logs)
        ended.append(epoch)
        if len(ended) == 3:  # the first of the second try
            raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(fitting, "COST", 1e9)  # a checkpoint at each epoch's end
        once.setattr(fitting._Checkpointing, "on_epoch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            tune(tmp_path / "killed", **settings)
    capsys.readouterr()
    again = tune(tmp_path / "killed", **settings)
    assert re.findall(r"  epoch +(\d+)/2 ", capsys.readouterr().out) == ["2"]
    assert again[2].trials == whole[2].trials
    np.testing.assert_array_equal(again[1].validation_logits, whole[1].validation_logits)
    weights, expected = again[0].model.get_weights(), whole[0].model.get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(weights, expected, strict=True))


def test_less_confidence_alone_is_no_gain(tmp_path):
    """Logits of half the size have another log loss, and the same at their best temperature."""
    config = make_config(tmp_path, fine_tune_epochs=1)
    classifier = make_classifier(config)
    phase = fine_tuning.phase(classifier, config.training)
    inputs = inputs_of(classifier, phase, label_noise=0.2)
    job = fine_tuning.Job(classifier, phase, inputs, config.training, None, tmp_path)
    labels = np.concatenate([label_ids for _, label_ids in inputs.validation])
    logits = (np.random.default_rng(1).normal(size=(EXAMPLES, 2)) + 2 * np.eye(2)[labels]).astype(np.float32)
    np.testing.assert_allclose(fine_tuning._losses(job, logits), fine_tuning._losses(job, logits / 2), atol=1e-3)
