"""Tests of keras_transfer.images.byte_fields."""

from __future__ import annotations

import pytest
import tensorflow as tf

from keras_transfer.images import byte_fields

CONTENT = b"\x01\x02\x03\x04\xff\xfe\xfd\xfc"


def test_the_beginning_of_a_short_file_is_filled_with_zeros():
    assert byte_fields.beginning(tf.constant(b"abc"), 5).numpy() == b"abc\0\0"
    assert byte_fields.beginning(tf.constant(b"abcdef"), 5).numpy() == b"abcde"


def test_numbers_are_read_in_both_byte_orders_and_without_a_sign():
    assert byte_fields.little_endian(tf.constant(CONTENT), (0, 4), 4).numpy().tolist() == [0x04030201, 0xFCFDFEFF]
    assert byte_fields.big_endian(tf.constant(CONTENT), (0, 4), 2).numpy().tolist() == [0x0102, 0xFFFE]


@pytest.mark.parametrize(
    ("start", "is_little", "expected"),
    [(0, False, 0x0102), (0, True, 0x0201), (6, False, 0xFDFC), (7, False, 0), (100, True, 0), (-5, False, 0x0102)],
)
def test_a_number_at_any_place_is_0_where_the_content_ends_before_it(start, is_little, expected):
    assert int(byte_fields.number(tf.constant(CONTENT), tf.constant(start), 2, is_little)) == expected


def test_a_number_of_four_bytes_is_bounded():
    assert int(byte_fields.number(tf.constant(CONTENT), 4, 4, False)) == 2**30


@pytest.mark.parametrize(("start", "width", "expected"), [(2, 3, b"\x03\x04\xff"), (6, 9, b"\xfd\xfc"), (9, 1, b"")])
def test_a_stretch_of_bytes_ends_with_the_content(start, width, expected):
    assert byte_fields.bytes_at(tf.constant(CONTENT), start, width).numpy() == expected


def test_a_refusal_tells_its_message_and_what_it_was_about():
    byte_fields.refuse_unless(tf.constant(True), "never told")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)too wide.*17"):
        byte_fields.refuse_unless(tf.constant(False), "too wide", tf.constant(17))
