"""Tests of keras_transfer.images.bmp: what is refused. What is accepted is compared with Pillow in test_variants.py."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tensorflow as tf

from bmp_files import CORE, MASKS_565, bmp
from keras_transfer.images import bmp as reader

INDICES = np.arange(35).reshape(5, 7) % 16
PALETTE = np.arange(48, dtype=np.uint8).reshape(16, 3)
OF_4_BITS = bmp(INDICES, bits=4, palette=PALETTE)
OF_24_BITS = bmp(INDICES, bits=24)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _decode(encoded: tf.Tensor) -> tf.Tensor:
    return reader.decode(encoded)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _declared_size(encoded: tf.Tensor) -> tf.Tensor:
    return reader.declared_size(encoded)


def with_field(encoded: bytes, place: int, value: int) -> bytes:
    """With another 32-bit number at a place."""
    return encoded[:place] + struct.pack("<I", value) + encoded[place + 4 :]


REFUSED = {
    "RLE8": (bmp(INDICES, bits=8, compression=1, palette=PALETTE), "compression"),
    "RLE4": (bmp(INDICES, bits=4, compression=2, palette=PALETTE), "compression"),
    "RLE24 of OS/2": (bmp(INDICES, bits=24, header=64, compression=4), "compression"),
    "Huffman of OS/2": (bmp(INDICES % 2, bits=1, header=64, compression=3, palette=PALETTE[:2]), "compression"),
    "a JPEG inside": (bmp(INDICES, bits=8, compression=4), "compression"),
    "a PNG inside": (bmp(INDICES, bits=8, compression=5), "compression"),
    "masks and a palette": (bmp(INDICES, bits=8, compression=3, palette=PALETTE), "compression"),
    "masks for 24 bits": (bmp(INDICES, bits=24, compression=3, masks=(0xFF0000, 0xFF00, 0xFF)), "compression"),
    "2 bits": (bmp(INDICES % 4, bits=2, palette=PALETTE[:4]), "bits a pixel"),
    "three planes": (bmp(INDICES, bits=4, palette=PALETTE, planes=3), "plane"),
    "an unknown header": (bmp(INDICES, bits=4, header=70, palette=PALETTE), "header"),
    "masks that overlap": (bmp(INDICES, bits=16, compression=3, masks=(0xF00, 0x1F0, 0xF)), "masks"),
    "masks with holes": (bmp(INDICES, bits=16, compression=3, masks=(0xF00, 0xA0, 0xF)), "masks"),
    "an empty mask": (bmp(INDICES, bits=16, compression=3, masks=(0xF00, 0xF0, 0)), "masks"),
    "no masks": (bmp(INDICES, bits=32, compression=3, masks=(0, 0, 0)), "masks"),
    "masks beyond 16 bits": (bmp(INDICES, bits=16, compression=3, masks=(0xFF0000, 0xFF00, 0xFF)), "masks"),
    "masks of more than 16 bits": (bmp(INDICES, bits=32, compression=3, masks=(0x1FFFF000, 0xF0, 0xF)), "masks"),
    "an index behind the palette": (bmp(INDICES, bits=4, palette=PALETTE[:15]), "palette"),
    "no palette": (bmp(INDICES, bits=4), "palette"),
    "no palette in OS/2": (bmp(INDICES, bits=4, header=CORE), "palette"),
    "pixels within the header": (with_field(OF_24_BITS, 10, 20), "header"),
    "pixels within the masks": (
        with_field(bmp(INDICES, bits=16, compression=3, masks=MASKS_565), 10, 54),
        "header",
    ),
    "pixels behind the end": (with_field(OF_24_BITS, 10, 10**6), "header"),
    "pixels far behind the end": (with_field(OF_24_BITS, 10, 2**32 - 1), "header"),
    "a missing byte": (OF_4_BITS[:-1], "cut off"),
    "no pixels": (OF_4_BITS[: 14 + 40 + 64], "cut off"),
    "only a header": (OF_24_BITS[:54], "cut off"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_rightly_is_refused_by_name(case):
    encoded, words = REFUSED[case]
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"BMP.*{words}"):
        _decode(tf.constant(encoded))


@pytest.mark.parametrize("length", range(2, 54, 3))
def test_a_header_that_is_cut_off_is_refused(length):
    with pytest.raises(tf.errors.InvalidArgumentError):
        _decode(tf.constant(OF_24_BITS[:length]))


def test_the_declared_size_counts_a_negative_height_as_stored_top_down():
    for is_top_down in (False, True):
        size = _declared_size(tf.constant(bmp(INDICES, bits=24, is_top_down=is_top_down)))
        np.testing.assert_array_equal(size, (5, 7))


def test_os2_s_sides_have_two_bytes():
    np.testing.assert_array_equal(_declared_size(tf.constant(bmp(INDICES, bits=24, header=CORE))), (5, 7))


def test_a_size_far_beyond_the_file_allocates_nothing():
    with pytest.raises(tf.errors.InvalidArgumentError, match="cut off"):
        _decode(tf.constant(with_field(OF_24_BITS, 18, 60_000)))
