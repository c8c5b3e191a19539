"""Every format and variant of an image file: how to make one of any size, and the RGB that it stands for."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import bmp_files
import jpeg_files
import png_files
from bmp_files import bmp

Pixels = NDArray[np.uint8]
# The bytes, and the RGB by hand, or None where Pillow tells it.
Made = tuple[bytes, Pixels | None]
Make = Callable[[Pixels, int], Made]


def drawn(seed: int, height: int, width: int) -> Pixels:
    """Soft blots of many colours: uint8, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    blots = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return np.asarray(blots.resize((width, height), Image.Resampling.BICUBIC))


def make(name: str, seed: int, height: int, width: int) -> tuple[bytes, Pixels]:
    """A file of an accepted variant, and its RGB: by hand, or as Pillow reads it."""
    encoded, expected = ACCEPTED[name](drawn(seed, height, width), seed)
    if expected is not None:
        return encoded, expected
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of transparency that it drops
        return encoded, np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def _saved(kind: str, mode: str = "RGB", *, colours: int = 200, **options: Any) -> Make:
    def make_file(pixels: Pixels, _seed: int) -> Made:
        file = io.BytesIO()
        picture = Image.fromarray(pixels)
        if "A" in mode:
            alpha = Image.fromarray(pixels[..., 0])
            picture = Image.merge("RGBA", (*picture.split(), alpha)).convert(mode)
        else:
            picture = picture.quantize(colours) if mode == "P" else picture.convert(mode)
        picture.save(file, kind, **options)
        return file.getvalue(), None

    return make_file


def _jpeg(sampling: list[tuple[int, int]], **options: Any) -> Make:
    def make_file(pixels: Pixels, seed: int) -> Made:
        return jpeg_files.by_hand(seed, *pixels.shape[:2], sampling=sampling, **options), None

    return make_file


def _png(colour: int, bits: int, *, transparency: bytes = b"", is_interlaced: bool = False) -> Make:
    def make_file(pixels: Pixels, seed: int) -> Made:
        rng = np.random.default_rng(seed)
        channels = png_files.CHANNELS[colour]
        source = np.repeat(pixels.astype(np.int64), 2, axis=2)[..., :channels]
        samples = source * (2**bits - 1) // 255
        palette = rng.integers(0, 256, 3 * 2**bits, dtype=np.uint8).tobytes() if colour == png_files.PALETTE else b""
        encoded = png_files.png(
            samples, colour=colour, bits=bits, is_interlaced=is_interlaced, palette=palette, transparency=transparency
        )
        # Pillow cuts off gray levels of 16 bits at 255 instead of scaling them.
        is_wrong_in_pillow = bits == 16 and colour == png_files.GRAY
        return encoded, np.repeat(samples >> 8, 3, axis=2).astype(np.uint8) if is_wrong_in_pillow else None

    return make_file


def _bmp_palette(bits: int, *, missing: int = 0, **options: Any) -> Make:
    """With a palette of random colours, of which the last ones may be missing; Pillow reads no header of 16 bytes."""

    def make_file(pixels: Pixels, seed: int) -> Made:
        rng = np.random.default_rng(seed)
        palette = rng.integers(0, 256, (2**bits - missing, 3), dtype=np.uint8)
        indices = pixels[..., 0].astype(np.int64) * (len(palette) - 1) // 255
        return bmp(indices, bits=bits, palette=palette, **options), palette[indices]

    return make_file


def _bmp_masks(bits: int, masks: tuple[int, ...], **options: Any) -> Make:
    """By masks; Pillow knows only some of them."""

    def make_file(pixels: Pixels, _seed: int) -> Made:
        values = bmp_files.packed(pixels, masks)
        if len(masks) == 4:
            values |= (pixels[..., 0].astype(np.int64) % 2) * masks[3]
        return bmp(values, bits=bits, masks=masks, compression=3, **options), bmp_files.unpacked(values, masks)

    return make_file


def _bmp_plain(bits: int, masks: tuple[int, ...] = (0xFF0000, 0xFF00, 0xFF), **options: Any) -> Make:
    def make_file(pixels: Pixels, seed: int) -> Made:
        filler = (np.arange(pixels.shape[1]) * seed % 256) << 24 if bits == 32 else 0
        return bmp(bmp_files.packed(pixels, masks) | filler, bits=bits, **options), None

    return make_file


