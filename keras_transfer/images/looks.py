"""What a picture looks like, in a few bytes: perceptual hashes, and a small copy to compare more closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dct

SIDE = 64  # of the small copy, in pixels
# Pixels of a decoded picture's shorter side, from which the hashes are as good as from the whole: they keep 8 waves.
LEAST_SIDE = 32
LEAST_CONTRAST = 4.0  # grey levels of 255: the noise of a camera alone, of which a hash is noise too

_HASH_SIDE, _PHASH_SIDE = 8, 32
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's "L"


@dataclass(frozen=True)
class Looks:
    """The looks of pictures, 36 bytes each.

    Attributes:
      hashes: uint64, shape (pictures, 2): pHash and dHash of 64 bits each, as of
        https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html. Both together leave a tenth
        of the false candidates that either leaves at the same recall.
      mirrored: likewise, of the mirrored pictures.
      contrast: float32, shape (pictures,): standard deviation of the grey levels of the small copy, in [0, 127.5].
    """

    hashes: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    contrast: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.contrast)

    def select(self, indices: Sequence[int] | NDArray[np.int64]) -> Looks:
        """The looks at `indices`, in that order."""
        places = np.asarray(indices, np.int64)
        return Looks(self.hashes[places], self.mirrored[places], self.contrast[places])


def shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole picture squashed into a small square: uint8, shape (SIDE, SIDE, 3).

    Args:
      pixels: uint8, shape (height, width, 3), RGB.
    """
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def describe(small: Sequence[NDArray[np.uint8]]) -> Looks:
    """The looks of many pictures at once, which takes a tenth of the time that one by one takes.

    Args:
      small: from `shrink`.
    """
    grey = to_grey(np.array(small, np.uint8).reshape(-1, SIDE, SIDE, 3))
    return Looks(_hashes(grey), _hashes(grey[:, :, ::-1]), grey.std(axis=(1, 2)))


def concatenate(parts: Sequence[Looks]) -> Looks:
    """Looks one after the other."""
    parts = [describe([]), *parts]
    return Looks(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.mirrored for part in parts]),
        np.concatenate([part.contrast for part in parts]),
    )


def to_grey(colours: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey levels: float32, in [0, 255], without the last axis of `colours`, which is RGB."""
    grey: NDArray[np.float32] = colours.astype(np.float32) @ _LUMA
    return grey


def averaging(length: int, side: int, *, start: float = 0.0, stop: float = 1.0) -> NDArray[np.float32]:
    """A matrix that averages a stretch of `length` values, between two fractions of it, into `side` cells.

    Returns:
      float32, shape (side, length); each row sums to 1.
    """
    edges = np.linspace(start, stop, side + 1)[:, None] * length
    places = np.arange(length)
    overlap = np.clip(np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places), 0, None)
    matrix: NDArray[np.float32] = (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


def _hashes(grey: NDArray[np.float32]) -> NDArray[np.uint64]:
    """pHash: whether each of the 64 lowest waves is above their median; dHash: whether it gets lighter to the right."""
    waves = (_WAVES @ grey @ _WAVES.T).reshape(-1, _HASH_SIDE**2)
    cells = _ROWS @ grey @ _COLUMNS.T
    lighter = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(-1, _HASH_SIDE**2)
    bits = np.stack([waves > np.median(waves, axis=1, keepdims=True), lighter], axis=1)
    return np.packbits(bits, axis=2).view(np.uint64).reshape(-1, 2)


# Waves of a copy of 32 x 32, as of imagehash.
_WAVES = dct(np.eye(_PHASH_SIDE, dtype=np.float32), axis=0)[:_HASH_SIDE] @ averaging(SIDE, _PHASH_SIDE)
_ROWS, _COLUMNS = averaging(SIDE, _HASH_SIDE), averaging(SIDE, _HASH_SIDE + 1)
