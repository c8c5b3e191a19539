"""The classifier: image, preprocessing, base and head as one flat functional model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_transfer.errors import UserError
from keras_transfer.model import graph, weights
from keras_transfer.model.bases import PREDICTIONS_LAYER, build_base
from keras_transfer.settings import backbones
from keras_transfer.settings.backbones import BACKBONES, TOP_LAYERS, Backbone
from keras_transfer.settings.config import ModelConfig, nearest

POOLING_LAYER, LOGITS_LAYER, PROBABILITIES_LAYER = "head_pooling", "logits", "probabilities"
TAPS_LAYER = "head_taps"
STANDARDIZING_LAYER = "head_standardization"
_POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
}


@dataclass(frozen=True)
class Tap:
    """A layer that the head stands on, pooled.

    Attributes:
      layer: of the base.
      pooling: avg, max or flatten; "" for a layer whose output is a vector already.
      width: of the pooled vector.
      name: of the layer that gives it.
    """

    layer: str
    pooling: str
    width: int
    name: str


@dataclass(frozen=True)
class Classifier:
    """A base with a head on it.

    Attributes:
      model: from "image", float32 RGB in [0, 255], shape (batch, side, side, 3), to "probabilities", float32, shape
        (batch, classes); the layer below the last one is "logits".
      backbone: the network of the base.
      base_output: the highest layer that the head stands on.
      head_cut: layer whose output the head phase stores: the pooled features, which are far smaller than the base's
        output and cost no weights.
      taps: what the features are made of, in their order.
      weights: imagenet, random, or the path of the file: what was really loaded.
      weights_note: a sentence for the user where random weights took the place of ImageNet's; else "".
    """

    model: keras.Model
    backbone: Backbone
    base_output: str
    head_cut: str
    weights: str
    weights_note: str
    taps: tuple[Tap, ...] = ()


def build(
    config: ModelConfig, *, class_count: int, image_size: int, seed: int, allow_download: bool = False
) -> Classifier:
    """Builds a classifier: base with weights, untrained head, every layer of the base frozen.

    Args:
      config: backbone, weights and head.
      class_count: at least 2.
      image_size: side in pixels.
      seed: of the head's first weights and of its dropout; the same seed gives the same weights, bit for bit.
      allow_download: whether Keras may fetch the ImageNet weights.

    Raises:
      UserError: an unknown layer, an image too small, or weights that are not available (see `weights.find`).
    """
    _refuse_wrong_arguments(config, class_count=class_count, image_size=image_size)
    backbone = backbones.choose(config.backbone, config.feature_layers)
    base = build_base(backbone, image_size=image_size)
    feature_layers = config.feature_layers or (base.operations[-1].name,)
    for name in feature_layers:
        _refuse_unknown_feature_layer(base, backbone, name)
    loaded = weights.find(backbone, config, image_size=image_size, allow_download=allow_download)
    _assign(base, loaded.values)
    for layer in base.layers:
        layer.trainable = False
    bare = Classifier(base, backbone, base_output="", head_cut="", weights=loaded.source, weights_note=loaded.note)
    return with_head(bare, config, feature_layers=feature_layers, class_count=class_count, seed=seed)


def with_head(
    below: Classifier, config: ModelConfig, *, feature_layers: Sequence[str], class_count: int, seed: int
) -> Classifier:
    """A new, untrained head on the base of a classifier, which shares its layers and weights.

    Args:
      below: whose base is taken; it must reach up to all of the layers.
      config: pooling and head.
      feature_layers: that the head stands on, at least one.
      class_count: at least 2.
      seed: as for `build`.
    """
    features, taps = _tapped(below.model, feature_layers, config.pooling)
    logits = _head(_standardized(features, config), config, class_count=class_count, seed=seed)
    probabilities = keras.layers.Softmax(name=PROBABILITIES_LAYER)(logits)
    order = [operation.name for operation in below.model.operations]
    return dataclasses.replace(
        below,
        model=keras.Model(below.model.inputs[0], probabilities, name="classifier"),
        base_output=max(feature_layers, key=order.index),
        head_cut=graph.producer(features).name,
        taps=taps,
    )


def divide_logits(model: keras.Model, temperature: float) -> None:
    """Divides the logits by a temperature, in the weights: the graph stays the same, and so does every label.

    Args:
      model: of a classifier; its last dense layer is changed.
      temperature: above 0.
    """
    layer = model.get_layer(LOGITS_LAYER)
    layer.set_weights([values / np.float32(temperature) for values in layer.get_weights()])


def _refuse_wrong_arguments(config: ModelConfig, *, class_count: int, image_size: int) -> None:
    if config.backbone not in BACKBONES:
        raise UserError(
            f"--backbone must be one of {', '.join(BACKBONES)}. Received: {config.backbone!r}."
            f"{nearest(config.backbone, tuple(BACKBONES))}"
        )
    for pooling in config.pooling:
        if pooling not in _POOLINGS:
            raise UserError(f"--pooling must be one of {', '.join(_POOLINGS)}. Received: {pooling!r}.")
    if class_count < 2:
        raise UserError(f"A classifier needs at least two classes. Received: {class_count}")
    smallest = BACKBONES[config.backbone].smallest_image_size
    if image_size < smallest:
        raise UserError(f"--image_size must be at least {smallest} for {config.backbone}. Received: {image_size}")


def _refuse_unknown_feature_layer(base: keras.Model, backbone: Backbone, name: str) -> None:
    known = feature_layers(base, backbone)
    if name not in known:
        raise UserError(
            f"--feature_layers={name} is no layer of {backbone.name} that a head can stand on."
            f"{nearest(name, known)} Layers that can, from the top: {', '.join(known)}"
        )


def feature_layers(base: keras.Model, backbone: Backbone) -> tuple[str, ...]:
    """The layers that a head can stand on, the highest first: where one tensor carries all of the base's output."""
    own = [name for name in graph.sole_crossings(base.operations) if name not in (*TOP_LAYERS, PREDICTIONS_LAYER)]
    top = TOP_LAYERS if backbone.with_top else ()
    return tuple(reversed((*own, *top)))


