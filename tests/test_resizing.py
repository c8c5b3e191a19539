"""Tests of keras_transfer.images.resizing."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.images import resizing
from keras_transfer.settings.config import ImageConfig

SIZE = 64


def resize(pixels: np.ndarray, mode: str) -> np.ndarray:
    return resizing.resize(tf.constant(pixels), image=ImageConfig(image_size=SIZE, resize_mode=mode)).numpy()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(100, 150), (30, 20), (64, 64), (333, 91)])
def test_squash_is_what_tf_image_resize_gives(height, width):
    pixels = noise(height, width)
    expected = tf.image.resize(pixels, (SIZE, SIZE), antialias=True).numpy()
    np.testing.assert_allclose(resize(pixels, "squash"), expected, atol=1e-3)


def test_crop_is_the_resized_image_cut_at_its_centre():
    # Shorter side 146 -> 73.14 would be uneven, so take one where 7/8 falls on whole pixels: 128 * 7/8 = 112.
    pixels = noise(128, 200)
    middle = pixels[8:120, 44:156]  # the central square of 112
    expected = tf.image.resize(middle, (SIZE, SIZE), antialias=True).numpy()
    # The border may look at neighbours that the cut-out does not have.
    np.testing.assert_allclose(resize(pixels, "crop")[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-2)


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
def test_a_plain_square_stays_plain(mode):
    np.testing.assert_allclose(resize(np.full((100, 100, 3), 77, np.uint8), mode), 77, atol=1e-3)


def test_pad_keeps_the_whole_image_between_black_bars():
    result = resize(np.full((50, 100, 3), 200, np.uint8), "pad")
    np.testing.assert_allclose(result[SIZE // 4 : 3 * SIZE // 4], 200, atol=1e-3)
    assert not result[: SIZE // 4 - 1].any()
    assert not result[3 * SIZE // 4 + 1 :].any()


def test_crop_cuts_off_the_far_ends():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, :90] = pixels[:, -90:] = 255
    assert not resize(pixels, "crop").any()


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_extreme_shapes_give_a_whole_square_in_range(mode, height, width):
    result = resize(np.full((height, width, 3), 255, np.uint8), mode)
    assert result.shape == (SIZE, SIZE, 3)
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() == 255


def test_what_crops_and_pads_is_colour_true():
    pixels = np.zeros((80, 80, 3), np.uint8)
    pixels[..., 0] = 250
    for mode in ("crop", "squash", "pad"):
        np.testing.assert_allclose(resize(pixels, mode).reshape(-1, 3).mean(axis=0), (250, 0, 0), atol=1e-2)
