"""Things that stand beside a road, each drawn at a spot in the world."""

from __future__ import annotations

import numpy as np

from keras_transfer.drawn_vehicles.canvas import Canvas
from keras_transfer.drawn_vehicles.geometry import BLACK, Colour, Points, at_depth, box, circle, shade

_LEAVES: tuple[Colour, ...] = ((70, 108, 52), (92, 124, 58), (58, 92, 60), (158, 126, 60), (120, 132, 66))
_NEEDLES: tuple[Colour, ...] = ((44, 82, 62), (56, 88, 58), (38, 70, 58))
_BARK: Colour = (98, 78, 62)
_WALLS: tuple[Colour, ...] = (
    (196, 178, 152),
    (170, 108, 88),
    (206, 200, 188),
    (148, 152, 160),
    (186, 150, 110),
    (126, 118, 124),
)
_WINDOW: Colour = (92, 108, 126)
_LIT_WINDOW: Colour = (250, 214, 142)
_LAMP_LIGHT: Colour = (255, 212, 150)
_SIGNS: tuple[Colour, ...] = ((36, 92, 160), (38, 116, 74), (196, 48, 44), (226, 190, 52))


def paint_tree(canvas: Canvas, spot: Points, *, height: float, rng: np.random.Generator) -> None:
    """A broad-leaved tree or a conifer, `height` metres high, standing at `spot`, shape (3,)."""
    if rng.random() < 0.3:
        _paint_conifer(canvas, spot, height=height, rng=rng)
        return
    trunk = height * 0.035
    canvas.face(spot + at_depth(box(-trunk, 0, trunk, 0.6 * height), 0), _BARK)
    canvas.glaze(spot + at_depth(box(-trunk, 0, -0.2 * trunk, 0.6 * height), 0), BLACK, opacity=0.25)
    _paint_foliage(
        canvas, spot + (0, 0.68 * height, 0), radius=0.3 * height, colour=_LEAVES[rng.integers(len(_LEAVES))], rng=rng
    )


def paint_bush(canvas: Canvas, spot: Points, *, radius: float, rng: np.random.Generator) -> None:
    """A round bush."""
    _paint_foliage(
        canvas, spot + (0, 0.7 * radius, 0), radius=radius, colour=_LEAVES[rng.integers(len(_LEAVES))], rng=rng
    )


def paint_lamp_post(canvas: Canvas, spot: Points, *, width: float, rng: np.random.Generator) -> None:
    """A street lamp on a post `width` metres thick; its lamp is lit in the dark."""
    metal: Colour = shade((122, 126, 130), rng.uniform(0.6, 1.2))
    height = rng.uniform(5.0, 7.0)
    arm = rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 1.6)
    canvas.face(spot + at_depth(box(-width / 2, 0, width / 2, height), 0), metal)
    canvas.glaze(spot + at_depth(box(-width / 2, 0, -width / 8, height), 0), BLACK, opacity=0.3)
    canvas.stroke(spot + np.array([(0, height, 0), (arm, height + 0.15, 0)]), metal, width=0.5 * width)
    lamp = spot + at_depth(box(arm - 0.3, height + 0.02, arm + 0.3, height + 0.18), 0)
    canvas.face(lamp, (232, 228, 214), glow=_LAMP_LIGHT)
    canvas.halo(lamp.mean(axis=0), shade(_LAMP_LIGHT, 0.7), radius=0.9)


def paint_sign(canvas: Canvas, spot: Points, *, width: float, rng: np.random.Generator) -> None:
    """A traffic sign on a pole, `width` metres wide, its lower edge about as high as it is wide."""
    colour = _SIGNS[rng.integers(len(_SIGNS))]
    foot, pole = width * rng.uniform(0.6, 1.4), width * 0.06
    canvas.face(spot + at_depth(box(-pole, 0, pole, foot + width), 0), (150, 152, 156))
    shapes = (
        box(-width / 2, foot, width / 2, foot + 0.8 * width),
        circle((0, foot + width / 2), width / 2),
        np.array([(-width / 2, foot), (0, foot + 0.87 * width), (width / 2, foot)]),
    )
    shape = shapes[rng.integers(len(shapes))]
    centre = shape.mean(axis=0)
    canvas.face(spot + at_depth(shape, 0), (236, 236, 232))
    canvas.face(spot + at_depth(centre + 0.88 * (shape - centre), 0), colour)
    canvas.face(spot + at_depth(centre + (shape - centre) * (0.6, 0.2), 0), (236, 236, 232))


