"""Random weights: their distribution, the size of the activations, and what has no say in them."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

from keras_transfer.model import random_weights
from keras_transfer.model.bases import build_base
from keras_transfer.settings.backbones import BACKBONES, BACKBONES_WITH_TOP

FLOAT16_LARGEST = 65504.0


@functools.cache
def base_of(name: str) -> keras.Model:
    side = max(64, BACKBONES[name].smallest_image_size)
    base = build_base(BACKBONES[name], image_size=side)
    base.set_weights(random_weights.draw(BACKBONES[name], image_size=side))
    return base


def photo_like(side: int) -> Any:
    """Coloured stripes of many widths: float32 in [0, 255], shape (4, side, side, 3)."""
    positions = np.arange(side)[None, :, None, None] + np.arange(side)[None, None, :, None]
    phases = np.arange(3)[None, None, None, :] + np.arange(4)[:, None, None, None]
    return (127.5 * (1 + np.sin(positions / 3 + phases))).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "layer", "kernel", "inputs"),
    [
        ("vgg16", "block1_conv2", "kernel", 3 * 3 * 64),
        ("vgg16", "block5_conv3", "kernel", 3 * 3 * 512),
        ("mobilenet", "conv_dw_13", "kernel", 3 * 3),
        ("mobilenet", "conv_pw_13", "kernel", 1024),
        ("xception", "block14_sepconv2", "depthwise_kernel", 3 * 3),
        ("xception", "block14_sepconv2", "pointwise_kernel", 1536),
        ("convnexttiny", "convnext_tiny_stage_3_block_2_pointwise_conv_1", "kernel", 768),
    ],
)
def test_a_kernel_has_variance_two_over_its_inputs(name: str, layer: str, kernel: str, inputs: int) -> None:
    weight = next(weight for weight in base_of(name).get_layer(layer).weights if weight.name == kernel)
    values = weight.numpy()
    # The relative error of a variance estimated from n normal numbers is sqrt(2 / n); four of them are certain enough.
    np.testing.assert_allclose(values.var() * inputs / 2, 1, atol=4 * np.sqrt(2 / values.size))


def test_biases_are_zero() -> None:
    biases = [weight.numpy() for weight in base_of("vgg16").weights if weight.name == "bias"]
    assert len(biases) == 13
    assert not any(bias.any() for bias in biases)


def test_kernels_of_equal_shape_differ() -> None:
    first, second = (base_of("vgg16").get_layer(f"block5_conv{number}").kernel.numpy() for number in (1, 2))
    assert np.abs(first - second).max() > 0.01


def test_activations_of_vgg16_keep_their_size_from_the_first_convolution_to_the_last() -> None:
    base = base_of("vgg16")
    convolutions = [layer.output for layer in base.layers if isinstance(layer, keras.layers.Conv2D)]
    sizes = [
        float(np.sqrt(np.mean(np.square(output))))
        for output in keras.Model(base.inputs[0], convolutions)(photo_like(64))
    ]
    assert len(sizes) == 13
    # Maximum pooling, four times, takes the larger of four and so raises the size a little each time.
    assert 0.5 * sizes[0] < min(sizes) <= max(sizes) < 5 * sizes[0]


@pytest.mark.parametrize(
    "name",
    [
        "xception",
        "efficientnetb0",
        "mobilenetv3small",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("resnet50", "inceptionv3")),
    ],
)
def test_outputs_of_networks_with_batch_normalization_suit_float16(name: str) -> None:
    base = base_of(name)
    outputs = base(photo_like(base.input_shape[1]), training=False).numpy()
    assert np.isfinite(outputs).all()
    assert np.abs(outputs).max() < FLOAT16_LARGEST / 10
    assert np.sqrt(np.mean(np.square(outputs))) > 0.01


def test_momentum_is_what_it_was() -> None:
    momenta = {
        layer.momentum for layer in base_of("resnet50").layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta == {0.99}


def test_weights_do_not_depend_on_the_image_size() -> None:
    small, large = (random_weights.draw(BACKBONES["mobilenetv3small"], image_size=side) for side in (32, 128))
    assert all(np.array_equal(*pair) for pair in zip(small, large, strict=True))


def test_the_global_seed_has_no_say() -> None:
    drawn = []
    for global_seed in (1, 2):
        keras.utils.set_random_seed(global_seed)
        drawn.append(random_weights.draw(BACKBONES["mobilenet"], image_size=32))
    assert all(np.array_equal(*pair) for pair in zip(*drawn, strict=True))


def test_a_top_gets_weights_that_fit_the_image_size() -> None:
    backbone = BACKBONES_WITH_TOP["vgg16"]
    values = random_weights.draw(backbone, image_size=32)
    assert [value.shape for value in values[-6:-4]] == [(512, 4096), (4096,)]
