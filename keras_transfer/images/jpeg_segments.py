"""Finds a named segment in front of a JPEG's picture, in the graph."""

from __future__ import annotations

import tensorflow as tf

from keras_transfer.images.byte_fields import bytes_at, number

# JPEG (ITU-T T.81, annex B): a segment is 0xFF, its kind, and a length of two bytes that counts itself.
_START_OF_IMAGE_BYTES = 2
_MARKER, _START_OF_SCAN = 0xFF, 0xDA
_SEGMENT_HEADER_BYTES = 4
_MAX_SEGMENTS = 64  # keeps a hostile file from costing time


def find(encoded: tf.Tensor, *, kind: int, name: bytes) -> tf.Tensor:
    """What the first segment of a kind and name holds behind its name.

    Args:
      encoded: string scalar, the bytes of a JPEG, or its beginning.
      kind: the segment's second byte, such as 0xE1 for APP1.
      name: the bytes that its content begins with.

    Returns:
      String scalar, b'' where there is no such segment.
    """

    def is_wanted(start: tf.Tensor) -> tf.Tensor:
        found = bytes_at(encoded, start + _SEGMENT_HEADER_BYTES, len(name))
        return tf.equal(number(encoded, start, 2, False), _MARKER * 256 + kind) & tf.equal(found, name)

    def is_another(start: tf.Tensor) -> tf.Tensor:
        marker = number(encoded, start, 2, False)
        return (marker // 256 == _MARKER) & (marker % 256 != _START_OF_SCAN) & ~is_wanted(start)

    def next_start(start: tf.Tensor) -> tuple[tf.Tensor]:
        return (start + 2 + number(encoded, start + 2, 2, False),)

    (start,) = tf.while_loop(
        is_another, next_start, (tf.constant(_START_OF_IMAGE_BYTES),), maximum_iterations=_MAX_SEGMENTS
    )
    length = number(encoded, start + 2, 2, False) - 2 - len(name)
    content = bytes_at(encoded, start + _SEGMENT_HEADER_BYTES + len(name), length)
    return tf.where(is_wanted(start), content, b"")
