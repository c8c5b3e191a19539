"""The light and the air of one scene: time of day, weather, and what they do to colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_transfer.drawn_vehicles.geometry import Colour, Points, mix

# Zenith, horizon, and the part of red, green and blue light that is left on the road.
_Sky = tuple[Colour, Colour, Colour]
_CLEAR: tuple[_Sky, ...] = (
    ((66, 124, 200), (196, 220, 238), (1.0, 1.0, 1.0)),
    ((104, 160, 214), (222, 232, 236), (1.02, 1.0, 0.96)),
    ((84, 140, 196), (240, 224, 196), (1.05, 0.97, 0.86)),
)
_OVERCAST: tuple[_Sky, ...] = (
    ((150, 160, 172), (204, 208, 212), (0.84, 0.86, 0.9)),
    ((118, 128, 142), (182, 188, 196), (0.7, 0.73, 0.79)),
)
_DUSK: tuple[_Sky, ...] = (
    ((58, 70, 120), (250, 160, 104), (0.72, 0.58, 0.56)),
    ((92, 74, 128), (244, 140, 124), (0.66, 0.54, 0.58)),
    ((40, 62, 110), (232, 184, 140), (0.58, 0.55, 0.62)),
)
_NIGHT: tuple[_Sky, ...] = (
    ((12, 18, 42), (48, 58, 98), (0.34, 0.38, 0.52)),
    ((20, 20, 34), (84, 66, 66), (0.44, 0.38, 0.38)),
)


@dataclass(frozen=True)
class Atmosphere:
    """What the light and the air are like.

    Attributes:
      sun: unit vector from the road to the light, float64, shape (3,).
      sun_strength: 0 (no shadows) to 1 (hard sunlight).
      zenith: colour of the sky overhead.
      horizon: colour of the sky low down, which is also the colour that far things fade to.
      light: part of red, green and blue light that falls on things.
      visibility_metres: distance after which 1/e of a thing's own colour is left.
      is_dark: lamps are lit, and sky and lamps outshine what they fall on.
      precipitation: "none", "rain" or "snow".
    """

    sun: Points
    sun_strength: float
    zenith: Colour
    horizon: Colour
    light: Colour
    visibility_metres: float
    is_dark: bool
    precipitation: str

    def fade(self, depth_metres: float) -> float:
        """The part, 0 to 1, of a colour that the air has replaced at this depth (Koschmieder's law)."""
        return 1 - math.exp(-depth_metres / self.visibility_metres)

    def brightness(self, normal: Points) -> float:
        """Light on a surface with this outward unit normal, shape (3,), around 0.6 to 1.3."""
        skylight = 0.8 + 0.16 * float(normal[1])
        return skylight + 0.32 * self.sun_strength * max(0.0, float(normal @ self.sun))


def random_atmosphere(rng: np.random.Generator) -> Atmosphere:
    """Half of the scenes are in sunshine or clear weather, the rest are overcast, at dusk or at night."""
    kind = rng.choice(4, p=(0.5, 0.22, 0.16, 0.12))
    skies = (_CLEAR, _OVERCAST, _DUSK, _NIGHT)[kind]
    zenith, horizon, light = skies[rng.integers(len(skies))]
    is_wet = rng.random() < (0.0, 0.4, 0.1, 0.2)[kind]
    is_hazy = is_wet or rng.random() < 0.15
    elevation, azimuth = rng.uniform(0.5, 1.2), rng.uniform(0.15, math.pi - 0.15)
    flat = math.cos(elevation)
    return Atmosphere(
        sun=np.array([flat * math.cos(azimuth), math.sin(elevation), flat * math.sin(azimuth)]),
        sun_strength=float(rng.uniform(*((0.6, 1.0), (0.0, 0.15), (0.15, 0.4), (0.0, 0.1))[kind])),
        zenith=mix(zenith, horizon, float(rng.uniform(0.0, 0.6 if is_hazy else 0.2))),
        horizon=horizon,
        light=light,
        visibility_metres=float(rng.uniform(40, 150) if is_hazy else rng.uniform(500, 2000)),
        is_dark=bool(kind >= 2),
        precipitation=str(rng.choice(["rain", "snow"], p=(0.7, 0.3))) if is_wet else "none",
    )
