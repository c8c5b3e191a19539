"""What stands behind, below and in front of the vehicle: sky, land, road, and things that hide it."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_transfer.drawn_vehicles.canvas import Canvas
from keras_transfer.drawn_vehicles.geometry import BLACK, WHITE, Colour, Points, box, mix, shade
from keras_transfer.drawn_vehicles.street_furniture import (
    paint_building,
    paint_bush,
    paint_guard_rail,
    paint_lamp_post,
    paint_sign,
    paint_tree,
)

_LANE_METRES = 3.5
_GRASS: tuple[Colour, ...] = ((98, 128, 62), (122, 138, 72), (150, 142, 86), (84, 112, 66))
_PAVING: tuple[Colour, ...] = ((150, 148, 142), (168, 160, 148), (132, 134, 138))
_ASPHALT: tuple[Colour, ...] = ((88, 90, 94), (74, 76, 82), (112, 110, 108), (98, 92, 90))


def paint_background(canvas: Canvas, rng: np.random.Generator) -> None:
    """Everything behind the vehicle and the road under it."""
    is_town = rng.random() < 0.45
    far_edge = -(1.9 + _LANE_METRES * int(rng.integers(0, 3)))
    _paint_sky(canvas, rng)
    _paint_hills(canvas, rng)
    lands = _PAVING if is_town else _GRASS
    _paint_ground(canvas, lands[rng.integers(len(lands))])
    if is_town:
        _paint_town(canvas, rng, far_edge=far_edge)
    else:
        _paint_country(canvas, rng, far_edge=far_edge)
    _paint_road(canvas, far_edge, is_town=is_town, rng=rng)


def paint_foreground(canvas: Canvas, *, length: float, rng: np.random.Generator) -> None:
    """Hides a part of the vehicle, which is `length` metres long, behind one or two things."""
    reach = canvas.viewpoint.distance_metres
    for _ in range(int(rng.integers(1, 3))):
        kind = int(rng.integers(5))
        spot = np.array([rng.uniform(-0.5, 0.5) * length, 0.0, rng.uniform(0.22, 0.45) * reach])
        if kind == 0:
            paint_lamp_post(canvas, spot, width=length * rng.uniform(0.02, 0.05), rng=rng)
        elif kind == 1:
            paint_tree(canvas, spot, height=length * rng.uniform(0.8, 1.2), rng=rng)
        elif kind == 2:
            paint_bush(canvas, spot, radius=length * rng.uniform(0.06, 0.12), rng=rng)
        elif kind == 3:
            paint_sign(canvas, spot, width=length * rng.uniform(0.07, 0.14), rng=rng)
        else:
            paint_guard_rail(canvas, z=float(spot[2]), height=length * rng.uniform(0.06, 0.11))


def paint_precipitation(canvas: Canvas, rng: np.random.Generator) -> None:
    """Falling rain or snow between the camera and the scene."""
    kind = canvas.atmosphere.precipitation
    if kind == "none":
        return
    width, height = canvas.size
    ink = ImageDraw.Draw(canvas.image, "RGBA")
    slant = rng.uniform(-0.3, 0.3)
    for column, row, size in rng.random((int(rng.integers(120, 320)), 3)).tolist():
        left, top = column * width, row * height
        if kind == "rain":
            drop = height * (0.02 + 0.05 * size)
            ink.line((left, top, left + slant * drop, top + drop), fill=(225, 230, 240, 110), width=1)
        else:
            flake = 1 + 4 * size * size
            ink.ellipse((left - flake, top - flake, left + flake, top + flake), fill=(255, 255, 255, 205))


def _paint_sky(canvas: Canvas, rng: np.random.Generator) -> None:
    air = canvas.atmosphere
    width, _ = canvas.size
    horizon = canvas.viewpoint.centre_pixels[1]
    tones = [(colour, BLACK) for colour in (air.zenith, air.horizon)]
    if air.is_dark:
        tones = [(BLACK, colour) for colour in (air.zenith, air.horizon)]
    depth = horizon + 0.06 * width  # the roll of the camera lowers the horizon at one side
    canvas.gradient_pixels(np.array([(0, 0), (width, 0), (width, depth), (0, depth)], dtype=np.float64), tones)
    target = canvas.emission if air.is_dark else canvas.image
    if air.visibility_metres > 200 and sum(air.horizon) > 250 and rng.random() < 0.8:
        _paint_clouds(target, rng, horizon=horizon, colour=mix(air.horizon, WHITE, 0.5))
    elif sum(air.horizon) < 250 and rng.random() < 0.6:
        spots = rng.random((40, 2)) * (width, max(horizon, 1))
        ImageDraw.Draw(target).point(spots.ravel().tolist(), fill=(190, 195, 215))


def _paint_clouds(target: Image.Image, rng: np.random.Generator, *, horizon: float, colour: Colour) -> None:
    """Clouds are drawn and blurred small: they have no sharp edges to lose."""
    width, height = target.size[0] // 8, max(2, int(horizon) // 8)
    stencil = Image.new("L", (width, height))
    ink = ImageDraw.Draw(stencil)
    for _ in range(int(rng.integers(2, 6))):
        column, row = rng.uniform(0, width), rng.uniform(0.1, 0.8) * height
        for _ in range(7):
            across, down = rng.uniform(2, 9), rng.uniform(0.8, 2.6)
            left, top = column + rng.normal(0, 6), row + rng.normal(0, 1.2)
            ink.ellipse((left - across, top - down, left + across, top + down), fill=int(rng.integers(110, 235)))
    size = (target.size[0], max(2, int(horizon)))
    soft = stencil.filter(ImageFilter.GaussianBlur(1.3)).resize(size, Image.Resampling.BICUBIC)
    red, green, blue = (round(channel) for channel in colour)
    target.paste((red, green, blue), (0, 0), soft)


def _paint_hills(canvas: Canvas, rng: np.random.Generator) -> None:
    """One to three ranges of hills, the farther ones nearer to the colour of the air."""
    width, height = canvas.size
    horizon = canvas.viewpoint.centre_pixels[1]
    columns = np.linspace(0, width, 48)
    base: Colour = (92, 112, 88)
    count = int(rng.integers(0, 4))
    for layer in range(count):
        waves = sum(
            rng.uniform(0.3, 1.0) / wave * np.sin(columns / width * wave * 2.6 + rng.uniform(0, 2 * np.pi))
            for wave in (1, 2, 4, 9)
        )
        rise = height * rng.uniform(0.03, 0.09) * (count - layer) ** 0.5
        rows = horizon - rise * (1.0 + 0.45 * waves)
        outline = np.column_stack([columns, rows])
        outline = np.concatenate([outline, [(width, horizon + height * 0.1), (0, horizon + height * 0.1)]])
        canvas.silhouette(outline, base, depth_metres=250 + 500 * (count - layer))


def _paint_ground(canvas: Canvas, land: Colour) -> None:
    width, height = canvas.size
    column, row = canvas.viewpoint.centre_pixels
    slope = math.tan(canvas.viewpoint.roll_radians)
    left, right = row - slope * column, row + slope * (width - column)
    outline = np.array([(0, left), (width, right), (width, height), (0, height)], dtype=np.float64)
    air = canvas.atmosphere
    tones = []
    for below in (0.0, 0.12, 0.4, 1.0):
        metres = canvas.viewpoint.height_metres * canvas.viewpoint.focal_pixels / (below * (height - row) + 4)
        fade = air.fade(metres)
        if air.is_dark:
            tones.append((shade(land, 1 - fade), shade(air.horizon, fade)))
        else:
            tones.append((mix(land, air.horizon, fade), BLACK))
    canvas.gradient_pixels(outline, [tones[0], tones[1], tones[2], tones[2], tones[3]])


def _paint_town(canvas: Canvas, rng: np.random.Generator, *, far_edge: float) -> None:
    """A row of houses along the pavement, then lamp posts and street trees in front of it."""
    width, _ = canvas.size
    for row in (-30.0, far_edge - rng.uniform(4, 9)):
        if rng.random() < 0.25:
            continue
        left = canvas.viewpoint.x_at(-0.1 * width, z=row)
        right = canvas.viewpoint.x_at(1.1 * width, z=row)
        while left < right:
            front = rng.uniform(7, 16)
            paint_building(canvas, box(left, 0, left + front, rng.uniform(5, 18)), z=row, rng=rng)
            left += front + (rng.uniform(0, 6) if rng.random() < 0.4 else 0)
    for column in rng.random(int(rng.integers(0, 4))).tolist():
        z = far_edge - 1.2
        spot = np.array([canvas.viewpoint.x_at(column * width, z=z), 0.0, z])
        if rng.random() < 0.5:
            paint_lamp_post(canvas, spot, width=0.14, rng=rng)
        else:
            paint_tree(canvas, spot, height=rng.uniform(4, 7), rng=rng)


def _paint_country(canvas: Canvas, rng: np.random.Generator, *, far_edge: float) -> None:
    """Trees and bushes, the farthest first, and sometimes a guard rail."""
    width, _ = canvas.size
    for distance in sorted(rng.uniform(2, 70, size=int(rng.integers(2, 15))), reverse=True):
        z = far_edge - distance
        spot = np.array([canvas.viewpoint.x_at(rng.uniform(-0.1, 1.1) * width, z=z), 0.0, z])
        if rng.random() < 0.7:
            paint_tree(canvas, spot, height=rng.uniform(3.5, 10), rng=rng)
        else:
            paint_bush(canvas, spot, radius=rng.uniform(0.5, 1.4), rng=rng)
    if rng.random() < 0.45:
        paint_guard_rail(canvas, z=far_edge - 0.6, height=0.75)


def _paint_road(canvas: Canvas, far_edge: float, *, is_town: bool, rng: np.random.Generator) -> None:
    near_edge = 1.9 + _LANE_METRES * int(rng.integers(0, 2))
    asphalt = shade(_ASPHALT[rng.integers(len(_ASPHALT))], rng.uniform(0.85, 1.15))
    if is_town:
        _paint_strip(canvas, shade(_PAVING[rng.integers(len(_PAVING))], 1.1), far=far_edge - 2.2, near=far_edge)
        _paint_strip(canvas, (186, 184, 178), far=far_edge - 0.18, near=far_edge)
    _paint_strip(canvas, asphalt, far=far_edge, near=near_edge)
    for lane in np.arange(far_edge + 1.9, near_edge, _LANE_METRES).tolist():
        for track in (-0.85, 0.85):
            _paint_strip(canvas, shade(asphalt, 0.94), far=lane + track - 0.22, near=lane + track + 0.22)
    paint: Colour = (226, 200, 120) if rng.random() < 0.2 else (222, 222, 216)
    for z in np.arange(far_edge + 3.65, near_edge - 1, _LANE_METRES).tolist():
        starts = np.arange(-36 + rng.uniform(0, 6), 36, 6)
        _paint_patches(canvas, starts, starts + 2.6, span_z=(z - 0.06, z + 0.06), colour=paint)
    if rng.random() < 0.7:
        for edge in (far_edge + 0.25, near_edge - 0.25):
            _paint_strip(canvas, paint, far=edge - 0.06, near=edge + 0.06)


def _paint_strip(canvas: Canvas, colour: Colour, *, far: float, near: float) -> None:
    """A band of the ground between two lines along the road; in parts, because the air thickens with depth."""
    steps = np.linspace(-60, 60, 13)
    _paint_patches(canvas, steps[:-1], steps[1:], span_z=(far, near), colour=colour)


def _paint_patches(
    canvas: Canvas, lefts: Points, rights: Points, *, span_z: tuple[float, float], colour: Colour
) -> None:
    """Rectangles on the ground from each left to each right end, shapes (n,)."""
    corners = np.zeros((len(lefts), 4, 3))
    corners[:, (0, 3), 0], corners[:, (1, 2), 0] = lefts[:, None], rights[:, None]
    corners[:, :2, 2], corners[:, 2:, 2] = span_z
    canvas.faces(corners, colour)
