"""Turns a canvas into a photo: falling light, lamps, lens, sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from keras_transfer.drawn_vehicles.canvas import Canvas, Halo

Picture = NDArray[np.float32]


def expose(canvas: Canvas, *, shrink: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Takes the photo.

    Args:
      canvas: the finished drawing.
      shrink: how many canvas pixels, across and down, make one pixel of the photo.
      rng: for exposure, focus and noise.

    Returns:
      The photo, uint8 RGB, shape (height, width, 3), and the vehicle's mask, bool, shape (height, width).
    """
    mask = np.asarray(canvas.mask.reduce(shrink)) > 127
    picture = _as_floats(canvas.image.reduce(shrink)) * _falling_light(canvas, rng, shape=mask.shape)
    if canvas.atmosphere.is_dark:
        picture += _as_floats(canvas.emission.reduce(shrink))
        for halo in canvas.halos:
            _add_halo(picture, halo, mask=mask, shrink=shrink)
    picture = _adjust(picture, rng)
    blurred = _blur(Image.fromarray(picture.clip(0, 255).astype(np.uint8)), rng)
    grain = rng.uniform(2, 7) if canvas.atmosphere.is_dark else rng.uniform(0.5, 4)
    return _add_noise(_as_floats(blurred), rng, grain=grain), mask


def _as_floats(image: Image.Image) -> Picture:
    return np.asarray(image).astype(np.float32)


def _falling_light(canvas: Canvas, rng: np.random.Generator, *, shape: tuple[int, ...]) -> Picture:
    """Light on each pixel: that of the sky, darker towards the corners, and in the dark a pool of lamplight."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[:, None]
    corners = 1 - np.float32(rng.uniform(0.02, 0.14)) * (rows**2 + columns**2)
    light: NDArray[np.float32] = corners * np.array(canvas.atmosphere.light, dtype=np.float32)
    if canvas.atmosphere.is_dark:
        middle, reach = rng.uniform(-0.6, 0.6), rng.uniform(0.4, 0.9)
        across, down = np.exp(-(((columns - middle) / reach) ** 2)), np.exp(-(((rows - 0.4) / 0.7) ** 2))
        lamplight = np.array([0.42, 0.35, 0.24]) * rng.uniform(0.2, 1.0)
        light += (across * lamplight).astype(np.float32) * down.astype(np.float32)
    return light


def _add_halo(picture: Picture, halo: Halo, *, mask: NDArray[np.bool_], shrink: int) -> None:
    """Adds a Gaussian spot of light in place, within three standard deviations."""
    column, row = halo.centre[0] / shrink, halo.centre[1] / shrink
    across, down = (max(1.0, radius / shrink) for radius in halo.radius)
    height, width = mask.shape
    is_in_frame = 0 <= row < height and 0 <= column < width
    if halo.is_on_vehicle and is_in_frame and not mask[int(row), int(column)]:
        return
    top, bottom = int(max(0, row - 3 * down)), int(min(height, row + 3 * down + 1))
    left, right = int(max(0, column - 3 * across)), int(min(width, column + 3 * across + 1))
    if top < bottom and left < right:
        rows, columns = np.ogrid[top:bottom, left:right]
        spot = np.exp(-0.5 * (((rows - row) / down) ** 2 + ((columns - column) / across) ** 2))
        picture[top:bottom, left:right] += (spot[..., None] * np.array(halo.colour)).astype(np.float32)


def _adjust(picture: Picture, rng: np.random.Generator) -> Picture:
    """Exposure, white balance, contrast and saturation, as cameras differ."""
    balance = np.diag(rng.uniform(0.9, 1.15) * rng.uniform(0.96, 1.04, size=3))
    saturation, contrast, level = rng.uniform(0.75, 1.2), rng.uniform(0.85, 1.12), rng.uniform(100, 130)
    mixing = saturation * np.eye(3) + (1 - saturation) / 3  # between the mean of the channels and each of them
    change = (contrast * balance @ mixing).astype(np.float32)
    return np.asarray(picture @ change + np.float32(level * (1 - contrast)))


def _blur(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Sharp in half of the photos; else out of focus, moved, or taken at a lower resolution."""
    kind = rng.random()
    if kind < 0.14:
        return photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.3)))
    if kind < 0.24:
        return photo.filter(ImageFilter.BoxBlur((rng.uniform(0.6, 3.0), 0)))
    if kind < 0.34:
        part = rng.uniform(0.35, 0.7)
        small = photo.resize((round(photo.width * part), round(photo.height * part)), Image.Resampling.BILINEAR)
        return small.resize(photo.size, Image.Resampling.BICUBIC)
    return photo


def _add_noise(picture: Picture, rng: np.random.Generator, *, grain: float) -> NDArray[np.uint8]:
    """Sensor noise: mostly in brightness, some of it between red and blue."""
    brightness, tint = np.float32(grain) * rng.standard_normal((2, *picture.shape[:2]), dtype=np.float32)
    picture += brightness[..., None] + np.float32(0.5)  # the half rounds
    picture[..., 0] += tint / 3
    picture[..., 2] -= tint / 3
    return picture.clip(0, 255, out=picture).astype(np.uint8)
