"""What a file is by its first bytes, whatever it is called. Standard library only, so that listing files is quick."""

from __future__ import annotations

# Format -> the signatures it may begin with, and where each stands.
_SIGNATURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    "JPEG": ((0, b"\xff\xd8\xff"),),
    "PNG": ((0, b"\x89PNG\r\n\x1a\n"),),
    "GIF": ((0, b"GIF87a"), (0, b"GIF89a")),
    "WebP": ((8, b"WEBP"),),
    "TIFF": ((0, b"II*\0"), (0, b"MM\0*")),
    "HEIC": tuple((4, b"ftyp" + brand) for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")),
    "AVIF": ((4, b"ftypavif"), (4, b"ftypavis")),
    "JPEG XL": ((0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL ")),
}
_LONGEST = 30
# Two letters alone would also fit a text; a bitmap's reserved bytes are 0, and its next header is short.
_BITMAP, _BITMAP_RESERVED, _BITMAP_HEADER_SIZES = b"BM", slice(6, 10), (12, 16, 40, 52, 56, 64, 108, 124)
ENDING_OF_READABLE = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WebP": ".webp"}


def format_of(path: str) -> str:
    """The image format, such as JPEG or HEIC, that a file's first bytes are those of; '' for none.

    The formats of `ENDING_OF_READABLE` can be read, the others can't. A file that can't be opened has none.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(_LONGEST)
    except OSError:
        return ""
    if start.startswith(_BITMAP) and not any(start[_BITMAP_RESERVED]):
        return "BMP" if int.from_bytes(start[14:18], "little") in _BITMAP_HEADER_SIZES else ""
    return next(
        (
            name
            for name, signatures in _SIGNATURES.items()
            if any(start.startswith(signature, place) for place, signature in signatures)
        ),
        "",
    )
