"""Encoded bytes -> uint8 RGB, with guards. The same graph in training, evaluation and the export."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

from keras_transfer.images import bmp, byte_fields, gif_blocks, jpeg_segments

# Where each format's signature stands, and what it is. PNG's includes the beginning of its header, because decoders
# also find a header that stands behind other chunks, where its size would go unread here. JPEG XL (ISO/IEC 18181-2)
# has two: a bare codestream, and the container's signature box.
_SIGNATURES = (
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("png", 0, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("gif", 0, b"GIF8"),
    ("bmp", 0, b"BM"),
    ("jpeg xl", 0, b"\xff\x0a"),
    ("jpeg xl", 0, b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"),
    ("webp", 8, b"WEBP"),
)
_HEADER_BYTES = 30  # the longest stretch any of the header readers below looks at

_APPLICATION_14 = 0xEE

# TensorFlow's default is the quick transform: 0.8 of 255 levels too dark on average, and up to 8 off at a quality of
# 100. The accurate one gives what Pillow gives, and takes as long.
_DCT_METHOD = "INTEGER_ACCURATE"

# A JPEG is decoded at 1/2, 1/4 or 1/8 size only where that leaves at least this many times the pixels (along a
# side) that the resizer keeps. Measured over 363 photos resized to 96 and 224: at 2 the worst photo differed from
# its full decode by 3 of 255 levels on average, at 3 by 0.9, which is less than saving it as a JPEG again changes it.
REDUCTION_HEADROOM = 3.0


def decode(encoded: tf.Tensor, *, max_pixels: int, smallest_side: int = 0) -> tf.Tensor:
    """Decodes one image to what Pillow's `convert("RGB")` gives, or refuses it by name.

    An animated GIF gives its first frame, an animated WebP is refused; transparency is dropped; grayscale, palette,
    CMYK and 16-bit images become 8-bit RGB, of 16 bits the upper 8. EXIF orientation and colour profiles are ignored.

    Args:
      encoded: string scalar, the bytes of a JPEG, PNG, GIF, BMP or WebP file.
      max_pixels: images whose header declares more are refused before they are decoded.
      smallest_side: side in pixels that the shorter side will be resized to; a far larger JPEG
        is decoded at reduced size. 0 always decodes at full size.

    Returns:
      uint8, shape (height, width, 3), RGB.

    Raises:
      tf.errors.InvalidArgumentError: when run, for bytes that are no such image, truncated or too large.
    """
    return _decoder(max_pixels, smallest_side)(encoded)


@functools.cache
def _decoder(max_pixels: int, smallest_side: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """`decode`, traced once: that takes a second, and a run asks for it half a dozen times."""

    def decode_with_bounds(encoded: tf.Tensor) -> tf.Tensor:
        return _decode(encoded, max_pixels, smallest_side)

    traced: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        decode_with_bounds, input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    return traced


def _decode(encoded: tf.Tensor, max_pixels: int, smallest_side: int) -> tf.Tensor:
    kind = _format(encoded)
    size = _size(encoded, kind)
    with tf.control_dependencies([_refuse_empty(size), _refuse_too_large(size, max_pixels)]):
        encoded = tf.identity(encoded)

    def decoder(name: str) -> Callable[[], tf.Tensor]:
        if name == "jpeg":
            return lambda: _decode_jpeg(encoded, tf.reduce_min(size), smallest_side)
        return lambda: {"bmp": bmp.decode, "gif": gif_blocks.decode, "webp": _decode_webp}.get(name, _decode_png)(
            encoded
        )

    # A switch, not a chain of conditions: this runs once for every image and is felt beside a fast decoder.
    image = tf.switch_case(kind, [decoder(name) for name, _, _ in (*_SIGNATURES, ("unknown", 0, b""))])
    image.set_shape((None, None, 3))
    return image


def declared_size(encoded: tf.Tensor) -> tf.Tensor:
    """Height and width that the header declares; nothing is decoded.

    Sources: PNG (W3C, IHDR), GIF and BMP (see `gif_blocks` and `bmp`), WebP (RFC 9649), JPEG by
    TensorFlow's own reader.

    Args:
      encoded: string scalar.

    Returns:
      int64, shape (2,); 0 where the header is damaged.

    Raises:
      tf.errors.InvalidArgumentError: when run, for bytes of no known format.
    """
    return _size(encoded, _format(encoded))


def _format(encoded: tf.Tensor) -> tf.Tensor:
    """Index of the first of `_SIGNATURES` that the bytes bear, or their number where they bear none: int32 scalar."""
    _, positions, signatures = zip(*_SIGNATURES, strict=True)
    found = tf.strings.substr(
        [byte_fields.beginning(encoded, _HEADER_BYTES)] * len(signatures), positions, [len(each) for each in signatures]
    )
    matches = tf.concat([tf.equal(found, signatures), [True]], axis=0)
    return tf.argmax(tf.cast(matches, tf.int32), output_type=tf.int32)


def _size(encoded: tf.Tensor, kind: tf.Tensor) -> tf.Tensor:
    """The declared size: int64, shape (2,)."""
    header = byte_fields.beginning(encoded, _HEADER_BYTES)
    readers: dict[str, Callable[[], tf.Tensor]] = {
        "jpeg": lambda: _jpeg_size(encoded),
        "png": lambda: byte_fields.big_endian(header, (20, 16), 4),
        "gif": lambda: gif_blocks.declared_size(encoded),
        "bmp": lambda: bmp.declared_size(encoded),
        "webp": lambda: _webp_size(header),
        "jpeg xl": lambda: _refuse("JPEG XL images are not accepted: send JPEG, PNG, GIF, BMP or WebP."),
        "unknown": lambda: _refuse("Unknown image file format. One of JPEG, PNG, GIF, BMP and WebP is required."),
    }
    return tf.ensure_shape(
        tf.switch_case(kind, [readers[name] for name, _, _ in (*_SIGNATURES, ("unknown", 0, b""))]), (2,)
    )


def _decode_jpeg(encoded: tf.Tensor, shorter: tf.Tensor, smallest_side: int) -> tf.Tensor:
    if not smallest_side:
        return tf.io.decode_jpeg(encoded, channels=3, dct_method=_DCT_METHOD)
    room = tf.cast(shorter, tf.float32) / (smallest_side * REDUCTION_HEADROOM)
    halvings = tf.reduce_sum(tf.cast(room >= [2.0, 4.0, 8.0], tf.int32))

    def at(ratio: int) -> Callable[[], tf.Tensor]:
        return lambda: tf.io.decode_jpeg(encoded, channels=3, ratio=ratio, dct_method=_DCT_METHOD)

    return tf.switch_case(halvings, [at(ratio) for ratio in (1, 2, 4, 8)])


def _decode_webp(encoded: tf.Tensor) -> tf.Tensor:
    """WebP's decoder refuses to drop transparency, so it gives what the file has and we drop it."""
    return tf.io.decode_image(encoded, channels=0, expand_animations=False)[:, :, :3]


