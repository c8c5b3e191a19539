"""Tests of keras_transfer.inspection.file_checks."""

from __future__ import annotations

import pytest

from keras_transfer.data.examples import LeftOut
from keras_transfer.inspection import file_checks
from keras_transfer.inspection.headers import Header
from keras_transfer.inspection.photos import Photo
from keras_transfer.settings.config import ImageConfig
from small_pictures import photo, picture

LOOK = photo(picture(0), "a").look
PLAIN = {
    "kind": "JPEG",
    "width": 400,
    "height": 300,
    "mode": "RGB",
    "is_animated": False,
    "is_sixteen_bits": False,
    "may_be_transparent": False,
    "orientation": 1,
}


def check(
    path: str = "a.jpg",
    *,
    image: ImageConfig | None = None,
    of_photo: dict[str, object] | None = None,
    **header: object,
) -> dict[str, str]:
    """Kind -> why, of one file."""
    own = {"contrast": 40.0, "look": LOOK, **(of_photo or {})}
    found = file_checks.check(
        [Photo(path, "digest", header=Header(**{**PLAIN, **header}), **own)], image=image or ImageConfig()
    )
    assert all(item.files == (path,) for item in found)
    return {item.kind: item.sentence for item in found}


def test_a_plain_photo_has_no_finding():
    assert check() == {}


@pytest.mark.parametrize(
    ("header", "kind", "words"),
    [
        ({"kind": "PNG"}, "wrong_extension", "ends in .jpg, and its content is PNG"),
        ({"is_animated": True}, "animated", "animated JPEG"),
        ({"mode": "CMYK"}, "cmyk", "print"),
        ({"is_sixteen_bits": True}, "sixteen_bits", "16 bits"),
        ({"orientation": 6}, "exif_orientation", "orientation is 6"),
        ({"width": 111}, "small", "111 x 300"),
        ({"width": 901}, "elongated", "901 x 300"),
        ({"width": 5001, "height": 4000}, "huge", "5001 x 4000"),
    ],
)
def test_what_a_header_tells_is_found_alone(header, kind, words):
    (found,) = check(**header).items()
    assert found[0] == kind
    assert words in " ".join(found[1:])


@pytest.mark.parametrize("header", [{"width": 112}, {"width": 900}, {"width": 5000, "height": 4000}])
def test_what_just_keeps_within_the_bounds_has_no_finding(header):
    assert check(**header) == {}


@pytest.mark.parametrize(
    ("of_photo", "kind"),
    [
        ({"reason": "cut off", "look": None}, "unreadable"),
        ({"damage": "premature end"}, "damaged"),
        ({"contrast": 3.9}, "nearly_constant"),
        ({"is_transparent": True}, "transparency"),
        ({"is_nearly_black": True}, "nearly_black"),
    ],
)
def test_what_reading_tells_is_found_alone(of_photo, kind):
    assert list(check(of_photo=of_photo)) == [kind]


@pytest.mark.parametrize(("kind", "is_found"), [("JPEG", False), ("PNG", True)])
def test_with_apply_exif_only_orientation_outside_jpeg_is_left_to_tell(kind, is_found):
    path = f"a.{kind.lower()}"
    assert ("exif_orientation" in check(path, kind=kind, orientation=3, image=ImageConfig(apply_exif=True))) == is_found


@pytest.mark.parametrize(("mode", "words"), [("crop", "cut off"), ("squash", "squashed"), ("pad", "black")])
def test_what_happens_to_a_long_image_depends_on_the_resize_mode(mode, words):
    assert words in check(width=2000, image=ImageConfig(resize_mode=mode))["elongated"]


def test_files_that_the_source_left_out_are_told():
    left_out = [
        LeftOut("a.heic", "cannot be read", is_unreadable=True),
        LeftOut("b.txt", "no image", is_unreadable=False),
    ]
    found = file_checks.check_left_out(left_out)
    assert [(item.kind, item.files, item.sentence) for item in found] == [
        ("unreadable", ("a.heic",), "cannot be read"),
        ("left_out", ("b.txt",), "no image"),
    ]