def _gif(*, left: int = 0, top: int = 0, transparency: int | None = None, **options: Any) -> Make:
    """The frame stands at a place of a larger screen, where one is given."""

    def make_file(pixels: Pixels, _seed: int) -> Made:
        more = {} if transparency is None else {"transparency": transparency}
        encoded, _ = _saved("GIF", "P", colours=200 if transparency is None else 8, **more, **options)(pixels, 0)
        if not left and not top:
            return encoded, None
        height, width = pixels.shape[:2]
        screen = struct.pack("<HH", width + left + 3, height + top + 5)
        head, rest = encoded[:6] + screen + encoded[10:781], encoded[781:]
        return head + rest.replace(b"," + bytes(4), b"," + struct.pack("<HH", left, top), 1), None

    return make_file


def _gif_with_own_colours(pixels: Pixels, _seed: int) -> Made:
    """The table of colours stands behind the frame's descriptor, and none in front."""
    encoded, _ = _saved("GIF", "P")(pixels, 0)
    flags, colours, rest = encoded[10], encoded[13:781], encoded[781:]
    descriptor = rest.index(b"," + bytes(4)) + 10
    frame = rest[: descriptor - 1] + bytes((rest[descriptor - 1] | flags & 0x87,)) + colours + rest[descriptor:]
    return b"GIF87a" + encoded[6:10] + b"\0" + encoded[11:13] + frame, None


def _sampled(subsampling: str) -> Make:
    return lambda pixels, _seed: (jpeg_files.with_subsampling(pixels, subsampling), None)


_FULL, _TWO, _FOUR = (1, 1), (2, 2), (4, 1)
_EXIF = Image.Exif()
_EXIF[0x0112] = 6

