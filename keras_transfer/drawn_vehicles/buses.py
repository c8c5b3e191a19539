"""Buses: city buses, coaches, double-deckers and, at the edge, minibuses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_transfer.drawn_vehicles.car_designs import random_paint, random_van
from keras_transfer.drawn_vehicles.cars import Car
from keras_transfer.drawn_vehicles.geometry import WHITE, Colour, Points, box, mix, rounded, shade
from keras_transfer.drawn_vehicles.pen import GLASS, Pen
from keras_transfer.drawn_vehicles.trucks import draw_livery

_TRIM: Colour = (38, 40, 44)
_LIT_INSIDE: Colour = (236, 226, 190)


@dataclass(frozen=True)
class Bus:
    """One long box with rows of windows; all lengths are in metres.

    Attributes:
      length, width, height: outer size.
      clearance: of the body above the road.
      decks: 1 or 2.
      belt: height of the lowest windows' lower edge.
      pitch: length of a window.
      doors: on this side; none on the side away from the kerb.
      wheel: radius of the wheels.
      front_lean: how far the front leans back at the roof.
      paint, second_paint: colours of the body and of its lower part or stripes.
      advertisement: part, 0 to 1, of the windows that a printed film covers.
    """

    length: float
    width: float
    height: float
    clearance: float
    decks: int
    belt: float
    pitch: float
    doors: int
    wheel: float
    front_lean: float
    paint: Colour
    second_paint: Colour
    advertisement: float

    def draw(self, pen: Pen) -> None:
        """Draws the body, its windows and doors, then wheels and lamps."""
        for x in self._axles:
            pen.far_wheel(x, self.wheel, half_width=0.94 * self.width / 2)
        pen.side(box(self._axles[0], 0.5 * self.clearance, self._axles[1], self.clearance + 0.1), (18, 18, 20), z=0.0)
        if self.decks == 1:
            self._draw_roof_units(pen)
        pen.solid(self._profile(), self.paint, half_widths=self.width / 2, glass_above=self.belt)
        self._draw_livery(pen)
        self._draw_windows(pen)
        self._draw_doors(pen)
        for x in self._axles:
            pen.wheel_arch(x, self.wheel, half_width=self.width / 2 + 0.006, clearance=self.clearance)
            pen.wheel(x, self.wheel, half_width=self.width / 2 + 0.01)
        self._draw_lamps(pen)

    @property
    def _axles(self) -> tuple[float, float]:
        return -self.length / 2 + 0.27 * self.length, self.length / 2 - 0.22 * self.length

    @property
    def _z(self) -> float:
        return self.width / 2 + 0.004

    def _profile(self) -> Points:
        front, rear = self.length / 2, -self.length / 2
        outline = [
            (rear, self.clearance),
            (rear + 0.02, self.height),
            (front - self.front_lean, self.height),
            (front - 0.25 * self.front_lean, self.belt + 0.5),
            (front, self.belt - 0.1),
            (front, self.clearance),
        ]
        return rounded(outline, 0.25)

    def _draw_roof_units(self, pen: Pen) -> None:
        for x in np.linspace(-0.3, 0.2, int(pen.rng.integers(0, 3)) + 1)[1:].tolist():
            unit = box(x * self.length, self.height - 0.05, (x + 0.18) * self.length, self.height + 0.22)
            pen.solid(rounded(unit, 0.1), mix(self.paint, WHITE, 0.4), half_widths=0.3 * self.width)

    def _draw_livery(self, pen: Pen) -> None:
        rear, front = -self.length / 2 + 0.05, self.length / 2 - 0.05
        skirt = self.clearance + pen.rng.uniform(0.15, 0.55) * (self.belt - self.clearance)
        pen.painted_side(box(rear, self.clearance, front, skirt), self.second_paint, z=self._z)
        if pen.rng.random() < 0.6:
            area = box(rear + 0.3, skirt, front - 0.6, self.belt - 0.06)
            draw_livery(pen, area, z=self._z)
        pen.line([(rear, self.clearance + 0.05), (front, self.clearance + 0.05)], _TRIM, z=self._z, width=0.08)

    def _draw_windows(self, pen: Pen) -> None:
        top = self.height - 0.32 if self.decks == 1 else self.belt + 0.85
        self._draw_window_row(pen, bottom=self.belt, top=top)
        if self.decks == 2:
            self._draw_window_row(pen, bottom=top + 0.55, top=self.height - 0.25)
        sign = box(self.length / 2 - 2.3, top + 0.03, self.length / 2 - 1.0, top + 0.22)
        pen.side(sign, (30, 28, 26), z=self._z + 0.004, glow=(60, 40, 10))
        letters = box(self.length / 2 - 2.15, top + 0.08, self.length / 2 - 1.3, top + 0.17)
        pen.side(letters, (238, 160, 52), z=self._z + 0.006, glow=(255, 170, 60))

    def _draw_window_row(self, pen: Pen, *, bottom: float, top: float) -> None:
        rear, front = -self.length / 2 + 0.25, self.length / 2 - 0.2 - self.front_lean * 0.5
        band = rounded(box(rear, bottom, front, top), 0.12)
        is_lit = pen.canvas.atmosphere.is_dark and pen.rng.random() < 0.75
        if is_lit:
            pen.side(band, GLASS, z=self._z, glow=shade(_LIT_INSIDE, 0.75))
        else:
            pen.glass(band, z=self._z)
        covered = rear + self.advertisement * (front - rear)
        if self.advertisement > 0:
            pen.painted_side(box(rear, bottom, covered, top), self.second_paint, z=self._z + 0.002)
        for x in np.arange(front - self.pitch, max(covered, rear + 0.3), -self.pitch).tolist():
            pen.line([(x, bottom + 0.02), (x, top - 0.02)], _TRIM, z=self._z + 0.002, width=0.07)
            if pen.rng.random() < 0.4:
                self._draw_passenger(pen, x=x + pen.rng.uniform(0.3, 0.7) * self.pitch, bottom=bottom)

    def _draw_passenger(self, pen: Pen, *, x: float, bottom: float) -> None:
        dark = shade(GLASS, 0.5)
        pen.side(rounded(box(x - 0.22, bottom + 0.02, x + 0.2, bottom + 0.26), 0.08), dark, z=self._z + 0.001)
        pen.disc((x, bottom + 0.36), dark, radius=0.12, z=self._z + 0.001)

    def _draw_doors(self, pen: Pen) -> None:
        top = self.belt + 0.95
        places = (self.length / 2 - 1.75, self._axles[0] + 1.1 + 0.1 * self.length)
        for left in places[: self.doors]:
            pen.side(box(left, self.clearance + 0.06, left + 1.2, top), _TRIM, z=self._z + 0.004)
            for leaf in (left + 0.06, left + 0.63):
                pen.glass(box(leaf, self.clearance + 0.16, leaf + 0.51, top - 0.08), z=self._z + 0.006)

    def _draw_lamps(self, pen: Pen) -> None:
        front, rear, half = self.length / 2, -self.length / 2, self.width / 2
        low = self.clearance + 0.35
        pen.headlight(rounded(box(front - 0.35, low, front - 0.02, low + 0.2), 0.05), z=self._z)
        pen.tail_light(box(rear + 0.02, low + 0.2, rear + 0.14, low + 0.55), z=self._z)
        pen.line([(front - 0.3, self.belt + 0.75), (front + 0.12, self.belt + 0.7)], _TRIM, z=self._z, width=0.05)
        pen.side(rounded(box(front + 0.04, self.belt + 0.25, front + 0.22, self.belt + 0.7), 0.05), _TRIM, z=self._z)
        pen.end(
            front + 0.012,
            (30, 28, 26),
            span_z=(-0.5 * half, 0.5 * half),
            span_y=(self.height - 0.35, self.height - 0.12),
        )
        pen.end(front + 0.012, (226, 230, 232), span_z=(-0.85 * half, -0.5 * half), span_y=(low, low + 0.2))
        pen.end(front + 0.012, (226, 230, 232), span_z=(0.5 * half, 0.85 * half), span_y=(low, low + 0.2))


def random_bus(rng: np.random.Generator) -> Bus | Car:
    """From a minibus to a double-decker."""
    if rng.random() < 0.12:
        return random_van(rng, windows=int(rng.integers(4, 6)), glazed=rng.uniform(0.85, 1.0))
    decks = 2 if rng.random() < 0.12 else 1
    is_coach = decks == 1 and rng.random() < 0.35
    belt = rng.uniform(1.55, 1.9) if is_coach else rng.uniform(1.1, 1.35)
    return Bus(
        length=rng.uniform(7.5, 13.0),
        width=rng.uniform(2.35, 2.55),
        height=rng.uniform(4.0, 4.3) if decks == 2 else belt + rng.uniform(1.4, 1.75),
        clearance=rng.uniform(0.28, 0.4),
        decks=decks,
        belt=belt,
        pitch=rng.uniform(1.0, 1.9),
        doors=int(rng.integers(0, 3)),
        wheel=rng.uniform(0.45, 0.52),
        front_lean=rng.uniform(0.05, 0.5),
        paint=random_paint(rng),
        second_paint=random_paint(rng),
        advertisement=float(rng.choice([0.0, rng.uniform(0.2, 0.8)], p=(0.8, 0.2))),
    )
