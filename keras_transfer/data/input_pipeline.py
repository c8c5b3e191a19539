"""Examples -> tf.data batches of float32 images. Clean batches for evaluation, views for training and the bank.

The bytes that are decoded are those that were digested when the files were first read: a file that was changed or
removed since then stops the pipeline, so that nothing is ever computed from one image and stored under another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.images.augmentation import augmented_view, view
from keras_transfer.images.resizing import clean_view, decode_for, resize
from keras_transfer.settings.config import ImageConfig, ViewsConfig

# Without AutoGraph, whose reading of these functions would take a second; they hold TensorFlow's operations only.
_as_it_stands = tf.autograph.experimental.do_not_convert
_MARK = "keras_transfer says: "  # TensorFlow puts its own words and a stack trace around what was raised


class InputError(ValueError):
    """What a person can fix, raised by a function that TensorFlow runs; `as_user_errors` brings it out again."""

    def __init__(self, sentence: str) -> None:
        """Args: sentence: for the person."""
        super().__init__(_MARK + json.dumps(sentence))


@contextlib.contextmanager
def as_user_errors() -> Iterator[None]:
    """Turns TensorFlow's account of an `InputError` into a `UserError`; lets every other error pass as it is."""
    try:
        yield
    except tf.errors.OpError as error:
        _, mark, rest = str(error.message).partition(_MARK)
        if not mark:
            raise
        raise UserError(json.JSONDecoder().raw_decode(rest)[0]) from error


def clean_batches(examples: Examples, *, image: ImageConfig, max_pixels: int, batch_size: int) -> tf.data.Dataset:
    """Every example once, in order, as serving sees it; the last batch may be smaller.

    Returns:
      A data set of (float32 images, shape (batch, side, side, 3), RGB in [0, 255]; int32 label ids, shape (batch,)).
    """
    read, label_ids = _make_reader(examples), tf.constant(examples.label_ids)

    @_as_it_stands
    def load(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return clean_view(read(index), image=image, max_pixels=max_pixels), label_ids[index]

    dataset = tf.data.Dataset.range(len(examples))
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

    read, keys = _make_reader(examples), example_keys(examples)

    @_as_it_stands
    def load(index: tf.Tensor) -> tf.Tensor:
        pixels = decode_for(read(index), image=image, max_pixels=max_pixels)
        # Unrolled: a tf.map_fn inside a data set runs its steps one after another anyway.
        return tf.stack([render(pixels, keys[index], number) for number in numbers])

    return tf.data.Dataset.range(len(examples)).map(load, tf.data.AUTOTUNE, deterministic=True)


def chosen_views(
    examples: Examples, chosen: tf.data.Dataset, *, image: ImageConfig, views: ViewsConfig, max_pixels: int, seed: int
) -> tf.data.Dataset:
    """The views of `chosen`, an unbatched data set of (index of an example, number of a view), both int64.

    Returns:
      A data set of (float32 image, shape (side, side, 3), RGB in [0, 255]; int32 label id), in the same order.
    """
    read, keys, label_ids = _make_reader(examples), example_keys(examples), tf.constant(examples.label_ids)

    @_as_it_stands
    def load(index: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = decode_for(read(index), image=image, max_pixels=max_pixels)
        return view(pixels, number=number, key=keys[index], image=image, views=views, seed=seed), label_ids[index]

    return chosen.map(load, tf.data.AUTOTUNE, deterministic=True)


def example_keys(examples: Examples) -> tf.Tensor:
    """An int64 for each example, shape (examples,), made from its file's bytes.

    So a view stays the same wherever the file lies and whatever else is in the data set.
    """
    _refuse_unread(examples)
    # 60 bits: the largest multiple of four bits that is positive in an int64.
    return tf.constant([int(digest[:15], 16) for digest in examples.sha256], tf.int64)


def _make_reader(examples: Examples) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from the index of an example to the bytes of its file, which are checked against their digest."""
    _refuse_unread(examples)

    def read(index: int) -> bytes:
        path = examples.paths[index]
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(
                f"{path} cannot be opened any more: {error.strerror}. Run again: every file is read anew then."
            ) from error
        # Both reading and hashing release the interpreter's lock.
        if hashlib.sha256(content).hexdigest() != examples.sha256[index]:
            raise InputError(f"{path} has changed since it was first read. Run again: every file is read anew then.")
        return content

    def as_operation(index: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(read, [index], tf.string), ())

    return as_operation


def _refuse_unread(examples: Examples) -> None:
    if len(examples.sha256) != len(examples):
        raise ValueError("The files were not read yet: call audit.read_all first.")
