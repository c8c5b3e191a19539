"""Tests of keras_transfer.images.decoding."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import jpeg_files
from keras_transfer.images import decoding

HEIGHT, WIDTH = 40, 60


def photo(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A smooth colour gradient, so that lossy formats keep it to within a few levels."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, 255 - rows * 255 // height], axis=-1).astype(
        np.uint8
    )


def encode(kind: str, mode: str = "RGB", pixels: np.ndarray | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo() if pixels is None else pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def png_of_16_bits(levels: np.ndarray) -> bytes:
    """A 16-bit RGB PNG written by hand (W3C PNG specification), because Pillow can't write one."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def _decode(encoded: tf.Tensor) -> tf.Tensor:
    return decoding.decode(encoded, max_pixels=1_000_000)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def _declared(encoded: tf.Tensor) -> tf.Tensor:
    return decoding.declared_size(encoded)


def decode(encoded: bytes) -> np.ndarray:
    return _decode(tf.constant(encoded)).numpy()


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("BMP", "RGB", {}),
        ("BMP", "RGBA", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"lossless": True}),
    ],
)
def test_a_lossless_image_gives_its_very_pixels(kind, mode, options):
    np.testing.assert_array_equal(decode(encode(kind, mode, **options)), photo())


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("GIF", "RGB")]
)
def test_a_lossy_image_gives_nearly_its_pixels(kind, mode):
    pixels = decode(encode(kind, mode)).astype(int)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(pixels - photo()).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_a_grayscale_image_gives_three_equal_channels(kind):
    pixels = decode(encode(kind, "L"))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 1])
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
    assert np.abs(pixels[..., 0].astype(int) - np.asarray(Image.fromarray(photo()).convert("L"))).mean() < 2


