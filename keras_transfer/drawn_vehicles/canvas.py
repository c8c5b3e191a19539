"""A picture that is drawn in world coordinates, together with the mask of the vehicle and the light of lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_transfer.drawn_vehicles.atmosphere import Atmosphere
from keras_transfer.drawn_vehicles.geometry import BLACK, NEAREST_METRES, Colour, Points, Viewpoint, mix, shade

NOT_VEHICLE, VEHICLE = 0, 255
# Soft shadows are blurred this many times smaller than the picture, which saves most of the time.
_SHADOW_SHRINK = 4


@dataclass(frozen=True)
class Halo:
    """A soft spot of light: a Gaussian around a lamp or on the road.

    Attributes:
      centre: column and row in pixels.
      radius: standard deviations across and down, in pixels.
      colour: light added at the centre.
      is_on_vehicle: the lamp is the vehicle's, so it shines only if the vehicle is not hidden at the centre.
    """

    centre: tuple[float, float]
    radius: tuple[float, float]
    colour: Colour
    is_on_vehicle: bool


class Canvas:
    """Opaque shapes cover what is behind them in the picture, in the mask and in the light of lamps.

    Attributes:
      image: RGB picture of what daylight shows (everything, where it is not dark).
      emission: RGB light that comes from sky, air and lamps; black unless the atmosphere is dark.
      mask: the marking of the topmost opaque shape at each pixel.
      marking: `VEHICLE` while the vehicle is drawn, else `NOT_VEHICLE`.
      halos: light to be added last.
    """

    def __init__(self, size: tuple[int, int], *, viewpoint: Viewpoint, atmosphere: Atmosphere) -> None:
        self.size = size
        self.viewpoint = viewpoint
        self.atmosphere = atmosphere
        self.image = Image.new("RGB", size)
        self.emission = Image.new("RGB", size)
        self.mask = Image.new("L", size, NOT_VEHICLE)
        self.marking = NOT_VEHICLE
        self.halos: list[Halo] = []
        self._ink: Any = ImageDraw.Draw(self.image)
        self._glaze: Any = ImageDraw.Draw(self.image, "RGBA")
        self._emission_ink: Any = ImageDraw.Draw(self.emission)
        self._mask_ink: Any = ImageDraw.Draw(self.mask)

    def face(self, points: Points, colour: Colour, *, glow: Colour = BLACK) -> None:
        """Fills a polygon, shape (n, 3) in metres; `glow` is its own light, seen where it is dark."""
        outline, metres = self._place(points)
        self._cover("polygon", outline.ravel().tolist(), *self._seen(colour, glow, metres))

    def faces(self, polygons: Points, colour: Colour, *, glow: Colour = BLACK) -> None:
        """Fills polygons of one colour, shape (polygons, n, 3), but those outside the frame or beside the camera."""
        outlines, depths = self.viewpoint.project(polygons)
        is_inside = ((outlines.max(axis=1) >= 0) & (outlines.min(axis=1) <= self.size)).all(axis=1)
        is_seen = is_inside & (depths.min(axis=1) > NEAREST_METRES)
        flat, means = outlines.reshape(-1, 2 * polygons.shape[1])[is_seen], depths[is_seen].mean(axis=1)
        for outline, metres in zip(flat.tolist(), means.tolist(), strict=True):
            self._cover("polygon", outline, *self._seen(colour, glow, metres))

    def discs(self, centres: Points, colours: Sequence[Colour], *, radii: Points) -> None:
        """Fills discs that face the camera: shapes (n, 3) and (n,) in metres."""
        places, depths = self.viewpoint.project(centres)
        for (column, row), depth, radius, colour in zip(
            places.tolist(), depths.tolist(), radii.tolist(), colours, strict=True
        ):
            reach = radius * self.viewpoint.focal_pixels / depth
            corners = (column - reach, row - reach, column + reach, row + reach)
            self._cover("ellipse", corners, *self._seen(colour, BLACK, depth))

    def stroke(self, points: Points, colour: Colour, *, width: float) -> None:
        """Draws a line through points, shape (n, 3), with round joints and ends; `width` is in metres."""
        route, metres = self._place(points)
        pixels = max(1.0, width * self.viewpoint.focal_pixels / metres)
        seen = self._seen(colour, BLACK, metres)
        self._cover("line", route.ravel().tolist(), *seen, width=round(pixels))
        if pixels > 3:
            reach = pixels / 2 - 0.5
            for column, row in route.tolist():
                self._cover("ellipse", (column - reach, row - reach, column + reach, row + reach), *seen)

    def glaze(self, points: Points, colour: Colour, *, opacity: float) -> None:
        """Lays a translucent polygon, shape (n, 3), over the picture; mask and lamps stay as they are."""
        outline, _ = self._place(points)
        self._glaze.polygon(outline.ravel().tolist(), fill=(*_rgb(colour), round(255 * opacity)))

    def gradient(self, points: Points, colours: Sequence[Colour]) -> None:
        """Fills a polygon, shape (n, 3), with colours that change evenly from its top to its bottom."""
        outline, metres = self._place(points)
        self.gradient_pixels(outline, [self._seen(colour, BLACK, metres) for colour in colours])

    def silhouette(self, outline: Points, colour: Colour, *, depth_metres: float) -> None:
        """Fills a polygon in pixels, shape (n, 2), that lies at one depth."""
        self._cover("polygon", outline.ravel().tolist(), *self._seen(colour, BLACK, depth_metres))

    def gradient_pixels(self, outline: Points, tones: Sequence[tuple[Colour, Colour]]) -> None:
        """Fills a polygon in pixels, shape (n, 2), with pairs of a colour and a light, from top to bottom."""
        area = self._area(outline)
        if area is None:
            return
        left, upper, right, lower = area
        stencil = Image.new("L", (right - left, lower - upper))
        ImageDraw.Draw(stencil).polygon((outline - (left, upper)).ravel().tolist(), fill=255)
        top, bottom = outline[:, 1].min(), outline[:, 1].max()
        places = (np.arange(upper, lower) - top) / max(bottom - top, 1.0) * (len(tones) - 1)
        columns = np.asarray(tones, dtype=np.float64)  # (tones, picture and light, channels)
        for layer, target in enumerate(self._layers()):
            column = np.stack([np.interp(places, range(len(tones)), columns[:, layer, c]) for c in range(3)], axis=-1)
            strip = Image.fromarray(column.clip(0, 255).astype(np.uint8)[:, None])
            target.paste(strip.resize(stencil.size, Image.Resampling.NEAREST), (left, upper), stencil)
        self._mask_ink.polygon(outline.ravel().tolist(), fill=self.marking)

    def shadow(self, outlines: Points, *, strength: float, softness_metres: float) -> None:
        """Darkens polygons, shape (polygons, n, 3), together and with soft edges; `strength` is 0 to 1."""
        places, depths = self.viewpoint.project(outlines)
        radius = softness_metres * self.viewpoint.focal_pixels / float(depths.mean())
        corners = places.reshape(-1, 2)
        area = self._area(np.concatenate([corners - 3 * radius, corners + 3 * radius]))
        if area is None:
            return
        left, upper, right, lower = area
        small = Image.new("L", (max(1, (right - left) // _SHADOW_SHRINK), max(1, (lower - upper) // _SHADOW_SHRINK)))
        ink = ImageDraw.Draw(small)
        for outline in ((places - (left, upper)) / _SHADOW_SHRINK).reshape(len(outlines), -1).tolist():
            ink.polygon(outline, fill=round(255 * strength))
        soft = small.filter(ImageFilter.GaussianBlur(radius / _SHADOW_SHRINK))
        self.image.paste(_rgb(BLACK), area, soft.resize((right - left, lower - upper), Image.Resampling.BILINEAR))

    def halo(self, centre: Points, colour: Colour, *, radius: float) -> None:
        """Adds light around a lamp at `centre`, shape (3,), where it is dark; `radius` in metres."""
        self._add_light(centre, colour, radius=(radius, radius), is_on_vehicle=self.marking == VEHICLE)

    def light_pool(self, centre: Points, colour: Colour, *, radius: tuple[float, float]) -> None:
        """Adds light on the ground around `centre`, shape (3,), where it is dark; radii across and down in metres."""
        self._add_light(centre, colour, radius=radius, is_on_vehicle=False)

    def _add_light(self, centre: Points, colour: Colour, *, radius: tuple[float, float], is_on_vehicle: bool) -> None:
        if self.atmosphere.is_dark:
            (place,), metres = self._place(centre[None])
            scale = self.viewpoint.focal_pixels / metres
            column, row = place.tolist()
            self.halos.append(Halo((column, row), (radius[0] * scale, radius[1] * scale), colour, is_on_vehicle))

    def _place(self, points: Points) -> tuple[Points, float]:
        """Pixels, shape (n, 2), and mean metres from the camera, of points of shape (n, 3)."""
        outline, depths = self.viewpoint.project(points)
        return outline, float(depths.sum()) / len(points)

    def _area(self, outline: Points) -> tuple[int, int, int, int] | None:
        """The part of the picture, left, upper, right, lower, that an outline in pixels may touch."""
        left, upper = np.maximum(np.floor(outline.min(axis=0)), 0).astype(int).tolist()
        right, lower = np.minimum(np.ceil(outline.max(axis=0)) + 1, self.size).astype(int).tolist()
        return (left, upper, right, lower) if left < right and upper < lower else None

    def _layers(self) -> tuple[Image.Image, ...]:
        return (self.image, self.emission) if self.atmosphere.is_dark else (self.image,)

    def _seen(self, colour: Colour, glow: Colour, depth_metres: float) -> tuple[Colour, Colour]:
        """Colour and light as they reach the camera through the air."""
        fade = self.atmosphere.fade(depth_metres)
        if self.atmosphere.is_dark:
            return shade(colour, 1 - fade), mix(glow, self.atmosphere.horizon, fade)
        return mix(colour, self.atmosphere.horizon, fade), BLACK

    def _cover(self, shape: str, coordinates: Sequence[float], colour: Colour, glow: Colour, **options: int) -> None:
        getattr(self._ink, shape)(coordinates, fill=_rgb(colour), **options)
        getattr(self._mask_ink, shape)(coordinates, fill=self.marking, **options)
        if self.atmosphere.is_dark:
            getattr(self._emission_ink, shape)(coordinates, fill=_rgb(glow), **options)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = colour
    return int(red + 0.5), int(green + 0.5), int(blue + 0.5)
