"""Draws in one vehicle's own coordinates: x metres ahead of its middle, y up from the road, z towards the near side."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from keras_transfer.drawn_vehicles.canvas import Canvas
from keras_transfer.drawn_vehicles.geometry import BLACK, Colour, Points, at_depth, circle, mix, shade

GLASS: Colour = (46, 58, 72)
TYRE: Colour = (34, 34, 37)
_HEADLIGHT: Colour = (255, 246, 220)
_TAIL_LIGHT: Colour = (255, 40, 28)
_WHEEL_HOLES = 6
# From the top of a painted side to its bottom: sky in the shoulder, the paint itself, the road below.
_PAINT_LIGHTS = (1.18, 1.04, 0.98, 0.78, 0.66)


class Pen:
    """Turns parts of a vehicle into shapes on a canvas.

    Attributes:
      canvas: what is drawn on.
      rng: for what differs between two vehicles of the same shape.
    """

    def __init__(self, canvas: Canvas, *, facing: int, rng: np.random.Generator) -> None:
        """`facing` is 1 where the vehicle's front is at the right of the picture, -1 at the left."""
        self.canvas = canvas
        self.rng = rng
        self._to_world = np.array([facing, 1.0, 1.0])

    def side(self, outline: ArrayLike, colour: Colour, *, z: ArrayLike, glow: Colour = BLACK) -> None:
        """A flat part of the side; outline of shape (n, 2), z one or n depths."""
        self.canvas.face(at_depth(outline, z) * self._to_world, colour, glow=glow)

    def painted_side(self, outline: ArrayLike, colour: Colour, *, z: ArrayLike) -> None:
        """The same in glossy paint: lighter at the top, darker towards the road."""
        light = self.canvas.atmosphere.brightness(np.array([0.0, 0.0, 1.0]))
        colours = [shade(colour, light * tone) for tone in _PAINT_LIGHTS]
        self.canvas.gradient(at_depth(outline, z) * self._to_world, colours)

    def glass(self, outline: ArrayLike, *, z: ArrayLike) -> None:
        """A side window, with the sky mirrored in its upper part."""
        pane = np.asarray(outline, dtype=np.float64)
        sky = mix(self.canvas.atmosphere.zenith, self.canvas.atmosphere.horizon, 0.5)
        tones = [mix(GLASS, sky, 0.4), mix(GLASS, sky, 0.12), GLASS]
        self.canvas.gradient(at_depth(pane, z) * self._to_world, tones)

    def glaze(self, outline: ArrayLike, colour: Colour, *, z: ArrayLike, opacity: float) -> None:
        """A translucent part of the side."""
        self.canvas.glaze(at_depth(outline, z) * self._to_world, colour, opacity=opacity)

    def line(self, route: ArrayLike, colour: Colour, *, z: ArrayLike, width: float) -> None:
        """A line on the side through points of shape (n, 2); `width` in metres."""
        self.canvas.stroke(at_depth(route, z) * self._to_world, colour, width=width)

    def disc(self, centre: tuple[float, float], colour: Colour, *, radius: float, z: float) -> None:
        """A ball or disc that faces the camera."""
        self.canvas.discs(np.array([[*centre, z]]) * self._to_world, [colour], radii=np.array([radius]))

    def end(self, x: float, colour: Colour, *, span_z: tuple[float, float], span_y: tuple[float, float]) -> None:
        """A rectangle on the front (x above 0) or on the back, drawn only where the camera sees that end."""
        (left, right), (low, high) = span_z, span_y
        corners = np.array([(x, low, left), (x, high, left), (x, high, right), (x, low, right)])
        if self._sees(corners[0], np.array([math.copysign(1.0, x), 0.0, 0.0])):
            self.canvas.face(corners * self._to_world, colour)

    def solid(
        self, profile: ArrayLike, colour: Colour, *, half_widths: ArrayLike, glass_above: float = math.inf
    ) -> None:
        """A body that keeps its profile, shape (n, 2), clockwise, from the far side to the near one.

        Args:
          profile: outline seen from the side.
          colour: paint.
          half_widths: distance of each profile point (or of all) from the middle, in metres.
          glass_above: steep faces higher than this are windows.
        """
        near = at_depth(profile, half_widths)
        far = near * (1, 1, -1)
        self._rim(near, colour, far=far, glass_above=glass_above)
        self.painted_side(near[:, :2], colour, z=near[:, 2])

    def wheel(self, x: float, radius: float, *, half_width: float) -> None:
        """The wheel of the near side at `x`, with a rim."""
        turn = self.rng.uniform(0, 2 * np.pi)
        for z in (half_width - 0.2, half_width - 0.1, half_width):
            self.side(circle((x, radius), radius), TYRE, z=z)
        metal = shade((176, 180, 186), self.canvas.atmosphere.brightness(np.array([0.0, 0.0, 1.0])))
        self.side(circle((x, radius), 0.68 * radius), shade(metal, 0.55), z=half_width)
        self.side(circle((x, radius), 0.64 * radius), metal, z=half_width)
        for angle in np.linspace(turn, turn + 2 * np.pi, _WHEEL_HOLES, endpoint=False).tolist():
            middle = np.array([x, radius]) + 0.43 * radius * np.array([math.cos(angle), math.sin(angle)])
            self.side(circle((middle[0], middle[1]), 0.13 * radius, sides=8), shade(metal, 0.38), z=half_width)
        self.side(circle((x, radius), 0.14 * radius, sides=10), shade(metal, 0.6), z=half_width)

    def far_wheel(self, x: float, radius: float, *, half_width: float) -> None:
        """The wheel of the far side, to be drawn before the body that hides most of it."""
        for z in (-half_width, -half_width + 0.2):
            self.side(circle((x, radius), radius), shade(TYRE, 0.7), z=z)

    def wheel_arch(self, x: float, radius: float, *, half_width: float, clearance: float) -> None:
        """The dark opening in the body above a wheel."""
        opening = circle((x, radius), 1.17 * radius)
        opening[:, 1] = np.maximum(opening[:, 1], clearance)
        self.side(opening, (22, 22, 24), z=half_width)

    def headlight(self, outline: ArrayLike, *, z: float) -> None:
        """A lamp at the front of the side; in the dark it shines, and lights the road ahead."""
        self._lamp(outline, (226, 230, 232), z=z, glow=_HEADLIGHT, halo_metres=0.3)
        x = float(np.asarray(outline)[:, 0].max())
        lit_road = np.array([x + 2.4, 0.02, 0.0]) * self._to_world
        self.canvas.light_pool(lit_road, shade(_HEADLIGHT, 0.5), radius=(1.5, 0.16))

    def tail_light(self, outline: ArrayLike, *, z: float) -> None:
        """A red lamp at the back of the side."""
        self._lamp(outline, (176, 30, 30), z=z, glow=_TAIL_LIGHT, halo_metres=0.22)

    def _lamp(self, outline: ArrayLike, colour: Colour, *, z: float, glow: Colour, halo_metres: float) -> None:
        self.side(outline, colour, z=z, glow=glow)
        centre = at_depth(outline, z).mean(axis=0) * self._to_world
        self.canvas.halo(centre, shade(glow, 0.8), radius=halo_metres)

    def _rim(self, near: Points, colour: Colour, *, far: Points, glass_above: float) -> None:
        """The faces between the two sides that the camera sees: hood, windscreen, roof, front and back."""
        edges = np.roll(near, -1, axis=0) - near
        lengths = np.hypot(edges[:, 0], edges[:, 1])
        corners = np.stack([near, np.roll(near, -1, axis=0), np.roll(far, -1, axis=0), far], axis=1)
        for edge, length, face in zip(edges, lengths.tolist(), corners, strict=True):
            normal = np.array([-edge[1], edge[0], 0.0]) / max(length, 1e-9)
            if length < 1e-6 or not self._sees(face[0], normal):
                continue
            is_glass = abs(normal[0]) > 0.35 and face[:, 1].mean() > glass_above
            own = mix(GLASS, self.canvas.atmosphere.horizon, 0.3) if is_glass else colour
            light = self.canvas.atmosphere.brightness(normal * self._to_world)
            self.canvas.face(face * self._to_world, shade(own, light))

    def _sees(self, point: Points, normal: Points) -> bool:
        eye = self.canvas.viewpoint.eye * self._to_world
        return bool(normal @ (eye - point) > 0)
