"""Points, colours and the pinhole camera that the drawings are made with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[float, float, float]
Points = NDArray[np.float64]

BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (255.0, 255.0, 255.0)
# What lies nearer than this, or behind the camera, is drawn as if it were this near: far outside the frame.
NEAREST_METRES = 0.4


@dataclass(frozen=True)
class Viewpoint:
    """A pinhole camera beside a road, looking level at the world's origin.

    The world is in metres: x along the road to the right, y up from the road, z towards the camera.

    Attributes:
      distance_metres: from the camera to the world's vertical axis.
      height_metres: of the camera above the road.
      yaw_radians: turn of the world about its vertical axis; above 0 the camera sees more of what faces left.
      roll_radians: turn of the picture, clockwise.
      focal_pixels: pixels that 1 metre covers at a depth of 1 metre.
      centre_pixels: where the camera's axis meets the picture (column, row); its row is the horizon's.
    """

    distance_metres: float
    height_metres: float
    yaw_radians: float
    roll_radians: float
    focal_pixels: float
    centre_pixels: tuple[float, float]

    @cached_property
    def eye(self) -> Points:
        """The camera's place in the world: float64, shape (3,), metres."""
        return np.array(
            [
                -self.distance_metres * math.sin(self.yaw_radians),
                self.height_metres,
                self.distance_metres * math.cos(self.yaw_radians),
            ]
        )

    def project(self, points: Points) -> tuple[Points, Points]:
        """Where points in the world appear.

        Args:
          points: shape (..., 3), metres.

        Returns:
          Column and row in pixels, shape (..., 2), and metres from the camera along its axis, shape (...).
        """
        seen = (points - self.eye) @ self._axes
        depth = np.maximum(seen[..., 2], NEAREST_METRES)
        return seen[..., :2] * (self.focal_pixels / depth)[..., None] + self.centre_pixels, depth

    @cached_property
    def _axes(self) -> Points:
        """The camera's directions right, down and ahead in the world, as columns: shape (3, 3)."""
        cosine, sine = math.cos(self.yaw_radians), math.sin(self.yaw_radians)
        right, down, ahead = np.array([(cosine, 0, sine), (0, -1, 0), (sine, 0, -cosine)], dtype=np.float64)
        cosine, sine = math.cos(self.roll_radians), math.sin(self.roll_radians)
        return np.column_stack([right * cosine - down * sine, right * sine + down * cosine, ahead])

    def x_at(self, column: float, *, z: float) -> float:
        """Where along the road (x, metres) the line at `z` crosses a picture column, the roll left aside."""
        offset = (column - self.centre_pixels[0]) / self.focal_pixels
        cosine, sine = math.cos(self.yaw_radians), math.sin(self.yaw_radians)
        return (offset * (self.distance_metres - z * cosine) - z * sine) / (cosine - offset * sine)


def at_depth(points: ArrayLike, z: ArrayLike) -> Points:
    """Puts flat points (x, y), shape (n, 2), at `z` (one, or one for each point): shape (n, 3)."""
    flat = np.asarray(points, dtype=np.float64)
    points = np.empty((len(flat), 3))
    points[:, :2] = flat
    points[:, 2] = z
    return points


def box(left: float, bottom: float, right: float, top: float) -> Points:
    """The corners of an upright rectangle, clockwise from bottom left: shape (4, 2)."""
    return np.array([[left, bottom], [left, top], [right, top], [right, bottom]])


def circle(centre: tuple[float, float], radius: float, *, sides: int = 28) -> Points:
    """A regular polygon that stands for a circle: shape (sides, 2)."""
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    return np.column_stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)])


def rounded(points: ArrayLike, radius: float, *, steps: int = 5) -> Points:
    """A polygon, shape (n, 2), with each corner replaced by `steps` points of a quadratic Bezier curve."""
    corners = np.asarray(points, dtype=np.float64)
    curve = np.linspace(0, 1, steps)[None, :, None]
    ends = []
    for neighbours in (np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)):
        edges = neighbours - corners
        lengths = np.linalg.norm(edges, axis=1, keepdims=True)
        ends.append((corners + edges / lengths * np.minimum(radius, 0.45 * lengths))[:, None])
    bent = (1 - curve) ** 2 * ends[0] + 2 * curve * (1 - curve) * corners[:, None] + curve**2 * ends[1]
    return np.asarray(bent.reshape(-1, 2))


def mix(first: Colour, second: Colour, fraction: float) -> Colour:
    """The colour `fraction` (0 to 1) of the way from the first to the second."""
    red, green, blue = (own + (other - own) * fraction for own, other in zip(first, second, strict=True))
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """The colour with its light multiplied by `factor`, cut off at white."""
    red, green, blue = (min(channel * factor, 255.0) for channel in colour)
    return red, green, blue
