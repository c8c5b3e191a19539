"""Tests of keras_transfer.data.alignment."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from keras_transfer.data import alignment
from small_pictures import picture


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BILINEAR), np.float32)[np.newaxis]


def cropped(seed: int, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Of each side, the fraction that is cut off."""
    image = picture(seed, 300, 300)
    return image.crop((round(300 * left), round(300 * top), round(300 * (1 - right)), round(300 * (1 - bottom))))


@pytest.mark.parametrize(
    "cut", [(0, 0, 0, 0), (0.05, 0.05, 0.05, 0.05), (0.1, 0, 0, 0.1), (0, 0.07, 0.03, 0), (0.02, 0.06, 0.01, 0.04)]
)
def test_a_crop_matches_the_whole_either_way_round(cut):
    one, other = small(picture(0, 300, 300)), small(cropped(0, *cut))
    assert alignment.best_correlation(one, other)[0] > 0.9
    np.testing.assert_allclose(alignment.best_correlation(one, other), alignment.best_correlation(other, one))


def test_a_picture_matches_itself_wholly_and_in_other_light():
    one = small(picture(0))
    assert alignment.best_correlation(one, one)[0] == pytest.approx(1, abs=1e-5)
    assert alignment.best_correlation(one, 0.5 * one + 60)[0] == pytest.approx(1, abs=1e-5)


def test_other_pictures_do_not_match():
    pictures = np.concatenate([small(picture(seed)) for seed in range(20)])
    assert alignment.best_correlation(pictures[:10], pictures[10:]).max() < 0.5


def test_the_same_light_and_dark_with_other_details_does_not_match():
    """As two X-rays of different people."""
    rows, columns = np.mgrid[-1:1:64j, -1:1:64j]
    body = 150 * np.exp(-3 * (rows**2 + columns**2))
    details = [np.random.default_rng(seed).normal(0, 10, (16, 16)).repeat(4, 0).repeat(4, 1) for seed in range(2)]
    one, other = ((body + detail)[np.newaxis].astype(np.float32) for detail in details)
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9
    assert alignment.best_correlation(one, other)[0] < 0.5


def test_pictures_of_one_grey_match_nothing():
    flat = np.full((1, 64, 64), 77, np.float32)
    assert alignment.best_correlation(flat, flat)[0] == 0
    assert alignment.best_correlation(flat, small(picture(0)))[0] == 0


def test_no_pairs_have_no_scores():
    nothing = np.zeros((0, 64, 64), np.float32)
    assert alignment.best_correlation(nothing, nothing).shape == (0,)
