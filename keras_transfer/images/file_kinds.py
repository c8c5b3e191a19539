"""What a file is by its bytes, whatever it is called, and what to do with what cannot be decoded: for people.

Standard library only, so that listing files is quick.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_CONVERT = "convert it to JPEG or PNG"
_NOT_AN_IMAGE = "not an image: get the picture itself"
_SEARCHED_BYTES = 4096  # of a text

ENDING_OF_READABLE = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WebP": ".webp"}
_HEAD_BYTES = 30  # what `format_of` needs
# Two letters alone would also fit a text; a bitmap's reserved bytes are 0, and its next header is short.
_BITMAP, _BITMAP_RESERVED, _BITMAP_HEADER_SIZES = b"BM", slice(6, 10), (12, 16, 40, 52, 56, 64, 108, 124)


class _Signature(NamedTuple):
    """Where a signature stands, what it is, what to tell of a file that bears it and is not read, and its format."""

    place: int
    content: bytes
    phrase: str
    format: str = ""  # of photos only


# Of several that fit, the first counts. Sources: the formats' own specifications, and the signatures of file(1). HEIC
# and AVIF are told by their brands, BMP by more than a signature.
_ROWS: tuple[tuple[int, bytes, str] | tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xd8\xff", "", "JPEG"),
    (0, b"GIF8", "", "GIF"),
    (8, b"WEBP", "", "WebP"),
    (0, b"version https://git-lfs.github.com/spec", "a Git LFS pointer, not the image itself: run git lfs pull"),
    (
        0,
        b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI",
        "a PNG made for iPhones by Xcode (CgBI): save it as an ordinary PNG",
        "PNG",
    ),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG whose header is damaged: get the file again", "PNG"),
    (0, b"\x89PNG", "a PNG that was changed while it was copied as text: get the file again", "PNG"),
    (0, b"II*\0\x10\0\0\0CR", f"a raw photo of a camera (CR2): {_CONVERT}", "TIFF"),
    (0, b"II*\0", f"TIFF (or a camera's raw photo): {_CONVERT}", "TIFF"),
    (0, b"MM\0*", f"TIFF (or a camera's raw photo): {_CONVERT}", "TIFF"),
    (0, b"II+\0", f"BigTIFF: {_CONVERT}"),
    (0, b"MM\0+", f"BigTIFF: {_CONVERT}"),
    (0, b"IIRO", f"a raw photo of a camera (ORF): {_CONVERT}"),
    (0, b"IIU\0", f"a raw photo of a camera (RW2): {_CONVERT}"),
    (0, b"FUJIFILMCCD-RAW", f"a raw photo of a camera (RAF): {_CONVERT}"),
    (0, b"\xff\x0a", f"JPEG XL: {_CONVERT}", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", f"JPEG XL: {_CONVERT}", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", f"JPEG 2000: {_CONVERT}"),
    (0, b"\xff\x4f\xff\x51", f"JPEG 2000: {_CONVERT}"),
    (0, b"8BPS", f"a Photoshop file (PSD): {_CONVERT}"),
    (0, b"gimp xcf", f"a GIMP file (XCF): {_CONVERT}"),
    (128, b"DICM", f"DICOM: {_CONVERT}"),
    (0, b"SIMPLE  =", f"FITS: {_CONVERT}"),
    (0, b"\x76\x2f\x31\x01", f"OpenEXR: {_CONVERT}"),
    (0, b"#?RADIANCE", f"Radiance HDR: {_CONVERT}"),
    (0, b"DDS ", f"a texture (DDS): {_CONVERT}"),
    (0, b"AT&TFORM", f"DjVu: {_CONVERT}"),
    (0, b"\0\0\x01\0", f"an icon (ICO): {_CONVERT}"),
    (0, b"BA", f"an array of OS/2 bitmaps: {_CONVERT}"),
    (0, b"\xd7\xcd\xc6\x9a", f"a drawing (WMF): {_CONVERT}"),
    (40, b" EMF", f"a drawing (EMF): {_CONVERT}"),
    (0, b"%PDF", f"a PDF document, {_NOT_AN_IMAGE}"),
    (0, b"%!PS", f"a PostScript document, {_NOT_AN_IMAGE}"),
    (0, b"\xc5\xd0\xd3\xc6", f"a PostScript document, {_NOT_AN_IMAGE}"),
    (0, b"PK\x03\x04", "a ZIP archive (or an Office document), not an image: unpack it"),
    (0, b"PK\x05\x06", "an empty ZIP archive, not an image: get the file again"),
    (0, b"\x1f\x8b", "a gzip archive, not an image: unpack it"),
    (0, b"BZh", "a bzip2 archive, not an image: unpack it"),
    (0, b"\xfd7zXZ\0", "an xz archive, not an image: unpack it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive, not an image: unpack it"),
    (0, b"Rar!", "a RAR archive, not an image: unpack it"),
    (257, b"ustar", "a tar archive, not an image: unpack it"),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska, WebM), not an image: save frames of it as JPEG or PNG"),
    (8, b"AVI ", "a video (AVI), not an image: save frames of it as JPEG or PNG"),
    (8, b"WAVE", f"a sound file (WAV), {_NOT_AN_IMAGE}"),
    (0, b"ID3", f"a sound file (MP3), {_NOT_AN_IMAGE}"),
    (0, b"OggS", f"a sound or video file (Ogg), {_NOT_AN_IMAGE}"),
    (0, b"\0\x05\x16\x07", f"what macOS keeps beside a file (AppleDouble), {_NOT_AN_IMAGE}"),
    (0, b"book\0\0\0\0mark", f"an alias of macOS, {_NOT_AN_IMAGE}"),
    (0, b"L\0\0\0\x01\x14\x02\0", f"a shortcut of Windows, {_NOT_AN_IMAGE}"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an old Office document or Thumbs.db, {_NOT_AN_IMAGE}"),
    (0, b"\x93NUMPY", f"a NumPy array: {_CONVERT}"),
    (0, b"\x89HDF", "an HDF5 file, not an image: save its pictures as JPEG or PNG"),
    (0, b"SQLite format 3", f"an SQLite database, {_NOT_AN_IMAGE}"),
    (0, b"\x7fELF", f"a program, {_NOT_AN_IMAGE}"),
    (0, b"MZ", f"a program of Windows, {_NOT_AN_IMAGE}"),
)
_SIGNATURES = tuple(_Signature(*row) for row in _ROWS)
# ISO/IEC 14496-12, 4.3: the brands of a file behind "ftyp".
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TEXT_KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!doctype html|<html|<head|<body"), f"an HTML page, {_NOT_AN_IMAGE}, not its page or an error"),
    (re.compile(r"(<\?xml.*?)?(<!--.*?-->\s*)?(<!doctype svg.*?)?<svg", re.DOTALL), f"SVG: {_CONVERT}"),
    (re.compile(r"<\?xml|<[a-z!][^<>]*>"), f"an XML file, {_NOT_AN_IMAGE}"),
    (re.compile(r"[{\[]\s*([\"{}\[\]\d-]|true|false|null)"), f"a JSON file, {_NOT_AN_IMAGE}"),
    (re.compile(r"data:image/|/9j/|ivborw0kggo|r0lgodlh|r0lgoddh"), "an image written as text (base64): decode it"),
    (re.compile(r"p[1-6]\s"), f"PNM (PBM, PGM, PPM): {_CONVERT}"),
)
# ITU-T T.81, table B.1: the markers of a frame, by how it is coded.
_USUAL_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_LOSSLESS_OR_HIERARCHICAL = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)
_START_OF_SCAN = 0xDA


def format_of(path: str) -> str:
    """The format, such as JPEG or HEIC, that a file's first bytes are those of, see `format_of_bytes`.

    A file that can't be opened has none.
    """
    try:
        with open(path, "rb") as file:
            return format_of_bytes(file.read(_HEAD_BYTES))
    except OSError:
        return ""


def format_of_bytes(content: bytes) -> str:
    """The format of a photo, such as JPEG or HEIC, by its first 30 bytes or more; "" for what is none.

    The formats of `ENDING_OF_READABLE` can be read, the others can't.
    """
    if content.startswith(_BITMAP) and not any(content[_BITMAP_RESERVED]):
        return "BMP" if int.from_bytes(content[14:18], "little") in _BITMAP_HEADER_SIZES else ""
    if content[4:8] == b"ftyp":
        return _format_of_brands(_brands(content))
    found = (each for each in _SIGNATURES if each.format and content.startswith(each.content, each.place))
    return next((each.format for each in found), "")


def foreign(content: bytes) -> str:
    """What a file is that bears no signature of a format that is read, and what to do.

    Args:
      content: all bytes of the file.

    Returns:
      A phrase such as "HEIC: convert it to JPEG or PNG"; "" where it is not known.
    """
    if not content:
        return "the file is empty (0 bytes)"
    if not content.strip(b"\0"):
        return "nothing but zero bytes, as a failed copy leaves behind: get the file again"
    if content[4:8] == b"ftyp":
        return _of_brands(_brands(content))
    found = (each for each in _SIGNATURES if each.phrase and content.startswith(each.content, each.place))
    return next((each.phrase for each in found), "") or _of_text(content)


def broken(content: bytes) -> str:
    """Why a JPEG, PNG, GIF or WebP that bears its format's signature cannot be decoded, and what to do.

    Args:
      content: all bytes of a file that the decoder refused.

    Returns:
      A phrase such as "a JPEG that is cut off: ...".
    """
    name = format_of_bytes(content)
    if name not in _IS_WHOLE:
        return ""
    if name == "JPEG" and (reason := _jpeg_coding(content)):
        return reason
    state = "damaged" if _IS_WHOLE[name](content) else "cut off (its end is missing)"
    return f"a {name} that is {state}: get the file again"


def _brands(content: bytes) -> list[bytes]:
    """The major brand, and those that it is compatible with."""
    size = int.from_bytes(content[:4], "big")
    return [content[place : place + 4] for place in (8, *range(16, min(max(size, 16), 256), 4))]


def _format_of_brands(brands: list[bytes]) -> str:
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    return "HEIC" if any(brand in _HEIC_BRANDS for brand in brands) else ""


def _of_brands(brands: list[bytes]) -> str:
    if photo := _format_of_brands(brands):
        return f"{photo}: {_CONVERT}"
    if brands[0] == b"crx ":
        return f"a raw photo of a camera (CR3): {_CONVERT}"
    return "a video (MP4, MOV), not an image: save frames of it as JPEG or PNG"


def _of_text(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content[:_SEARCHED_BYTES].decode(encoding, "replace").strip().lower()
    for pattern, phrase in _TEXT_KINDS:
        if pattern.match(text):
            return phrase
    strange = sum(not (letter.isprintable() or letter.isspace()) or letter == "\ufffd" for letter in text[:-1])
    # One letter may be cut in two where the stretch that is looked at ends.
    return f"a text file, {_NOT_AN_IMAGE}" if text and not strange else ""


def _jpeg_coding(content: bytes) -> str:
    """Why a JPEG is of a kind that is not decoded; "" where it is of a usual one, or its frame is not found."""
    place = 2
    while place + 5 <= len(content) and content[place] == 0xFF and content[place + 1] != _START_OF_SCAN:
        marker = content[place + 1]
        if marker in _LOSSLESS_OR_HIERARCHICAL:
            return "a lossless or hierarchical JPEG, as medical devices write it: save it as PNG"
        if marker in _USUAL_FRAMES:
            bits = content[place + 4]
            return f"a JPEG of {bits} bits a channel: save it with 8 bits, or as PNG" if bits != 8 else ""
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return ""


# Format -> whether a file has its end.
_IS_WHOLE: dict[str, Callable[[bytes], bool]] = {
    "JPEG": lambda content: b"\xff\xd9" in content[-_SEARCHED_BYTES:],
    "PNG": lambda content: b"IEND" in content[-_SEARCHED_BYTES:],
    "GIF": lambda content: content.rstrip(b"\0").endswith(b";"),
    "WebP": lambda content: len(content) >= 8 + int.from_bytes(content[4:8], "little"),
}