def _assign(base: keras.Model, values: list[Any]) -> None:
    base.set_weights(values)
    for layer in base.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights


def _tapped(base: keras.Model, layers: Sequence[str], poolings: Sequence[str]) -> tuple[Any, tuple[Tap, ...]]:
    """The features that a head stands on: each layer pooled in each way, one after the other, as one vector."""
    found: list[tuple[Any, Tap]] = []
    is_single = len(layers) * len(poolings) == 1
    for layer in layers:
        output = graph.find(base, layer).output
        if len(output.shape) == 2:
            found.append((output, Tap(layer, "", output.shape[-1], layer)))
            continue
        for pooling in poolings:
            name = POOLING_LAYER if is_single else f"head_{pooling}_of_{layer}"
            pooled = _POOLINGS[pooling](name=name)(output)
            found.append((pooled, Tap(layer, pooling, pooled.shape[-1], name)))
    outputs, taps = zip(*found, strict=True)
    return outputs[0] if len(found) == 1 else keras.layers.Concatenate(name=TAPS_LAYER)(list(outputs)), taps


def _standardized(features: Any, config: ModelConfig) -> Any:
    """Shift and scale of each feature, as yet none; training sets them from its images and never trains them."""
    if not config.standardize_features:
        return features
    # Frozen batch normalization is exactly this, and every reader of Keras files knows it.
    layer = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=0.0, trainable=False, name=STANDARDIZING_LAYER
    )
    return layer(features)


def _head(features: Any, config: ModelConfig, *, class_count: int, seed: int) -> Any:
    """Dropout before each dense layer; logits at the end."""
    for number, units in enumerate((*config.head_units, class_count), start=1):
        is_last = number > len(config.head_units)
        dense = keras.layers.Dense(
            units,
            activation=None if is_last else "relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=_derived_seed(seed, 2 * number)),
            kernel_regularizer=keras.regularizers.L2(config.l2) if config.l2 else None,
            name=LOGITS_LAYER if is_last else f"head_dense_{number}",
        )
        dropout_seed = _derived_seed(seed, 2 * number + 1)
        features = dense(
            keras.layers.Dropout(config.dropout, seed=dropout_seed, name=f"head_dropout_{number}")(features)
        )
    return features


def _derived_seed(seed: int, position: int) -> int:
    """A seed of its own for each place: neither neighbouring places nor neighbouring seeds share random numbers."""
    return int(np.random.SeedSequence([seed, position]).generate_state(1)[0] % 2**31)
