"""Pairs of pictures that look the same: candidates by their hashes, each then compared closely.

Re-encoded, resized, mirrored and slightly cropped copies are found, and those with other light, white balance or no
colours; not turned or heavily cropped ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.data import alignment, colours
from keras_transfer.images import eager_decoding, looks
from keras_transfer.images.looks import Looks
from keras_transfer.settings.config import ImageConfig

# Bits of 128. Of copies cropped by up to a tenth of each side 97% differ by no more (500 photos of hymenoptera and
# flowers); of 100,000 pairs of different photos, 30 do. Copies that are not cropped differ by at most 22.
_FARTHEST = 34
# Correlation of their details, which 99% of those copies reach. What else reaches it in three sets of photos are shots
# of one scene or one patient.
LEAST_CORRELATION = 0.9
# Of pictures that are all alike, such as X-rays or the frames of a film, every third pair is a candidate, or each. The
# bound keeps time and memory.
_CANDIDATES_A_PICTURE, _LEAST_BOUND = 2, 20_000
_ROWS, _COLUMNS = 128, 4096  # of a block of pairs: 4 MiB of differences, which stay in the cache
# All pairs of so many take 10 to 20 seconds; of ten times as many they would take a hundred times as long.
MOST_COMPARED_WITH_ALL = 50_000
# Of more, each is compared with so many next ones in each of 16 orders. A re-encoded or resized copy differs in 3 bits,
# and so stands beside its original in most of them.
_NEXT = 4
_CHUNK = 256  # pairs compared closely at once
_READERS, _KEPT = 4, 512  # threads; small copies in memory, of 12 KiB each

Read = Callable[[int], NDArray[np.uint8]]
Candidates = NDArray[np.int64]
Scores = NDArray[np.floating]


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


def find(seen: Looks, read: Read) -> Pairs:
    """All pairs that look the same.

    Up to `MOST_COMPARED_WITH_ALL` pictures, all pairs of hashes are compared; of more, only those that are near each
    other in one of several orders, which finds re-encoded and resized copies but only some of the cropped ones.
    Pictures of nearly one colour are copies of none: their hashes are noise.

    Args:
      seen: of pictures that are no exact copies of each other.
      read: gives the small copy (see `looks.shrink`) of the picture at an index; is called in threads, and more than
        once for some. Memory stays flat that way.

    Returns:
      The pairs, with the correlation of the details of their small copies at the best crop.
    """
    places = np.flatnonzero(seen.contrast >= looks.LEAST_CONTRAST)
    first, second, _ = _candidates(seen.select(places))
    order = np.lexsort((second, first))
    first, second = places[first[order]], places[second[order]]
    cached = functools.lru_cache(_KEPT)(read)
    with ThreadPoolExecutor(_READERS) as pool:

        def read_all(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
            different, positions = np.unique(indices, return_inverse=True)
            return np.stack(list(pool.map(cached, different.tolist())))[positions]

        scores: list[Scores] = [np.zeros(0)]
        for start in range(0, len(first), _CHUNK):
            one, other = first[start : start + _CHUNK], second[start : start + _CHUNK]
            is_mirrored = _bits(seen.mirrored[one], seen.hashes[other]) < _bits(seen.hashes[one], seen.hashes[other])
            scores.append(_compare(read_all(one), read_all(other), is_mirrored))
    score = np.concatenate(scores)
    alike = score >= LEAST_CORRELATION
    return Pairs(first[alike], second[alike], score[alike])


def make_reader(*, image: ImageConfig, max_pixels: int) -> Callable[[str], NDArray[np.uint8]]:
    """A function from a path to the small copy of its picture; black, which looks like nothing, if that is gone.

    Args:
      image: whether EXIF orientation counts.
      max_pixels: of `decoding.decode`.
    """
    decode = eager_decoding.make_decoder(image=image, max_pixels=max_pixels, smallest_side=looks.SIDE)

    def read(path: str) -> NDArray[np.uint8]:
        try:
            return looks.shrink(decode(Path(path).read_bytes()))
        except (OSError, tf.errors.OpError):
            return np.zeros((looks.SIDE, looks.SIDE, 3), np.uint8)

    return read


def _candidates(seen: Looks) -> Candidates:
    """First, second and differing bits of the pairs whose hashes differ in few; only the nearest if there are many."""
    bound = max(_CANDIDATES_A_PICTURE * len(seen), _LEAST_BOUND)
    found = np.zeros((3, 0), np.int64)
    for block in _all_blocks(seen) if len(seen) <= MOST_COMPARED_WITH_ALL else _neighbours(seen):
        found = np.concatenate([found, block], axis=1)
        if found.shape[1] > 2 * bound:
            found = _nearest(found, max(bound // len(seen), 1))
    return found if found.shape[1] <= bound else _nearest(found, max(bound // len(seen), 1))


def _nearest(found: Candidates, count: int) -> Candidates:
    """Of the pairs with each second picture, those with the nearest first ones; so no chain of copies is broken."""
    found = found[:, np.lexsort((found[2], found[1]))]
    starts = np.searchsorted(found[1], found[1])
    return found[:, np.arange(found.shape[1]) - starts < count]


def _all_blocks(seen: Looks) -> Iterator[Candidates]:
    count = len(seen)
    for top in range(0, count, _ROWS):
        for left in range(top - top % _COLUMNS, count, _COLUMNS):
            others = seen.hashes[np.newaxis, left : left + _COLUMNS]
            one, mirrored = (hashes[top : top + _ROWS, np.newaxis] for hashes in (seen.hashes, seen.mirrored))
            bits = np.minimum(_bits(one, others), _bits(mirrored, others))
            rows, columns = np.nonzero(bits <= _FARTHEST)
            block = np.stack([rows + top, columns + left, bits[rows, columns]])
            yield block[:, block[0] < block[1]]


def _neighbours(seen: Looks) -> Iterator[Candidates]:
    """Pairs that stand near each other when the hashes are sorted, once from each of their bytes on."""
    count = len(seen)
    octets = np.concatenate([seen.hashes, seen.mirrored]).view(np.uint8)
    known = np.zeros(0, np.int64)
    for turn in range(octets.shape[1]):
        keys = np.roll(octets, -turn, axis=1)[:, :8].copy().view(">u8").ravel()
        order = np.argsort(keys) % count
        for ahead in range(1, _NEXT + 1):
            first, second = np.sort(np.stack([order[:-ahead], order[ahead:]]), axis=0)
            is_near = (_least_bits(seen, first, second) <= _FARTHEST) & (first < second)
            pairs = np.setdiff1d(first[is_near] * count + second[is_near], known)
            known = np.concatenate([known, pairs])
            first, second = np.divmod(pairs, count)
            yield np.stack([first, second, _least_bits(seen, first, second)])


def _least_bits(seen: Looks, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.uint8]:
    """In how many bits each pair differs, mirrored or not, whichever is fewer."""
    others = seen.hashes[second]
    return np.minimum(_bits(seen.hashes[first], others), _bits(seen.mirrored[first], others))


def _bits(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """In how many of 128 bits hashes differ; the last axis holds their parts, of 64 bits, and goes."""
    bits: NDArray[np.uint8] = sum(  # of at most 64 each, so a byte holds the sum
        np.bitwise_count(one[..., part] ^ other[..., part]) for part in range(one.shape[-1])
    )
    return bits


def _compare(small: NDArray[np.uint8], other: NDArray[np.uint8], is_mirrored: NDArray[np.bool_]) -> Scores:
    """The correlation of each pair at the best crop of either; 0 where their colours disagree."""
    other = np.where(is_mirrored[:, np.newaxis, np.newaxis, np.newaxis], other[:, :, ::-1], other)
    score = alignment.best_correlation(looks.to_grey(small), looks.to_grey(other))
    alike = np.flatnonzero(score >= LEAST_CORRELATION)
    score[alike[~colours.agree(small[alike], other[alike])]] = 0
    return score
