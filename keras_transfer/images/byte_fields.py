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
    digits = tf.cast(tf.io.decode_raw(bytes_at(content, start, width), tf.uint8), tf.int64)
    is_whole = tf.equal(tf.size(digits), width)
    weights = tf.constant([256**place for place in reversed(range(width))], tf.int64)
    ordered = tf.where(is_little, digits[::-1], digits)
    value = tf.cond(is_whole, lambda: tf.reduce_sum(ordered * weights), lambda: tf.zeros((), tf.int64))
    return tf.cast(tf.minimum(value, 2**30), tf.int32)


def bytes_at(content: tf.Tensor, start: tf.Tensor | int, width: tf.Tensor | int) -> tf.Tensor:
    """A stretch of bytes, shorter where the content ends within it; b'' for a start or width outside."""
    length = tf.strings.length(content)
    start = tf.clip_by_value(start, 0, length)  # `substr` refuses to start behind the end
    return tf.strings.substr(content, start, tf.maximum(width, 0))


def refuse_unless(condition: tf.Tensor, message: str, *shown: Any) -> tf.Operation:
    """Fails with a message, and the values of tensors behind it, where a bool scalar is false.

    What must not run then has to depend on the operation, by `tf.control_dependencies`.
    """
    return tf.debugging.Assert(condition, [message, *shown])


def _unsigned(content: tf.Tensor, offsets: Sequence[int], place_values: list[int]) -> tf.Tensor:
    pieces = tf.strings.substr([content] * len(offsets), list(offsets), [len(place_values)] * len(offsets))
    digits = tf.cast(tf.io.decode_raw(pieces, tf.uint8), tf.int64)
    return tf.reduce_sum(digits * tf.constant(place_values, tf.int64), axis=1)
