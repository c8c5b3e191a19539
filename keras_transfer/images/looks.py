"""What a picture looks like, in a few bytes: perceptual hashes, and a small grey copy to compare more closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SIDE = 64  # of the small copy, in pixels


@dataclass(frozen=True)
class Look:
    """A picture in a few bytes.

    Attributes:
      hashes: uint64, shape (2,): pHash and dHash of 64 bits each (https://pypi.org/project/ImageHash). Both together
        leave a tenth of the false candidates that either leaves at the same recall.
      mirrored: likewise, of the mirrored picture.
      small: uint8, shape (64, 64): the whole picture in grey, squashed into a square.
    """

    hashes: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    small: NDArray[np.uint8]


@dataclass(frozen=True)
class Looks:
    """The looks of many pictures as arrays: (pictures, 2), (pictures, 2) and (pictures, 64, 64); see `Look`."""

    hashes: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    small: NDArray[np.uint8]


def look_at(pixels: NDArray[np.uint8]) -> Look:
    """The look of a picture.

    Args:
      pixels: uint8, shape (height, width, 3), RGB.
    """
    grey = Image.fromarray(pixels).convert("L")
    small = grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Look(_hashes(grey), _hashes(ImageOps.mirror(grey)), np.asarray(small))


def stack(looks: Sequence[Look]) -> Looks:
    """Looks as arrays."""
    return Looks(
        np.array([look.hashes for look in looks], np.uint64).reshape(-1, 2),
        np.array([look.mirrored for look in looks], np.uint64).reshape(-1, 2),
        np.array([look.small for look in looks], np.uint8).reshape(-1, SIDE, SIDE),
    )


def _hashes(grey: Image.Image) -> NDArray[np.uint64]:
    bits = np.stack([imagehash.phash(grey).hash.ravel(), imagehash.dhash(grey).hash.ravel()])
    return np.packbits(bits, axis=1).view(np.uint64).ravel()
