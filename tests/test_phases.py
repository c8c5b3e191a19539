"""Tests of keras_transfer.training.phases."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.errors import UserError
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import epoch_callbacks, phases
from keras_transfer.training.phase_inputs import PhaseInputs
from keras_transfer.training.phases import Phase
from small_training import make_classifier, make_config

EXAMPLES = 12


def features(classifier: Classifier, phase: Phase, *, shuffled_validation: bool = False) -> PhaseInputs:
    """Activations that tell the classes apart; validation may contradict training."""
    shape = cut.record_shape(classifier.model, phase.cut)
    labels = (np.arange(EXAMPLES) % 2).astype(np.int32)
    rows = np.random.default_rng(0).normal(labels.reshape(-1, *[1] * len(shape)), 0.1, (EXAMPLES, *shape))
    batches = tf.data.Dataset.from_tensor_slices((rows.astype(np.float32), labels)).batch(4)
    validation_labels = 1 - labels if shuffled_validation else labels
    return PhaseInputs(
        model=cut.trainable_part(classifier.model, phase.cut),
        training=batches.repeat(phase.epochs),
        validation=tf.data.Dataset.from_tensor_slices((rows.astype(np.float32), validation_labels)).batch(4),
        steps_per_epoch=3,
        clean_features=lambda: iter([rows]),
    )


def run(
    classifier: Classifier, config: TrainConfig, folder: Path, inputs_of: Any = None, **options: Any
) -> phases.Outcome:
    return phases.run(
        classifier,
        phases.plan(classifier, config.training),
        inputs_of or (lambda phase: features(classifier, phase)),
        training=config.training,
        class_weights=options.get("class_weights"),
        run_dir=folder,
    )


def weights_of(classifier: Classifier) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in classifier.model.weights}


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_the_plan_names_the_cuts(tmp_path):
    config = make_config(tmp_path, fine_tune_epochs=4, unfreeze_blocks=2)
    head, fine_tune = phases.plan(make_classifier(config), config.training)
    assert (head.name, head.cut, head.epochs) == ("head", "head_pooling", 3)
    assert (fine_tune.name, fine_tune.cut, fine_tune.epochs) == ("fine_tune", "block3_pool", 4)


def test_the_head_phase_changes_the_head_and_nothing_else(tmp_path):
    config = make_config(tmp_path, head_learning_rate=0.01)
    classifier = make_classifier(config)
    before = weights_of(classifier)
    outcome = run(classifier, config, tmp_path)
    standardization = {f"head_standardization/moving_{name}" for name in ("mean", "variance")}
    assert changed(before, weights_of(classifier)) == {"logits/kernel", "logits/bias"} | standardization
    assert outcome.kept_phase == "head"
    assert (tmp_path / "checkpoints" / "head.weights.h5").exists()


def test_the_fine_tune_phase_changes_the_unfrozen_block_too(tmp_path):
    config = make_config(tmp_path, fine_tune_epochs=2, head_epochs=1, fine_tune_learning_rate=1e-4)
    classifier = make_classifier(config)
    before = weights_of(classifier)
    outcome = run(classifier, config, tmp_path)
    names = changed(before, weights_of(classifier))
    assert outcome.kept_phase == "fine_tune"
    trained = {name.split("/")[0] for name in names} - {"head_standardization"}
    assert trained == {"block5_conv1", "block5_conv2", "block5_conv3", "logits"}


def test_fine_tuned_weights_that_make_validation_worse_are_not_kept(tmp_path):
    config = make_config(tmp_path, fine_tune_epochs=2, head_epochs=1, fine_tune_learning_rate=0.01)
    classifier = make_classifier(config)
    after_head: dict[str, np.ndarray] = {}

    def inputs_of(phase: Phase) -> PhaseInputs:
        if phase.name == "fine_tune":
            after_head.update(weights_of(classifier))
        return features(classifier, phase, shuffled_validation=phase.name == "fine_tune")

    outcome = run(classifier, config, tmp_path, inputs_of)
    assert outcome.kept_phase == "head"
    assert outcome.phases[1].best_epoch == 0
    assert changed(after_head, weights_of(classifier)) == set()


@pytest.mark.parametrize(
    ("keep_best", "metric", "best"), [("loss", "validation_loss", min), ("accuracy", "validation_accuracy", max)]
)
def test_the_best_epoch_s_weights_are_kept(tmp_path, keep_best, metric, best):
    config = make_config(tmp_path, head_learning_rate=0.3, head_epochs=5, keep_best=keep_best)
    classifier = make_classifier(config)
    outcome = run(classifier, config, tmp_path, lambda phase: features(classifier, phase, shuffled_validation=True))
    (result,) = outcome.phases
    values = [row[metric] for row in result.epochs]
    assert result.best_epoch == values.index(best(values)) + 1
    inputs = features(classifier, result.phase, shuffled_validation=True)
    labels = np.concatenate([labels for _, labels in inputs.validation])
    right = np.mean(outcome.validation_logits.argmax(axis=1) == labels)
    assert right == pytest.approx(result.validation_accuracy)


@pytest.mark.parametrize(
    ("validation", "best", "kept"),
    [
        ([(0.0, 1.0), (-1.0, 0.0)], 1, "fine_tune"),  # the second has the best loss, and a worse accuracy
        ([(9.0, 1.0), (-1.0, 0.0)], 0, "head"),
    ],
)
def test_fine_tuning_keeps_the_best_epoch_that_is_no_worse_in_loss_and_accuracy(
    tmp_path, monkeypatch, validation, best, kept
):
    config = make_config(tmp_path, fine_tune_epochs=2, head_epochs=1, fine_tune_learning_rate=1e-4)
    classifier = make_classifier(config)
    seen: list[dict[str, np.ndarray]] = []
    measured = epoch_callbacks.BestEpoch.on_epoch_end

    def scripted(callback: Any, epoch: int, logs: Any = None) -> None:
        if callback._start:  # of the fine-tune phase
            seen.append(weights_of(classifier))
            logs = dict(zip(("val_loss", "val_accuracy"), validation[epoch], strict=True))
        measured(callback, epoch, logs)

    monkeypatch.setattr(epoch_callbacks.BestEpoch, "on_epoch_end", scripted)
    outcome = run(classifier, config, tmp_path)
    assert (outcome.phases[1].best_epoch, outcome.kept_phase) == (best, kept)
    if best:
        assert changed(seen[best - 1], weights_of(classifier)) == set()
    else:
        assert "both validation loss and accuracy" in outcome.reason


def test_early_stopping_stops(tmp_path):
    config = make_config(tmp_path, head_learning_rate=0.3, head_epochs=20, early_stopping_patience=2)
    classifier = make_classifier(config)
    outcome = run(classifier, config, tmp_path, lambda phase: features(classifier, phase, shuffled_validation=True))
    assert len(outcome.phases[0].epochs) == outcome.phases[0].best_epoch + 2 < 20


def test_the_step_schedule_reaches_the_optimizer(tmp_path):
    config = make_config(
        tmp_path, learning_rate_schedule="step", step_epochs=1, step_factor=0.5, head_learning_rate=0.08
    )
    outcome = run(make_classifier(config), config, tmp_path)
    assert [row["learning_rate"] for row in outcome.phases[0].epochs] == pytest.approx([0.08, 0.04, 0.02])


def test_class_weights_pull_towards_the_heavier_class(tmp_path):
    """On activations that tell nothing, only the weights can make a difference."""
    config = make_config(tmp_path, head_learning_rate=0.1, standardize_features=False)

    def lean_to_red(class_weights: dict[int, float]) -> float:
        classifier = make_classifier(config)

        def blank(phase: Phase) -> PhaseInputs:
            inputs = features(classifier, phase)
            return dataclasses.replace(inputs, training=inputs.training.map(lambda rows, labels: (0 * rows, labels)))

        run(classifier, config, tmp_path, blank, class_weights=class_weights)
        blue, red = classifier.model.get_layer("logits").bias.numpy()
        return float(red - blue)

    assert lean_to_red({0: 1.0, 1: 0.1}) < -0.1
    assert lean_to_red({0: 0.1, 1: 1.0}) > 0.1


def test_balanced_class_weights_make_every_class_that_has_examples_count_the_same():
    weights = phases.balanced_class_weights(np.array([5, 2, 0, 9]))
    assert weights == pytest.approx({0: 16 / 3 / 5, 1: 16 / 3 / 2, 3: 16 / 3 / 9})


def test_a_learning_rate_that_is_far_too_high_is_a_clear_error(tmp_path):
    config = make_config(tmp_path, optimizer="sgd", head_learning_rate=100.0)
    classifier = make_classifier(config)

    def endless(phase: Phase) -> PhaseInputs:
        inputs = features(classifier, phase)
        huge = inputs.training.map(lambda rows, labels: (rows * 1e30, labels))
        return dataclasses.replace(inputs, training=huge)

    with pytest.raises(UserError, match="learning rate"):
        run(classifier, config, tmp_path, endless)


def test_a_validation_loss_that_is_no_number_is_a_clear_error_in_its_first_epoch(tmp_path):
    config = make_config(tmp_path, early_stopping_patience=1)
    classifier = make_classifier(config)

    def without_numbers(phase: Phase) -> PhaseInputs:
        inputs = features(classifier, phase)
        return dataclasses.replace(inputs, validation=inputs.validation.map(lambda rows, ids: (rows * np.nan, ids)))

    with pytest.raises(UserError, match=r"validation loss .* epoch 1\b"):
        run(classifier, config, tmp_path, without_numbers)


def test_a_frozen_weight_that_changes_is_noticed(tmp_path):
    config = make_config(tmp_path)
    classifier = make_classifier(config)

    def inputs_of(phase: Phase) -> PhaseInputs:
        inputs = features(classifier, phase)
        kernel = classifier.model.get_layer("block1_conv1").kernel
        kernel.assign(kernel + 1e-7)
        return inputs

    with pytest.raises(RuntimeError, match="frozen weight changed"):
        run(classifier, config, tmp_path, inputs_of)


def test_what_is_trained_and_what_is_frozen_is_printed(tmp_path, capsys):
    config = make_config(tmp_path)
    run(make_classifier(config), config, tmp_path)
    printed = capsys.readouterr().out
    assert "trained 2 tensors, 1,026 parameters" in printed  # 512 * 2 + 2
    # VGG16 without its top has 14,714,688 in 26; the shift and scale of 512 features are frozen too.
    assert "frozen  28 tensors, 14,715,712 parameters" in printed
    assert printed.count("validation loss") == 3
