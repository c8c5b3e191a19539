"""Tests of keras_transfer.training.phase_inputs: the bank feeds what the images would."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import phase_inputs, phases
from keras_transfer.training.phase_inputs import PhaseInputs, Stored
from keras_transfer.training.phases import Outcome, Phase
from small_bank import fill
from small_training import TRAIN, VALIDATION, make_classifier, make_config, make_examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return make_examples(tmp_path_factory.mktemp("photos"))


def bank_inputs(classifier: Classifier, examples: Examples, config: TrainConfig, phase: Phase) -> PhaseInputs:
    bank = next(bank for bank in fill(classifier, examples, config) if bank.recipe.cut == phase.cut)
    return phase_inputs.from_bank(classifier, phase.cut, Stored(bank), examples, config=config, epochs=phase.epochs)


def image_inputs(classifier: Classifier, examples: Examples, config: TrainConfig, phase: Phase) -> PhaseInputs:
    return phase_inputs.from_images(classifier, phase.cut, examples, config=config, epochs=phase.epochs)


@pytest.mark.parametrize("make_inputs", [bank_inputs, image_inputs])
def test_every_epoch_holds_every_training_example_once_and_validation_likewise(examples, tmp_path, make_inputs):
    config = make_config(tmp_path)
    classifier = make_classifier(config)
    (phase,) = phases.plan(classifier, config.training)
    inputs = make_inputs(classifier, examples, config, phase)
    sizes = [len(labels) for _, labels in inputs.training]
    assert sizes == [3, 3, 1] * phase.epochs
    assert inputs.steps_per_epoch == 3
    assert [len(labels) for _, labels in inputs.validation] == [3, 1]
    labels = np.concatenate([labels for _, labels in inputs.training])
    assert labels[:TRAIN].sum() == examples.in_split("train").label_ids.sum()
    validation = np.concatenate([labels for _, labels in inputs.validation])
    np.testing.assert_array_equal(validation, examples.in_split("validation").label_ids)
    assert len(validation) == VALIDATION


@pytest.mark.parametrize("make_inputs", [bank_inputs, image_inputs])
@pytest.mark.parametrize("batch", [1, 3, 5, 8])
def test_training_from_a_batch_on_is_the_rest_of_it(examples, tmp_path, make_inputs, batch):
    config = make_config(tmp_path)
    classifier = make_classifier(config)
    (phase,) = phases.plan(classifier, config.training)
    inputs = make_inputs(classifier, examples, config, phase)
    assert inputs.training_after is not None
    rest = list(inputs.training)[batch:]
    for (features, labels), (expected, expected_labels) in zip(inputs.training_from(batch), rest, strict=True):
        np.testing.assert_array_equal(labels, expected_labels)
        np.testing.assert_array_equal(features, expected)


def test_a_bank_that_is_removed_meanwhile_is_one_sentence(examples, tmp_path):
    config = make_config(tmp_path)
    classifier = make_classifier(config)
    (phase,) = phases.plan(classifier, config.training)
    inputs = bank_inputs(classifier, examples, config, phase)
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "cache"))), input_pipeline.as_user_errors():
        list(inputs.training)


def test_both_give_the_same_examples_and_views_in_the_same_order(examples, tmp_path):
    config = make_config(tmp_path)
    classifier = make_classifier(config)
    (phase,) = phases.plan(classifier, config.training)
    frozen = cut.frozen_part(classifier.model, [phase.cut])
    stored = bank_inputs(classifier, examples, config, phase)
    online = image_inputs(classifier, examples, config, phase)
    for (features, labels), (images, online_labels) in zip(stored.training, online.training, strict=True):
        np.testing.assert_array_equal(labels, online_labels)
        np.testing.assert_allclose(features, frozen(images), rtol=2e-3, atol=1e-3)


def rounded_inputs(classifier: Classifier, examples: Examples, config: TrainConfig, phase: Phase) -> PhaseInputs:
    """From the images, with nothing of the bank but its rounding: the frozen part's output, as float16 and back."""
    online = image_inputs(classifier, examples, config, phase)
    frozen = cut.frozen_part(classifier.model, [phase.cut])

    def rounded(images: tf.Tensor, label_ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(tf.cast(frozen(images, training=False), tf.float16), tf.float32), label_ids

    return dataclasses.replace(
        online,
        model=cut.trainable_part(classifier.model, phase.cut),
        training=online.training.map(rounded),
        validation=online.validation.map(rounded),
    )


def train(examples: Examples, config: TrainConfig, make_inputs, folder: Path) -> tuple[Classifier, Outcome]:
    classifier = make_classifier(config)
    # Activations near 1 keep the loss away from saturation, where a rounding could decide an example.
    first = classifier.model.get_layer("block1_conv1").kernel
    first.assign(first * 0.01)
    outcome = phases.run(
        classifier,
        phases.plan(classifier, config.training),
        lambda phase: make_inputs(classifier, examples, config, phase),
        training=config.training,
        class_weights=None,
        run_dir=folder,
    )
    return classifier, outcome


@pytest.mark.parametrize(
    ("make_reference", "tolerance"), [(rounded_inputs, 1e-3), pytest.param(image_inputs, 0.03, marks=pytest.mark.slow)]
)
def test_head_and_block_weights_trained_from_the_bank_equal_those_trained_without_it(
    examples, tmp_path, make_reference, tolerance
):
    """To float16's rounding: exactly, where the images' way rounds too; and nearly, where it does not.

    The tolerance is a share of how far training moved the weights at all.
    """
    config = make_config(
        tmp_path, fine_tune_epochs=2, fine_tune_learning_rate=1e-3, optimizer="sgd", standardize_features=False
    )
    (stored, from_bank), (online, from_images) = (
        train(examples, config, make_inputs, tmp_path / make_inputs.__name__)
        for make_inputs in (bank_inputs, make_reference)
    )
    start = {weight.path: weight.numpy() for weight in make_classifier(config).model.weights}
    compared = 0
    for mine, reference in zip(stored.model.trainable_weights, online.model.trainable_weights, strict=True):
        step = np.linalg.norm(reference.numpy() - start[reference.path])
        assert step > 0
        assert np.linalg.norm(mine.numpy() - reference.numpy()) <= tolerance * step
        compared += 1
    assert compared == 2 + 2 * 3  # the new layer, and the three convolutions of block5
    for mine, reference in zip(from_bank.phases, from_images.phases, strict=True):
        for row, reference_row in zip(mine.epochs, reference.epochs, strict=True):
            assert row["loss"] == pytest.approx(reference_row["loss"], rel=1e-3)