def _decode_png(encoded: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)


def _refuse(message: str) -> tf.Tensor:
    with tf.control_dependencies([byte_fields.refuse_unless(False, message)]):
        return tf.zeros(2, tf.int64)


def _refuse_empty(size: tf.Tensor) -> tf.Operation:
    """A size that no reader finds must not pass for a small one, since a more lenient decoder might find it."""
    message = "The image's header is damaged. Height and width that it declares:"
    return byte_fields.refuse_unless(tf.reduce_all(size > 0), message, size)


def _refuse_too_large(size: tf.Tensor, max_pixels: int) -> tf.Operation:
    # Each side is compared on its own first, because their product could overflow.
    limit = tf.constant(max_pixels, tf.int64)
    fits = tf.reduce_all(size <= limit) & (size[0] * size[1] <= limit)
    message = "The image is too large. Height and width, and the largest number of pixels allowed:"
    return byte_fields.refuse_unless(fits, message, size, limit)


def _jpeg_size(encoded: tf.Tensor) -> tf.Tensor:
    """Adobe stores inks inverted and says so in a segment; without it, programs disagree on what the numbers mean."""
    shape = tf.io.extract_jpeg_shape(encoded, output_type=tf.int64)
    is_clear = tf.cond(
        tf.equal(shape[2], 4),
        lambda: tf.strings.length(jpeg_segments.find(encoded, kind=_APPLICATION_14, name=b"Adobe")) > 0,
        lambda: True,
    )
    message = "A CMYK JPEG without Adobe's segment does not say whether its inks are inverted: save it as RGB."
    with tf.control_dependencies([byte_fields.refuse_unless(is_clear, message)]):
        return tf.identity(shape[:2])


def _webp_size(header: tf.Tensor) -> tf.Tensor:
    def lossless() -> tf.Tensor:
        bits = byte_fields.little_endian(header, (21,), 4)[0]  # 14 bits of width - 1, then 14 bits of height - 1
        return tf.stack([bits // 2**14 % 2**14 + 1, bits % 2**14 + 1])

    def extended() -> tf.Tensor:
        is_animated = byte_fields.little_endian(header, (20,), 1)[0] // 2 % 2 > 0
        # TensorFlow 2.21 writes four channels of an animation where it has room for three, and the process dies.
        message = "Animated WebP images are not accepted: send a still image."
        with tf.control_dependencies([byte_fields.refuse_unless(~is_animated, message)]):
            return byte_fields.little_endian(header, (27, 24), 3) + 1

    kind = tf.strings.substr(header, 12, 4)
    return tf.case(
        [
            (tf.equal(kind, b"VP8 "), lambda: byte_fields.little_endian(header, (28, 26), 2) % 2**14),
            (tf.equal(kind, b"VP8L"), lossless),
            (tf.equal(kind, b"VP8X"), extended),
        ],
        default=lambda: tf.zeros(2, tf.int64),
    )
