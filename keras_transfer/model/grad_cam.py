"""Grad-CAM: where in an image the classifier found what speaks for a class.

Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.model import cut, graph
from keras_transfer.model.classifier import Classifier

_BATCH = 8  # maps and gradients of VGG16 at 224 take 3 MB an image


def map_layer(classifier: Classifier) -> str | None:
    """The layer whose maps are weighed: the last convolutional one that all features go through.

    "The last convolutional layers [...] have the best compromise between high-level semantics and detailed spatial
    information" (section 3 of the paper). A pooling behind it only makes its maps coarser.

    Returns:
      Its name; None where nothing below the head has maps of more than one place.
    """
    model = classifier.model
    for name in reversed(cut.valid_cuts(model)):
        operation = graph.find(model, name)
        shape = operation.output.shape
        is_pooling = isinstance(operation, (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D))
        if len(shape) == 4 and shape[1] * shape[2] > 1 and not is_pooling:
            return name
    return None


def heat_maps(
    classifier: Classifier, images: NDArray[np.float32], label_ids: NDArray[np.integer]
) -> NDArray[np.float32] | None:
    """Where each image speaks for a class: ReLU(sum over k of a_k A_k), scaled to a greatest value of 1.

    A_k is the k-th map of `map_layer`, and a_k the mean over its places of the derivative of the class's logit by it
    (equations 1 and 2 of the paper).

    Args:
      classifier: trained.
      images: RGB in [0, 255], shape (images, side, side, 3).
      label_ids: the class asked about for each image, integers, shape (images,).

    Returns:
      In [0, 1], shape (images, rows, columns), coarser than the image; all 0 where nothing speaks for the class. None
      where the classifier has no maps.
    """
    name = map_layer(classifier)
    if name is None:
        return None
    below = cut.frozen_part(classifier.model, [name, *cut.taps_below(classifier.model, name)])
    above = cut.trainable_part(classifier.model, name)
    parts = [
        _weighed(below, above, images[start : start + _BATCH], label_ids[start : start + _BATCH])
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, *cut.record_shape(classifier.model, name)[:2]), np.float32)


def _weighed(
    below: keras.Model, above: keras.Model, images: NDArray[np.float32], label_ids: NDArray[np.integer]
) -> NDArray[np.float32]:
    maps, *others = tf.nest.flatten(below(images, training=False))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = tf.gather(above([maps, *others] if others else maps, training=False), label_ids, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(logits, maps), axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()
    greatest = heat.max(axis=(1, 2), keepdims=True)
    scaled: NDArray[np.float32] = np.divide(heat, greatest, out=np.zeros_like(heat), where=greatest > 0)
    return scaled
