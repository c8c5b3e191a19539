"""Tests of keras_transfer.saved_model.version_folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keras_transfer.errors import UserError
from keras_transfer.saved_model import version_folder
from keras_transfer.settings.config import ImageConfig


def make_export(path: Path) -> Path:
    """A folder with the files by which an export is told."""
    (path / version_folder.LABELS_FILE).parent.mkdir(parents=True)
    (path / version_folder.LABELS_FILE).write_text("a\nb\n")
    (path / "saved_model.pb").touch()
    return path


def test_a_version_folder_is_accepted(tmp_path):
    version_folder.check(make_export(tmp_path / "1"))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere", "is no folder"),
        ("cars", "Did you mean .*/cars/7?"),
        ("empty", "holds no saved_model.pb and .*labels.txt"),
    ],
)
def test_a_folder_that_is_no_export_is_refused_with_what_is_missing(tmp_path, place, words):
    (tmp_path / "empty").mkdir()
    make_export(tmp_path / "cars" / "7")
    with pytest.raises(UserError, match=words):
        version_folder.check(tmp_path / place)


def test_the_preprocessing_of_an_export_can_be_read(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    values = {"image_size": 96, "resize_mode": "pad", "apply_exif": True, "max_image_pixels": 1000}
    (tmp_path / version_folder.METADATA_FILE).write_text(json.dumps({"preprocessing": values}))
    expected = ImageConfig(image_size=96, resize_mode="pad", apply_exif=True)
    assert version_folder.read_preprocessing(tmp_path) == (expected, 1000)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"preprocessing": {"max_image_pixels": 1, "other": 2}}'])
def test_damaged_metadata_is_named(content, tmp_path):
    (tmp_path / "assets.extra").mkdir()
    if content is not None:
        (tmp_path / version_folder.METADATA_FILE).write_text(content)
    with pytest.raises(UserError, match=r"metadata\.json is missing or damaged"):
        version_folder.read_preprocessing(tmp_path)
