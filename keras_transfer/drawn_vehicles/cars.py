"""Vehicles that are built like a car: sedans, SUVs, pickups, panel vans and minibuses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_transfer.drawn_vehicles.geometry import WHITE, Colour, Points, box, circle, mix, rounded, shade
from keras_transfer.drawn_vehicles.pen import Pen

_TRIM: Colour = (40, 42, 46)


@dataclass(frozen=True)
class Car:
    """A body with a hood, a passenger cell and perhaps a deck behind it; all lengths are in metres.

    Attributes:
      length, width, height: outer size.
      clearance: of the body above the road.
      belt: height of the windows' lower edge.
      nose: height of the hood's front edge.
      hood: length of the hood, from the front to the windscreen.
      deck: length of what lies behind the passenger cell: trunk or load bed.
      front_rake, rear_rake: how far windscreen and rear window lean.
      wheel: radius of the wheels.
      windows: side windows, from the front.
      glazed: part, 0 to 1, of the passenger cell that has side windows.
      paint: colour.
      has_cladding: dark plastic along the lower edge.
      has_rails: rails on the roof.
    """

    length: float
    width: float
    height: float
    clearance: float
    belt: float
    nose: float
    hood: float
    deck: float
    front_rake: float
    rear_rake: float
    wheel: float
    windows: int
    glazed: float
    paint: Colour
    has_cladding: bool
    has_rails: bool

    def draw(self, pen: Pen) -> None:
        """Draws the car from its far wheels to its near lamps."""
        for x in self._axles:
            pen.far_wheel(x, self.wheel, half_width=0.9 * self.width / 2)
        self._draw_underside(pen)
        pen.solid(self._lower_body(), self.paint, half_widths=self.width / 2)
        self._draw_ends(pen)
        cell = self._cell()
        pen.solid(cell, self.paint, half_widths=self._half_width(cell), glass_above=self.belt + 0.04)
        self._draw_windows(pen)
        self._draw_trim(pen)
        for x in self._axles:
            pen.wheel_arch(x, self.wheel, half_width=self.width / 2 + 0.005, clearance=self.clearance)
            pen.wheel(x, self.wheel, half_width=self.width / 2 + 0.01)
        self._draw_lamps(pen)

    @property
    def _front(self) -> float:
        return self.length / 2

    @property
    def _axles(self) -> tuple[float, float]:
        return -self._front + 0.21 * self.length, self._front - 0.19 * self.length

    def _half_width(self, points: Points) -> Points:
        """The passenger cell leans inwards from the belt to the roof."""
        rise = (points[:, 1] - self.belt) / (self.height - self.belt)
        return np.asarray(self.width / 2 - 0.12 * self.width * np.clip(rise, 0, 1))

    def _lower_body(self) -> Points:
        front, rear = self._front, -self._front
        tail = self.belt - 0.02 if self.deck > 0.3 else self.belt
        outline = [
            (rear + 0.1, self.clearance),
            (rear, self.clearance + 0.18),
            (rear + 0.03, tail - 0.05),
            (rear + 0.1, tail),
            (rear + self.deck, self.belt),
            (front - self.hood, self.belt),
            (front - 0.14, self.nose),
            (front, self.nose - 0.2),
            (front + 0.01, self.clearance + 0.16),
            (front - 0.1, self.clearance),
        ]
        return rounded(outline, 0.16)

    def _cell_corners(self, margin: float) -> Points:
        """Passenger cell (margin 0) or its glass, drawn in by `margin`: bottom and top rear, top and bottom front."""
        rear, front = -self._front + self.deck, self._front - self.hood
        top = self.height - margin
        lean = margin / (self.height - self.belt)
        return np.array(
            [
                (rear + 1.2 * margin, self.belt),
                (rear + self.rear_rake * (1 - lean) + 1.2 * margin, top),
                (front - self.front_rake * (1 - lean) - 1.2 * margin, top),
                (front - 1.2 * margin, self.belt),
            ]
        )

    def _cell(self) -> Points:
        corners = self._cell_corners(0.0)
        middle = (corners[1] + corners[2]) / 2 + (0, 0.03)
        low = corners[[0, 3]] - (0, 0.06)
        return rounded([low[0], corners[0], corners[1], middle, corners[2], corners[3], low[1]], 0.22)

    def _draw_underside(self, pen: Pen) -> None:
        low = box(self._axles[0], 0.5 * self.clearance, self._axles[1], self.clearance + 0.1)
        pen.side(low, (18, 18, 20), z=0.0)

    def _draw_windows(self, pen: Pen) -> None:
        glass = self._cell_corners(0.085)
        glass[0, 0] = glass[3, 0] - self.glazed * (glass[3, 0] - glass[0, 0])
        glass[1, 0] = max(glass[1, 0], glass[0, 0])
        pane = rounded(glass + [(0, 0.03), (0, 0), (0, 0), (0, 0.03)], 0.07)
        z = self._half_width(pane) + 0.004
        pen.glass(pane, z=z)
        self._draw_reflection(pen, glass)
        for number in range(1, self.windows):
            self._draw_pillar(pen, glass, place=number / self.windows)

    def _draw_reflection(self, pen: Pen, glass: Points) -> None:
        x = glass[0, 0] + pen.rng.uniform(0.3, 0.7) * (glass[3, 0] - glass[0, 0])
        low, high = glass[0, 1] + 0.04, glass[1, 1]
        streak = np.array([(x - 0.3, low), (x, high), (x + 0.16, high), (x - 0.14, low)])
        streak[:, 0] = np.clip(streak[:, 0], glass[1, 0], glass[2, 0])
        pen.glaze(streak, WHITE, z=self._half_width(streak) + 0.004, opacity=0.18)

    def _draw_pillar(self, pen: Pen, glass: Points, *, place: float) -> None:
        low = glass[0, 0] + place * (glass[3, 0] - glass[0, 0])
        high = low + 0.06 * (glass[1, 0] + glass[2, 0] - 2 * low)
        bar = np.array([(low - 0.04, glass[0, 1]), (high - 0.03, glass[1, 1]), (high + 0.03, glass[1, 1])])
        bar = np.concatenate([bar, [(low + 0.04, glass[0, 1])]])
        pen.side(bar, _TRIM, z=self._half_width(bar) + 0.006)

    def _draw_trim(self, pen: Pen) -> None:
        z, dark = self.width / 2 + 0.004, shade(self.paint, 0.55)
        left, right = self._axles[0] + 1.2 * self.wheel, self._axles[1] - 1.2 * self.wheel
        sill = self.clearance + (0.2 if self.has_cladding else 0.09)
        pen.side(box(left, self.clearance, right, sill), _TRIM, z=z)
        glass = self._cell_corners(0.085)
        doors = [glass[3, 0] - 0.12, *np.linspace(glass[3, 0], glass[0, 0], self.windows + 1)[1:-1].tolist()]
        for x in doors[:3]:
            pen.line([(x, sill), (x + 0.02, self.belt)], dark, z=z, width=0.018)
            pen.line([(x - 0.28, self.belt - 0.13), (x - 0.12, self.belt - 0.13)], dark, z=z, width=0.035)
        shoulder = [(-self._front + 0.15, self.belt - 0.1), (self._front - 0.35, self.nose - 0.02)]
        pen.line(shoulder, mix(self.paint, WHITE, 0.35), z=z, width=0.016)
        mirror = circle((glass[3, 0] - 0.1, self.belt + 0.09), 0.1, sides=12)
        pen.side(mirror * (1, 0.8) + (0, 0.2 * (self.belt + 0.09)), shade(self.paint, 0.8), z=z + 0.12)
        if self.has_rails:
            top = self._cell_corners(0.0)
            rail = [(top[1, 0] + 0.2, self.height + 0.07), (top[2, 0] - 0.1, self.height + 0.06)]
            pen.line(rail, (66, 68, 72), z=0.36 * self.width, width=0.045)

    def _draw_ends(self, pen: Pen) -> None:
        half, middle = self.width / 2, (self.clearance + self.nose) / 2
        front, rear = self._front + 0.012, -self._front - 0.002
        pen.end(front, _TRIM, span_z=(-0.55 * half, 0.55 * half), span_y=(middle - 0.12, middle + 0.06))
        pen.end(front, (228, 228, 222), span_z=(-0.24, 0.24), span_y=(self.clearance + 0.1, self.clearance + 0.2))
        pen.end(rear, (228, 228, 222), span_z=(-0.26, 0.26), span_y=(middle, middle + 0.12))
        pen.end(rear, (170, 28, 30), span_z=(0.62 * half, 0.96 * half), span_y=(self.belt - 0.3, self.belt - 0.12))
        pen.end(rear, (170, 28, 30), span_z=(-0.96 * half, -0.62 * half), span_y=(self.belt - 0.3, self.belt - 0.12))

    def _draw_lamps(self, pen: Pen) -> None:
        z, front, rear = self.width / 2 + 0.006, self._front, -self._front
        high = self.nose - 0.09
        pen.headlight(
            [(front - 0.4, high), (front - 0.06, high), (front - 0.02, high - 0.16), (front - 0.2, high - 0.14)], z=z
        )
        tail = self.belt - 0.1
        pen.tail_light(
            [(rear + 0.04, tail - 0.16), (rear + 0.04, tail), (rear + 0.26, tail - 0.02), (rear + 0.16, tail - 0.14)],
            z=z,
        )
