"""Tests of keras_transfer.images.gif_blocks, on files put together by hand from the GIF89a specification."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.images import gif_blocks

SCREEN = b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0)
COMMENT = b"!\xfe" + b"\x03abc" + b"\x01d" + b"\x00"
CONTROL = b"!\xf9\x04" + bytes(4) + b"\x00"
RED_AND_BLUE = b"\xfa\0\0\0\0\xfa"


def frame(height: int, width: int, flags: int = 0, colours: bytes = b"", left: int = 0, top: int = 0) -> bytes:
    place = struct.pack("<HHHHB", left, top, width, height, flags)
    return b"," + place + colours + b"\x02" + b"\x02ab" + b"\x01c" + b"\x00"


def pixel(colours: bytes = b"", left: int = 0, top: int = 0) -> bytes:
    """A whole frame of one pixel of the first colour: a clear code, 0 and an end code of 3 bits each."""
    flags = 0x80 if colours else 0
    return b"," + struct.pack("<HHHHB", left, top, 1, 1, flags) + colours + b"\x02\x02\x44\x01\x00"


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _declared_size(encoded: tf.Tensor) -> tf.Tensor:
    return gif_blocks.declared_size(encoded)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _decode(encoded: tf.Tensor) -> tf.Tensor:
    return gif_blocks.decode(encoded)


def declared_size(encoded: bytes) -> list[int]:
    return _declared_size(tf.constant(encoded)).numpy().tolist()


def decode(encoded: bytes) -> np.ndarray:
    return _decode(tf.constant(encoded)).numpy()


def gif(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    "head",
    [
        SCREEN,
        SCREEN + COMMENT + CONTROL,
        SCREEN[:10] + b"\x81" + SCREEN[11:] + bytes(12),  # a table of 4 colours
        SCREEN[:10] + b"\x87" + SCREEN[11:] + b"," * 768 + CONTROL,  # a table of 256
    ],
)
def test_the_size_is_that_of_the_first_frame_where_the_screen_is_smaller(head):
    assert declared_size(head + frame(300, 200) + CONTROL + frame(5000, 6000) + b";") == [300, 200]


def test_a_larger_screen_counts_and_so_does_a_frame_that_reaches_beyond_it():
    assert declared_size(SCREEN + frame(3, 2) + b";") == [9, 9]
    assert declared_size(SCREEN + frame(3, 2, left=20, top=5) + b";") == [9, 22]


@pytest.mark.parametrize("colours", ["of the screen", "of the frame"])
@pytest.mark.parametrize("head", [b"", COMMENT + CONTROL])
def test_the_frame_stands_at_its_place_on_a_screen_of_the_first_colour(colours, head):
    if colours == "of the screen":
        encoded = SCREEN[:10] + b"\x80" + SCREEN[11:] + RED_AND_BLUE + head + pixel(left=4, top=2) + b";"
    else:
        encoded = SCREEN + head + pixel(RED_AND_BLUE, left=4, top=2) + b";"
    np.testing.assert_array_equal(decode(encoded), np.full((9, 9, 3), (250, 0, 0), np.uint8))


def test_the_screen_has_the_transparent_colour_where_there_is_one():
    control = b"!\xf9\x04\x01\0\0\x01\0"
    expected = np.full((9, 9, 3), (0, 0, 250), np.uint8)
    expected[2, 4] = 250, 0, 0
    np.testing.assert_array_equal(decode(SCREEN + control + pixel(RED_AND_BLUE, left=4, top=2) + b";"), expected)


def test_what_stands_behind_the_first_frame_is_not_looked_at():
    encoded = gif(Image.fromarray(np.arange(60 * 40, dtype=np.uint8).reshape(40, 60)))
    np.testing.assert_array_equal(decode(encoded[:-1] + frame(5000, 6000)[:-3]), decode(encoded))


@pytest.mark.parametrize("length", [6, 10, 13, 15, 20])
def test_a_file_that_ends_before_a_frame_has_no_size(length):
    assert declared_size((SCREEN + COMMENT + frame(3, 2))[:length]) == [0, 0]


def test_a_file_without_a_frame_has_no_size():
    assert declared_size(SCREEN + COMMENT + b";") == [0, 0]


@pytest.mark.parametrize("length", [1, 3, 6])
def test_a_file_that_ends_within_its_frame_is_refused(length):
    encoded = (SCREEN + frame(3, 2))[:-length]
    assert declared_size(encoded) == [9, 9]
    with pytest.raises(tf.errors.InvalidArgumentError, match="cut off"):
        decode(encoded)


def test_a_frame_with_too_few_pixels_is_refused():
    """TensorFlow's decoder would give what memory held before in their place."""
    short = pixel(RED_AND_BLUE).replace(b"\1\0\1\0", b"\7\0\7\0")
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(SCREEN + short + b";")


@pytest.mark.parametrize("head", [SCREEN + COMMENT * 101, SCREEN + b"!\xfe" + b"\x01x" * 100_001 + b"\x00"])
def test_more_blocks_than_any_photo_has_are_refused(head):
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many blocks"):
        declared_size(head + frame(3, 2) + b";")
