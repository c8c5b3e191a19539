"""Trucks: a cab on a frame, with a box, a tank, a tipper or a flat bed behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_transfer.drawn_vehicles.car_designs import random_paint, random_pickup, random_van
from keras_transfer.drawn_vehicles.cars import Car
from keras_transfer.drawn_vehicles.geometry import WHITE, Colour, Points, box, mix, rounded, shade
from keras_transfer.drawn_vehicles.pen import Pen

_FRAME: Colour = (46, 46, 50)
_CARGO: tuple[Colour, ...] = ((176, 132, 84), (150, 108, 70), (128, 136, 146), (112, 120, 84), (188, 96, 60))


@dataclass(frozen=True)
class Truck:
    """A cab with a load; all lengths are in metres.

    Attributes:
      length, width, height: outer size.
      cab: length of the cab.
      cab_height: height of the cab.
      bonnet: length of the bonnet in front of the cab, 0 for a flat front.
      floor: height of the load's lower edge.
      wheel: radius of the wheels.
      axles: at the rear.
      load: "box", "tank", "tipper" or "flat bed".
      paint: colour of the cab.
      load_paint: colour of the load.
    """

    length: float
    width: float
    height: float
    cab: float
    cab_height: float
    bonnet: float
    floor: float
    wheel: float
    axles: int
    load: str
    paint: Colour
    load_paint: Colour

    def draw(self, pen: Pen) -> None:
        """Draws frame, load, cab and wheels."""
        for x in self._axle_places:
            pen.far_wheel(x, self.wheel, half_width=0.94 * self.width / 2)
        frame = box(-self.length / 2 + 0.1, 0.75 * self.wheel, self.length / 2 - 0.3, self.floor + 0.04)
        pen.solid(frame, _FRAME, half_widths=0.42 * self.width)
        {"box": self._draw_box, "tank": self._draw_tank, "tipper": self._draw_tipper, "flat bed": self._draw_flat_bed}[
            self.load
        ](pen)
        self._draw_cab(pen)
        self._draw_guards(pen)
        for x in self._axle_places:
            pen.wheel(x, self.wheel, half_width=self.width / 2)
        self._draw_lamps(pen)

    @property
    def _axle_places(self) -> tuple[float, ...]:
        rear = -self.length / 2 + 0.16 * self.length
        front = self.length / 2 - max(self.wheel + 0.35, 0.45 * (self.cab + self.bonnet))
        return (*(rear + number * 2.3 * self.wheel for number in range(self.axles)), front)

    @property
    def _load_span(self) -> tuple[float, float]:
        return -self.length / 2, self.length / 2 - self.cab - self.bonnet - 0.22

    def _draw_box(self, pen: Pen) -> None:
        (left, right), z = self._load_span, self.width / 2
        pen.solid(rounded(box(left, self.floor, right, self.height), 0.05, steps=3), self.load_paint, half_widths=z)
        dark = shade(self.load_paint, 0.78)
        pen.side(box(left, self.floor, right, self.floor + 0.1), shade(dark, 0.7), z=z + 0.002)
        if pen.rng.random() < 0.45:
            for x in np.arange(left + 0.2, right, pen.rng.uniform(0.3, 0.8)).tolist():
                pen.line([(x, self.floor + 0.1), (x, self.height - 0.08)], dark, z=z, width=0.03)
        if pen.rng.random() < 0.65:
            draw_livery(pen, box(left + 0.15, self.floor + 0.25, right - 0.15, self.height - 0.2), z=z + 0.004)
        for z_edge in (-0.02, 0.02):
            pen.end(left - 0.01, dark, span_z=(z_edge - 0.015, z_edge + 0.015), span_y=(self.floor, self.height - 0.1))

    def _draw_tank(self, pen: Pen) -> None:
        left, right = self._load_span
        top = min(self.height, self.floor + 1.9)
        hull = rounded(box(left + 0.05, self.floor + 0.02, right, top), 0.5, steps=7)
        pen.solid(hull, shade(self.load_paint, 0.9), half_widths=0.3 * self.width)
        pen.painted_side(hull, mix(self.load_paint, WHITE, 0.2), z=self.width / 2)
        gleam = box(left + 0.5, top - 0.55, right - 0.45, top - 0.4)
        pen.glaze(gleam, WHITE, z=self.width / 2, opacity=0.35)
        for x in np.linspace(left + 0.8, right - 0.8, 3).tolist():
            pen.line(
                [(x, self.floor + 0.06), (x, top - 0.06)], shade(self.load_paint, 0.7), z=self.width / 2, width=0.05
            )
            pen.side(box(x - 0.2, top - 0.02, x + 0.2, top + 0.12), _FRAME, z=0.1)
        pen.line([(left + 0.4, top + 0.12), (right - 0.4, top + 0.12)], (150, 152, 156), z=0.3, width=0.03)

    def _draw_tipper(self, pen: Pen) -> None:
        left, right = self._load_span
        top = min(self.height, self.floor + 1.5)
        earth = np.linspace(left + 0.2, right - 0.1, 9)
        heights = top + 0.35 * np.sin(np.linspace(0.1, np.pi - 0.1, 9)) + pen.rng.uniform(-0.06, 0.06, 9)
        heap = np.concatenate([np.column_stack([earth, heights]), [(right - 0.1, top - 0.2), (left + 0.2, top - 0.2)]])
        pen.side(heap, _CARGO[pen.rng.integers(2)], z=0.0)
        tub = [(left + 0.25, self.floor + 0.02), (left, top), (right, top), (right, self.floor + 0.02)]
        pen.solid(tub, self.load_paint, half_widths=self.width / 2)
        for x in np.linspace(left + 0.4, right - 0.15, 6).tolist():
            rib = box(x - 0.05, self.floor + 0.06, x + 0.05, top)
            pen.side(rib, shade(self.load_paint, 0.8), z=self.width / 2 + 0.03)
        pen.side(box(left + 0.02, top - 0.12, right, top), shade(self.load_paint, 1.1), z=self.width / 2 + 0.03)

    def _draw_flat_bed(self, pen: Pen) -> None:
        left, right = self._load_span
        pen.solid(
            box(right - 0.12, self.floor, right, self.floor + 1.0),
            shade(self.load_paint, 0.8),
            half_widths=self.width / 2,
        )
        x = left + 0.15
        while x < right - 0.8 and pen.rng.random() < 0.9:
            size = pen.rng.uniform(0.7, min(2.0, right - x - 0.1))
            top = min(self.floor + 0.1 + pen.rng.uniform(0.5, 1.5), self.height)
            colour = _CARGO[pen.rng.integers(len(_CARGO))]
            pen.solid(box(x, self.floor + 0.1, x + size, top), colour, half_widths=0.4 * self.width)
            pen.line(
                [(x + size / 2, self.floor + 0.1), (x + size / 2, top)],
                shade(colour, 0.6),
                z=0.4 * self.width,
                width=0.06,
            )
            x += size + pen.rng.uniform(0.05, 0.5)
        wall = self.floor + pen.rng.uniform(0.14, 0.5)
        pen.solid(box(left, self.floor, right, wall), self.load_paint, half_widths=self.width / 2)

    def _cab_profile(self) -> Points:
        front, sill = self.length / 2, 0.75 * self.wheel + 0.05
        rear, lean = front - self.cab - self.bonnet, 0.12 + 0.2 * (self.bonnet > 0)
        belt = 0.58 * self.cab_height
        nose = (
            [(front, sill + 0.1), (front - 0.05, belt)]
            if self.bonnet == 0
            else [(front, sill + 0.1), (front - 0.05, belt - 0.15), (front - self.bonnet, belt)]
        )
        corners = [(rear, sill), (rear, self.cab_height - 0.05), (rear + 0.2, self.cab_height)]
        screen = nose[-1][0]
        return rounded(
            [*corners, (screen - lean - 0.1, self.cab_height), (screen, belt), *nose[-2::-1], (front, sill)], 0.12
        )

    def _draw_cab(self, pen: Pen) -> None:
        z, front = self.width / 2 - 0.02, self.length / 2
        belt, screen = 0.58 * self.cab_height, front - self.bonnet
        pen.solid(self._cab_profile(), self.paint, half_widths=z, glass_above=belt)
        left, right = screen - min(1.25, 0.72 * self.cab), screen - 0.16
        window = [(left, belt), (left, self.cab_height - 0.28), (right - 0.22, self.cab_height - 0.28), (right, belt)]
        pen.glass(rounded(window, 0.07), z=z + 0.005)
        dark = shade(self.paint, 0.6)
        pen.line([(left - 0.05, self.floor), (left - 0.05, self.cab_height - 0.24)], dark, z=z, width=0.025)
        pen.line([(left + 0.05, belt - 0.15), (left + 0.25, belt - 0.15)], dark, z=z, width=0.05)
        pen.side(box(right + 0.02, belt + 0.05, right + 0.14, belt + 0.55), _FRAME, z=z + 0.15)
        pen.side(box(left, 0.75 * self.wheel, front - 0.05, 0.75 * self.wheel + 0.3), shade(_FRAME, 1.2), z=z + 0.01)
        pen.end(
            front + 0.01, _FRAME, span_z=(-0.6 * z, 0.6 * z), span_y=(0.3 * self.cab_height, 0.45 * self.cab_height)
        )
        pen.end(front + 0.01, (228, 228, 222), span_z=(-0.28, 0.28), span_y=(self.wheel, self.wheel + 0.12))

    def _draw_guards(self, pen: Pen) -> None:
        places = sorted(self._axle_places)
        left, right = places[-2] + 1.3 * self.wheel, places[-1] - 1.3 * self.wheel
        if right - left > 0.6:
            pen.side(box(left, 0.6 * self.wheel, right, 0.95 * self.wheel), (120, 122, 126), z=0.46 * self.width)
            tank = box(right - min(0.9, right - left), 0.55 * self.wheel, right, self.floor)
            pen.painted_side(rounded(tank, 0.1), (140, 142, 146), z=0.47 * self.width)
        for x in places[:-1]:
            pen.side(
                box(x - 1.15 * self.wheel, 1.6 * self.wheel, x + 1.15 * self.wheel, self.floor),
                _FRAME,
                z=0.48 * self.width,
            )
        arch_x = places[-1]
        pen.wheel_arch(arch_x, self.wheel, half_width=self.width / 2 - 0.01, clearance=0.75 * self.wheel)

    def _draw_lamps(self, pen: Pen) -> None:
        z, front, rear = self.width / 2, self.length / 2, -self.length / 2
        low = 0.75 * self.wheel + 0.12
        pen.headlight(box(front - 0.26, low, front - 0.02, low + 0.2), z=z)
        pen.tail_light(box(rear + 0.02, self.floor - 0.18, rear + 0.16, self.floor - 0.02), z=z)
        for x in np.arange(rear + 1.2, front - 1.5, 1.9).tolist():
            pen.side(
                box(x, self.floor + 0.02, x + 0.1, self.floor + 0.08), (216, 132, 40), z=z + 0.01, glow=(150, 80, 20)
            )


def draw_livery(pen: Pen, area: Points, *, z: float) -> None:
    """Paints a slanting band or a row of letter-like bars on a side; `area` is a rectangle of shape (4, 2)."""
    (left, bottom), (right, top) = area[0], area[2]
    colour = random_paint(pen.rng)
    height, width = top - bottom, right - left
    if pen.rng.random() < 0.5:
        low, thick = bottom + pen.rng.uniform(0, 0.5) * height, pen.rng.uniform(0.15, 0.4) * height
        shift = pen.rng.uniform(-0.3, 0.3) * height
        band = np.array([(left, low), (left, low + thick), (right, low + thick + shift), (right, low + shift)])
        band[:, 1] = np.clip(band[:, 1], bottom, top)
        pen.side(band, colour, z=z)
        return
    x, size = left + 0.12 * width, min(pen.rng.uniform(0.16, 0.36) * height, 0.09 * width)
    middle = bottom + pen.rng.uniform(0.45, 0.75) * height
    for _ in range(int(pen.rng.integers(4, 9))):
        pen.side(box(x, middle - size / 2, x + 0.55 * size, middle + size / 2), colour, z=z)
        pen.side(
            box(x + 0.18 * size, middle - 0.1 * size, x + 0.55 * size, middle + 0.22 * size),
            mix(colour, WHITE, 0.75),
            z=z,
        )
        x += 0.85 * size


def random_truck(rng: np.random.Generator) -> Truck | Car:
    """From a pickup or a panel van to a three-axle lorry."""
    kind = rng.random()
    if kind < 0.14:
        return random_pickup(rng)
    if kind < 0.24:
        return random_van(rng, windows=1, glazed=rng.uniform(0.18, 0.28))
    return _random_lorry(rng)


def _random_lorry(rng: np.random.Generator) -> Truck:
    length = rng.uniform(5.8, 11.5)
    cab_height = rng.uniform(2.2, 2.6) + 0.05 * length
    paint = random_paint(rng)
    return Truck(
        length=length,
        width=rng.uniform(2.1, 2.5),
        height=cab_height + rng.uniform(-0.1, 0.9),
        cab=rng.uniform(1.5, 2.1),
        cab_height=cab_height,
        bonnet=float(rng.choice([0.0, rng.uniform(0.8, 1.3)], p=(0.72, 0.28))),
        floor=rng.uniform(0.95, 1.15),
        wheel=rng.uniform(0.42, 0.52),
        axles=1 if length < 7.5 else int(rng.integers(1, 3)),
        load=str(rng.choice(["box", "tank", "tipper", "flat bed"], p=(0.5, 0.15, 0.17, 0.18))),
        paint=paint,
        load_paint=mix(random_paint(rng), WHITE, float(rng.choice([0.0, 0.75]))) if rng.random() < 0.7 else paint,
    )
