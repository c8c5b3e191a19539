"""Tests of keras_transfer.saved_model.seen_images."""

from __future__ import annotations

import hashlib

import pytest

from keras_transfer.errors import UserError
from keras_transfer.saved_model import seen_images


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def test_seen_images_are_counted_by_the_split_that_they_were_in(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    of_splits = {"train": [digest("a"), digest("b"), digest("b")], "validation": [digest("c")], "other": [digest("d")]}
    seen_images.write(tmp_path, of_splits)
    asked = [digest(content) for content in "abcxyz"]
    assert seen_images.count(tmp_path, asked) == {"train": 2, "validation": 1}
    assert seen_images.count(tmp_path, [digest("new")]) == {}
    assert digest("a") not in (tmp_path / seen_images.SEEN_IMAGES_FILE).read_text("utf-8")


def test_an_export_that_does_not_tell_has_seen_nothing(tmp_path):
    assert seen_images.count(tmp_path, [digest("a")]) == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"train": 1}'])
def test_a_damaged_list_of_seen_images_is_named(content, tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / seen_images.SEEN_IMAGES_FILE).write_text(content)
    with pytest.raises(UserError, match=r"seen_images\.json is damaged"):
        seen_images.count(tmp_path, [digest("a")])
