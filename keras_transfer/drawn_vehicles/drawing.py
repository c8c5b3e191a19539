"""A data set that the package draws itself: side views of five kinds of vehicle, as a road camera sees them.

It needs no download and no rights, and is hard enough to show whether training works: shapes of
different classes meet at the edges of their ranges, and light, weather, distance and things in
front of the vehicle vary more than the classes do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.drawn_vehicles.atmosphere import random_atmosphere
from keras_transfer.drawn_vehicles.buses import Bus, random_bus
from keras_transfer.drawn_vehicles.canvas import NOT_VEHICLE, VEHICLE, Canvas
from keras_transfer.drawn_vehicles.car_designs import random_sedan, random_suv
from keras_transfer.drawn_vehicles.cars import Car
from keras_transfer.drawn_vehicles.geometry import Points, Viewpoint
from keras_transfer.drawn_vehicles.pen import Pen
from keras_transfer.drawn_vehicles.photography import expose
from keras_transfer.drawn_vehicles.scenery import paint_background, paint_foreground, paint_precipitation
from keras_transfer.drawn_vehicles.trucks import Truck, random_truck
from keras_transfer.drawn_vehicles.two_wheelers import TwoWheeler, random_two_wheeler

Vehicle = Car | Truck | Bus | TwoWheeler

_DESIGNS: Mapping[str, Callable[[np.random.Generator], Vehicle]] = {
    "bus": random_bus,
    "sedan": random_sedan,
    "suv": random_suv,
    "truck": random_truck,
    "two_wheeler": random_two_wheeler,
}
CLASS_NAMES: tuple[str, ...] = tuple(sorted(_DESIGNS))
# Canvas pixels, across and down, for each pixel of an image: smooth edges without a slow renderer.
_SUPERSAMPLING = 2
# How hard the data set is: chosen, with the ranges of camera, light and designs, so that a linear classifier on
# features of an ImageNet MobileNetV2 gets about 0.85 right and one on an untrained VGG16 about 0.5 (chance is 0.2).
_HIDDEN_FRACTION = 0.3
_CUT_FRACTION = 0.12


@dataclass(frozen=True)
class Drawing:
    """One image and where its vehicle is.

    Attributes:
      image: uint8 RGB, shape (height, width, 3), 208 to 288 by 256 to 400 pixels.
      mask: bool, shape (height, width), True on the vehicle, False where something hides it.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def draw(class_name: str, *, seed: int) -> Drawing:
    """Draws one road scene with one vehicle; the same class and seed give the same pixels.

    Args:
      class_name: one of `CLASS_NAMES`.
      seed: 0 or more.

    Raises:
      ValueError: an unknown class name, or a negative seed.
    """
    if class_name not in _DESIGNS:
        raise ValueError(f"class_name must be one of {', '.join(CLASS_NAMES)}. Received: {class_name!r}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0. Received: {seed}")
    rng = np.random.default_rng([CLASS_NAMES.index(class_name), seed])
    vehicle = _DESIGNS[class_name](rng)
    size = (int(rng.integers(256, 401)) * _SUPERSAMPLING, int(rng.integers(208, 289)) * _SUPERSAMPLING)
    canvas = Canvas(size, viewpoint=_random_viewpoint(vehicle, rng, size=size), atmosphere=random_atmosphere(rng))
    paint_background(canvas, rng)
    _cast_shadow(canvas, vehicle)
    canvas.marking = VEHICLE
    vehicle.draw(Pen(canvas, facing=int(rng.choice([-1, 1])), rng=rng))
    canvas.marking = NOT_VEHICLE
    if rng.random() < _HIDDEN_FRACTION:
        paint_foreground(canvas, length=vehicle.length, rng=rng)
    paint_precipitation(canvas, rng)
    image, mask = expose(canvas, shrink=_SUPERSAMPLING, rng=rng)
    return Drawing(image=image, mask=mask)


def _random_viewpoint(vehicle: Vehicle, rng: np.random.Generator, *, size: tuple[int, int]) -> Viewpoint:
    """A camera that sees the vehicle large or small, anywhere in the frame, sometimes cut by its edge."""
    width, height = size
    part = rng.uniform(0.6, 0.95)
    scale = min(part * width / vehicle.length, 0.85 * part * height / vehicle.height)
    across = scale * vehicle.length
    slack = (width - across) / 2
    shift = rng.uniform(-0.85, 0.85) * slack
    if rng.random() < _CUT_FRACTION:
        shift = rng.choice([-1, 1]) * (slack + rng.uniform(0.08, 0.3) * across)
    row = height * rng.uniform(0.72, 0.88)
    row = max(row, min(0.95 * height, scale * vehicle.height + 0.04 * height))
    horizon = rng.uniform(0.25, 0.5) * height
    distance = vehicle.length * rng.uniform(1.6, 3.2) + 4
    return Viewpoint(
        distance_metres=distance,
        height_metres=(row - horizon) / scale,
        yaw_radians=rng.uniform(-0.35, 0.35),
        roll_radians=rng.normal(0, 0.015),
        focal_pixels=scale * distance,
        centre_pixels=(width / 2 + shift, horizon),
    )


def _cast_shadow(canvas: Canvas, vehicle: Vehicle) -> None:
    """A dark patch under the vehicle, and the shadow that it throws away from the sun."""
    length, width = vehicle.length, vehicle.width

    def footprint(part: float) -> Points:
        x, z = part * length / 2, part * width / 2
        return np.array([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)])

    canvas.shadow(footprint(1.0)[None], strength=0.62, softness_metres=0.12)
    sun = canvas.atmosphere.sun
    drift = -vehicle.height * sun / sun[1] * (1, 0, 1)
    steps = np.stack([footprint(1 - 0.25 * step) + step * drift for step in np.linspace(0, 0.9, 10)])
    canvas.shadow(steps, strength=0.5 * canvas.atmosphere.sun_strength, softness_metres=0.08)
