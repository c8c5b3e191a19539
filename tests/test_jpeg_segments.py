"""Tests of keras_transfer.images.jpeg_segments."""

from __future__ import annotations

import struct

import pytest
import tensorflow as tf

from keras_transfer.images import jpeg_segments

SCAN = b"\xff\xda\0\x02"


def segment(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + struct.pack(">H", len(content) + 2) + content


def find(*parts: bytes) -> bytes:
    encoded = tf.constant(b"\xff\xd8" + b"".join(parts))
    found: bytes = jpeg_segments.find(encoded, kind=0xE1, name=b"name").numpy()
    return found


OTHER, WANTED = segment(0xE0, b"name of another kind"), segment(0xE1, b"name:content")


@pytest.mark.parametrize("parts", [(WANTED,), (OTHER, WANTED, SCAN), (OTHER, segment(0xE1, b"other"), WANTED)])
def test_a_segment_is_found_by_kind_and_name(parts):
    assert find(*parts) == b":content"


@pytest.mark.parametrize(
    "parts",
    [(), (OTHER,), (SCAN, WANTED), (b"\0\0", WANTED), (OTHER * 65, WANTED), (segment(0xE1, b"nam"),), (WANTED[:4],)],
)
def test_what_is_missing_behind_the_picture_or_too_far_is_not_found(parts):
    assert find(*parts) == b""


def test_the_first_of_two_counts_and_one_that_is_cut_off_gives_what_is_there():
    assert find(WANTED, segment(0xE1, b"name:second")) == b":content"
    assert find(WANTED[:-3]) == b":cont"
