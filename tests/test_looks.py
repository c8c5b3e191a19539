"""Tests of keras_transfer.images.looks."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_transfer.images import looks
from small_pictures import picture


def look(*images: Image.Image) -> looks.Looks:
    return looks.describe([looks.shrink(np.asarray(image)) for image in images])


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def test_the_hashes_are_nearly_those_of_the_library():
    """Which shrinks the picture in another way, so that bits near their threshold differ; of other pictures, 32 do."""
    for seed in range(10):
        grey = picture(seed).convert("L")
        own = look(picture(seed)).hashes[0]
        for place, hashed in enumerate((imagehash.phash(grey), imagehash.dhash(grey))):
            bits = np.unpackbits(own[place : place + 1].view(np.uint8))
            assert np.sum(bits != hashed.hash.ravel()) <= 10


def test_the_mirrored_hash_is_that_of_the_mirrored_picture():
    one, other = look(picture(1)), look(ImageOps.mirror(picture(1)))
    assert distance(one.mirrored, other.hashes) <= 2  # the last bits of sums in another order
    assert distance(one.hashes, other.mirrored) <= 2
    assert distance(one.hashes, other.hashes) > 30


def test_the_small_copy_is_the_whole_picture_squashed():
    pixels = np.zeros((30, 90, 3), np.uint8)
    pixels[:, 45:] = (255, 100, 0)
    small = looks.shrink(pixels)
    assert small.shape == (looks.SIDE, looks.SIDE, 3)
    assert not small[:, :31].any()
    assert (small[:, 33:] == (255, 100, 0)).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_many_pictures_are_described_as_each_alone(count):
    together = look(*(picture(seed) for seed in range(count)))
    one_by_one = looks.concatenate([look(picture(seed)) for seed in range(count)])
    assert len(together) == count
    assert together.hashes.shape == together.mirrored.shape == (count, 2)
    np.testing.assert_array_equal(together.hashes, one_by_one.hashes)
    np.testing.assert_allclose(together.contrast, one_by_one.contrast, rtol=1e-5)


def test_looks_are_selected_in_order():
    every = look(*(picture(seed) for seed in range(4)))
    np.testing.assert_array_equal(every.select([3, 1]).hashes, every.hashes[[3, 1]])


def test_contrast_is_the_standard_deviation_of_the_grey_levels():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, 32:] = 100
    assert look(Image.fromarray(pixels)).contrast[0] == pytest.approx(50, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2000), (2000, 1)])
def test_extreme_shapes_have_a_look(height, width):
    small = looks.shrink(np.full((height, width, 3), 9, np.uint8))
    assert looks.describe([small]).contrast[0] < looks.LEAST_CONTRAST


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0.1, 0.95)])
def test_averaging_keeps_the_mean_of_a_stretch(start, stop):
    matrix = looks.averaging(40, 7, start=start, stop=stop)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)
    assert (matrix @ np.arange(40)).mean() == pytest.approx((start + stop) * 20 - 0.5)
