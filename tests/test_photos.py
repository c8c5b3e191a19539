"""Tests of keras_transfer.inspection.photos."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import image_variants
import jpeg_files
import png_files
from keras_transfer.images import eager_decoding
from keras_transfer.inspection import photos
from keras_transfer.inspection.photos import Photo
from keras_transfer.settings.config import ImageConfig
from planted_faults import DAMAGES, encoded
from small_pictures import picture

WHOLE = {
    "plain.jpg": encoded(picture(0), "JPEG"),
    "progressive.jpg": encoded(picture(0), "JPEG", progressive=True),
    "grey.jpg": encoded(picture(0).convert("L"), "JPEG"),
    "cmyk.jpg": encoded(picture(0).convert("CMYK"), "JPEG"),
    "plain.png": encoded(picture(0), "PNG"),
    "palette.png": encoded(picture(0).quantize(16), "PNG"),
    "still.gif": encoded(picture(0), "GIF"),
    "plain.bmp": encoded(picture(0), "BMP"),
    "plain.webp": encoded(picture(0), "WEBP"),
}


def read(folder: Path, files: dict[str, bytes], **settings: int) -> dict[str, Photo]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    found = photos.read_all(
        [str(folder / name) for name in files], image=ImageConfig(), **{"max_pixels": 10**6, **settings}
    )
    assert [photo.path for photo in found] == [str(folder / name) for name in files]
    return dict(zip(files, found, strict=True))


def test_whole_files_of_every_format_are_read_without_a_complaint(tmp_path):
    for name, photo in read(tmp_path, WHOLE).items():
        assert (photo.reason, photo.damage) == ("", ""), name
        assert photo.digest == hashlib.sha256(WHOLE[name]).hexdigest()
        assert photo.header is not None
        assert photo.look is not None


def test_no_variant_that_is_accepted_is_called_damaged(tmp_path):
    """Simplejpeg does not know every chroma subsampling, and Pillow not every BMP."""
    made = {name: image_variants.make(name, 0, 30, 40)[0] for name in image_variants.ACCEPTED}
    found = read(tmp_path, {name.replace("/", " "): content for name, content in made.items()})
    assert {name: (photo.reason, photo.damage) for name, photo in found.items() if photo.reason or photo.damage} == {}


def test_damage_is_found_whatever_the_chroma_subsampling(tmp_path):
    pixels = np.asarray(picture(1, 900, 700))
    whole = {
        "4:1:1": jpeg_files.with_subsampling(pixels, "411"),
        "4:4:0": jpeg_files.with_subsampling(pixels, "440"),
        "CMYK": jpeg_files.by_pillow(pixels, "CMYK"),
        "gray": jpeg_files.by_pillow(pixels, "L"),
        "progressive": jpeg_files.by_pillow(pixels, progressive=True),
    }
    files = {
        f"{kind.replace(':', '')} {name}.jpg": damage(content, np.random.default_rng(0))
        for kind, content in whole.items()
        for name, damage in DAMAGES.items()
    }
    found = read(tmp_path, files)
    assert [name for name, photo in found.items() if not (photo.reason or photo.damage)] == []


def test_twelve_bits_in_sixteen_are_told(tmp_path):
    levels = np.asarray(picture(0).convert("L")).astype(np.int64)[..., np.newaxis]
    files = {
        "12 bits.png": png_files.png(levels * 16, colour=png_files.GRAY, bits=16),
        "16 bits.png": png_files.png(levels * 257, colour=png_files.GRAY, bits=16),
    }
    found = read(tmp_path, files)
    assert {name: photo.is_nearly_black for name, photo in found.items()} == {"12 bits.png": True, "16 bits.png": False}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_kind_of_damage_is_found(tmp_path, name):
    rng = np.random.default_rng(0)
    content = encoded(picture(0, 900, 700), "JPEG", quality=95)
    files = {f"{number}.jpg": DAMAGES[name](content, rng) for number in range(10)}
    assert all(photo.reason or photo.damage for photo in read(tmp_path, files).values())


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_files_cut_off_are_found_in_every_format(tmp_path, kind):
    content = encoded(picture(0), kind)
    (photo,) = read(tmp_path, {f"cut.{kind.lower()}": content[: len(content) * 2 // 3]}).values()
    assert photo.reason or photo.damage


def test_a_warning_of_libjpeg_counts_although_the_picture_can_be_decoded(tmp_path):
    content = encoded(picture(0), "JPEG")
    (photo,) = read(tmp_path, {"a.jpg": content[:-2] + b"some more bytes" + content[-2:]}).values()
    assert photo.reason == ""
    assert "extraneous bytes before marker" in photo.damage


def test_an_image_that_declares_too_many_pixels_is_refused_and_pillow_s_own_bound_stays(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    (photo,) = read(tmp_path, {"a.png": WHOLE["plain.png"]}, max_pixels=100).values()
    assert "200 x 150 pixels" in photo.reason
    assert before == Image.MAX_IMAGE_PIXELS


def test_more_pixels_than_pillow_allows_pass_where_the_settings_allow_them(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (photo,) = read(tmp_path, {"a.png": WHOLE["plain.png"]}).values()
    assert (photo.reason, photo.damage) == ("", "")


def test_only_pixels_that_are_transparent_count(tmp_path):
    opaque, clear = picture(0).convert("RGBA"), picture(0).convert("RGBA")
    clear.putpixel((3, 3), (0, 0, 0, 0))
    found = read(tmp_path, {"opaque.png": encoded(opaque, "PNG"), "clear.png": encoded(clear, "PNG")})
    assert {name: photo.is_transparent for name, photo in found.items()} == {"opaque.png": False, "clear.png": True}


def test_contrast_is_the_standard_deviation_of_the_grey_levels(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 100
    (photo,) = read(tmp_path, {"a.png": encoded(Image.fromarray(pixels), "PNG")}).values()
    assert photo.contrast == pytest.approx(50)


def test_a_file_that_is_gone_has_a_reason(tmp_path):
    (photo,) = photos.read_all([str(tmp_path / "gone.jpg")], image=ImageConfig(), max_pixels=100)
    assert "cannot be opened" in photo.reason


def test_readable_files_get_one_thumbnail_each(tmp_path):
    (tmp_path / "a.png").write_bytes(WHOLE["plain.png"])
    (tmp_path / "b.png").write_bytes(b"no image")
    decode = eager_decoding.make_decoder(image=ImageConfig(), max_pixels=10**6, smallest_side=160)
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "gone.png", "a.png")]
    made = photos.make_thumbnails(paths, decode)
    assert list(made) == paths[:1]
    assert made[paths[0]].startswith("data:image/jpeg;base64,")


def test_a_named_pipe_is_no_picture_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    decode = eager_decoding.make_decoder(image=ImageConfig(), max_pixels=10_000, smallest_side=0)
    assert photos.make_thumbnails([str(tmp_path / "pipe.jpg")], decode) == {}
