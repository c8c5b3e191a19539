"""Tests of keras_transfer.images.orientation, against Pillow and on bytes put together by hand."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from keras_transfer.images import decoding, orientation, resizing
from keras_transfer.settings.config import ImageConfig

TAG = 0x0112
# A dark corner on the left of the top edge, another grey beside it: no two of the eight ways up look the same.
PIXELS = np.full((24, 40, 3), 200, np.uint8)
PIXELS[:8, :16], PIXELS[:8, 16:24] = 0, 100


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def _orientation(encoded: tf.Tensor) -> tf.Tensor:
    return orientation.orientation(encoded)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def _upright(encoded: tf.Tensor) -> tf.Tensor:
    return orientation.turn_upright(decoding.decode(encoded, max_pixels=10**6), encoded)


def tiff(value: int, *, order: str = "<", tag: int = TAG, kind: int = 3, before: int = 0) -> bytes:
    """A TIFF file of one directory: `before` other tags, then the one asked for."""
    other = struct.pack(order + "HHII", 0x0100, 4, 1, 7)
    entry = struct.pack(order + "HHIHH", tag, kind, 1, value, 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "H", before + 1) + other * before + entry + bytes(4)


def segment(content: bytes, kind: int = 0xE1) -> bytes:
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments: bytes, pixels: np.ndarray = PIXELS) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=100, subsampling=0)
    content = file.getvalue()
    return content[:2] + b"".join(segments) + content[2:]


def exif(value: int, **options: object) -> bytes:
    return segment(b"Exif\0\0" + tiff(value, **options))


def read(encoded: bytes) -> int:
    return int(_orientation(tf.constant(encoded)))


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_is_turned_as_pillow_turns_it(value, order):
    encoded = jpeg(exif(value, order=order))
    with Image.open(io.BytesIO(encoded)) as photo:
        assert photo.getexif()[TAG] == value
        expected = np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))

    turned = _upright(tf.constant(encoded)).numpy()

    assert turned.shape == expected.shape
    np.testing.assert_allclose(turned.astype(int), expected, atol=8)  # TensorFlow decodes with a coarser transform


def test_the_eight_orientations_look_all_different():
    assert len({_upright(tf.constant(jpeg(exif(value)))).numpy().tobytes() for value in range(1, 9)}) == 8


@pytest.mark.parametrize("before", [0, 1, 20])
def test_the_tag_is_found_behind_others(before):
    assert read(jpeg(exif(6, before=before))) == 6


def test_exif_is_found_behind_other_segments():
    xmp = segment(b"http://ns.adobe.com/xap/1.0/\0<x/>")
    assert read(jpeg(segment(b"JFIF\0" + bytes(9), kind=0xE0), xmp, segment(bytes(60_000), kind=0xE2), exif(8))) == 8


WHOLE = jpeg(exif(6, before=3))
HOSTILE = {
    "empty": b"",
    "no EXIF": jpeg(),
    "a PNG's signature": b"\x89PNG\r\n\x1a\n" + exif(6),
    "value 0": jpeg(exif(0)),
    "value 9": jpeg(exif(9)),
    "another tag": jpeg(exif(6, tag=0x0113)),
    "a long in place of a short": jpeg(exif(6, kind=4)),
    "no name": jpeg(segment(tiff(6))),
    "no TIFF": jpeg(segment(b"Exif\0\0" + b"JJ*\0" + tiff(6)[4:])),
    "a directory far away": jpeg(segment(b"Exif\0\0" + b"II*\0" + b"\xff" * 4 + tiff(6)[8:])),
    "a directory of 65535 tags": jpeg(segment(b"Exif\0\0" + tiff(6, tag=1)[:8] + b"\xff\xff" + bytes(40))),
    "a segment without a length": b"\xff\xd8\xff\xe1\x00\x00" + exif(6)[4:],
    "a segment longer than the file": b"\xff\xd8\xff\xe0\xff\xff" + bytes(20),
    "EXIF behind the picture's start": b"\xff\xd8\xff\xda\x00\x02" + exif(6),
    "a thousand empty segments": b"\xff\xd8" + segment(b"") * 1000 + exif(6),
    "noise": b"\xff\xd8" + np.random.default_rng(0).bytes(5000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_odd_counts_as_upright(name):
    assert read(HOSTILE[name]) == 1


@pytest.mark.parametrize("length", range(2, 90, 3))
def test_a_file_cut_off_anywhere_within_its_exif_is_read_without_an_error(length):
    assert read(WHOLE[:length]) in (1, 6)


def test_the_clean_view_turns_only_where_it_is_asked_to():
    encoded = jpeg(exif(6))
    upright = Image.fromarray(PIXELS).transpose(Image.Transpose.ROTATE_270)
    plain, turned = (
        resizing.clean_view(
            tf.constant(encoded),
            image=ImageConfig(image_size=32, resize_mode="squash", apply_exif=flag),
            max_pixels=10**6,
        ).numpy()
        for flag in (False, True)
    )
    expected = tf.image.resize(np.asarray(upright), (32, 32), antialias=True).numpy()

    np.testing.assert_allclose(turned, expected, atol=12)
    assert np.abs(plain - expected).max() > 90
