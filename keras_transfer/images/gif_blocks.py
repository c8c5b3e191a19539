"""Finds the first frame in the blocks of a GIF, so that nothing behind it is decoded, and puts it on its screen.

TensorFlow's decoder keeps the pixels of every frame of an animation before it gives the first one, and allocates what
the frames declare, not what the logical screen does: a file of some kilobytes can ask for gigabytes. It also ignores
the screen, and cuts off a frame by as much as it is moved on it.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from keras_transfer.images import byte_fields

# GIF89a specification, sections 17 to 26 (https://www.w3.org/Graphics/GIF/spec-gif89a.txt).
_HEADER_BYTES = 13  # signature, version and logical screen descriptor; its flags are the byte at 10
_SCREEN_AT = 6
_EXTENSION, _IMAGE, _CONTROL = 0x21, 0x2C, 0xF9
_DESCRIPTOR_BYTES = 10  # introducer, left, top, width and height of two bytes each, flags
_TRAILER = b";"
# A frame of one pixel in two colours of its own. TensorFlow's decoder stops at a damaged frame, and gives what memory
# held before in place of the missing pixels; this one behind it is there only if the first frame was whole.
_SENTINEL = b"," + bytes(4) + b"\1\0\1\0\x80" + bytes(6) + b"\2\2\x44\1\0"
# A file must not keep a server busy with steps of one byte. 100,000 sub-blocks of up to 255 bytes are 25 MB of one
# frame, as large as one of 50 million noisy pixels gets.
_MAX_SUB_BLOCKS = 100_000
_MAX_EXTENSIONS = 100  # before the first frame; files in use have two or three


class _Frame(NamedTuple):
    """Where the first frame stands, int32.

    `content` has zeros behind the end, which read as an empty block, so that a jump past the end of a short file finds
    nothing; `length` is without them. `corner` and `sides` have the shape (2,): top and left, height and width.
    """

    content: tf.Tensor
    length: tf.Tensor
    descriptor: tf.Tensor
    transparent: tf.Tensor
    is_there: tf.Tensor
    corner: tf.Tensor
    sides: tf.Tensor
    screen: tf.Tensor


def declared_size(encoded: tf.Tensor) -> tf.Tensor:
    """Height and width of the screen, or of what it takes to hold the first frame where that is more.

    Args:
      encoded: string scalar, the bytes of a GIF.

    Returns:
      int64, shape (2,); 0 where there is no frame.

    Raises:
      tf.errors.InvalidArgumentError: when run, for more blocks than any photo has.
    """
    return tf.cast(_first_frame(encoded).screen, tf.int64)


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """The first frame on its screen, as Pillow shows it; transparency is dropped.

    Beside the frame, the screen has the transparent colour, or the first one where none is transparent.

    Args:
      encoded: string scalar, the bytes of a GIF whose `declared_size` is no more than memory allows.

    Returns:
      uint8, shape (height, width, 3), RGB.

    Raises:
      tf.errors.InvalidArgumentError: when run, for a damaged file, or one that ends within the first frame.
    """
    frame = _first_frame(encoded)
    # TensorFlow's decoder gives the frame alone, and whole, where it stands in the corner.
    frames = tf.io.decode_gif(_cut_out(encoded, frame))
    message = "The GIF's first frame is damaged: get the file again."
    with tf.control_dependencies([byte_fields.refuse_unless(tf.equal(tf.shape(frames)[0], 2), message)]):
        pixels = frames[0]
    is_full = tf.reduce_all(tf.equal(frame.sides, frame.screen))
    return tf.cond(is_full, lambda: pixels, lambda: _on_screen(pixels, frame))


def _first_frame(encoded: tf.Tensor) -> _Frame:
    length = tf.strings.length(encoded)
    content = tf.concat([tf.io.decode_raw(encoded, tf.uint8), tf.zeros(_HEADER_BYTES, tf.uint8)], axis=0)
    colours_end = _past_colours(content, tf.constant(_HEADER_BYTES), 10)
    descriptor, transparent = _past_extensions(content, colours_end, length)
    is_there = tf.equal(_byte(content, descriptor, length), _IMAGE)
    corner, sides = _two_numbers(content, descriptor + 1, length), _two_numbers(content, descriptor + 5, length)
    is_filled = is_there & tf.reduce_all(sides > 0)
    screen = tf.maximum(_two_numbers(content, _SCREEN_AT, length), corner + sides)
    screen = tf.where(is_filled, screen, tf.zeros_like(screen))
    return _Frame(content, length, descriptor, transparent, is_there, corner, sides, screen)


def _cut_out(encoded: tf.Tensor, frame: _Frame) -> tf.Tensor:
    """A GIF of the frame alone, in the corner, and the sentinel; nothing else of the file but its colours."""
    colours_end = _past_colours(frame.content, tf.constant(_HEADER_BYTES), 10)
    flags = frame.descriptor + _DESCRIPTOR_BYTES - 1
    data = (
        _past_colours(frame.content, frame.descriptor + _DESCRIPTOR_BYTES, flags) + 1
    )  # a byte says how long codes are
    end = tf.cond(frame.is_there, lambda: _past_sub_blocks(frame.content, data, frame.length), lambda: frame.length + 1)
    message = "The GIF is cut off within its first frame: get the file again."
    with tf.control_dependencies([byte_fields.refuse_unless(end <= frame.length, message)]):
        encoded = tf.identity(encoded)
    head = tf.strings.substr(encoded, 0, colours_end)
    rest = tf.strings.substr(encoded, frame.descriptor + 5, end - frame.descriptor - 5)
    return head + b"," + bytes(4) + rest + _SENTINEL + _TRAILER


def _on_screen(pixels: tf.Tensor, frame: _Frame) -> tf.Tensor:
    """Zeros are padded around the difference to the background, so that they become the background."""
    flags = frame.descriptor + _DESCRIPTOR_BYTES - 1
    has_own = _byte(frame.content, flags, frame.length) >= 128
    colours = tf.where(has_own, flags + 1, _HEADER_BYTES)
    end = _past_colours(frame.content, colours, tf.where(has_own, flags, 10))
    place = colours + 3 * tf.maximum(frame.transparent, 0)
    place = tf.where(place + 3 <= end, place, colours)
    background = tf.cast(frame.content[place : place + 3], tf.int16)
    behind = frame.screen - frame.corner - frame.sides
    paddings = tf.concat([tf.stack([frame.corner, behind], axis=1), [[0, 0]]], axis=0)
    return tf.cast(tf.pad(tf.cast(pixels, tf.int16) - background, paddings) + background, tf.uint8)


def _byte(content: tf.Tensor, position: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The byte at a position as int32, 0 behind the end."""
    return tf.cast(tf.gather(content, tf.minimum(position, length)), tf.int32)


