"""JPEG files of every kind: by Pillow and simplejpeg where they write it, else put together by hand (ITU-T T.81)."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

ADOBE_CMYK = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"  # transform 0: CMYK, or RGB where there are three components
ADOBE_YCCK = ADOBE_CMYK[:-1] + b"\x02"
# Annex K.3: categories 0 to 11 of the differences; and a table of one code, which ends a block.
_DC_LENGTHS, _AC_LENGTHS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0), (1,) + (0,) * 15
_DC_SYMBOLS, _AC_SYMBOLS = bytes(range(12)), b"\0"
_DC_CODES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")
_END_OF_BLOCK = "0"
# 40 x 24 pixels in arithmetic coding, written by libjpeg-turbo (`arith_code`), which Pillow can't ask for.
ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeX"
    "BkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/yQARCAAY"
    "ACgDASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/AGqoWlftjNKmFigDcspdyRfkiYDIiKfPlsWJRkufy+4C+ztcS39xEAl3pi"
    "mZ0ya/84Dp9h2gsukpA2k1xwnBO5O0t5kXY5Cv2//Z"
)


def by_pillow(pixels: NDArray[np.uint8], mode: str = "RGB", **options: object) -> bytes:
    """By Pillow with its options."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def with_subsampling(pixels: NDArray[np.uint8], subsampling: str) -> bytes:
    """With chroma of a subsampling such as 411, which Pillow can't write."""
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 90, "RGB", subsampling)
    return encoded


def without_adobe(encoded: bytes) -> bytes:
    """The same file without its Adobe segment."""
    at = encoded.index(b"\xff\xee")
    return encoded[:at] + encoded[at + 2 + struct.unpack(">H", encoded[at + 2 : at + 4])[0] :]


def by_hand(
    seed: int,
    height: int,
    width: int,
    *,
    sampling: Sequence[tuple[int, int]],
    names: bytes = b"\1\2\3\4",
    segments: bytes = b"",
    frame: int = 0xC0,
    precision: int = 8,
) -> bytes:
    """Blocks of one level each, by seed: any sampling and any kinds of components.

    Args:
      seed: of the levels.
      height: in pixels.
      width: in pixels.
      sampling: horizontal and vertical sampling factors of each component.
      names: of the components.
      segments: that stand in front, such as Adobe's.
      frame: the marker that tells how it is coded.
      precision: bits of a sample.
    """
    count = len(sampling)
    components = b"".join(bytes((names[index], across * 16 + down, 0)) for index, (across, down) in enumerate(sampling))
    head = struct.pack(">BHHB", precision, height, width, count) + components
    scan = bytes((count,)) + b"".join(bytes((names[index], 0)) for index in range(count)) + b"\0\x3f\0"
    return (
        b"\xff\xd8"
        + segments
        + _segment(0xDB, b"\0" + bytes([8] * 64))
        + _segment(frame, head)
        + _segment(0xC4, b"\0" + bytes(_DC_LENGTHS) + _DC_SYMBOLS)
        + _segment(0xC4, b"\x10" + bytes(_AC_LENGTHS) + _AC_SYMBOLS)
        + _segment(0xDA, scan)
        + _blocks(seed, height, width, sampling)
        + b"\xff\xd9"
    )


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _blocks(seed: int, height: int, width: int, sampling: Sequence[tuple[int, int]]) -> bytes:
    rng = np.random.default_rng(seed)
    across, down = (max(factors[side] for factors in sampling) for side in (0, 1))
    units = -(-height // (8 * down)) * -(-width // (8 * across))
    # One component alone is not interleaved: its blocks stand one by one, whatever its factors.
    per_unit = [1 if len(sampling) == 1 else x * y for x, y in sampling]
    before, bits = [0] * len(sampling), []
    for _ in range(units if len(sampling) > 1 else -(-height // 8) * -(-width // 8)):
        for component, blocks in enumerate(per_unit):
            for level in rng.integers(-100, 100, blocks).tolist():
                bits.append(_difference(level - before[component]) + _END_OF_BLOCK)
                before[component] = level
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def _difference(value: int) -> str:
    size = abs(value).bit_length()
    return _DC_CODES[size] + (f"{value if value > 0 else value + 2**size - 1:0{size}b}" if size else "")
