"""EXIF orientation in the graph: which way up a JPEG's camera was held, read from its bytes, and turning by it.

Anything odd counts as upright, so that a damaged tag never costs an image.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_transfer.images import jpeg_segments
from keras_transfer.images.byte_fields import number

_UPRIGHT = 1
_APPLICATION_1 = 0xE1
# Exif 2.32 (CIPA DC-008), section 4: the first APP1 segment of that name holds a TIFF file of directories of tags.
_EXIF_NAME = b"Exif\0\0"
_ENTRY_BYTES = 12  # tag, type, count of two, two and four bytes; then the value, in the first two of four bytes
_ORIENTATION_TAG, _SHORT = 0x0112, 3
_MAX_ENTRIES = 1000
# Segments stand before the picture, EXIF's among the first. The bound keeps a hostile file from costing time.
_SEARCHED_BYTES = 2**18


def turn_upright(pixels: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    """Turns and mirrors an image as the EXIF orientation of its file says, like `PIL.ImageOps.exif_transpose`.

    Args:
      pixels: shape (height, width, 3), decoded from `encoded`.
      encoded: string scalar, the bytes of the file. Only JPEG is looked into.

    Returns:
      The same type, shape (height, width, 3) or (width, height, 3).
    """

    def transposed() -> tf.Tensor:
        return tf.transpose(pixels, (1, 0, 2))

    # In the order of the tag's values 1 to 8, by what it takes to see the picture upright.
    turns: tuple[Callable[[], tf.Tensor], ...] = (
        lambda: pixels,
        lambda: pixels[:, ::-1],
        lambda: pixels[::-1, ::-1],
        lambda: pixels[::-1],
        transposed,
        lambda: transposed()[:, ::-1],
        lambda: transposed()[::-1, ::-1],
        lambda: transposed()[::-1],
    )
    return tf.ensure_shape(tf.switch_case(orientation(encoded) - 1, turns), (None, None, 3))


def orientation(encoded: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of a JPEG: int32 scalar from 1 to 8; 1, which is upright, where there is none.

    Args:
      encoded: string scalar, any bytes.
    """
    head = tf.strings.substr(encoded, 0, _SEARCHED_BYTES)
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 2), b"\xff\xd8")
    return tf.cond(
        is_jpeg,
        lambda: _of_tiff(jpeg_segments.find(head, kind=_APPLICATION_1, name=_EXIF_NAME)),
        lambda: tf.constant(_UPRIGHT),
    )


def _of_tiff(tiff: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of a TIFF file of either byte order."""
    is_little = tf.equal(tf.strings.substr(tiff, 0, 4), b"II*\0")
    is_tiff = is_little | tf.equal(tf.strings.substr(tiff, 0, 4), b"MM\0*")

    def read() -> tf.Tensor:
        directory = number(tiff, 4, 4, is_little)
        count = tf.minimum(number(tiff, directory, 2, is_little), _MAX_ENTRIES)
        starts = directory + 2 + _ENTRY_BYTES * tf.range(count)
        tags = _numbers(tiff, starts, is_little)
        types = _numbers(tiff, starts + 2, is_little)
        values = _numbers(tiff, starts + 8, is_little)
        found = values[tf.equal(tags, _ORIENTATION_TAG) & tf.equal(types, _SHORT)]
        value = tf.concat([found, [_UPRIGHT]], axis=0)[0]
        return tf.where((value >= 1) & (value <= 8), value, _UPRIGHT)

    return tf.cond(is_tiff, read, lambda: tf.constant(_UPRIGHT))


def _numbers(content: tf.Tensor, starts: tf.Tensor, is_little: tf.Tensor) -> tf.Tensor:
    """Unsigned numbers of two bytes: int32, the shape of `starts`; 0 for what lies outside."""
    # A row of zeros behind the end stands for whatever lies beyond it.
    values = tf.cast(tf.concat([tf.io.decode_raw(content, tf.uint8), [0, 0]], axis=0), tf.int32)
    length = tf.size(values) - 2
    starts = tf.where((starts >= 0) & (starts <= length - 2), starts, length)
    first, second = tf.gather(values, starts), tf.gather(values, starts + 1)
    return tf.where(is_little, first + 256 * second, 256 * first + second)
