"""What a part of a classifier costs, and that it is recognised again by its weights and by what it computes."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_transfer.model import classifier, cut
from keras_transfer.model.bases import build_base
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import ModelConfig

SIDE = 64


@functools.cache
def built(backbone: str, **settings: Any) -> Classifier:
    """A classifier with random weights, shared by tests that change nothing."""
    config = ModelConfig(backbone=backbone, weights="random", **settings)
    return classifier.build(config, class_count=3, image_size=SIDE, seed=0)


def small() -> Classifier:
    """A fresh classifier to change."""
    return built.__wrapped__("mobilenetv2")


def test_vgg16_takes_15_3_billion_multiply_accumulates_at_224_pixels() -> None:
    base = build_base(BACKBONES["vgg16"], image_size=224)
    # (side of the output)^2 * 9 * inputs * outputs of each convolution of table 1, D, of arXiv:1409.1556.
    stages = [
        (224, [(3, 64), (64, 64)]),
        (112, [(64, 128), (128, 128)]),
        (56, [(128, 256), (256, 256), (256, 256)]),
        (28, [(256, 512), (512, 512), (512, 512)]),
        (14, [(512, 512), (512, 512), (512, 512)]),
    ]
    expected = sum(side**2 * 9 * inputs * outputs for side, widths in stages for inputs, outputs in widths)
    assert round(expected / 1e9, 1) == 15.3
    assert cut.multiply_accumulates(base) == expected


def test_resnet50_takes_3_86_billion_multiply_accumulates_at_224_pixels() -> None:
    # 3.8 in table 1 of arXiv:1512.03385, which has the stride in the first 1x1 convolution, as keras.applications has.
    base = build_base(BACKBONES["resnet50"], image_size=224)
    assert round(cut.multiply_accumulates(base) / 1e9, 2) == 3.86


def test_multiply_accumulates_of_each_kind_of_layer_by_hand() -> None:
    image = keras.Input((8, 8, 3))
    depthwise = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(image)  # 4 x 4 x 6
    separable = keras.layers.SeparableConv2D(5, 3, padding="same")(depthwise)  # 4 x 4 x 5
    grouped = keras.layers.Conv2D(10, 1, groups=5)(separable)  # 4 x 4 x 10
    dense = keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(grouped))
    expected = 16 * 9 * 6 + 16 * (9 * 6 + 6 * 5) + 16 * 10 * 1 + 10 * 7
    assert cut.multiply_accumulates(keras.Model(image, dense)) == expected


def test_both_parts_together_cost_as_much_as_the_whole() -> None:
    model = built("convnexttiny").model
    parts = (
        cut.frozen_part(model, ["convnext_tiny_downsampling_block_2"]),
        cut.trainable_part(model, "convnext_tiny_downsampling_block_2"),
    )
    costs = [cut.multiply_accumulates(part) for part in parts]
    assert min(costs) > 0
    assert sum(costs) == cut.multiply_accumulates(cut.whole_to_logits(model))


def variable(values: Any, name: str = "kernel") -> keras.Variable:
    return keras.Variable(np.asarray(values, np.float32), name=name)


def test_the_checksum_is_that_of_equal_weights() -> None:
    assert cut.checksum([variable([1, 2])]) == cut.checksum([variable([1, 2])])


def test_the_checksum_leaves_out_the_number_of_a_weight_without_a_name() -> None:
    first, second = keras.Variable(np.ones(2)), keras.Variable(np.ones(2))
    assert first.name != second.name
    assert cut.checksum([first]) == cut.checksum([second])


@pytest.mark.parametrize(
    "weights",
    [
        [variable([1, 3])],
        [variable([[1, 2]])],
        [variable([1, 2], "bias")],
        [variable([1]), variable([2])],
        [keras.Variable(np.array([1, 2], np.int32), name="kernel", dtype="int32")],
        [],
    ],
    ids=["value", "shape", "kind", "division", "type", "none"],
)
def test_the_checksum_notices_a_change_of(weights: list[keras.Variable]) -> None:
    assert cut.checksum(weights) != cut.checksum([variable([1, 2])])


def test_the_checksum_notices_the_order() -> None:
    assert cut.checksum([variable([1]), variable([2])]) != cut.checksum([variable([2]), variable([1])])


def pooled(**settings: Any) -> keras.Model:
    own = built("mobilenetv2", **settings)
    return cut.frozen_part(own.model, [own.head_cut])


@pytest.mark.parametrize("settings", [{"pooling": ("max",)}, {"feature_layers": ("Conv_1_bn",)}])
def test_the_fingerprint_tells_apart_parts_with_the_very_same_weights_and_shape(settings: dict[str, Any]) -> None:
    one, other = pooled(), pooled(**settings)
    assert one.output_shape == other.output_shape
    assert cut.checksum(one.weights) == cut.checksum(other.weights)
    assert cut.fingerprint(one) != cut.fingerprint(other)


def test_the_fingerprint_does_not_depend_on_the_head() -> None:
    assert cut.fingerprint(pooled()) == cut.fingerprint(pooled(head_units=(4,), dropout=0.5))


def test_the_fingerprint_does_not_depend_on_what_is_trainable() -> None:
    own = small()
    before = cut.fingerprint(cut.frozen_part(own.model, ["head_pooling"]))
    cut.set_trainable(own, "image")
    assert cut.fingerprint(cut.frozen_part(own.model, ["head_pooling"])) == before


def test_the_fingerprint_notices_one_changed_weight() -> None:
    own = small()
    part = cut.frozen_part(own.model, ["block_15_add"])
    before = cut.fingerprint(part)
    bias = own.model.get_layer("bn_Conv1").beta
    bias.assign(bias.numpy() + np.eye(1, bias.shape[0], dtype=np.float32)[0])
    assert cut.fingerprint(part) != before


@pytest.fixture(scope="module")
def fingerprints_elsewhere() -> dict[str, str]:
    """Backbone -> fingerprint of its frozen part in a process that built other things first."""
    program = f"""
import keras
from keras_transfer.settings.config import ModelConfig
from keras_transfer.model import classifier, cut
keras.layers.Dense(2), keras.layers.Conv2D(2, 1), keras.layers.ReLU(), keras.Sequential(), keras.Variable([1.0])
for name in ("convnexttiny", "mobilenetv2"):
    own = classifier.build(ModelConfig(backbone=name, weights="random"), class_count=2, image_size={SIDE}, seed=9)
    print(name, cut.fingerprint(cut.frozen_part(own.model, ["head_pooling"])))
"""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=300)
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", ["mobilenetv2", "convnexttiny"])
def test_another_process_gets_the_same_fingerprint(name: str, fingerprints_elsewhere: dict[str, str]) -> None:
    here = cut.fingerprint(cut.frozen_part(built(name).model, ["head_pooling"]))
    assert fingerprints_elsewhere[name] == here
