"""Serving's decoder as a plain function from bytes to pixels, for what looks at one file after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.images import decoding, orientation
from keras_transfer.settings.config import ImageConfig

Decode = Callable[[bytes], NDArray[np.uint8]]


def make_decoder(*, image: ImageConfig, max_pixels: int, smallest_side: int) -> Decode:
    """A function from bytes to uint8, shape (height, width, 3), RGB; see `decoding.decode`. Threads may share it.

    Args:
      image: whether EXIF orientation counts.
      max_pixels: of `decoding.decode`.
      smallest_side: likewise.
    """

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
    def run(encoded: tf.Tensor) -> tf.Tensor:
        pixels = decoding.decode(encoded, max_pixels=max_pixels, smallest_side=smallest_side)
        return orientation.turn_upright(pixels, encoded) if image.apply_exif else pixels

    traced = run.get_concrete_function()  # now, because threads that come here together would each trace it

    def decode(content: bytes) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = traced(tf.constant(content)).numpy()
        return pixels

    return decode
