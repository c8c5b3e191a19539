"""Numbers at fixed places of a file's beginning, read in the graph, and refusing what they may not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def beginning(encoded: tf.Tensor, count: int) -> tf.Tensor:
    """The first bytes, with zeros behind a short file's end, so that readers can look at fixed places.

    Args:
      encoded: string scalar.
      count: of bytes.

    Returns:
      String scalar of `count` bytes.
    """
    return tf.strings.substr(tf.strings.substr(encoded, 0, count) + b"\0" * count, 0, count)


def little_endian(content: tf.Tensor, offsets: Sequence[int], width: int) -> tf.Tensor:
    """Unsigned integers of `width` bytes at byte offsets within a string scalar: int64, shape (offsets,)."""
    return _unsigned(content, offsets, [256**place for place in range(width)])


def big_endian(content: tf.Tensor, offsets: Sequence[int], width: int) -> tf.Tensor:
    """Unsigned integers of `width` bytes at byte offsets within a string scalar: int64, shape (offsets,)."""
    return _unsigned(content, offsets, [256**place for place in reversed(range(width))])


def number(content: tf.Tensor, start: tf.Tensor | int, width: int, is_little: tf.Tensor | bool) -> tf.Tensor:
    """An unsigned integer of two or four bytes at a place that is computed.

    Args:
      content: string scalar.
      start: int32 scalar, of any value.
      width: in bytes.
      is_little: whether the lowest byte comes first.

    Returns:
      int32 scalar, at most 2**30; 0 where the content ends before it.
    """
    found = bytes_at(content, start, width)
    digits = tf.cast(tf.io.decode_raw(beginning(found, width), tf.uint8), tf.int64)
    places = tf.constant([256**place for place in range(width)], tf.int64)
    value = tf.reduce_sum(digits * tf.where(is_little, places, places[::-1]))
    return tf.cast(tf.minimum(tf.where(tf.strings.length(found) < width, tf.zeros_like(value), value), 2**30), tf.int32)


def bytes_at(content: tf.Tensor, start: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """A stretch of bytes, shorter where the content ends within it; b'' for a start or width outside."""
    length = tf.strings.length(content)
    start = tf.clip_by_value(start, 0, length)  # `substr` refuses to start behind the end
    return tf.strings.substr(content, start, tf.maximum(width, 0))


def refuse_unless(condition: tf.Tensor, message: str, *shown: Any) -> tf.Operation:
    """Fails with a message, and the values of tensors behind it, where a bool scalar is false.

    What must not run then has to depend on the operation, by `tf.control_dependencies`. The bare operation, because
    `tf.debugging.Assert` wraps it in a condition, and a dozen of those double the time it takes to build a decoder.
    """
    return tf.raw_ops.Assert(condition=condition, data=[message, *shown], summarize=3)


def _unsigned(content: tf.Tensor, offsets: Sequence[int], place_values: list[int]) -> tf.Tensor:
    pieces = tf.strings.substr([content] * len(offsets), list(offsets), [len(place_values)] * len(offsets))
    digits = tf.cast(tf.io.decode_raw(pieces, tf.uint8), tf.int64)
    return tf.reduce_sum(digits * tf.constant(place_values, tf.int64), axis=1)
