"""Cuts: where they may lie, and that the two parts together are the classifier."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from keras_transfer.errors import UserError
from keras_transfer.model import classifier, cut
from keras_transfer.model.bases import build_base
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import ModelConfig

SIDE = 64
# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
SAVING_WARNS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@functools.cache
def built(backbone: str = "resnet50", **settings: Any) -> Classifier:
    """A classifier with random weights, shared by tests that change nothing."""
    config = ModelConfig(backbone=backbone, weights="random", **settings)
    return classifier.build(config, class_count=3, image_size=SIDE, seed=0)


@functools.cache
def untrained(backbone: str) -> Classifier:
    """The graph alone, which is all that choosing a cut needs; drawing 14 sets of weights would take long."""
    base = build_base(BACKBONES[backbone], image_size=BACKBONES[backbone].smallest_image_size)
    pooled = keras.layers.GlobalAveragePooling2D(name="head_pooling")(base.output)
    model = keras.Model(base.inputs[0], keras.layers.Dense(2, name="logits")(pooled))
    return Classifier(model, BACKBONES[backbone], base.operations[-1].name, "head_pooling", "random", "")


def small() -> Classifier:
    """A fresh classifier to train or change."""
    return built.__wrapped__("mobilenetv2")


def pixels(count: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(5).uniform(0, 255, (count, SIDE, SIDE, 3)).astype(np.float32)


def test_every_layer_of_a_chain_is_a_valid_cut_up_to_the_pooling() -> None:
    cuts = cut.valid_cuts(built("vgg16").model)
    assert cuts[:4] == ("image", "vgg16_flip_1", "preprocessing_caffe", "block1_conv1")
    assert cuts[-3:] == ("block5_conv3", "block5_pool", "head_pooling")
    assert len(cuts) == 3 + 13 + 5 + 1


def test_within_a_residual_stage_only_sums_and_blocks_outputs_are_valid() -> None:
    cuts = cut.valid_cuts(built().model)
    expected = [f"conv5_block{block}_{layer}" for block in (1, 2, 3) for layer in ("add", "out")]
    assert [name for name in cuts if name.startswith("conv5")] == expected


def test_with_a_head_on_a_vector_the_last_cut_is_that_vector() -> None:
    cuts = cut.valid_cuts(built("vgg16", feature_layers=("fc1",)).model)
    assert cuts[-2:] == ("flatten", "fc1")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conv5_block1_2_relu", "inside a residual block"),
        ("conv5_block1_0_conv", "inside a residual block"),
        ("conv5_block3_uot", "no such layer. Did you mean 'conv5_block3_out'"),
        ("head_dropout_1", "a layer of the head"),
        ("logits", "a layer of the head"),
    ],
)
def test_an_invalid_cut_is_refused_with_the_reason_and_the_valid_ones(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"{message}.*It can be cut at: image, .*conv5_block2_out"):
        cut.check(built().model, name)


# Cut below the highest block, cut below the two highest, number of blocks, cut below all of them: read off the tables
# of the papers and the sources of keras.applications.
BLOCKS = {
    "vgg16": ("block4_pool", "block3_pool", 5, "preprocessing_caffe"),
    "vgg19": ("block4_pool", "block3_pool", 5, "preprocessing_caffe"),
    "resnet50": ("conv4_block6_out", "conv3_block4_out", 4, "preprocessing_caffe"),
    "resnet50v2": ("conv4_block6_out", "conv3_block4_out", 4, "preprocessing_tf"),
    "mobilenet": ("conv_pw_12_relu", "conv_pw_11_relu", 13, "preprocessing_tf"),
    "mobilenetv2": ("block_15_add", "block_14_add", 17, "preprocessing_tf"),
    "mobilenetv3small": ("expanded_conv_9_add", "expanded_conv_8_project_bn", 11, "mobilenetv3small_rescaling_1"),
    "mobilenetv3large": ("expanded_conv_13_add", "expanded_conv_12_project_bn", 15, "mobilenetv3large_rescaling_1"),
    "efficientnetb0": ("block6d_add", "block5c_add", 7, "efficientnetb0_normalization_1"),
    "efficientnetv2b0": ("block5e_add", "block4c_add", 6, "efficientnetv2b0_normalization_1"),
    "densenet121": ("pool4_pool", "pool3_pool", 4, "preprocessing_torch"),
    "inceptionv3": ("mixed9", "mixed8", 11, "preprocessing_tf"),
    "xception": ("xception_add_12", "xception_add_11", 14, "preprocessing_tf"),
    "convnexttiny": (
        "convnext_tiny_downsampling_block_2",
        "convnext_tiny_downsampling_block_1",
        4,
        "convnext_tiny_prestem_normalization",
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_cut_off_below_its_first_layer(name: str) -> None:
    below_one, below_two, count, below_all = BLOCKS[name]
    cuts = [cut.block_cut(untrained(name), blocks) for blocks in (1, 2, count)]
    assert cuts == [below_one, below_two, below_all]


@pytest.mark.parametrize("name", BLOCKS)
def test_more_blocks_than_there_are_are_refused_with_their_number(name: str) -> None:
    count = BLOCKS[name][2]
    with pytest.raises(
        UserError, match=f"between 1 and {count}, the number of blocks of {name}.*Received: {count + 1}"
    ):
        cut.block_cut(untrained(name), count + 1)


def test_blocks_above_the_feature_layer_do_not_count() -> None:
    own = built("vgg16", feature_layers=("block3_pool",))
    assert cut.block_cut(own, 1) == "block2_pool"
    with pytest.raises(UserError, match="between 1 and 3, the number of blocks of vgg16 up to block3_pool"):
        cut.block_cut(own, 4)


@pytest.mark.parametrize("blocks", [1, 4])
def test_where_the_head_stands_below_the_first_block_the_error_says_so(blocks: int) -> None:
    own = built(feature_layers=("pool1_pool",))
    with pytest.raises(UserError, match=r"no block to unfreeze.* pool1_pool, below the first block of resnet50"):
        cut.block_cut(own, blocks)


@pytest.mark.parametrize("name", ["image", "preprocessing_caffe", "conv4_block6_out", "head_pooling"])
def test_the_trainable_part_of_the_frozen_part_is_the_whole(name: str) -> None:
    model = built().model
    stored = cut.frozen_part(model, [name])(pixels(), training=False)
    logits = cut.trainable_part(model, name)(stored, training=False)
    np.testing.assert_allclose(logits, cut.whole_to_logits(model)(pixels(), training=False), rtol=1e-4, atol=1e-4)


def test_several_cuts_come_in_the_order_asked_for() -> None:
    model = built().model
    both = cut.frozen_part(model, ["head_pooling", "conv4_block6_out"])(pixels(), training=False)
    np.testing.assert_allclose(both[0], cut.frozen_part(model, ["head_pooling"])(pixels(), training=False), rtol=1e-5)
    assert tuple(both[1].shape) == (4, 4, 4, 1024)


def test_a_frozen_part_at_an_invalid_cut_is_refused() -> None:
    with pytest.raises(UserError, match="inside a residual block"):
        cut.frozen_part(built().model, ["head_pooling", "conv5_block1_2_relu"])


def test_a_trainable_part_at_an_invalid_cut_is_refused() -> None:
    with pytest.raises(UserError, match="inside a residual block"):
        cut.trainable_part(built().model, "conv5_block1_2_relu")


def test_layers_cannot_be_trained_above_an_invalid_cut() -> None:
    with pytest.raises(UserError, match="inside a residual block"):
        cut.set_trainable(built(), "conv5_block1_2_relu")


def test_training_the_trainable_part_trains_the_classifier_above_the_cut_and_nothing_below() -> None:
    own = small()
    cut.set_trainable(own, "block_15_add")
    part = cut.trainable_part(own.model, "block_15_add")
    frozen = cut.frozen_part(own.model, ["block_15_add"])
    stored = frozen(pixels(), training=False)
    before = own.model(pixels(), training=False).numpy()
    frozen_before, kept_before = cut.checksum(frozen.weights), cut.checksum(own.model.non_trainable_weights)
    trained_before = [weight.numpy() for weight in own.model.trainable_weights]
    part.compile(optimizer=keras.optimizers.SGD(0.1), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    part.fit(stored, np.array([0, 1, 2, 0]), epochs=2, verbose=0)
    assert cut.checksum(frozen.weights) == frozen_before
    assert cut.checksum(own.model.non_trainable_weights) == kept_before
    unchanged = [
        weight.path
        for weight, value in zip(own.model.trainable_weights, trained_before, strict=True)
        if np.array_equal(weight.numpy(), value)
    ]
    assert unchanged == []
    assert np.abs(own.model(pixels(), training=False).numpy() - before).max() > 1e-3


def trainable_names(own: Classifier) -> set[str]:
    return {weight.path.split("/")[0] for weight in own.model.trainable_weights}


def test_above_the_cut_all_but_batch_normalization_is_trainable() -> None:
    own = small()
    cut.set_trainable(own, "block_15_add")
    assert trainable_names(own) == {"block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1", "logits"}


def test_a_higher_cut_freezes_again_what_a_lower_one_trained() -> None:
    own = small()
    cut.set_trainable(own, "block_15_add")
    cut.set_trainable(own, "head_pooling")
    assert trainable_names(own) == {"logits"}


def test_batch_normalization_of_an_unfrozen_block_does_not_look_at_the_batch() -> None:
    own = small()
    cut.set_trainable(own, "block_15_add")
    part = keras.Model(own.model.get_layer("block_16_expand").output, own.model.get_layer("block_16_project_BN").output)
    activations = np.random.default_rng(1).normal(size=(4, 2, 2, 960)).astype(np.float32)
    np.testing.assert_array_equal(part(activations, training=True), part(activations, training=False))


def test_everything_can_be_trained_from_the_image_on() -> None:
    own = built.__wrapped__("vgg16")
    cut.set_trainable(own, "image")
    assert len(own.model.trainable_weights) == 2 * 13 + 2


@pytest.mark.parametrize(
    ("name", "shape"),
    [("preprocessing_caffe", (64, 64, 3)), ("conv4_block6_out", (4, 4, 1024)), ("head_pooling", (2048,))],
)
def test_a_record_is_one_activation(name: str, shape: tuple[int, ...]) -> None:
    assert cut.record_shape(built().model, name) == shape


@SAVING_WARNS
def test_a_classifier_that_was_taken_apart_and_trained_is_saved_whole(tmp_path: Path) -> None:
    own = small()
    cut.trainable_part(own.model, "block_15_add")
    cut.trainable_part(own.model, "head_pooling")
    own.model.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras", safe_mode=True)
    np.testing.assert_allclose(loaded(pixels()), own.model(pixels()), rtol=1e-5)
    assert cut.valid_cuts(loaded) == cut.valid_cuts(own.model)
