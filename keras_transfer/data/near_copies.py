"""Pairs of pictures that look the same: candidates by their hashes, each then compared closely.

Re-encoded, resized, mirrored, recoloured and slightly cropped copies are found, not turned or heavily cropped ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data import alignment
from keras_transfer.images.looks import Looks

# Bits of 128. Of copies cropped by up to a tenth of each side 97% differ by no more (500 photos of hymenoptera and
# flowers); of 100,000 pairs of different photos, 20 do.
_FARTHEST = 34
# Correlation of their details, which 99% of those copies reach. What else reaches it in three sets of photos are shots
# of one scene or one patient.
LEAST_CORRELATION = 0.9
# Of pictures that are all alike, such as X-rays, every sixth pair is a candidate. The bound keeps time and memory.
_CANDIDATES_A_PICTURE, _LEAST_BOUND = 10, 20_000
_ROWS, _COLUMNS = 512, 8192  # of a block of pairs: 32 MiB of differences
_CHUNK = 256  # pairs compared closely at once


@dataclass(frozen=True)
class Pairs:
    """Pairs of pictures.

    Attributes:
      first: int64, shape (pairs,): indices.
      second: likewise, each larger than the first.
      score: float, shape (pairs,): how alike, up to 1.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    score: NDArray[np.floating]


def find(looks: Looks) -> Pairs:
    """All pairs that look the same.

    All pairs of hashes are compared, in blocks of NumPy: those of 100,000 pictures take a minute or two.

    Args:
      looks: of pictures that are no exact copies of each other.

    Returns:
      The pairs, with the correlation of the details of their small copies at the best crop.
    """
    first, second = _candidates(looks)
    score = np.concatenate(
        [np.zeros(0)]
        + [_compare(looks, first[at : at + _CHUNK], second[at : at + _CHUNK]) for at in range(0, len(first), _CHUNK)]
    )
    alike = score >= LEAST_CORRELATION
    return Pairs(first[alike], second[alike], score[alike])


def _candidates(looks: Looks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the pairs whose hashes differ in few bits; only the nearest where there are too many."""
    count = len(looks.hashes)
    bound = max(_CANDIDATES_A_PICTURE * count, _LEAST_BOUND)
    found = np.zeros((3, 0), np.int64)  # first, second, bits
    farthest = _FARTHEST
    for top in range(0, count, _ROWS):
        for left in range(top - top % _COLUMNS, count, _COLUMNS):
            bits = _differing_bits(looks, slice(top, top + _ROWS), slice(left, left + _COLUMNS))
            rows, columns = np.nonzero(bits <= farthest)
            block = np.stack([rows + top, columns + left, bits[rows, columns]])
            found = np.concatenate([found, block[:, block[0] < block[1]]], axis=1)
            while found.shape[1] > bound and farthest:
                farthest -= 1
                found = found[:, found[2] <= farthest]
    return found[0], found[1]


def _differing_bits(looks: Looks, rows: slice, columns: slice) -> NDArray[np.uint8]:
    """Of 128, of each pair of a block, mirrored or not, whichever is fewer: shape (rows, columns)."""

    def between(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
        bits: NDArray[np.uint8] = sum(  # of at most 64 each, so a byte holds the sum
            np.bitwise_count(one[:, None, part] ^ other[None, :, part]) for part in range(one.shape[1])
        )
        return bits

    others = looks.hashes[columns]
    return np.minimum(between(looks.hashes[rows], others), between(looks.mirrored[rows], others))


def _compare(looks: Looks, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.floating]:
    """The correlation of each pair at the best crop of either."""
    small, other = looks.small[first].astype(np.float32), looks.small[second].astype(np.float32)
    straight = np.bitwise_count(looks.hashes[first] ^ looks.hashes[second]).sum(axis=1)
    mirrored = np.bitwise_count(looks.mirrored[first] ^ looks.hashes[second]).sum(axis=1)
    other[mirrored < straight] = other[mirrored < straight][:, :, ::-1]
    return alignment.best_correlation(small, other)
