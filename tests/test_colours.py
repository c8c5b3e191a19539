"""Tests of keras_transfer.data.colours."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from keras_transfer.data import colours
from keras_transfer.images import looks
from small_pictures import picture

RED, BLUE, GREEN, YELLOW = (200, 40, 30), (40, 60, 200), (30, 140, 50), (220, 200, 40)


def truck(colour: tuple[int, int, int], seed: int = 0) -> Image.Image:
    """A truck before a grey wall, all but its colour by the seed."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(120, 200, (12, 16), dtype=np.uint8)
    image = Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.rectangle([50, 90, 200, 170], fill=colour)
    pen.rectangle([205, 115, 260, 170], fill=colour)
    pen.rectangle([225, 122, 250, 142], fill=(230, 240, 250))
    for place in (80, 160, 235):
        pen.ellipse([place - 18, 155, place + 18, 191], fill=(20, 20, 20))
    return image


def re_encoded(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file).convert("RGB")


def scaled(*factors: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: Image.fromarray(np.clip(np.asarray(image) * factors, 0, 255).astype(np.uint8))


SAME = {
    "encoded again": re_encoded,
    "darker": scaled(0.6, 0.6, 0.6),
    "brighter": scaled(1.2, 1.2, 1.2),
    "warmer": scaled(1.15, 1.0, 0.8),
    "colder": scaled(0.85, 1.0, 1.2),
    "paler": lambda image: ImageEnhance.Color(image).enhance(0.7),
    "more vivid": lambda image: ImageEnhance.Color(image).enhance(1.4),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "other gamma": lambda image: image.point([round(255 * (value / 255) ** 0.8) for value in range(256)] * 3),
    "cropped": lambda image: image.crop((12, 5, image.width - 8, image.height - 10)),
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2)),
    "in grey": lambda image: image.convert("L").convert("RGB"),
}


def agree(one: Image.Image, other: Image.Image) -> bool:
    pair = [looks.shrink(np.asarray(image))[np.newaxis] for image in (one, other)]
    forth, back = colours.agree(*pair)[0], colours.agree(*pair[::-1])[0]
    assert forth == back
    return bool(forth)


@pytest.mark.parametrize("change", SAME)
@pytest.mark.parametrize("original", [truck(RED), truck(BLUE, 1), picture(3, 320, 240)], ids=["red", "blue", "blots"])
def test_what_cameras_and_encoders_change_leaves_the_colours_in_agreement(original, change):
    assert agree(original, SAME[change](original))


@pytest.mark.parametrize(
    ("one", "other"), [(RED, BLUE), (RED, GREEN), (RED, YELLOW), (BLUE, GREEN), (GREEN, YELLOW), (BLUE, YELLOW)]
)
def test_a_thing_of_another_colour_disagrees_though_its_surroundings_agree(one, other):
    assert not agree(truck(one), truck(other))


@pytest.mark.parametrize("change", ["encoded again", "cropped", "warmer", "darker"])
def test_another_colour_is_seen_through_other_changes(change):
    assert not agree(truck(RED), SAME[change](truck(BLUE)))


def test_a_thing_that_fills_the_picture_disagrees_in_another_colour():
    """Which no white balance makes of it."""
    shade = np.asarray(picture(0).convert("L"), np.float32)[..., np.newaxis] / 255
    red, blue = (Image.fromarray((shade * colour).astype(np.uint8)) for colour in (RED, BLUE))
    assert not agree(red, blue)


def test_no_pairs_have_no_answers():
    nothing = np.zeros((0, looks.SIDE, looks.SIDE, 3), np.uint8)
    assert colours.agree(nothing, nothing).shape == (0,)
