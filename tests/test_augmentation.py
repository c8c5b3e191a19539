"""Tests of keras_transfer.images.augmentation."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.errors import ConfigError
from keras_transfer.images import augmentation, resizing
from keras_transfer.settings.config import ImageConfig, TrainConfig, ViewsConfig, from_flat

IMAGE = ImageConfig(image_size=32, resize_mode="crop")
NOTHING = {
    "flip_horizontal": False,
    "flip_vertical": False,
    "rotation_degrees": 0.0,
    "crop_min_area": 1.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
}

ALL = {
    "flip_horizontal": True,
    "rotation_degrees": 20.0,
    "crop_min_area": 0.5,
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "hue": 0.1,
}


def photo() -> np.ndarray:
    rows, columns = np.mgrid[0:60, 0:80]
    return np.stack([rows * 4, columns * 3, 128 + rows], axis=-1).astype(np.uint8)


def view(
    number: int, *, key: int = 1, seed: int = 0, pixels: np.ndarray | None = None, **settings: object
) -> np.ndarray:
    views = ViewsConfig(**{**NOTHING, **settings})
    return augmentation.view(
        tf.constant(photo() if pixels is None else pixels),
        number=tf.constant(number, tf.int64),
        key=tf.constant(key, tf.int64),
        image=IMAGE,
        views=views,
        seed=seed,
    ).numpy()


def test_view_0_is_the_clean_view_whatever_the_settings():
    np.testing.assert_array_equal(view(0, **ALL), resizing.resize(tf.constant(photo()), image=IMAGE))


def test_a_view_is_the_same_every_time():
    np.testing.assert_array_equal(view(3, **ALL), view(3, **ALL))


def test_a_view_in_a_graph_is_the_view_outside():
    views = ViewsConfig(**{**NOTHING, **ALL})

    @tf.function
    def traced(number: tf.Tensor) -> tf.Tensor:
        return augmentation.view(
            tf.constant(photo()), number=number, key=tf.constant(1, tf.int64), image=IMAGE, views=views, seed=0
        )

    np.testing.assert_allclose(traced(tf.constant(2, tf.int64)).numpy(), view(2, **ALL), atol=1e-3)


@pytest.mark.parametrize("other", [{"number": 2}, {"number": 1, "key": 2}, {"number": 1, "seed": 1}])
def test_another_number_example_or_seed_gives_another_view(other):
    assert np.abs(view(1, **ALL) - view(**other, **ALL)).mean() > 1


def test_nothing_asked_for_changes_nothing():
    np.testing.assert_allclose(view(1), view(0), atol=1e-3)


@pytest.mark.parametrize(("setting", "axis"), [("flip_horizontal", 1), ("flip_vertical", 0)])
def test_about_half_of_the_views_are_mirrored_and_the_others_untouched(setting, axis):
    clean = view(0)
    mirrored = 0
    for number in range(1, 41):
        result = view(number, **{setting: True})
        is_mirrored = np.allclose(result, np.flip(clean, axis), atol=1e-3)
        assert is_mirrored or np.allclose(result, clean, atol=1e-3)
        mirrored += is_mirrored
    assert 10 <= mirrored <= 30  # 20 expected; outside this with probability 0.002


def test_rotation_keeps_the_centre_and_moves_the_rim():
    disc = np.zeros((64, 64, 3), np.uint8)
    disc[28:36, 28:36] = 200
    clean, rotated = view(0, pixels=disc), view(1, pixels=disc, rotation_degrees=90.0)
    np.testing.assert_allclose(rotated[15:17, 15:17], clean[15:17, 15:17], atol=5)
    assert np.abs(view(1, rotation_degrees=45.0) - view(0)).mean() > 1


def test_rotation_by_a_quarter_is_numpys(monkeypatch):
    monkeypatch.setattr(tf.random, "stateless_uniform", lambda shape, seed, minval, maxval: tf.constant(maxval))
    pixels = tf.constant(np.random.default_rng(0).uniform(0, 255, (9, 9, 3)).astype(np.float32))
    rotated = augmentation.random_rotation(pixels, seed=tf.constant([0, 0]), degrees=90.0).numpy()
    candidates = [np.rot90(pixels.numpy(), turns) for turns in (1, 3)]
    assert any(np.allclose(rotated, candidate, atol=1e-2) for candidate in candidates)


def test_cropping_cuts_away_a_border():
    """A white image with a black frame: cut-outs hold less black than the whole."""
    framed = np.zeros((100, 100, 3), np.uint8)
    framed[8:92, 8:92] = 255
    whole = ImageConfig(image_size=32, resize_mode="squash")
    black = []
    for number in range(30):
        result = augmentation.random_crop(
            tf.constant(framed), seed=tf.constant([number, 0]), min_area=0.3, image=whole
        ).numpy()
        black.append((result < 128).mean())
    assert np.mean(black) < (framed < 128).mean()
    assert np.std(black) > 0.01


def test_the_aspect_ratio_of_a_part_lies_within_3_to_4_and_4_to_3_of_the_whole():
    """Red grows from row to row and green from column to column, so their slopes are the part's height and width."""
    rows, columns = np.mgrid[0:96, 0:120]
    pixels = tf.constant(np.stack([rows * 2, columns * 2, 0 * rows], axis=-1).astype(np.uint8))
    whole = ImageConfig(image_size=32, resize_mode="squash")
    ratios, areas = [], []
    for number in range(150):
        part = augmentation.random_crop(pixels, seed=tf.constant([number, 0]), min_area=0.3, image=whole).numpy()
        height = (part[24, 16, 0] - part[8, 16, 0]) / 96  # half of the side, and two levels a pixel
        width = (part[16, 24, 1] - part[16, 8, 1]) / 120
        ratios.append(height / width)
        areas.append(height * width)
    assert 3 / 4 - 0.02 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 4 / 3 + 0.02
    assert 0.29 < min(areas) < 0.4
    assert 0.9 < max(areas) < 1.01


def test_the_hue_is_turned_either_way_by_at_most_its_fraction_of_the_circle():
    red = np.full((40, 40, 3), (200, 40, 40), np.uint8)
    hues = [colorsys.rgb_to_hsv(*view(number, pixels=red, hue=0.1)[16, 16] / 255)[0] for number in range(1, 40)]
    turns = [(hue + 0.5) % 1 - 0.5 for hue in hues]
    assert -0.101 < min(turns) < -0.07
    assert 0.07 < max(turns) < 0.101


def test_a_hue_is_at_most_half_of_the_circle_which_is_every_hue():
    assert from_flat(TrainConfig, {"image_dir": "photos", "hue": 0.5}).views.hue == 0.5
    with pytest.raises(ConfigError, match="hue"):
        from_flat(TrainConfig, {"image_dir": "photos", "hue": 0.51})


@pytest.mark.parametrize("setting", ["brightness", "contrast", "saturation", "hue"])
def test_each_colour_setting_changes_colours_within_range(setting):
    result = view(1, **{setting: 0.4})
    assert np.abs(result - view(0)).mean() > 0.5
    assert result.min() >= 0
    assert result.max() <= 255


def test_brightness_adds_at_most_its_fraction_of_the_range():
    gray = np.full((40, 40, 3), 100, np.uint8)
    shifts = [view(number, pixels=gray, brightness=0.2).mean() - 100 for number in range(1, 30)]
    assert max(np.abs(shifts)) <= 0.2 * 255 + 1e-3
    assert max(shifts) > 10
    assert min(shifts) < -10
