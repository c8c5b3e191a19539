"""The classifier: its head, its seeds, where the head stands, and that it computes what its parts compute."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from keras_transfer.errors import UserError
from keras_transfer.model import classifier, cut
from keras_transfer.model.bases import build_network
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import ModelConfig

SIDE = 32
LINEAR_HEAD = ("head_standardization", "head_dropout_1", "logits", "probabilities")


@functools.cache
def built(seed: int = 0, class_count: int = 3, **settings: Any) -> Classifier:
    config = ModelConfig(**{"backbone": "mobilenet", "weights": "random", **settings})
    return classifier.build(config, class_count=class_count, image_size=SIDE, seed=seed)


def rebuilt(**settings: Any) -> Classifier:
    """A fresh classifier to change."""
    return built.__wrapped__(**settings)


def pixels(count: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(5).uniform(0, 255, (count, SIDE, SIDE, 3)).astype(np.float32)


def head_names(model: keras.Model) -> list[str]:
    names = [layer.name for layer in model.layers]
    return names[names.index("conv_pw_13_relu") + 1 :]


def test_the_input_is_a_float32_image() -> None:
    image = built().model.inputs[0]
    assert (image.name, image.dtype, tuple(image.shape)) == ("image", "float32", (None, SIDE, SIDE, 3))


def test_a_linear_head_is_pooling_standardization_dropout_logits_and_softmax() -> None:
    assert head_names(built().model) == ["head_pooling", *LINEAR_HEAD]


def test_features_are_standardized_only_where_asked_for() -> None:
    names = ["head_pooling", "head_dropout_1", "logits", "probabilities"]
    assert head_names(built(standardize_features=False).model) == names


def test_before_training_standardization_changes_nothing() -> None:
    own = built().model
    pooled, standardized = (
        keras.Model(own.inputs[0], own.get_layer(name).output)(pixels()).numpy()
        for name in ("head_pooling", "head_standardization")
    )
    np.testing.assert_allclose(standardized, pooled, rtol=1e-6)


def test_standardization_subtracts_the_mean_and_divides_by_the_deviation_while_training_too() -> None:
    own = rebuilt().model
    layer = own.get_layer("head_standardization")
    layer.moving_mean.assign(np.full(1024, 3.0))
    layer.moving_variance.assign(np.full(1024, 4.0))
    np.testing.assert_allclose(layer(np.full((2, 1024), 7.0), training=True), np.full((2, 1024), 2.0), rtol=1e-6)


def test_hidden_layers_come_each_after_a_dropout() -> None:
    assert head_names(built(head_units=(8, 4)).model)[2:] == [
        "head_dropout_1",
        "head_dense_1",
        "head_dropout_2",
        "head_dense_2",
        "head_dropout_3",
        "logits",
        "probabilities",
    ]


def test_hidden_layers_have_their_widths_and_relu() -> None:
    model = built(head_units=(8, 4)).model
    layers = [model.get_layer(name) for name in ("head_dense_1", "head_dense_2", "logits")]
    assert [layer.units for layer in layers] == [8, 4, 3]
    assert [layer.activation.__name__ for layer in layers] == ["relu", "relu", "linear"]


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    logits = cut.whole_to_logits(built().model)(pixels()).numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(built().model(pixels()).numpy(), powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)


def test_the_features_are_those_of_the_network_on_preprocessed_pixels() -> None:
    network = build_network(BACKBONES["mobilenet"], image_size=SIDE)
    own = built().model
    network.set_weights(own.get_weights()[: len(network.weights)])
    expected = network(keras.applications.mobilenet.preprocess_input(pixels())).numpy()
    computed = keras.Model(own.inputs[0], own.get_layer("conv_pw_13_relu").output)(pixels()).numpy()
    np.testing.assert_allclose(computed, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling_reduces_each_channel(pooling: str, reduce: Any) -> None:
    own = built(pooling=(pooling,), feature_layers=("conv_pw_5_relu",)).model
    features, pooled = cut.frozen_part(own, ["conv_pw_5_relu", "head_pooling"])(pixels())
    np.testing.assert_allclose(pooled.numpy(), reduce(features.numpy(), axis=(1, 2)), rtol=1e-5)


def test_flattening_keeps_every_value() -> None:
    own = built(pooling=("flatten",), feature_layers=("conv_pw_5_relu",)).model
    features, pooled = cut.frozen_part(own, ["conv_pw_5_relu", "head_pooling"])(pixels())
    np.testing.assert_array_equal(pooled.numpy(), features.numpy().reshape(2, -1))


def test_the_head_phase_stores_the_pooled_features() -> None:
    assert (built().base_output, built().head_cut) == ("conv_pw_13_relu", "head_pooling")


def test_l2_penalizes_only_the_kernels_of_the_head() -> None:
    model = built(l2=0.5, head_units=(4,)).model
    kernels = [model.get_layer(name).kernel.numpy() for name in ("head_dense_1", "logits")]
    penalty = sum(float(loss) for loss in model.losses)
    np.testing.assert_allclose(penalty, 0.5 * sum(np.square(kernel).sum() for kernel in kernels), rtol=1e-5)


def test_every_layer_of_the_base_starts_frozen() -> None:
    names = [weight.path for weight in built(head_units=(4,)).model.trainable_weights]
    assert names == ["head_dense_1/kernel", "head_dense_1/bias", "logits/kernel", "logits/bias"]


def test_the_same_seed_gives_the_same_weights_bit_for_bit() -> None:
    weights = [rebuilt(seed=7, head_units=(8,)).model.weights for _ in range(2)]
    assert cut.checksum(weights[0]) == cut.checksum(weights[1])


def test_the_same_seed_drops_the_same_activations() -> None:
    outputs = [
        cut.trainable_part(rebuilt(seed=7).model, "head_pooling")(np.ones((4, 1024)), training=True) for _ in range(2)
    ]
    np.testing.assert_array_equal(*(output.numpy() for output in outputs))


def test_neighbouring_seeds_and_layers_share_no_first_weights() -> None:
    kernels = [
        built(seed=seed, class_count=4, head_units=(4, 4)).model.get_layer(name).kernel.numpy().ravel()[:16]
        for seed in (0, 1, 2)
        for name in ("head_dense_1", "head_dense_2", "logits")
    ]
    assert len({kernel[0] / np.abs(kernel).max() for kernel in kernels}) == 9


def test_another_seed_leaves_the_random_base_as_it_is() -> None:
    parts = [cut.frozen_part(built(seed=seed).model, ["head_pooling"]) for seed in (0, 1)]
    assert cut.checksum(parts[0].weights) == cut.checksum(parts[1].weights)


def test_the_global_seed_has_no_say_in_the_weights() -> None:
    checksums = set()
    for global_seed in (1, 2):
        keras.utils.set_random_seed(global_seed)
        checksums.add(cut.checksum(rebuilt(head_units=(8,)).model.weights))
    assert len(checksums) == 1


@pytest.mark.parametrize(("layer", "width"), [("flatten", 512), ("fc1", 4096), ("fc2", 4096)])
def test_the_head_can_stand_on_a_dense_layer_of_vgg16(layer: str, width: int) -> None:
    own = rebuilt(backbone="vgg16", feature_layers=(layer,))
    assert (own.base_output, own.head_cut) == (layer, layer)
    assert cut.record_shape(own.model, layer) == (width,)
    assert [one.name for one in own.model.layers][-5:] == [layer, *LINEAR_HEAD]


def test_the_head_can_stand_on_a_layer_inside_the_base() -> None:
    own = built(feature_layers=("conv_pw_5_relu",))
    assert own.base_output == "conv_pw_5_relu"
    assert "conv_dw_6" not in [layer.name for layer in own.model.layers]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"feature_layers": ("conv_pw_5_rleu",)}, "Did you mean 'conv_pw_5_relu'.* from the top: conv_pw_13_relu, "),
        ({"feature_layers": ("fc2",)}, "--feature_layers=fc2 is no layer of mobilenet"),
        ({"backbone": "vgg16", "feature_layers": ("fc3",)}, "from the top: fc2, fc1, flatten, block5_pool"),
        ({"backbone": "vgg16", "feature_layers": ("predictions",)}, "--feature_layers=predictions is no layer"),
        (
            {"backbone": "mobilenetv2", "feature_layers": ("block_5_expand",)},
            "--feature_layers=block_5_expand is no layer",
        ),
        ({"backbone": "vgg-16"}, "Did you mean 'vgg16'"),
        ({"pooling": ("sum",)}, "--pooling must be one of avg, max, flatten. Received: 'sum'"),
        ({"class_count": 1}, "at least two classes. Received: 1"),
        ({"backbone": "xception"}, "at least 71 for xception. Received: 32"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        built(**settings)


def test_the_weights_that_were_really_loaded_are_named() -> None:
    assert (built().weights, built().weights_note) == ("random", "")


# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_efficientnet_with_imagenet_weights_equals_that_of_keras(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras builds another graph for them, with one more layer; ours has to compute the same without it."""
    path = tmp_path / "published.weights.h5"
    published = build_network(BACKBONES["efficientnetb0"], image_size=SIDE)
    normalization = next(layer for layer in published.layers if isinstance(layer, keras.layers.Normalization))
    normalization.adapt_mean.assign([0.485, 0.456, 0.406])
    normalization.adapt_variance.assign([0.229, 0.224, 0.225])
    published.save_weights(path)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *arguments, **settings: str(path))
    original = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(SIDE, SIDE, 3))
    config = ModelConfig(backbone="efficientnetb0", weights=str(path))
    own = classifier.build(config, class_count=2, image_size=SIDE, seed=0).model
    computed = keras.Model(own.inputs[0], own.get_layer("top_activation").output)(pixels()).numpy()
    np.testing.assert_allclose(computed, original(pixels()).numpy(), rtol=1e-3, atol=1e-5)


def test_dividing_the_logits_changes_probabilities_and_nothing_else() -> None:
    own = rebuilt()
    to_logits = cut.whole_to_logits(own.model)
    before = np.asarray(to_logits(pixels()))
    classifier.divide_logits(own.model, 2.5)
    np.testing.assert_allclose(to_logits(pixels()), before / 2.5, rtol=1e-5)
    np.testing.assert_allclose(own.model(pixels()), keras.ops.softmax(before / 2.5), rtol=1e-5)
