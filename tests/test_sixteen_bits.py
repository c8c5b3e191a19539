"""Tests of keras_transfer.images.sixteen_bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import image_variants
import png_files
from keras_transfer.images import sixteen_bits

COLOURS = {"gray": png_files.GRAY, "gray+alpha": png_files.GRAY_ALPHA, "rgb": png_files.RGB, "rgba": png_files.RGBA}


def png(highest: int, *, colour: int = png_files.GRAY, bits: int = 16) -> bytes:
    """Levels from 0 to the highest; an alpha channel is opaque."""
    channels = png_files.CHANNELS[colour]
    samples = np.linspace(0, highest, 6 * 5 * channels).astype(np.int64).reshape(6, 5, channels)
    if channels in (2, 4):
        samples[..., -1] = 2**bits - 1
        samples[-1, -1, :-1] = highest
    return png_files.png(samples, colour=colour, bits=bits)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("highest", "expected"), [(4095, True), (8191, True), (8192, False), (65535, False)])
def test_only_the_lowest_eighth_of_16_bits_is_nearly_black(colour, highest, expected):
    assert sixteen_bits.is_nearly_black(png(highest, colour=COLOURS[colour])) == expected


@pytest.mark.parametrize(
    "content",
    [
        png(0),
        png(20, bits=8),
        png(4095)[:60],
        b"",
        b"\x89PNG",
        image_variants.make("jpeg gray", 0, 20, 20)[0],
        bytes(24) + b"\x10",
    ],
)
def test_black_pictures_others_and_broken_ones_are_not_meant(content):
    assert not sixteen_bits.is_nearly_black(content)


def write(folder: Path, *contents: bytes) -> list[str]:
    paths = [folder / f"{number}.png" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def test_one_warning_counts_them_names_one_and_says_what_to_do(tmp_path, capsys):
    paths = write(tmp_path, png(65535), png(4095), png(255, bits=8), png(4000))
    sixteen_bits.warn([*paths, str(tmp_path / "gone.png")])
    (line,) = capsys.readouterr().err.splitlines()
    assert "2 of 3" in line
    assert paths[1] in line
    assert "65535" in line


@pytest.mark.parametrize("contents", [(), (png(65535),), (png(20, bits=8),)])
def test_there_is_no_warning_without_such_files(tmp_path, capsys, contents):
    sixteen_bits.warn(write(tmp_path, *contents))
    assert capsys.readouterr().err == ""


def test_of_many_files_some_are_looked_at(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sixteen_bits, "_LOOKED_AT", 3)
    sixteen_bits.warn(write(tmp_path, *[png(4095)] * 11))
    assert "3 of 3" in capsys.readouterr().err