def test_a_webp_with_transparency_gives_its_colours():
    file = io.BytesIO()
    Image.new("RGBA", (4, 2), (200, 10, 30, 128)).save(file, "WEBP", lossless=True)
    np.testing.assert_array_equal(decode(file.getvalue()), np.full((2, 4, 3), (200, 10, 30), np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_animated_webp_is_refused(mode):
    """TensorFlow's decoder writes beyond its memory for some."""
    first, second = Image.new(mode, (6, 4), (250, 0, 0)), Image.new(mode, (6, 4), (0, 0, 250))
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=[second], lossless=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Animated WebP"):
        decode(file.getvalue())


def test_a_palette_image_with_transparency_gives_its_colours():
    image = Image.new("P", (4, 2), 1)
    image.putpalette([0, 0, 0, 200, 10, 30])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=0)
    np.testing.assert_array_equal(decode(file.getvalue()), np.full((2, 4, 3), (200, 10, 30), np.uint8))


def test_a_16_bit_png_keeps_its_upper_8_bits():
    levels = photo().astype(np.uint16) * 257  # 0..255 spread over 0..65535
    np.testing.assert_array_equal(decode(png_of_16_bits(levels)), photo())


def test_arithmetic_coding_is_decoded_as_by_pillow():
    expected = np.asarray(Image.open(io.BytesIO(jpeg_files.ARITHMETIC)))
    np.testing.assert_array_equal(decode(jpeg_files.ARITHMETIC), expected)


def test_a_jpeg_of_the_highest_quality_gives_what_pillow_gives():
    """TensorFlow's default transform is off by 8 levels on average here."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    encoded = encode("JPEG", pixels=noise, quality=100)
    np.testing.assert_array_equal(decode(encoded), np.asarray(Image.open(io.BytesIO(encoded))))


REFUSED_JPEGS = {
    "12 bits": jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 3, precision=12, frame=0xC1),
    "lossless": jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 3, frame=0xC3),
    "hierarchical": jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 3, frame=0xC5),
    "two components": jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 2),
    "CMYK that may be inverted or not": jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 4),
    "CMYK whose Adobe segment is lost": jpeg_files.without_adobe(encode("JPEG", "CMYK")),
}


@pytest.mark.parametrize("case", REFUSED_JPEGS)
def test_a_jpeg_that_is_not_decoded_rightly_is_refused(case):
    with pytest.raises(tf.errors.InvalidArgumentError, match="CMYK" if "CMYK" in case else "JPEG"):
        decode(REFUSED_JPEGS[case])


def test_an_animated_gif_gives_its_first_frame():
    first, second = Image.new("RGB", (6, 4), (250, 0, 0)), Image.new("RGB", (6, 4), (0, 0, 250))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second])
    np.testing.assert_array_equal(decode(file.getvalue()), np.full((4, 6, 3), (250, 0, 0), np.uint8))


def test_an_image_of_one_pixel_is_decoded():
    assert decode(encode("PNG", pixels=photo(1, 1))).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"x",
        b"this is no image, whatever its name says",
        encode("JPEG")[:-200],
        encode("JPEG")[:10],
        encode("PNG")[:-30],
        encode("WEBP")[:-30],
        encode("BMP")[:-30],
        b"\xff\x0a" + bytes(40),
        b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a" + bytes(40),
    ],
)
def test_bytes_that_are_no_whole_image_are_an_invalid_argument(encoded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(encoded)


def headers(height: int, width: int) -> dict[str, bytes]:
    """The beginnings of files that declare a size, written by hand from the formats' specifications."""
    return {
        "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(20),
        "gif": b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + gif_frame(height, width) + b";",
        "gif with a frame larger than its screen": b"GIF89a" + bytes(7) + gif_frame(height, width) + b";",
        "bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, width, height) + bytes(40),
        "bmp stored top-down": b"BM" + bytes(12) + struct.pack("<Iii", 40, width, -height) + bytes(40),
        "webp lossy": b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", width, height) + bytes(9),
        "webp lossless": b"RIFF\0\0\0\0WEBPVP8L"
        + bytes(4)
        + b"\x2f"
        + struct.pack("<I", (height - 1) << 14 | (width - 1))
        + bytes(9),
        "webp extended": b"RIFF\0\0\0\0WEBPVP8X"
        + bytes(8)
        + struct.pack("<I", width - 1)[:3]
        + struct.pack("<I", height - 1)[:3]
        + bytes(9),
        "jpeg": jpeg_that_declares(height, width),
    }


def gif_frame(height: int, width: int) -> bytes:
    """An image descriptor with the codes of no pixel behind it (GIF89a, sections 20 and 22)."""
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x01\x05\x00"


def jpeg_that_declares(height: int, width: int) -> bytes:
    """A real JPEG with another size written into its frame header (ITU T.81, B.2.2)."""
    encoded = encode("JPEG")
    size_at = encoded.index(b"\xff\xc0\x00\x11\x08") + 5
    return encoded[:size_at] + struct.pack(">HH", height, width) + encoded[size_at + 4 :]


@pytest.mark.parametrize("kind", headers(3, 7))
def test_the_declared_size_is_read_from_the_header(kind):
    np.testing.assert_array_equal(_declared(tf.constant(headers(1234, 4321)[kind])), (1234, 4321))


@pytest.mark.parametrize("kind", headers(3, 7))
def test_a_header_that_declares_too_many_pixels_is_refused_before_decoding(kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        decode(headers(12_000, 16_000)[kind])


def test_a_gif_whose_later_frame_is_too_large_gives_its_first():
    """TensorFlow's decoder would allocate every frame, at the size of the largest."""
    encoded = encode("GIF")
    assert encoded[-1:] == b";"
    pixels = decode(encoded[:-1] + gif_frame(40_000, 40_000) * 3 + b";")
    np.testing.assert_array_equal(pixels, decode(encoded))


def test_a_png_whose_header_stands_behind_another_chunk_is_refused():
    """Libpng would find it there and decode whatever size it declares."""
    encoded = encode("PNG")
    chunk = struct.pack(">I", 0) + b"aaAa" + struct.pack(">I", zlib.crc32(b"aaAa"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        decode(encoded[:8] + chunk + encoded[8:])


def test_a_webp_without_a_known_header_is_refused():
    """Libwebp would also decode a bare bitstream, whatever size it declares."""
    encoded = encode("WEBP", lossless=True)
    assert encoded[12:16] == b"VP8L"
    with pytest.raises(tf.errors.InvalidArgumentError, match="header is damaged"):
        decode(encoded[:12] + encoded[20:])


def test_sides_whose_product_overflows_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        decode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2**32 - 1, 2**32 - 1) + bytes(20))


def test_a_far_too_large_jpeg_is_decoded_small_and_looks_the_same_after_resizing():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(coarse).resize((2400, 1800), Image.Resampling.BICUBIC))
    encoded = tf.constant(encode("JPEG", pixels=large, quality=90))
    full = decoding.decode(encoded, max_pixels=10**7)
    small = decoding.decode(encoded, max_pixels=10**7, smallest_side=256)
    assert full.shape == (1800, 2400, 3)
    assert small.shape == (900, 1200, 3)
    resized = [tf.image.resize(image, (256, 341), antialias=True).numpy() for image in (full, small)]
    assert np.abs(resized[0] - resized[1]).mean() < 1.0  # of 255 levels


def test_a_jpeg_within_the_headroom_is_decoded_in_full():
    encoded = tf.constant(encode("JPEG", pixels=photo(1000, 1500)))
    assert decoding.decode(encoded, max_pixels=10**7, smallest_side=256).shape == (1000, 1500, 3)
