"""The registry of backbones: all that is known of each pretrained network, as plain data. A new one is a row here.

It stands among the settings because --backbone takes its choices from it, and `settings` may import no other room. It
needs no TensorFlow, so that a wrong name, image size or weights file is told at once; `model.bases` builds what it
describes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

# Layers of the dense top of ImageNet's classifier; a head on one of them needs the file with the top.
TOP_LAYERS = ("flatten", "fc1", "fc2")


@dataclass(frozen=True)
class WeightsFile:
    """A file that Keras publishes and keeps in the folder models/ of its cache.

    Attributes:
      name: of the file.
      digest: hexadecimal MD5 or SHA-256 of its bytes; "" where Keras knows none.
      value_count: of the network whose weights it holds.
      kernel_shape: of one of the network's kernels that few other networks have.
    """

    name: str
    digest: str
    value_count: int
    kernel_shape: tuple[int, ...]


@dataclass(frozen=True)
class Backbone:
    """A network of `keras.applications`.

    Attributes:
      builder: name of the function of `keras.applications`.
      preprocessing: what the network's pixels were in its training: caffe, tf or torch, as in
        `keras.applications.imagenet_utils`; built_in where its own first layers do it.
      block_pattern: its group names the block of a layer; a layer without a match belongs to the block below it. It
        looks only at names that the network itself gives.
      taps: layers that a head may stand on together, from the top: the ends of its stages, after their activation where
        they have one.
      weights_file: ImageNet weights.
      smallest_image_size: side in pixels that the network accepts without its top: `min_size` of
        `obtain_input_shape` in each module of `keras.applications`.
      with_top: ImageNet weights with the dense layers of ImageNet's classifier, where a head is worth standing on one.
      include_top: whether these dense layers are a part of it.
    """

    builder: str
    preprocessing: str
    block_pattern: re.Pattern[str]
    taps: tuple[str, ...]
    weights_file: WeightsFile
    smallest_image_size: int = 32
    with_top: WeightsFile | None = None
    include_top: bool = False

    @property
    def name(self) -> str:
        """As in --backbone."""
        return self.builder.lower()

    def __str__(self) -> str:
        return f"{self.name} {'with' if self.include_top else 'without'} top"


_KERNELS = "weights_tf_dim_ordering_tf_kernels"
_VGG_BLOCK, _RESNET_BLOCK = re.compile(r"^block(\d)_"), re.compile(r"^conv(\d)_block")
_MOBILENETV3_BLOCK, _EFFICIENTNET_BLOCK = re.compile(r"^(expanded_conv(?:_\d+)?)_"), re.compile(r"^block(\d)[a-z]_")
_VGG_TAPS = ("block5_pool", "block4_pool", "block3_pool")
_ALL = (
    Backbone(
        "VGG16",
        "caffe",
        _VGG_BLOCK,
        _VGG_TAPS,
        WeightsFile(f"vgg16_{_KERNELS}_notop.h5", "6d6bbae143d832006294945121d1f1fc", 14_714_688, (3, 3, 512, 512)),
        with_top=WeightsFile(f"vgg16_{_KERNELS}.h5", "64373286793e3c8b2b4e3219cbf3544b", 138_357_544, (25_088, 4_096)),
    ),
    Backbone(
        "VGG19",
        "caffe",
        _VGG_BLOCK,
        _VGG_TAPS,
        WeightsFile(f"vgg19_{_KERNELS}_notop.h5", "253f8cb515780f3b799900260a226db6", 20_024_384, (3, 3, 512, 512)),
        with_top=WeightsFile(f"vgg19_{_KERNELS}.h5", "cbe5617147190e668d6c5d5026f83318", 143_667_240, (25_088, 4_096)),
    ),
    Backbone(
        "ResNet50",
        "caffe",
        _RESNET_BLOCK,
        ("conv5_block3_out", "conv4_block6_out", "conv3_block4_out"),
        WeightsFile(f"resnet50_{_KERNELS}_notop.h5", "4d473c1dd8becc155b73f8504c6f6626", 23_587_712, (1, 1, 512, 2048)),
    ),
    Backbone(
        "ResNet50V2",
        "tf",
        _RESNET_BLOCK,
        ("post_relu", "conv5_block1_preact_relu", "conv4_block1_preact_relu"),
        WeightsFile(
            f"resnet50v2_{_KERNELS}_notop.h5", "fac2f116257151a9d068a22e544a4917", 23_564_800, (1, 1, 512, 2048)
        ),
    ),
    Backbone(
        "MobileNet",
        "tf",
        re.compile(r"^conv_(?:pad|dw|pw)_(\d+)"),
        ("conv_pw_13_relu", "conv_pw_11_relu", "conv_pw_5_relu"),
        WeightsFile("mobilenet_1_0_224_tf_no_top.h5", "", 3_228_864, (1, 1, 1024, 1024)),
    ),
    Backbone(
        "MobileNetV2",
        "tf",
        re.compile(r"^(expanded_conv|block_\d+)_"),
        ("out_relu", "block_13_expand_relu", "block_6_expand_relu"),
        WeightsFile(f"mobilenet_v2_{_KERNELS}_1.0_224_no_top.h5", "", 2_257_984, (1, 1, 144, 32)),
    ),
    Backbone(
        "MobileNetV3Small",
        "built_in",
        _MOBILENETV3_BLOCK,
        ("mobilenetv3small_activation_18", "mobilenetv3small_activation_12", "mobilenetv3small_activation_2"),
        WeightsFile(
            "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            "d3e8ec802a04aa4fc771ee12a9a9b836",
            939_120,
            (1, 1, 16, 72),
        ),
    ),
    Backbone(
        "MobileNetV3Large",
        "built_in",
        _MOBILENETV3_BLOCK,
        ("mobilenetv3large_activation_20", "mobilenetv3large_activation_14", "mobilenetv3large_activation_2"),
        WeightsFile(
            "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            "07fb09a5933dd0c8eaafa16978110389",
            2_996_352,
            (1, 1, 24, 72),
        ),
    ),
    Backbone(
        "EfficientNetB0",
        "built_in",
        _EFFICIENTNET_BLOCK,
        ("top_activation", "block6a_expand_activation", "block4a_expand_activation"),
        WeightsFile("efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d", 4_049_571, (1, 1, 96, 4)),
    ),
    Backbone(
        "EfficientNetV2B0",
        "built_in",
        _EFFICIENTNET_BLOCK,
        ("top_activation", "block6a_expand_activation", "block4a_expand_activation"),
        WeightsFile("efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff", 5_919_312, (3, 3, 32, 128)),
    ),
    Backbone(
        "DenseNet121",
        "torch",
        _RESNET_BLOCK,
        ("relu", "pool4_relu", "pool3_relu"),
        WeightsFile(
            f"densenet121_{_KERNELS}_notop.h5", "30ee3e1110167f948a6b9946edeeb738", 7_037_504, (1, 1, 160, 128)
        ),
    ),
    Backbone(
        "InceptionV3",
        "tf",
        re.compile(r"^mixed(\d+)$"),
        ("mixed10", "mixed7", "mixed2"),
        WeightsFile(
            f"inception_v3_{_KERNELS}_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63", 21_802_784, (1, 1, 64, 80)
        ),
        smallest_image_size=75,
    ),
    Backbone(
        "Xception",
        "tf",
        re.compile(r"^block(\d+)_"),
        ("block14_sepconv2_act", "xception_add_11", "xception_add_2"),
        WeightsFile(f"xception_{_KERNELS}_notop.h5", "b0042744bf5b25fce3cb969f33bebb97", 20_861_480, (1, 1, 728, 1024)),
        smallest_image_size=71,
    ),
    Backbone(
        "ConvNeXtTiny",
        "built_in",
        re.compile(r"_stage_(\d)_block"),
        ("convnexttiny_layer_normalization_1", "convnexttiny_add_15", "convnexttiny_add_6"),
        WeightsFile(
            "convnext_tiny_notop.h5",
            "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            27_820_128,
            (7, 7, 1, 96),
        ),
    ),
)
BACKBONES: Mapping[str, Backbone] = {backbone.name: backbone for backbone in _ALL}
BACKBONES_WITH_TOP: Mapping[str, Backbone] = {
    backbone.name: replace(backbone, weights_file=backbone.with_top, include_top=True)
    for backbone in _ALL
    if backbone.with_top
}


def choose(name: str, feature_layers: Sequence[str]) -> Backbone:
    """The network of that name, with its dense layers where the head stands on one of them."""
    with_top = name in BACKBONES_WITH_TOP and not set(feature_layers).isdisjoint(TOP_LAYERS)
    return (BACKBONES_WITH_TOP if with_top else BACKBONES)[name]