def _two_numbers(content: tf.Tensor, position: tf.Tensor | int, length: tf.Tensor) -> tf.Tensor:
    """Two numbers of two bytes, the lower byte first, the second number in front: int32, shape (2,)."""
    return _byte(content, position + tf.constant([2, 0]), length) + 256 * _byte(
        content, position + tf.constant([3, 1]), length
    )


def _past_colours(content: tf.Tensor, position: tf.Tensor, flags_at: tf.Tensor | int) -> tf.Tensor:
    """The position behind a table of colours, where the flags say that there is one: 3 bytes for each of 2 to 256."""
    flags = tf.cast(tf.gather(content, tf.minimum(flags_at, tf.size(content) - 1)), tf.int32)
    return position + tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)


def _past_extensions(content: tf.Tensor, start: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The position of the first block that is no extension, and the transparent colour before it, -1 where none is."""

    def is_extension(position: tf.Tensor) -> tf.Tensor:
        return tf.equal(_byte(content, position, length), _EXTENSION)

    def step(position: tf.Tensor, transparent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Graphic control (section 23): flags behind the block's size, of which the lowest says if a colour, three
        # bytes further on, is transparent.
        is_control = tf.equal(_byte(content, position + 1, length), _CONTROL)
        has_one = is_control & tf.equal(_byte(content, position + 3, length) % 2, 1)
        transparent = tf.where(has_one, _byte(content, position + 6, length), transparent)
        return _past_sub_blocks(content, position + 2, length), transparent

    position, transparent = tf.while_loop(
        lambda position, _: is_extension(position), step, (start, tf.constant(-1)), maximum_iterations=_MAX_EXTENSIONS
    )
    with tf.control_dependencies([_refuse_too_many_unless(~is_extension(position))]):
        return tf.identity(position), transparent


def _past_sub_blocks(content: tf.Tensor, start: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The position behind the empty block that ends a chain, beyond `length` where the file ends before."""

    def is_filled(position: tf.Tensor) -> tf.Tensor:
        return _byte(content, position, length) > 0

    (position,) = tf.while_loop(
        is_filled,
        lambda position: (position + 1 + _byte(content, position, length),),
        (start,),
        maximum_iterations=_MAX_SUB_BLOCKS,
    )
    with tf.control_dependencies([_refuse_too_many_unless(~is_filled(position))]):
        return position + 1


def _refuse_too_many_unless(condition: tf.Tensor) -> tf.Operation:
    return byte_fields.refuse_unless(condition, "The GIF has too many blocks before or in its first frame.")
