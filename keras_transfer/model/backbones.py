"""The pretrained networks: how each is built and wants its pixels, and where its blocks are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from keras_transfer.model.weights_files import IMAGENET, IMAGENET_WITH_TOP, TOP_LAYERS, WeightsFile

IMAGE_LAYER = "image"
# Side in pixels that the ImageNet weights were trained at; a top can be loaded at no other.
IMAGENET_IMAGE_SIZE = 224
IMAGENET_CLASSES = 1000
# Mean of ImageNet's pixels in [0, 255], blue first: keras.applications.imagenet_utils, mode "caffe".
_CAFFE_BGR_MEAN = (103.939, 116.779, 123.68)
# Mean and standard deviation of ImageNet's pixels in [0, 1], red first: the same module, mode "torch".
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """A network of `keras.applications`.

    Attributes:
      name: as in `config.BACKBONES`.
      builder: the function of `keras.applications`.
      preprocess: from float32 RGB in [0, 255], shape (batch, side, side, 3), to what the network was trained on.
      block_pattern: its group names the block of a layer; a layer without a match belongs to the block below it. It
        looks only at names that the network itself gives.
      weights_file: ImageNet weights.
      include_top: whether the dense layers of ImageNet's classifier are a part of it.
    """

    name: str
    builder: Callable[..., keras.Model]
    preprocess: Callable[[Any], Any]
    block_pattern: re.Pattern[str]
    weights_file: WeightsFile
    include_top: bool = False


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


def _backbone(
    name: str,
    builder: Callable[..., keras.Model],
    preprocess: Callable[[Any], Any],
    block_pattern: str,
) -> Backbone:
    return Backbone(name, builder, preprocess, re.compile(block_pattern), IMAGENET[name])


_ALL = (
    _backbone(
        "vgg16",
        keras.applications.VGG16,
        _blue_first_minus_mean,
        r"^block(\d)_",
    ),
    _backbone(
        "vgg19",
        keras.applications.VGG19,
        _blue_first_minus_mean,
        r"^block(\d)_",
    ),
    _backbone(
        "resnet50",
        keras.applications.ResNet50,
        _blue_first_minus_mean,
        r"^conv(\d)_block",
    ),
    _backbone(
        "resnet50v2",
        keras.applications.ResNet50V2,
        _minus_one_to_one,
        r"^conv(\d)_block",
    ),
    _backbone(
        "mobilenet",
        keras.applications.MobileNet,
        _minus_one_to_one,
        r"^conv_(?:pad|dw|pw)_(\d+)",
    ),
    _backbone(
        "mobilenetv2",
        keras.applications.MobileNetV2,
        _minus_one_to_one,
        r"^(expanded_conv|block_\d+)_",
    ),
    _backbone(
        "mobilenetv3small",
        keras.applications.MobileNetV3Small,
        _built_in,
        r"^(expanded_conv(?:_\d+)?)_",
    ),
    _backbone(
        "mobilenetv3large",
        keras.applications.MobileNetV3Large,
        _built_in,
        r"^(expanded_conv(?:_\d+)?)_",
    ),
    _backbone(
        "efficientnetb0",
        keras.applications.EfficientNetB0,
        _built_in,
        r"^block(\d)[a-z]_",
    ),
    _backbone(
        "efficientnetv2b0",
        keras.applications.EfficientNetV2B0,
        _built_in,
        r"^block(\d)[a-z]_",
    ),
    _backbone(
        "densenet121",
        keras.applications.DenseNet121,
        _standardized,
        r"^conv(\d)_block",
    ),
    _backbone(
        "inceptionv3",
        keras.applications.InceptionV3,
        _minus_one_to_one,
        r"^mixed(\d+)$",
    ),
    _backbone(
        "xception",
        keras.applications.Xception,
        _minus_one_to_one,
        r"^block(\d+)_",
    ),
    _backbone(
        "convnexttiny",
        keras.applications.ConvNeXtTiny,
        _built_in,
        r"_stage_(\d)_block",
    ),
)
BACKBONES: Mapping[str, Backbone] = {backbone.name: backbone for backbone in _ALL}


# The networks whose hidden dense layers are worth standing a head on.
BACKBONES_WITH_TOP: Mapping[str, Backbone] = {
    name: replace(BACKBONES[name], weights_file=file, include_top=True) for name, file in IMAGENET_WITH_TOP.items()
}
PREDICTIONS_LAYER = "predictions"


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
    return backbone.builder(include_top=backbone.include_top, **settings)


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
    network = build_network(backbone, image_size=image_size, input_tensor=backbone.preprocess(image))
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
