"""Builds the pretrained networks that `settings.backbones` lists, with their preprocessing inside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_transfer.settings.backbones import TOP_LAYERS, Backbone

IMAGE_LAYER = "image"
PREDICTIONS_LAYER = "predictions"
# Side in pixels that the ImageNet weights were trained at; a top can be loaded at no other.
IMAGENET_IMAGE_SIZE = 224
IMAGENET_CLASSES = 1000
# Mean of ImageNet's pixels in [0, 255], blue first: keras.applications.imagenet_utils, mode "caffe".
_CAFFE_BGR_MEAN = (103.939, 116.779, 123.68)
# Mean and standard deviation of ImageNet's pixels in [0, 1], red first: the same module, mode "torch".
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


def _blue_first_minus_mean(image: Any) -> Any:
    """Mode "caffe": BGR minus ImageNet's mean."""
    offset = [-mean for mean in _CAFFE_BGR_MEAN]
    return keras.layers.Rescaling(1.0, offset=offset, name="preprocessing_caffe")(keras.ops.flip(image, axis=-1))


def _minus_one_to_one(image: Any) -> Any:
    """Mode "tf": [-1, 1]."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing_tf")(image)


def _standardized(image: Any) -> Any:
    """Mode "torch": minus ImageNet's mean, divided by its standard deviation, for each channel."""
    moments = tuple(zip(IMAGENET_MEAN, IMAGENET_STANDARD_DEVIATION, strict=True))
    scale = [1 / (255 * deviation) for _, deviation in moments]
    offset = [-mean / deviation for mean, deviation in moments]
    return keras.layers.Rescaling(scale, offset=offset, name="preprocessing_torch")(image)


def _built_in(image: Any) -> Any:
    """Nothing: the network's own first layers do it."""
    return image


_PREPROCESSING: Mapping[str, Callable[[Any], Any]] = {
    "caffe": _blue_first_minus_mean,
    "tf": _minus_one_to_one,
    "torch": _standardized,
    "built_in": _built_in,
}


def preprocess(backbone: Backbone, image: Any) -> Any:
    """From float32 RGB in [0, 255], shape (batch, side, side, 3), to what the network was trained on."""
    return _PREPROCESSING[backbone.preprocessing](image)


def build_network(backbone: Backbone, *, image_size: int, **arguments: Any) -> keras.Model:
    """The network as `keras.applications` builds it, without weights of its own.

    Args:
      backbone: which.
      image_size: side in pixels.
      **arguments: of the builder, such as `input_tensor`.
    """
    if backbone.include_top:
        arguments["classes"] = IMAGENET_CLASSES
    settings: dict[str, Any] = {"weights": None, "input_shape": (image_size, image_size, 3), **arguments}
    builder = getattr(keras.applications, backbone.builder)
    network: keras.Model = builder(include_top=backbone.include_top, **settings)
    return network


def build_base(backbone: Backbone, *, image_size: int) -> keras.Model:
    """Image, preprocessing and network as one flat graph, untrained.

    It differs from what `keras.applications` builds in two ways. Layers that Keras would number by what was built
    before in the process get names of their own, so that names are the same in every process. Dropout inside the
    network (the dropped branches of EfficientNet) is off: it would make frozen layers random, and its seed is global.

    Args:
      backbone: which.
      image_size: side in pixels.

    Returns:
      A model from float32 RGB in [0, 255], shape (batch, side, side, 3), to the network's output.
    """
    image = keras.Input((image_size, image_size, 3), dtype="float32", name=IMAGE_LAYER)
    network = build_network(backbone, image_size=image_size, input_tensor=preprocess(backbone, image))
    _name_numbered_layers(network, backbone.name)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return keras.Model(image, network.output, name=backbone.name)


def _name_numbered_layers(network: keras.Model, prefix: str) -> None:
    """Renames re_lu_37 to, say, mobilenetv3small_re_lu_4: the fourth of its kind in this network."""
    counts: Counter[str] = Counter()
    for operation in network.operations:
        stem = re.sub(r"_\d+$", "", operation.name)
        is_numbered = stem.replace("_", "") == type(operation).__name__.lower()
        if is_numbered and operation.name not in TOP_LAYERS:
            counts[stem] += 1
            operation.name = f"{prefix}_{stem}_{counts[stem]}"