def paint_guard_rail(canvas: Canvas, *, z: float, height: float) -> None:
    """A steel rail along the road on posts; `height` in metres is that of its upper edge."""
    steel: Colour = (168, 172, 178)
    steps = np.arange(-40, 40, 4.0)[:, None, None] * (1, 0, 0)
    post = at_depth(box(-0.06 * height, 0, 0.06 * height, 0.9 * height), z - 0.05)
    canvas.faces(post + steps, shade(steel, 0.65))
    for low, high, light in ((0.55, 1.0, 0.8), (0.62, 0.74, 1.1), (0.82, 0.94, 1.18)):
        canvas.faces(at_depth(box(0, low * height, 4, high * height), z) + steps, shade(steel, light))


def paint_building(canvas: Canvas, front: Points, *, z: float, rng: np.random.Generator) -> None:
    """A house front, shape (4, 2) from bottom left clockwise, with rows of windows, some of them lit."""
    wall = shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.8, 1.1))
    (left, _), (right, top) = front[0], front[2]
    canvas.gradient(at_depth(front, z), [shade(wall, 1.06), shade(wall, 0.86)])
    canvas.face(at_depth(box(left - 0.2, top - 0.35, right + 0.2, top), z), shade(wall, 0.7))
    _paint_windows(canvas, front, z=z, frame=shade(wall, rng.choice([0.8, 1.2])), rng=rng)


def _paint_windows(canvas: Canvas, front: Points, *, z: float, frame: Colour, rng: np.random.Generator) -> None:
    (left, bottom), (right, top) = front[0], front[2]
    columns = max(2, int((right - left) / rng.uniform(1.6, 2.8)))
    pitch = (right - left) / columns
    corners = np.stack(
        np.meshgrid(left + (np.arange(columns) + 0.5) * pitch, np.arange(bottom + 1.0, top - 1.8, 3.0), [0.0]), axis=-1
    ).reshape(-1, 1, 3)
    half = 0.27 * pitch
    pane = corners + at_depth(box(-half, 0, half, 1.5), z)
    is_lit = rng.random(len(corners)) < 0.35
    canvas.faces(corners + at_depth(box(-half - 0.1, -0.12, half + 0.1, 1.6), z), frame)
    canvas.faces(pane[~is_lit], _WINDOW)
    canvas.faces(pane[is_lit], _WINDOW, glow=shade(_LIT_WINDOW, 0.8))


def _paint_conifer(canvas: Canvas, spot: Points, *, height: float, rng: np.random.Generator) -> None:
    needles = shade(_NEEDLES[rng.integers(len(_NEEDLES))], rng.uniform(0.9, 1.3))
    canvas.face(spot + at_depth(box(-0.03 * height, 0, 0.03 * height, 0.2 * height), 0), _BARK)
    for tier in range(4):
        low, reach = height * (0.12 + 0.2 * tier), height * (0.24 - 0.045 * tier)
        top = low + 0.36 * height * (1 - 0.06 * tier)
        canvas.face(spot + at_depth([(-reach, low), (0, top), (reach, low)], 0), shade(needles, 0.86 + 0.06 * tier))
        canvas.face(
            spot + at_depth([(0.1 * reach, low), (0, top), (reach, low)], 0), shade(needles, 0.98 + 0.08 * tier)
        )


def _paint_foliage(canvas: Canvas, centre: Points, *, radius: float, colour: Colour, rng: np.random.Generator) -> None:
    """Clumps of leaves in three layers: shadow, body, and what the sun falls on."""
    sunward = np.array([canvas.atmosphere.sun[0], 0.8, 0.0])
    for count, spread, size, light in ((9, 0.7, 0.5, 0.72), (9, 0.6, 0.4, 0.95), (8, 0.5, 0.22, 1.18)):
        angles, reaches = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
        offsets = np.column_stack([np.cos(angles) * reaches, np.sin(angles) * reaches * 0.8, np.zeros(count)])
        lift = sunward * (light - 0.72) * 0.6
        sizes = rng.uniform(0.8, 1.2, count)
        tones = [shade(colour, light * tone) for tone in rng.uniform(0.9, 1.1, count).tolist()]
        canvas.discs(centre + radius * (spread * offsets + lift), tones, radii=radius * size * sizes)
