"""PNG files of every kind, put together by hand (W3C PNG): Pillow writes neither 16 bits in colour nor interlacing."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
# First row and column, and steps, of the seven passes of interlacing (section 8.1).
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def png(
    samples: NDArray[np.integer],
    *,
    colour: int,
    bits: int,
    is_interlaced: bool = False,
    palette: bytes = b"",
    transparency: bytes = b"",
) -> bytes:
    """A PNG of given samples.

    Args:
      samples: shape (height, width, channels), below 2**bits.
      colour: the colour type.
      bits: of a sample.
      is_interlaced: by Adam7.
      palette: content of PLTE.
      transparency: content of tRNS.
    """
    height, width = samples.shape[:2]
    passes = _PASSES if is_interlaced else ((0, 0, 1, 1),)
    parts = [samples[top::down, left::across] for top, left, down, across in passes]
    rows = b"".join(_rows(part, bits) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, is_interlaced)
    chunks = [chunk(b"IHDR", header)]
    chunks += [chunk(b"PLTE", palette)] if palette else []
    chunks += [chunk(b"tRNS", transparency)] if transparency else []
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _rows(samples: NDArray[np.integer], bits: int) -> bytes:
    flat = samples.reshape(len(samples), -1)
    if bits == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in flat)
    planes = (flat[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
    return b"".join(b"\0" + row.tobytes() for row in np.packbits(planes.reshape(len(flat), -1).astype(bool), axis=1))
