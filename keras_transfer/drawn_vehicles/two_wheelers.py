"""Motorcycles, scooters and bicycles, most of them with a rider."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_transfer.drawn_vehicles.car_designs import random_paint
from keras_transfer.drawn_vehicles.geometry import WHITE, Colour, circle, mix, rounded, shade
from keras_transfer.drawn_vehicles.pen import TYRE, Pen

_METAL: Colour = (142, 146, 152)
_ENGINE: Colour = (78, 80, 84)
_SEAT: Colour = (36, 34, 36)
_SKINS: tuple[Colour, ...] = ((232, 194, 164), (196, 148, 112), (140, 96, 70), (94, 64, 50))
_CLOTHES: tuple[Colour, ...] = (
    (46, 50, 60),
    (150, 46, 44),
    (52, 84, 140),
    (190, 186, 176),
    (84, 98, 74),
    (212, 128, 48),
    (60, 44, 70),
)
Point = tuple[float, float]


@dataclass(frozen=True)
class TwoWheeler:
    """Two wheels in line; all lengths are in metres.

    Attributes:
      length, width, height: outer size, with the rider.
      kind: "motorcycle", "scooter" or "bicycle".
      wheel: radius of the wheels.
      paint: colour of the bodywork.
      riders: how many people sit on it, 0 to 2.
      has_case: a box behind the seat.
      has_fairing: bodywork in front of the rider.
    """

    length: float
    width: float
    height: float
    kind: str
    wheel: float
    paint: Colour
    riders: int
    has_case: bool
    has_fairing: bool

    def draw(self, pen: Pen) -> None:
        """Draws the wheels, then the machine, then who sits on it."""
        {"motorcycle": self._draw_motorcycle, "scooter": self._draw_scooter, "bicycle": self._draw_bicycle}[self.kind](
            pen
        )

    @property
    def _axles(self) -> tuple[float, float]:
        return -self.length / 2 + self.wheel, self.length / 2 - self.wheel

    def _draw_wheels(self, pen: Pen, *, tyre: float, spokes: int) -> None:
        turn = pen.rng.uniform(0, np.pi)
        for x in self._axles:
            outer, inner = circle((x, self.wheel), self.wheel), circle((x, self.wheel), self.wheel - tyre)
            ring = np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])
            pen.side(ring, TYRE, z=0.0)
            for angle in np.arange(turn, turn + np.pi - 0.01, np.pi / spokes).tolist():
                reach = (self.wheel - tyre) * np.array([math.cos(angle), math.sin(angle)])
                centre = np.array([x, self.wheel])
                pen.line([centre - reach, centre + reach], _METAL, z=0.0, width=0.012 if spokes > 5 else 0.04)
            rim = np.concatenate([inner, inner[:1]])
            pen.line(rim, shade(_METAL, 0.9), z=0.0, width=0.02)
            pen.side(circle((x, self.wheel), 0.3 * self.wheel, sides=14), shade(_METAL, 0.7), z=0.02)

    def _draw_motorcycle(self, pen: Pen) -> None:
        rear, front = self._axles
        radius = self.wheel
        self._draw_wheels(pen, tyre=0.36 * radius, spokes=5)
        head = (front - 0.3, 0.98)
        pen.line([(rear, radius), (rear + 0.5, radius + 0.06)], _ENGINE, z=0.0, width=0.07)
        pen.line([(front, radius), head], _METAL, z=0.0, width=0.06)
        pen.side(rounded([(-0.3, 0.2), (-0.32, 0.62), (0.3, 0.64), (0.36, 0.3), (0.2, 0.18)], 0.08), _ENGINE, z=0.05)
        for x in (-0.14, 0.02, 0.18):
            pen.line([(x, 0.3), (x + 0.05, 0.56)], shade(_METAL, 0.75), z=0.06, width=0.05)
        pen.line([(0.26, 0.36), (0.1, 0.22), (rear + 0.25, 0.3), (rear - 0.06, 0.38)], _METAL, z=0.1, width=0.075)
        self._draw_bodywork(pen)
        self._draw_front(pen, head)
        self._draw_load(pen, (rear - 0.12, 0.98))
        self._draw_riders(pen, seat=(-0.24, 0.94), foot=(-0.12, 0.36), hand=(head[0] - 0.08, 1.1))

    def _draw_bodywork(self, pen: Pen) -> None:
        """Tail, tank, seat and front fender of a motorcycle."""
        rear, front = self._axles
        radius = self.wheel
        tail = [(rear - 0.12, 0.92), (rear, 0.7), (0.0, 0.62), (0.05, 0.82)]
        pen.painted_side(rounded(tail[::-1], 0.08), self.paint, z=0.08)
        tank = [(-0.08, 0.7), (-0.04, 0.9), (0.14, 1.02), (0.4, 0.96), (0.42, 0.76), (0.16, 0.64)]
        pen.painted_side(rounded(tank, 0.1), self.paint, z=0.1)
        pen.side(rounded([(rear - 0.06, 0.88), (rear + 0.02, 0.98), (-0.06, 0.88), (-0.02, 0.78)], 0.06), _SEAT, z=0.1)
        fender = [
            (front - 0.3, radius * 1.9),
            (front, radius * 2.24),
            (front + 0.2, radius * 2.0),
            (front, radius * 2.1),
        ]
        pen.side(rounded(fender, 0.08), shade(self.paint, 0.85), z=0.05)

    def _draw_front(self, pen: Pen, head: Point) -> None:
        x, y = head
        if self.has_fairing:
            fairing = [(x - 0.2, 0.42), (x - 0.12, 0.98), (x + 0.06, 1.22), (x + 0.3, 0.96), (x + 0.12, 0.62)]
            pen.painted_side(rounded(fairing, 0.08), self.paint, z=0.12)
            screen = [(x - 0.1, 1.12), (x - 0.04, 1.36), (x + 0.12, 1.14)]
            pen.glass(rounded(screen, 0.04), z=0.12)
        pen.line([(x, y), (x - 0.05, y + 0.12), (x - 0.18, y + 0.14)], _SEAT, z=0.2, width=0.04)
        lamp = circle((x + 0.14, y - 0.04), 0.09, sides=14)
        pen.side(lamp + (-0.03, 0), _SEAT, z=0.02)
        pen.headlight(lamp, z=0.13)
        rear = -self.length / 2
        pen.tail_light(circle((rear + 0.14, 0.84), 0.05, sides=10), z=0.1)

    def _draw_scooter(self, pen: Pen) -> None:
        rear, front = self._axles
        radius = self.wheel
        self._draw_wheels(pen, tyre=0.42 * radius, spokes=3)
        head = (front - 0.2, 0.98)
        pen.line([(front, radius), head], _METAL, z=0.0, width=0.06)
        shield = [
            (front - 0.34, 0.3),
            (front - 0.3, 0.94),
            (front - 0.12, 1.02),
            (front - 0.08, 0.62),
            (front - 0.24, 0.26),
        ]
        floor = [(-0.2, 0.2), (-0.22, 0.34), (front - 0.28, 0.34), (front - 0.22, 0.22)]
        body = [(rear - 0.2, 0.5), (rear - 0.12, 0.76), (-0.1, 0.74), (-0.12, 0.28), (rear + 0.24, 0.24)]
        pen.side(rounded(floor, 0.05), shade(self.paint, 0.5), z=0.1)
        pen.painted_side(rounded(shield, 0.07), self.paint, z=0.14)
        pen.painted_side(rounded(body, 0.12), self.paint, z=0.14)
        pen.side(rounded([(rear - 0.12, 0.74), (rear - 0.08, 0.84), (-0.1, 0.84), (-0.06, 0.74)], 0.05), _SEAT, z=0.14)
        fender = [(front - 0.2, radius * 1.3), (front - 0.04, radius * 2.5), (front + 0.2, radius * 1.7)]
        pen.painted_side(rounded(fender, 0.1), self.paint, z=0.08)
        self._draw_front(pen, head)
        self._draw_load(pen, (rear - 0.08, 0.84))
        self._draw_riders(pen, seat=(-0.3, 0.84), foot=(0.14, 0.36), hand=(head[0] - 0.14, 1.08))

    def _draw_bicycle(self, pen: Pen) -> None:
        rear, front = self._axles
        radius = self.wheel
        self._draw_wheels(pen, tyre=0.035, spokes=9)
        crank, seat, head = (-0.06, 0.3), (-0.2, 0.82), (front - 0.2, 0.84)
        for route in ([(rear, radius), crank, seat, (rear, radius)], [crank, head, seat], [(front, radius), head]):
            pen.line(route, self.paint, z=0.0, width=0.04)
        pen.line([seat, (seat[0] - 0.04, 0.95)], _METAL, z=0.0, width=0.03)
        pen.line([(seat[0] - 0.16, 0.98), (seat[0] + 0.1, 0.97)], _SEAT, z=0.0, width=0.07)
        pen.line([head, (head[0], 1.04), (head[0] - 0.1, 1.05)], _SEAT, z=0.0, width=0.04)
        pen.side(circle(crank, 0.1, sides=14), shade(_METAL, 0.6), z=0.03)
        self._draw_load(pen, (rear, 0.74))
        self._draw_riders(pen, seat=(seat[0] - 0.02, 1.02), foot=(crank[0] + 0.1, 0.2), hand=(head[0] - 0.08, 1.06))

    def _draw_load(self, pen: Pen, corner: Point) -> None:
        if self.has_case:
            x, y = corner
            case = [(x - 0.3, y), (x - 0.32, y + 0.38), (x + 0.14, y + 0.38), (x + 0.12, y)]
            pen.painted_side(rounded(case, 0.05), mix(self.paint, (190, 60, 50), 0.6), z=0.2)
            pen.glaze(
                [(x - 0.24, y + 0.12), (x - 0.24, y + 0.24), (x + 0.06, y + 0.24), (x + 0.06, y + 0.12)],
                WHITE,
                z=0.2,
                opacity=0.7,
            )

    def _draw_riders(self, pen: Pen, *, seat: Point, foot: Point, hand: Point) -> None:
        for number in reversed(range(self.riders)):
            back = 0.42 * number
            own_hand = hand if number == 0 else (seat[0] - 0.1, seat[1] + 0.2)
            self._draw_rider(
                pen, seat=(seat[0] - back, seat[1] + 0.06 * number), foot=(foot[0] - back, foot[1]), hand=own_hand
            )

    def _draw_rider(self, pen: Pen, *, seat: Point, foot: Point, hand: Point) -> None:
        jacket, trousers = (_CLOTHES[index] for index in pen.rng.integers(len(_CLOTHES), size=2))
        lean = pen.rng.uniform(0.06, 0.34)
        hip, shoulder = (seat[0], seat[1] + 0.1), (seat[0] + lean, seat[1] + 0.6 - 0.3 * lean)
        knee = (max(seat[0] + 0.38, foot[0] + 0.12), (seat[1] + foot[1]) / 2 + 0.2)
        pen.line(
            [hip, (knee[0] - 0.05, knee[1] + 0.03), (foot[0] - 0.06, foot[1])], shade(trousers, 0.6), z=-0.1, width=0.13
        )
        pen.line([hip, shoulder], shade(jacket, 0.85), z=0.0, width=0.26)
        pen.line([(hip[0] + 0.02, hip[1]), (shoulder[0], shoulder[1] - 0.02)], jacket, z=0.02, width=0.2)
        pen.line([hip, knee], trousers, z=0.1, width=0.17)
        pen.line([knee, foot], shade(trousers, 0.92), z=0.1, width=0.12)
        pen.line([(foot[0] - 0.06, foot[1] - 0.02), (foot[0] + 0.14, foot[1] - 0.03)], _SEAT, z=0.1, width=0.09)
        elbow = ((shoulder[0] + hand[0]) / 2 - 0.04, (shoulder[1] + hand[1]) / 2 - 0.1)
        pen.line([shoulder, elbow, hand], shade(jacket, 1.12), z=0.16, width=0.1)
        self._draw_head(pen, (shoulder[0] + 0.08, shoulder[1] + 0.2))

    def _draw_head(self, pen: Pen, centre: Point) -> None:
        x, y = centre
        skin = _SKINS[pen.rng.integers(len(_SKINS))]
        pen.line([(x - 0.05, y - 0.18), (x - 0.01, y - 0.06)], skin, z=0.0, width=0.1)
        if self.kind == "bicycle" and pen.rng.random() < 0.5:
            pen.disc((x, y), skin, radius=0.11, z=0.0)
            pen.disc((x - 0.03, y + 0.03), shade(_SEAT, 1.4), radius=0.1, z=0.0)
            return
        helmet = mix(self.paint, random_paint(pen.rng), 0.6)
        pen.disc((x, y), shade(helmet, 0.85), radius=0.145, z=0.0)
        pen.disc((x - 0.015, y + 0.02), helmet, radius=0.12, z=0.0)
        visor = [(x + 0.02, y - 0.05), (x + 0.02, y + 0.05), (x + 0.13, y + 0.05), (x + 0.14, y - 0.05)]
        pen.side(visor, (40, 48, 58), z=0.02)
        pen.glaze([(x - 0.06, y + 0.07), (x - 0.02, y + 0.11), (x + 0.04, y + 0.1)], WHITE, z=0.02, opacity=0.4)


def random_two_wheeler(rng: np.random.Generator) -> TwoWheeler:
    """A motorcycle, a scooter or a bicycle, more often ridden than parked."""
    kind = str(rng.choice(["motorcycle", "scooter", "bicycle"], p=(0.5, 0.28, 0.22)))
    wheel = {"motorcycle": (0.29, 0.34), "scooter": (0.2, 0.25), "bicycle": (0.31, 0.35)}[kind]
    length = {"motorcycle": (1.95, 2.25), "scooter": (1.65, 1.85), "bicycle": (1.65, 1.8)}[kind]
    riders = int(rng.choice(3, p=(0.22, 0.78, 0.0) if kind == "bicycle" else (0.22, 0.6, 0.18)))
    return TwoWheeler(
        length=rng.uniform(*length),
        width=0.5,
        height=1.75 if riders else 1.15,
        kind=kind,
        wheel=rng.uniform(*wheel),
        paint=random_paint(rng),
        riders=riders,
        has_case=bool(rng.random() < 0.25),
        has_fairing=bool(kind == "motorcycle" and rng.random() < 0.5),
    )
