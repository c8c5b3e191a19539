"""BMP files of every kind, put together by hand (Microsoft's bitmap headers; OS/2 1.x and 2.x)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.integer]
CORE, OS2, INFO, V2, V3, V4, V5 = 12, 64, 40, 52, 56, 108, 124
MASKS_555, MASKS_565 = (0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)


def bmp(
    values: Indices,
    *,
    bits: int,
    header: int = INFO,
    compression: int = 0,
    masks: Sequence[int] = (),
    palette: NDArray[np.uint8] | None = None,
    colours_used: int | None = None,
    is_top_down: bool = False,
    gap: int = 0,
    planes: int = 1,
) -> bytes:
    """A BMP of given values.

    Args:
      values: shape (height, width), what each pixel's bits are as a number: an index, or channels by masks.
      bits: of a pixel.
      header: its size in bytes.
      compression: 0 none, 3 by masks, others as the header's field tells.
      masks: of red, green and blue, and perhaps alpha; within the header, or behind one of 40 bytes.
      palette: shape (colours, 3), RGB.
      colours_used: the header's field; by default the palette's length.
      is_top_down: whether the first row stands first.
      gap: bytes between palette and pixels.
      planes: the header's field.
    """
    height, width = values.shape
    used = len(palette) if palette is not None and colours_used is None else colours_used or 0
    if header == CORE:
        fields = struct.pack("<IHHHH", CORE, width, height, planes, bits)
    else:
        signed = -height if is_top_down else height
        fields = struct.pack("<IiiHHIIiiII", header, width, signed, planes, bits, compression, 0, 0, 0, used, 0)
        fields += b"".join(struct.pack("<I", mask) for mask in masks)
        fields = fields[:header] if header < INFO else fields.ljust(header, b"\0")
    entry = 3 if header == CORE else 4
    colours = b"" if palette is None else b"".join(row[::-1].tobytes().ljust(entry, b"\0") for row in palette)
    offset = 14 + len(fields) + len(colours) + gap
    pixels = _rows(values if is_top_down else values[::-1], bits)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + fields + colours + bytes(gap) + pixels


def packed(pixels: NDArray[np.uint8], masks: Sequence[int]) -> Indices:
    """RGB as numbers by masks; each channel keeps as many of its upper bits as its mask has."""
    value = np.zeros(pixels.shape[:2], np.int64)
    for channel, mask in enumerate(masks[:3]):
        low = mask & -mask
        value += np.round(pixels[..., channel] / 255 * (mask // low)).astype(np.int64) * low
    return value


def unpacked(values: Indices, masks: Sequence[int]) -> NDArray[np.uint8]:
    """The RGB that numbers stand for."""
    channels = [(values & mask) / mask * 255 for mask in masks[:3]]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def _rows(values: Indices, bits: int) -> bytes:
    if bits < 8:
        planes = (values[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
        rows = [row.tobytes() for row in np.packbits(planes.reshape(len(values), -1).astype(bool), axis=1)]
    else:
        content = values.astype("<u4").view(np.uint8).reshape(*values.shape, 4)[..., : bits // 8]
        rows = [row.tobytes() for row in content]
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
