"""Tests of keras_transfer.images.looks."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest

from keras_transfer.images import looks
from small_pictures import picture


def look(image) -> looks.Look:
    return looks.look_at(np.asarray(image))


def test_the_hashes_are_those_of_the_library():
    image = picture(0)
    own = look(image)
    for place, hashed in enumerate((imagehash.phash(image.convert("L")), imagehash.dhash(image.convert("L")))):
        np.testing.assert_array_equal(np.unpackbits(own.hashes[place : place + 1].view(np.uint8)), hashed.hash.ravel())


def test_the_mirrored_hash_is_that_of_the_mirrored_picture():
    pixels = np.asarray(picture(1))
    np.testing.assert_array_equal(looks.look_at(pixels).mirrored, looks.look_at(pixels[:, ::-1].copy()).hashes)


def test_the_small_copy_is_the_whole_picture_squashed():
    pixels = np.zeros((30, 90, 3), np.uint8)
    pixels[:, 45:] = 255
    small = looks.look_at(pixels).small
    assert small.shape == (looks.SIDE, looks.SIDE)
    assert not small[:, :31].any()
    assert (small[:, 33:] == 255).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_looks_become_arrays(count):
    stacked = looks.stack([look(picture(seed)) for seed in range(count)])
    assert stacked.hashes.shape == stacked.mirrored.shape == (count, 2)
    assert stacked.small.shape == (count, looks.SIDE, looks.SIDE)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2000), (2000, 1)])
def test_extreme_shapes_have_a_look(height, width):
    assert looks.look_at(np.full((height, width, 3), 9, np.uint8)).small.max() == 9
