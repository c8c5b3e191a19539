"""Tests of keras_transfer.data.image_folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from keras_transfer.data import image_files
from keras_transfer.data.image_folder import load
from keras_transfer.errors import UserError
from small_folders import relative, write


def test_each_folder_is_a_class_and_class_names_are_sorted(tmp_path):
    examples = load(write(tmp_path, "wasp/1.jpg", "ant/2.jpg", "Bee/3.jpg", "ant/1.png"))
    assert examples.class_names == ("Bee", "ant", "wasp")
    assert relative(examples.paths, tmp_path) == ["Bee/3.jpg", "ant/1.png", "ant/2.jpg", "wasp/1.jpg"]
    assert examples.label_ids.tolist() == [0, 1, 1, 2]
    assert examples.label_ids.dtype == np.int32


def test_class_folders_have_no_splits_and_no_groups(tmp_path):
    examples = load(write(tmp_path, "a/1.jpg", "b/1.jpg"))
    assert examples.splits == examples.groups == ("", "")
    assert examples.sha256 == ()
    assert examples.left_out == ()


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_split_folders_give_splits(tmp_path, validation):
    write(tmp_path, "train/a/1.jpg", "train/b/2.jpg", f"{validation}/a/3.jpg", "test/b/4.jpg")
    examples = load(tmp_path)
    assert examples.class_names == ("a", "b")
    splits = dict(zip(relative(examples.paths, tmp_path), examples.splits, strict=True))
    assert splits == {
        "train/a/1.jpg": "train",
        "train/b/2.jpg": "train",
        f"{validation}/a/3.jpg": "validation",
        "test/b/4.jpg": "test",
    }
    labels = dict(zip(relative(examples.paths, tmp_path), examples.label_ids.tolist(), strict=True))
    assert labels == {"train/a/1.jpg": 0, "train/b/2.jpg": 1, f"{validation}/a/3.jpg": 0, "test/b/4.jpg": 1}


def test_train_alone_is_a_split_folder(tmp_path):
    assert load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg")).splits == ("train", "train")


def test_hidden_folders_do_not_change_the_layout(tmp_path):
    examples = load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", ".cache/1.jpg"))
    assert examples.class_names == ("a", "b")
    assert [(item.path, item.is_unreadable) for item in examples.left_out] == [(str(tmp_path / ".cache"), False)]


def test_a_class_may_be_called_train(tmp_path):
    examples = load(write(tmp_path, "train/1.jpg", "bus/1.jpg", "car/1.jpg"))
    assert examples.class_names == ("bus", "car", "train")
    assert examples.splits == ("", "", "")


def test_a_class_that_train_does_not_have_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="hornet"):
        load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/hornet/1.jpg"))


def test_a_class_may_be_missing_from_validation(tmp_path):
    examples = load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg"))
    assert len(examples) == 3


def test_folders_within_a_class_folder_belong_to_the_class(tmp_path):
    examples = load(write(tmp_path, "a/1.jpg", "a/2019/may/2.jpg", "b/deep/er/3.jpg"))
    assert relative(examples.paths, tmp_path) == ["a/1.jpg", "a/2019/may/2.jpg", "b/deep/er/3.jpg"]
    assert examples.label_ids.tolist() == [0, 0, 1]


@pytest.mark.parametrize("place", ["stray.jpg", "train/stray.jpg"])
def test_an_image_outside_any_class_folder_is_left_out(tmp_path, place):
    examples = load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", place))
    (left_out,) = examples.left_out
    assert left_out.path == str(tmp_path / place)
    assert "outside any class folder" in left_out.reason
    assert not left_out.is_unreadable
    assert len(examples) == 2


def test_a_class_folder_without_images_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"empty.*Add images, or remove the folder"):
        load(write(tmp_path, "a/1.jpg", "b/1.jpg", "empty/"))


def test_a_class_folder_of_unreadable_files_only_is_refused_with_their_number(tmp_path):
    with pytest.raises(UserError, match=r"scans \(2 other files\).*convert"):
        load(write(tmp_path, "a/1.jpg", "b/1.jpg", "scans/1.tif", "scans/2.tif"))


def test_a_split_folder_without_class_folders_is_refused(tmp_path):
    with pytest.raises(UserError, match="test holds no class folders"):
        load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/"))


def test_notes_say_how_the_layout_was_understood(tmp_path):
    examples = load(write(tmp_path, "Training/a/1.jpg", "Training/b/1.jpg", "Testing/a/1.jpg"))
    assert sorted(examples.splits) == ["test", "train", "train"]
    assert any("Testing -> test" in note for note in examples.notes)


def test_photos_without_a_class_are_among_the_files_left_out(tmp_path):
    examples = load(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/1.jpg", "train/b/notes.txt"))
    assert relative(tuple(item.path for item in examples.left_out), tmp_path) == ["test/1.jpg", "train/b/notes.txt"]


@pytest.mark.parametrize("split", ["", "train/"])
def test_class_folders_of_one_name_in_two_unicode_forms_are_one_class(tmp_path, split):
    examples = load(write(tmp_path, f"{split}K\u00e4fer/1.jpg", f"{split}Ka\u0308fer/2.jpg", f"{split}b/1.jpg"))
    assert examples.class_names == ("K\u00e4fer", "b")
    assert len(examples) == 3


@pytest.mark.parametrize("forms", [("\u00e4", "a\u0308"), ("a\u0308", "\u00e4")])
def test_a_class_may_be_written_in_another_unicode_form_in_another_split(tmp_path, forms):
    train, validation = forms
    examples = load(write(tmp_path, f"train/{train}/1.jpg", "train/b/1.jpg", f"val/{validation}/1.jpg"))
    assert examples.class_names == ("b", "\u00e4")


@pytest.mark.parametrize("make", [lambda root: root / "nowhere", lambda root: write(root, "x.jpg") / "x.jpg"])
def test_what_is_no_folder_is_refused(tmp_path, make):
    with pytest.raises(UserError, match=r"no folder or file|is a file"):
        load(make(tmp_path))


def test_a_folder_without_folders_is_refused(tmp_path):
    with pytest.raises(UserError, match="no folders"):
        load(write(tmp_path, "1.jpg"))


def test_a_folder_that_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    write(tmp_path, "a/1.jpg", "b/secret/1.jpg")
    really_scan = os.scandir

    def scan(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return really_scan(path)

    monkeypatch.setattr(image_files.os, "scandir", scan)
    with pytest.raises(UserError, match=r"secret cannot be opened: Permission denied"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["a b.jpg", 'it\'s "it".jpg', "Käfer ä.jpg", "😀.jpg", "two\nlines.jpg", "%41$x*.jpg"])
def test_file_names_may_hold_any_characters(tmp_path, name):
    examples = load(write(tmp_path, f"a/{name}", "b/1.jpg"))
    assert examples.paths[0] == str(tmp_path / "a" / name)


@pytest.mark.parametrize("name", ["red sports car", "Käfer", "🚗", "it's"])
def test_class_names_may_hold_blanks_and_any_letters(tmp_path, name):
    assert name in load(write(tmp_path, f"{name}/1.jpg", "other/1.jpg")).class_names


@pytest.mark.parametrize("name", [" car", "car ", "two\nlines", "tab\tbed"])
def test_class_names_with_outer_blanks_or_control_characters_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="needs another name"):
        load(write(tmp_path, f"{name}/1.jpg", "other/1.jpg"))


def test_a_class_name_that_is_not_utf8_is_refused(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).mkdir()
    except OSError:
        pytest.skip("this file system takes only valid UTF-8")
    with pytest.raises(UserError, match=r"caf.*xe9.*not valid UTF-8"):
        load(tmp_path)


def test_links_to_folders_and_files_are_followed(tmp_path):
    write(tmp_path, "data/a/1.jpg", "data/b/1.jpg", "elsewhere/more/2.jpg", "elsewhere/3.jpg")
    (tmp_path / "data/a/more").symlink_to(tmp_path / "elsewhere/more")
    (tmp_path / "data/b/3.jpg").symlink_to(tmp_path / "elsewhere/3.jpg")
    examples = load(tmp_path / "data")
    assert relative(examples.paths, tmp_path / "data") == ["a/1.jpg", "a/more/2.jpg", "b/1.jpg", "b/3.jpg"]


@pytest.mark.parametrize("target", [".", "..", "../..", "loop"])
def test_a_link_in_a_circle_does_no_harm(tmp_path, target):
    write(tmp_path, "data/a/1.jpg", "data/b/1.jpg")
    (tmp_path / "data/a/loop").symlink_to(target)
    examples = load(tmp_path / "data")
    assert relative(examples.paths, tmp_path / "data") == ["a/1.jpg", "b/1.jpg"]


def test_a_folder_reached_twice_within_a_class_counts_once(tmp_path):
    write(tmp_path, "data/a/1.jpg", "data/b/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "data/a/x").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/a/y").symlink_to(tmp_path / "elsewhere")
    assert len(load(tmp_path / "data")) == 3


def test_a_folder_reached_from_two_classes_is_refused(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "b" / "extra").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="two labels or be in two splits"):
        load(tmp_path)


def test_a_class_folder_may_be_a_link(tmp_path):
    write(tmp_path, "data/a/1.jpg", "photos of b/2.jpg")
    (tmp_path / "data/b").symlink_to(tmp_path / "photos of b")
    assert load(tmp_path / "data").class_names == ("a", "b")


def test_paths_can_be_opened_from_the_current_folder(tmp_path, monkeypatch):
    write(tmp_path, "data/a/1.jpg", "data/b/1.jpg")
    monkeypatch.chdir(tmp_path)
    assert load("data/").paths == ("data/a/1.jpg", "data/b/1.jpg")
