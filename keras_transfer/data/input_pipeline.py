"""Examples -> tf.data batches of float32 images. Clean batches for evaluation, views for training and the bank."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from keras_transfer.config import ImageConfig, ViewsConfig
from keras_transfer.data.examples import Examples
from keras_transfer.images.augmentation import augmented_view, view
from keras_transfer.images.resizing import clean_view, decode_for, resize

# Without AutoGraph, whose reading of these functions would take a second; they hold TensorFlow's operations only.
_as_it_stands = tf.autograph.experimental.do_not_convert


def clean_batches(examples: Examples, *, image: ImageConfig, max_pixels: int, batch_size: int) -> tf.data.Dataset:
    """Every example once, in order, as serving sees it; the last batch may be smaller.

    Returns:
      A data set of (float32 images, shape (batch, side, side, 3), RGB in [0, 255]; int32 label ids, shape (batch,)).
    """

    @_as_it_stands
    def load(path: tf.Tensor, label_id: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return clean_view(tf.io.read_file(path), image=image, max_pixels=max_pixels), label_id

    dataset = tf.data.Dataset.from_tensor_slices((list(examples.paths), examples.label_ids))
    return dataset.map(load, tf.data.AUTOTUNE, deterministic=True).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def every_view(
    examples: Examples,
    numbers: Sequence[int],
    *,
    image: ImageConfig,
    views: ViewsConfig,
    max_pixels: int,
    seed: int,
) -> tf.data.Dataset:
    """Several views of every example, in order; each file is read and decoded once for all of them.

    Args:
      examples: read, so that each has its digest.
      numbers: of the views wanted; 0 is the clean one.
      image: side and resize mode.
      views: strength of each augmentation.
      max_pixels: bound on an image's declared pixels.
      seed: of the augmented views.

    Returns:
      A data set of float32, shape (views, side, side, 3), RGB in [0, 255], one element an example.
    """

    def render(pixels: tf.Tensor, key: tf.Tensor, number: int) -> tf.Tensor:
        if number == 0:
            return resize(pixels, image=image)
        constant = tf.constant(number, tf.int64)
        return augmented_view(pixels, number=constant, key=key, image=image, views=views, seed=seed)

    @_as_it_stands
    def load(path: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        pixels = decode_for(tf.io.read_file(path), image=image, max_pixels=max_pixels)
        # Unrolled: a tf.map_fn inside a data set runs its steps one after another anyway.
        return tf.stack([render(pixels, key, number) for number in numbers])

    dataset = tf.data.Dataset.from_tensor_slices((list(examples.paths), example_keys(examples)))
    return dataset.map(load, tf.data.AUTOTUNE, deterministic=True)


def chosen_views(
    examples: Examples, chosen: tf.data.Dataset, *, image: ImageConfig, views: ViewsConfig, max_pixels: int, seed: int
) -> tf.data.Dataset:
    """The views of `chosen`, an unbatched data set of (index of an example, number of a view), both int64.

    Returns:
      A data set of (float32 image, shape (side, side, 3), RGB in [0, 255]; int32 label id), in the same order.
    """
    paths, keys, label_ids = tf.constant(examples.paths), example_keys(examples), tf.constant(examples.label_ids)

    @_as_it_stands
    def load(index: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = decode_for(tf.io.read_file(paths[index]), image=image, max_pixels=max_pixels)
        return view(pixels, number=number, key=keys[index], image=image, views=views, seed=seed), label_ids[index]

    return chosen.map(load, tf.data.AUTOTUNE, deterministic=True)


def example_keys(examples: Examples) -> tf.Tensor:
    """An int64 for each example, shape (examples,), made from its file's bytes.

    So a view stays the same wherever the file lies and whatever else is in the data set.
    """
    if not examples.sha256:
        raise ValueError("The files were not read yet: call audit.read_all first.")
    # 60 bits: the largest multiple of four bits that is positive in an int64.
    return tf.constant([int(digest[:15], 16) for digest in examples.sha256], tf.int64)
