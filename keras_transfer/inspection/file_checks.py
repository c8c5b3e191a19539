"""Findings about single files: unreadable, damaged, misnamed, and what the decoder will silently do to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from keras_transfer.data.examples import LeftOut
from keras_transfer.images import looks
from keras_transfer.inspection.findings import Finding
from keras_transfer.inspection.headers import Header
from keras_transfer.inspection.photos import Photo
from keras_transfer.settings.config import ImageConfig

_SMALL_SHARE = 0.5  # of the side that the network sees: enlarged by more than that, nothing sharp is left
_ELONGATED = 3.0  # longer side : shorter side; a square crop then shows less than a third
_HUGE_PIXELS = 20_000_000
_SIZE_MATTERS = ("small", "elongated", "huge")

_Check = Callable[[Photo, Header, ImageConfig], str]


def check(photos: Sequence[Photo], *, image: ImageConfig) -> list[Finding]:
    """Findings about files that were read.

    Args:
      photos: of the examples.
      image: side, resize mode, and whether EXIF orientation counts.
    """
    found = []
    for photo in photos:
        if photo.reason:
            found.append(Finding("unreadable", (photo.path,), photo.reason))
        if photo.damage:
            found.append(Finding("damaged", (photo.path,), f"A strict decoder says: {photo.damage}."))
        if photo.header is not None:
            found += _check_header(photo, photo.header, image)
        if photo.look is not None and photo.contrast < looks.LEAST_CONTRAST:
            detail = f"standard deviation {photo.contrast:.1f} of 255"
            why = "Its grey levels hardly vary."
            found.append(Finding("nearly_constant", (photo.path,), why, score=-photo.contrast, detail=detail))
    return found


def check_left_out(left_out: Sequence[LeftOut]) -> list[Finding]:
    """Findings about files that the source left out."""
    return [Finding("unreadable" if item.is_unreadable else "left_out", (item.path,), item.reason) for item in left_out]


def _check_header(photo: Photo, header: Header, image: ImageConfig) -> list[Finding]:
    whys = {kind: why(photo, header, image) for kind, why in _CHECKS.items()}
    size = f"{header.width} x {header.height} pixels"
    return [
        Finding(kind, (photo.path,), why, detail=size if kind in _SIZE_MATTERS else "")
        for kind, why in whys.items()
        if why
    ]


def _wrong_extension(photo: Photo, header: Header, _image: ImageConfig) -> str:
    ending = os.path.splitext(photo.path)[1]
    return "" if header.fits_ending(ending) else f"Its name ends in {ending}, and its content is {header.kind}."


def _animated(_photo: Photo, header: Header, _image: ImageConfig) -> str:
    return f"It is an animated {header.kind}." if header.is_animated else ""


def _cmyk(_photo: Photo, header: Header, _image: ImageConfig) -> str:
    return "Its colours are given for print (CMYK)." if header.mode == "CMYK" else ""


def _sixteen_bits(_photo: Photo, header: Header, _image: ImageConfig) -> str:
    return "It has 16 bits a channel." if header.is_sixteen_bits else ""


def _nearly_black(photo: Photo, _header: Header, _image: ImageConfig) -> str:
    return "It has 16 bits a channel, and uses less than an eighth of their range." if photo.is_nearly_black else ""


def _transparency(photo: Photo, _header: Header, _image: ImageConfig) -> str:
    return "Some of it is transparent." if photo.is_transparent else ""


def _exif_orientation(_photo: Photo, header: Header, image: ImageConfig) -> str:
    if header.orientation == 1 or (image.apply_exif and header.kind == "JPEG"):
        return ""
    return f"Its EXIF orientation is {header.orientation}, which is not applied."


def _small(_photo: Photo, header: Header, image: ImageConfig) -> str:
    is_small = min(header.width, header.height) < _SMALL_SHARE * image.image_size
    return f"It is small: the network sees {image.image_size} x {image.image_size} pixels." if is_small else ""


def _elongated(_photo: Photo, header: Header, image: ImageConfig) -> str:
    ratio = max(header.width, header.height) / max(min(header.width, header.height), 1)
    if ratio <= _ELONGATED:
        return ""
    effect = {"crop": "most of it is cut off", "squash": "it is squashed", "pad": "most of the square is black"}
    return f"It is so long or high that {effect[image.resize_mode]}."


def _huge(_photo: Photo, header: Header, _image: ImageConfig) -> str:
    is_huge = header.width * header.height > _HUGE_PIXELS
    return f"It has more than {_HUGE_PIXELS:,} pixels." if is_huge else ""


_CHECKS: dict[str, _Check] = {
    "wrong_extension": _wrong_extension,
    "animated": _animated,
    "cmyk": _cmyk,
    "sixteen_bits": _sixteen_bits,
    "nearly_black": _nearly_black,
    "transparency": _transparency,
    "exif_orientation": _exif_orientation,
    "small": _small,
    "elongated": _elongated,
    "huge": _huge,
}
