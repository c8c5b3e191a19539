"""Tests of keras_transfer.model.grad_cam."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from keras_transfer.model import classifier as classifiers
from keras_transfer.model import grad_cam
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import ModelConfig

SIDE = 64


def build(backbone: str = "mobilenet", **settings: Any) -> Classifier:
    config = ModelConfig(**{"backbone": backbone, "weights": "random", **settings})
    return classifiers.build(config, class_count=3, image_size=SIDE, seed=0)


def pixels(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(0, 255, (count, SIDE, SIDE, 3)).astype(np.float32)


def by_hand(classifier: Classifier, images: NDArray[np.float32], label_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """With mean pooling and a linear head the derivative by each map is its weight over the number of places."""
    model = classifier.model
    maps = keras.Model(model.inputs[0], model.get_layer("conv_pw_13_relu").output)(images).numpy().astype(float)
    deviation = np.sqrt(model.get_layer("head_standardization").moving_variance.numpy())
    kernel = model.get_layer("logits").get_weights()[0].astype(float) / deviation[:, None]
    heat = np.maximum(np.einsum("nrck,kn->nrc", maps, kernel[:, label_ids]), 0)
    greatest = heat.max(axis=(1, 2), keepdims=True)
    return heat / np.where(greatest > 0, greatest, 1)


def test_with_a_linear_head_the_heat_is_the_sum_of_the_maps_times_the_weights_of_the_class() -> None:
    classifier = build()
    layer = classifier.model.get_layer("head_standardization")
    rng = np.random.default_rng(0)
    layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    images, label_ids = pixels(9), np.arange(9) % 3  # more than a batch

    heat = grad_cam.heat_maps(classifier, images, label_ids)

    assert heat is not None
    assert heat.shape == (9, 2, 2)
    assert heat.dtype == np.float32
    assert heat.any(axis=(1, 2)).sum() > 3
    np.testing.assert_allclose(heat, by_hand(classifier, images, label_ids), atol=1e-4)


def test_where_nothing_speaks_for_a_class_the_heat_is_zero() -> None:
    classifier = build(standardize_features=False)
    kernel, bias = classifier.model.get_layer("logits").get_weights()
    classifier.model.get_layer("logits").set_weights([-np.abs(kernel), bias])  # maps behind a ReLU are never below 0
    np.testing.assert_array_equal(grad_cam.heat_maps(classifier, pixels(1), np.array([1])), np.zeros((1, 2, 2)))


def test_no_images_have_no_heat() -> None:
    heat = grad_cam.heat_maps(build(), pixels(0), np.zeros(0, np.int64))
    assert heat is not None
    assert heat.shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("backbone", "settings", "layer"),
    [
        ("vgg16", {}, "block5_conv3"),
        ("vgg16", {"pooling": ("flatten",)}, "block5_conv3"),
        ("vgg16", {"feature_layers": ("block3_pool",)}, "block3_conv3"),
        ("mobilenetv2", {}, "out_relu"),
        ("resnet50", {}, "conv5_block3_out"),
    ],
)
def test_the_maps_are_those_of_the_last_convolution(backbone: str, settings: dict[str, Any], layer: str) -> None:
    assert grad_cam.map_layer(build(backbone, **settings)) == layer


def test_maps_of_a_single_place_are_passed_over() -> None:
    config = ModelConfig(backbone="mobilenet", weights="random")
    classifier = classifiers.build(config, class_count=2, image_size=32, seed=0)
    name = grad_cam.map_layer(classifier)
    assert name is not None
    assert classifier.model.get_layer("conv_pw_13_relu").output.shape[1:3] == (1, 1)
    assert min(classifier.model.get_layer(name).output.shape[1:3]) > 1
