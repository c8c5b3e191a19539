"""A head on several layers: what it computes, where it can be cut, and that every backbone has layers to stand on."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from keras_transfer.model import classifier, cut, grad_cam, graph
from keras_transfer.model.bases import build_base
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import ModelConfig

LAYERS = ("conv_pw_13_relu", "conv_pw_11_relu", "conv_pw_5_relu")


@functools.cache
def built(layers: tuple[str, ...] = LAYERS, poolings: tuple[str, ...] = ("avg", "max")) -> Classifier:
    config = ModelConfig(backbone="mobilenet", weights="random", feature_layers=layers, pooling=poolings)
    return classifier.build(config, class_count=3, image_size=64, seed=0)


def pixels() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)


def test_the_features_are_each_layer_pooled_in_each_way_one_after_the_other():
    model = built().model
    maps = keras.Model(model.inputs[0], [model.get_layer(name).output for name in LAYERS])(pixels())
    expected = np.concatenate(
        [reduce(np.asarray(each), axis=(1, 2)) for each in maps for reduce in (np.mean, np.max)], axis=1
    )
    features = cut.frozen_part(model, [built().head_cut])(pixels())
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    assert [(tap.layer, tap.pooling, tap.width) for tap in built().taps[:3]] == [
        ("conv_pw_13_relu", "avg", 1024),
        ("conv_pw_13_relu", "max", 1024),
        ("conv_pw_11_relu", "avg", 512),
    ]


def test_it_is_cut_where_a_head_on_the_top_is_and_at_its_features():
    single = built(LAYERS[:1], ("avg",)).model
    assert cut.valid_cuts(built().model) == (*cut.valid_cuts(single)[:-1], "head_taps")


@pytest.mark.parametrize("name", ["conv_pw_11_relu", "conv_pw_6_relu", "conv_pw_1_relu", "head_taps"])
def test_the_parts_together_compute_what_the_whole_does(name):
    model = built().model
    below = cut.frozen_part(model, [name, *cut.taps_below(model, name)])(pixels(), training=False)
    logits = cut.trainable_part(model, name)(below, training=False)
    np.testing.assert_allclose(logits, cut.whole_to_logits(model)(pixels(), training=False), rtol=1e-4, atol=1e-4)


def test_layers_below_a_cut_are_those_that_the_head_stands_on_strictly_below_it():
    model = built(poolings=("avg",)).model
    assert cut.taps_below(model, "conv_pw_11_relu") == ("head_avg_of_conv_pw_5_relu",)
    assert cut.taps_below(model, "conv_pw_12_relu") == ("head_avg_of_conv_pw_11_relu", "head_avg_of_conv_pw_5_relu")
    assert cut.taps_below(model, "conv_pw_1_relu") == cut.taps_below(model, "head_taps") == ()


def test_another_head_shares_the_base():
    other = classifier.with_head(
        built(),
        ModelConfig(backbone="mobilenet", pooling=("max",)),
        feature_layers=LAYERS[1:2],
        class_count=5,
        seed=0,
    )
    assert (other.base_output, other.head_cut, other.model.output.shape[1]) == ("conv_pw_11_relu", "head_pooling", 5)
    assert other.model.get_layer("conv1") is built().model.get_layer("conv1")
    assert "conv_pw_13" not in [layer.name for layer in other.model.layers]


def test_grad_cam_looks_at_the_highest_layer():
    assert grad_cam.map_layer(built()) == "conv_pw_13_relu"
    heat = grad_cam.heat_maps(built(), pixels(), np.array([0, 1, 2]))
    assert heat is not None
    assert heat.shape == (3, 2, 2)
    assert np.isfinite(heat).all()


@pytest.mark.parametrize("name", BACKBONES)
def test_each_backbone_has_layers_to_stand_on_from_its_output_down(name):
    backbone = BACKBONES[name]
    base = build_base(backbone, image_size=max(96, backbone.smallest_image_size))
    assert backbone.taps[0] == base.operations[-1].name
    known = classifier.feature_layers(base, backbone)
    assert [known.index(tap) for tap in backbone.taps] == sorted(known.index(tap) for tap in backbone.taps)
    sides = [graph.find(base, tap).output.shape[1] for tap in backbone.taps]
    assert len(sides) >= 3
    assert sides == sorted(sides)