ACCEPTED: Mapping[str, Make] = {
    **{f"jpeg {name}": _saved("JPEG", subsampling=name) for name in ("4:4:4", "4:2:2", "4:2:0")},
    **{f"jpeg {name} by simplejpeg": _sampled(name) for name in ("440", "411")},
    "jpeg progressive": _saved("JPEG", progressive=True),
    "jpeg gray": _saved("JPEG", "L"),
    "jpeg gray, progressive": _saved("JPEG", "L", progressive=True),
    "jpeg rgb": _saved("JPEG", keep_rgb=True),
    "jpeg restart markers": _saved("JPEG", restart_marker_blocks=1),
    "jpeg cmyk": _saved("JPEG", "CMYK"),
    "jpeg cmyk, progressive": _saved("JPEG", "CMYK", progressive=True),
    "jpeg exif": _saved("JPEG", exif=_EXIF),
    "jpeg 1x1 of odd factors": _jpeg([_TWO]),
    "jpeg 4:2:1": _jpeg([_TWO, (1, 2), _FULL]),
    "jpeg 4:1:0": _jpeg([(4, 2), _FULL, _FULL]),
    "jpeg 4:1:1 by hand": _jpeg([_FOUR, _FULL, _FULL]),
    "jpeg of equal factors": _jpeg([(2, 1)] * 3),
    "jpeg rgb by names": _jpeg([_FULL] * 3, names=b"RGB"),
    "jpeg rgb by adobe": _jpeg([_FULL] * 3, segments=jpeg_files.ADOBE_CMYK),
    "jpeg ycck": _jpeg([_FULL] * 4, segments=jpeg_files.ADOBE_YCCK),
    "jpeg ycck, subsampled": _jpeg([_TWO, _FULL, _FULL, _TWO], segments=jpeg_files.ADOBE_YCCK),
    "jpeg extended": _jpeg([_TWO, _FULL, _FULL], frame=0xC1),
    **{
        f"png {name} {bits}{' interlaced' * is_interlaced}": _png(colour, bits, is_interlaced=is_interlaced)
        for name, colour, depths in (
            ("gray", png_files.GRAY, (1, 2, 4, 8, 16)),
            ("rgb", png_files.RGB, (8, 16)),
            ("palette", png_files.PALETTE, (1, 2, 4, 8)),
            ("gray+alpha", png_files.GRAY_ALPHA, (8, 16)),
            ("rgba", png_files.RGBA, (8, 16)),
        )
        for bits in depths
        for is_interlaced in (False, True)
    },
    "png gray+trns": _png(png_files.GRAY, 8, transparency=b"\0\x40"),
    "png gray 16+trns": _png(png_files.GRAY, 16, transparency=b"\x40\0"),
    "png rgb+trns": _png(png_files.RGB, 8, transparency=b"\0\x40\0\x40\0\x40"),
    "png palette+trns": _png(png_files.PALETTE, 8, transparency=bytes(range(200))),
    "png palette 1+trns": _png(png_files.PALETTE, 1, transparency=b"\0"),
    "gif": _gif(interlace=0),
    "gif interlaced": _gif(interlace=1),
    "gif transparent": _gif(transparency=2),
    "gif offset in its screen": _gif(left=7, top=4),
    "gif offset and transparent": _gif(left=1, top=9, transparency=3),
    "gif 87a with its own colours": _gif_with_own_colours,
    "webp lossy": _saved("WEBP", quality=90),
    "webp lossless": _saved("WEBP", lossless=True),
    "webp lossy with alpha": _saved("WEBP", "RGBA", quality=90, exact=True),
    "webp lossless with alpha": _saved("WEBP", "RGBA", lossless=True, exact=True),
    "webp with exif": _saved("WEBP", quality=90, exif=_EXIF),
    **{
        f"bmp {bits} bits, header of {header}{', top-down' * is_top_down}": _bmp_palette(
            bits, header=header, is_top_down=is_top_down
        )
        for bits in (1, 4, 8)
        for header in (12, 16, 20, 40, 52, 56, 64, 108, 124)
        for is_top_down in ({False, header >= bmp_files.INFO})
    },
    **{
        f"bmp {bits} bits, header of {header}{', top-down' * is_top_down}": _bmp_plain(
            bits, header=header, is_top_down=is_top_down
        )
        for bits in (24, 32)
        for header in (12, 40, 52, 56, 64, 108, 124)
        for is_top_down in ({False, header >= bmp_files.INFO})
    },
    **{f"bmp of {bits} bits with few colours": _bmp_palette(bits, missing=1) for bits in (4, 8)},
    "bmp of few colours in os/2": _bmp_palette(8, missing=99, header=12),
    "bmp with more colours than it says": _bmp_palette(4, missing=5, colours_used=0),
    "bmp with a gap before its pixels": _bmp_palette(8, gap=12),
    "bmp of 24 bits with a gap": _bmp_plain(24, gap=7),
    "bmp of 24 bits with a palette": _bmp_plain(24, palette=np.zeros((5, 3), np.uint8)),
    **{f"bmp 5-5-5, header of {header}": _bmp_plain(16, bmp_files.MASKS_555, header=header) for header in (40, 124)},
    "bmp 5-5-5, top-down": _bmp_plain(16, bmp_files.MASKS_555, is_top_down=True),
    **{
        f"bmp {name}, header of {header}": _bmp_masks(bits, masks, header=header)
        for header in (40, 52, 56, 108, 124)
        for name, bits, masks in (
            ("5-5-5 by masks", 16, bmp_files.MASKS_555),
            ("5-6-5", 16, bmp_files.MASKS_565),
            ("4-4-4", 16, (0xF00, 0xF0, 0xF)),
            ("red lowest", 32, (0xFF, 0xFF00, 0xFF0000)),
            ("red in the high byte", 32, (0xFF000000, 0xFF0000, 0xFF00)),
            ("green in front", 32, (0xFF0000, 0xFF000000, 0xFF)),
            ("10 bits a channel", 32, (0x3FF00000, 0xFFC00, 0x3FF)),
        )
    },
    "bmp by masks with alpha": _bmp_masks(32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), header=56),
    "bmp by masks, top-down": _bmp_masks(16, bmp_files.MASKS_565, is_top_down=True),
    "bmp by masks of windows ce": lambda pixels, _seed: _windows_ce(pixels),
}


def _windows_ce(pixels: Pixels) -> Made:
    """Compression 6: a fourth mask, of alpha, stands behind the header of 40 bytes (BI_ALPHABITFIELDS)."""
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return bmp(bmp_files.packed(pixels, masks), bits=32, masks=masks, compression=6), pixels
