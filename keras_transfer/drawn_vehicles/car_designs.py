"""What sedans, SUVs, pickups, vans and minibuses measure: ranges in metres that meet at their edges."""

from __future__ import annotations

import numpy as np

from keras_transfer.drawn_vehicles.cars import Car
from keras_transfer.drawn_vehicles.geometry import WHITE, Colour, mix, shade

_PAINTS: tuple[Colour, ...] = (
    (226, 228, 230),
    (206, 208, 212),
    (148, 152, 158),
    (92, 96, 104),
    (44, 46, 52),
    (168, 36, 40),
    (46, 78, 138),
    (30, 48, 84),
    (84, 128, 168),
    (62, 92, 70),
    (196, 168, 120),
    (206, 116, 44),
    (222, 186, 66),
    (112, 60, 54),
)


def random_paint(rng: np.random.Generator) -> Colour:
    """A usual colour of a car, a little lighter or darker each time."""
    return shade(_PAINTS[rng.integers(len(_PAINTS))], rng.uniform(0.85, 1.1))


def random_sedan(rng: np.random.Generator) -> Car:
    """From a saloon with a long trunk to a fastback with hardly any."""
    length, height = rng.uniform(4.1, 5.1), rng.uniform(1.36, 1.58)
    belt = rng.uniform(0.6, 0.66) * height
    return Car(
        length=length,
        width=rng.uniform(1.7, 1.88),
        height=height,
        clearance=rng.uniform(0.15, 0.24),
        belt=belt,
        nose=belt - rng.uniform(0.14, 0.26),
        hood=length * rng.uniform(0.23, 0.29),
        deck=length * rng.uniform(0.05, 0.19),
        front_rake=rng.uniform(0.5, 0.85),
        rear_rake=rng.uniform(0.45, 0.95),
        wheel=rng.uniform(0.29, 0.35),
        windows=int(rng.integers(2, 4)),
        glazed=1.0,
        paint=random_paint(rng),
        has_cladding=bool(rng.random() < 0.12),
        has_rails=bool(rng.random() < 0.08),
    )


def random_suv(rng: np.random.Generator) -> Car:
    """From a low crossover with a sloping back to a tall off-roader with an upright one."""
    length, height = rng.uniform(3.9, 4.9), rng.uniform(1.6, 1.98)
    belt = rng.uniform(0.6, 0.66) * height
    return Car(
        length=length,
        width=rng.uniform(1.78, 1.98),
        height=height,
        clearance=rng.uniform(0.22, 0.36),
        belt=belt,
        nose=belt - rng.uniform(0.06, 0.18),
        hood=length * rng.uniform(0.2, 0.28),
        deck=length * rng.uniform(0.01, 0.06),
        front_rake=rng.uniform(0.35, 0.75),
        rear_rake=rng.uniform(0.12, 0.55),
        wheel=rng.uniform(0.36, 0.44),
        windows=int(rng.integers(2, 4)),
        glazed=1.0,
        paint=random_paint(rng),
        has_cladding=bool(rng.random() < 0.5),
        has_rails=bool(rng.random() < 0.5),
    )


def random_pickup(rng: np.random.Generator) -> Car:
    """A truck with a hood and an open bed behind one or two rows of seats."""
    length, height = rng.uniform(4.9, 5.9), rng.uniform(1.72, 1.95)
    belt = rng.uniform(0.6, 0.65) * height
    return Car(
        length=length,
        width=rng.uniform(1.8, 2.0),
        height=height,
        clearance=rng.uniform(0.26, 0.38),
        belt=belt,
        nose=belt - rng.uniform(0.06, 0.16),
        hood=length * rng.uniform(0.22, 0.27),
        deck=length * rng.uniform(0.28, 0.42),
        front_rake=rng.uniform(0.45, 0.7),
        rear_rake=rng.uniform(0.05, 0.2),
        wheel=rng.uniform(0.37, 0.44),
        windows=int(rng.integers(1, 3)),
        glazed=1.0,
        paint=random_paint(rng),
        has_cladding=bool(rng.random() < 0.4),
        has_rails=False,
    )


def random_van(rng: np.random.Generator, *, windows: int, glazed: float) -> Car:
    """A tall one-box body: with one window a panel van, with a row of them a minibus."""
    length, height = rng.uniform(5.0, 6.8), rng.uniform(2.15, 2.75)
    belt = rng.uniform(0.5, 0.56) * height
    return Car(
        length=length,
        width=rng.uniform(1.95, 2.1),
        height=height,
        clearance=rng.uniform(0.24, 0.34),
        belt=belt,
        nose=belt - rng.uniform(0.12, 0.25),
        hood=rng.uniform(0.55, 0.95),
        deck=0.04,
        front_rake=rng.uniform(0.6, 0.95),
        rear_rake=rng.uniform(0.03, 0.15),
        wheel=rng.uniform(0.34, 0.4),
        windows=windows,
        glazed=glazed,
        paint=mix(random_paint(rng), WHITE, float(rng.choice([0.0, 0.8]))),
        has_cladding=bool(rng.random() < 0.3),
        has_rails=bool(rng.random() < 0.15),
    )
