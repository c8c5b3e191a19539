"""Tests of keras_transfer.images.file_kinds: what a file is, whatever its name says."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import image_variants
import jpeg_files
from keras_transfer.images import file_kinds

PIXELS = image_variants.drawn(0, 60, 80)


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    return file.getvalue()


def brands(first: bytes, *others: bytes) -> bytes:
    return (16 + 4 * len(others)).to_bytes(4, "big") + b"ftyp" + first + bytes(4) + b"".join(others) + bytes(64)


# What it is -> bytes, and a word of what to do.
FOREIGN = {
    "empty": (b"", ""),
    "zero bytes": (bytes(500), "again"),
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "HTML page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "picture itself"),
    "an HTML page": (b"<html lang=en><p>Please log in", "picture itself"),
    "SVG": (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="3"/>', "convert"),
    "SVG:": (b"<svg xmlns='x'></svg>", "convert"),
    "XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "picture itself"),
    "an XML": (b"<annotation><object/></annotation>", "picture itself"),
    "JSON": (json.dumps({"error": "not found"}).encode(), "picture itself"),
    "a JSON": (b'[\n  {"a": 1}\n]', "picture itself"),
    "text": (b"dear diary", "picture itself"),
    "a text": ("Käfer und Bäume".encode("utf-16"), "picture itself"),
    "base64": (b"/9j/4AAQSkZJRgABAQAAAQABAAD", "decode"),
    "TIFF": (saved("TIFF"), "convert"),
    "HEIC": (brands(b"heic", b"mif1", b"heic"), "convert"),
    "HEIC:": (brands(b"mif1", b"heic"), "convert"),
    "AVIF": (brands(b"avif", b"mif1"), "convert"),
    "AVIF:": (brands(b"mif1", b"avif"), "convert"),
    "video": (brands(b"isom", b"mp41"), "frames"),
    "CR3": (brands(b"crx "), "convert"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "picture itself"),
    "ZIP": (zipped(), "unpack"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "unpack"),
    "JPEG XL": (b"\xff\x0a" + bytes(40), "convert"),
    "JPEG XL:": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(9), "convert"),
    "JPEG 2000": (saved("JPEG2000"), "convert"),
    "PSD": (b"8BPS\0\1" + bytes(30), "convert"),
    "DICOM": (bytes(128) + b"DICM" + bytes(30), "convert"),
    "ICO": (saved("ICO"), "convert"),
    "PNM": (saved("PPM"), "convert"),
    "DDS": (saved("DDS"), "convert"),
    "AppleDouble": (b"\0\5\x16\7\0\2\0\0Mac OS X", "picture itself"),
    "NumPy": (b"\x93NUMPY\1\0v\0" + bytes(80), "convert"),
    "CgBI": (b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI" + bytes(30), "PNG"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_it_says_what_a_file_is_and_what_to_do(name):
    content, advice = FOREIGN[name]
    phrase = file_kinds.foreign(content)
    assert name.removeprefix("an ").removeprefix("a ").rstrip(":") in phrase
    assert advice in phrase


def test_bytes_of_no_known_kind_are_not_named():
    assert file_kinds.foreign(np.random.default_rng(0).bytes(1000)) == ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_file_that_is_cut_off_is_told_from_one_that_is_damaged(kind):
    whole = saved(kind)
    assert "cut off" in file_kinds.broken(whole[: len(whole) // 2])
    assert "damaged" in file_kinds.broken(whole)


@pytest.mark.parametrize(
    ("words", "options"),
    [("12 bits", {"precision": 12, "frame": 0xC1}), ("lossless", {"frame": 0xC3}), ("hierarchical", {"frame": 0xC5})],
)
def test_jpegs_of_unusual_kinds_are_named(words, options):
    assert words in file_kinds.broken(jpeg_files.by_hand(0, 9, 9, sampling=[(1, 1)] * 3, **options))


@pytest.mark.parametrize("content", [b"dear diary", b"", saved("BMP")])
def test_what_bears_another_signature_is_not_called_broken(content):
    assert file_kinds.broken(content) == ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF", "AVIF"])
def test_what_pillow_writes_is_known_whatever_it_is_called(tmp_path, kind):
    (tmp_path / "b").write_bytes(saved(kind))
    assert file_kinds.format_of(str(tmp_path / "b")) == kind


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"BMW is a car, and this is a text about it", ""),
        (brands(b"mif1", b"avif"), "AVIF"),
        (brands(b"isom", b"mp41"), ""),
        (b"RIFF\0\0\0\0WAVEfmt ", ""),
        (b"<!DOCTYPE html>", ""),
        (b"dear diary", ""),
        (b"", ""),
    ],
)
def test_other_files_are_told_from_images(tmp_path, content, expected):
    (tmp_path / "b").write_bytes(content)
    assert file_kinds.format_of(str(tmp_path / "b")) == expected


def test_a_file_that_cannot_be_opened_has_no_format(tmp_path):
    assert file_kinds.format_of(str(tmp_path / "nowhere")) == ""
