"""Tests of keras_transfer.saved_model.network."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.saved_model import network
from keras_transfer.saved_model.signatures import ExportSpec
from keras_transfer.settings.config import ServingConfig
from small_export import ask, make_export_spec, noise

PIXELS = noise(4)


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


def test_the_parts_together_are_the_classifier(spec):
    base, head = network.parts(spec.model)
    assert base.output.shape == (None, 64)
    embedding = base(tf.constant(PIXELS, tf.float32), training=False)
    np.testing.assert_allclose(head(embedding, training=False), ask(spec.model, PIXELS), atol=1e-6)


@pytest.mark.parametrize(("precision", "digits"), [("bfloat16", 8), ("float16", 11)])
def test_the_base_computes_in_the_precision_asked_for_and_the_head_in_float32(spec, precision, digits):
    images = tf.constant(PIXELS, tf.float32)
    embedding, probabilities = network.trace(spec.model, ServingConfig(serving_precision=precision))(images)
    exact, _ = network.trace(spec.model, ServingConfig())(images)
    assert embedding.dtype == probabilities.dtype == tf.float32
    largest = np.abs(exact - embedding).max() / np.abs(exact).max()
    assert 0 < largest < 10 * 2**-digits  # significant binary digits; some roundings add up
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, atol=1e-6)


def test_the_classifier_s_layers_keep_their_precision(spec):
    network.trace(spec.model, ServingConfig(serving_precision="bfloat16"))
    assert {layer.dtype_policy.name for layer in spec.model.layers} == {"float32"}


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(1, (1,)), (2, (1, 2)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12)), (17, (1, 2, 4, 8, 16, 17))],
)
def test_batches_are_filled_up_to_a_power_of_two_or_the_largest_size(largest, sizes):
    assert network.batch_sizes(ServingConfig(serving_batch_size=largest)) == sizes
