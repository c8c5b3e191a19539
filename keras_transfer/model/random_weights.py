"""Random weights that stand in for a weights file: the same for every run, and with activations of a usable size."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_transfer.model import graph
from keras_transfer.model.bases import build_base
from keras_transfer.settings.backbones import Backbone

# Not the run's seed: runs with other seeds share these weights as they would share a weights file.
_SEED = 20150206  # the day He et al. was submitted
# Batch normalization is settled at this size whatever the run's, so that the weights are the same at every size. No
# network needs more (InceptionV3: 75).
_IMAGE_SIZE = 96
_IMAGE_COUNT = 8
_PATCHES = 8  # a side


def draw(backbone: Backbone, *, image_size: int) -> list[NDArray[Any]]:
    """Random weights for a base.

    Kernels are He-normal, which keeps the size of activations through layers with ReLU (He et al. 2015, "Delving Deep
    into Rectifiers", arXiv:1502.01852); biases are zero. Batch normalization gets the mean and variance of images of
    random patches: with its usual start it would be the identity, and activations would grow with every residual block
    (beyond float16 in ResNet50) or vanish with every gate (EfficientNet).

    Args:
      backbone: which network.
      image_size: side in pixels; only a top's weights depend on it.

    Returns:
      The weights in the order of `build_base(backbone, ...).weights`. The same bits in every process on one machine;
      another kind of processor may round the normalization's statistics differently.
    """
    base = build_base(backbone, image_size=image_size if backbone.include_top else _IMAGE_SIZE)
    for position, layer in enumerate(graph.innermost_layers(base)):
        generator = np.random.default_rng([_SEED, position])
        for kernel in graph.kernels(layer):
            deviation = math.sqrt(2 / _fan_in(layer, kernel))
            kernel.assign(generator.standard_normal(kernel.shape, dtype=np.float32) * np.float32(deviation))
    _settle_normalization(base)
    return list(base.get_weights())


def _fan_in(layer: keras.Layer, kernel: Any) -> int:
    """Number of inputs that one output of the kernel sums over."""
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D) or kernel.name == "depthwise_kernel"
    # (height, width, channels, multiplier) where each channel is on its own; (..., inputs, outputs) elsewhere.
    return math.prod(kernel.shape[:2] if is_depthwise else kernel.shape[:-1])


def _settle_normalization(base: keras.Model) -> None:
    """Gives batch normalization the statistics of one batch; changes nothing else."""
    layers = [layer for layer in base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # the moving statistics become the batch's
    with keras.device("cpu:0"):  # where sums have one order, so that every run gets the same bits
        base(_patchwork(), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _patchwork() -> NDArray[np.float32]:
    """Images of coloured squares: float32 in [0, 255], shape (images, side, side, 3)."""
    patches = np.random.default_rng(_SEED).uniform(0, 255, (_IMAGE_COUNT, _PATCHES, _PATCHES, 3)).astype(np.float32)
    patch_of_pixel = np.arange(_IMAGE_SIZE) * _PATCHES // _IMAGE_SIZE
    return patches[:, patch_of_pixel][:, :, patch_of_pixel]
