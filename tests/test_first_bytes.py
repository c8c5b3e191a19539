"""Tests of keras_transfer.data.first_bytes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from keras_transfer.data import first_bytes


def encoded(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 40)).save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF", "AVIF"])
def test_what_pillow_writes_is_known_whatever_it_is_called(tmp_path, kind):
    (tmp_path / "b").write_bytes(encoded(kind))
    assert first_bytes.format_of(str(tmp_path / "b")) == kind


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"BMW is a car, and this is a text about it", ""),
        (b"RIFF\0\0\0\0WAVEfmt ", ""),
        (b"<!DOCTYPE html>", ""),
        (b"dear diary", ""),
        (b"", ""),
    ],
)
def test_other_files_are_told_from_images(tmp_path, content, expected):
    (tmp_path / "b").write_bytes(content)
    assert first_bytes.format_of(str(tmp_path / "b")) == expected


def test_a_file_that_cannot_be_opened_has_no_format(tmp_path):
    assert first_bytes.format_of(str(tmp_path / "nowhere")) == ""
