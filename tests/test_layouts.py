"""Tests of keras_transfer.data.layouts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keras_transfer.data.layouts import Layout, understand
from keras_transfer.errors import UserError
from small_folders import relative, write


def classes(layout: Layout, root: Path) -> dict[str, tuple[str, str]]:
    """Folder -> its split and class."""
    return {os.path.relpath(item.path, root): (item.split, item.class_name) for item in layout.class_folders}


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("Training", "Testing", "test"),
        ("TRAIN", "TEST", "test"),
        ("training_set", "test_set", "test"),
        ("photos_train", "photos_test", "test"),
        ("seg_train/seg_train", "seg_test/seg_test", "test"),
        ("train/images", "valid/images", "validation"),
        ("train", "valid", "validation"),
        ("train", "dev", "validation"),
        ("trainset", "valset", "validation"),
        ("TrainData", "ValidationData", "validation"),
        ("flowers-train", "flowers-val", "validation"),
    ],
)
def test_split_folders_of_any_usual_name_are_recognized_and_told(tmp_path, train, other, split):
    layout = understand(str(write(tmp_path, *(f"{top}/{name}/1.jpg" for top in (train, other) for name in "ab"))))
    assert classes(layout, tmp_path) == {
        **{f"{train}/{name}": ("train", name) for name in "ab"},
        **{f"{other}/{name}": (split, name) for name in "ab"},
    }
    (note,) = layout.notes
    assert f"{train} -> train" in note
    assert f"{other} -> {split}" in note


@pytest.mark.parametrize("names", [["train", "test"], ["train", "validation", "test"], ["train"]])
def test_the_documented_names_need_no_note(tmp_path, names):
    layout = understand(str(write(tmp_path, *(f"{top}/{name}/1.jpg" for top in names for name in "ab"))))
    assert layout.notes == []
    assert {item.split for item in layout.class_folders} == set(names)


@pytest.mark.parametrize(
    "files",
    [
        ["cats/1.jpg", "dogs/1.jpg"],
        ["train/1.jpg", "bus/1.jpg"],
        ["test/1.jpg", "train/2.jpg", "bus/1.jpg"],
        ["train_station/1.jpg", "bridge/1.jpg"],
        ["steam_train/1.jpg", "crash_test/1.jpg"],
        ["cats/indoor/1.jpg", "dogs/outdoor/1.jpg", "dogs/garden/1.jpg"],
        ["cats/1.jpg", "cats/2022/1.jpg", "dogs/1.jpg", "dogs/2022/1.jpg"],
        ["cats/images/1.jpg", "dogs/images/1.jpg"],
        ["cats/photos/1.jpg", "cats/images/1.jpg", "dogs/photos/1.jpg", "dogs/images/1.jpg"],
        ["0/1.jpg", "1/1.jpg"],
        ["cats/2022/1.jpg", "dogs/2022/1.jpg"],
    ],
)
def test_class_folders_are_classes(tmp_path, files):
    layout = understand(str(write(tmp_path, *files)))
    assert sorted(classes(layout, tmp_path)) == sorted({name.split("/")[0] for name in files})
    assert {item.split for item in layout.class_folders} == {""}


def test_folders_in_class_folders_are_told(tmp_path):
    (note,) = understand(str(write(tmp_path, "cats/indoor/1.jpg", "dogs/garden/1.jpg"))).notes
    assert "indoor" in note


@pytest.mark.parametrize(
    "files",
    [
        # Only splits without train.
        ["val/a/1.jpg", "test/a/1.jpg"],
        ["Testing/a/1.jpg", "Testing/b/1.jpg"],
        # Two folders for one split.
        ["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "validation/b/1.jpg"],
        ["train/a/1.jpg", "Training/b/1.jpg", "test/a/1.jpg"],
        # Splits beside others.
        ["train/a/1.jpg", "train/b/1.jpg", "notes/3.jpg"],
        ["train/a/1.jpg", "test/a/1.jpg", "cats/1.jpg"],
        ["train/a/1.jpg", "train/stray.jpg", "test/a/1.jpg", "cats/1.jpg"],
        ["train/a/1.jpg", "test/a/1.jpg", "pred/a/1.jpg"],
        # Splits without class folders.
        ["train/1.jpg", "test/1.jpg"],
        ["train/1.jpg", "test/1.jpg", "docs/readme.txt"],
        # Years, folds and sites above the classes.
        ["2022/cats/1.jpg", "2022/dogs/1.jpg", "2023/cats/1.jpg", "2023/dogs/1.jpg"],
        ["2022/cats/1.jpg", "2022/dogs/1.jpg", "2023/cats/1.jpg", "2023/birds/1.jpg"],
        ["fold0/a/1.jpg", "fold0/b/1.jpg", "fold1/a/1.jpg", "fold1/b/1.jpg"],
        ["north/a/1.jpg", "north/b/1.jpg", "south/a/1.jpg", "south/b/1.jpg"],
        ["train/2022/a/1.jpg", "train/2022/b/1.jpg", "train/2023/a/1.jpg", "train/2023/b/1.jpg"],
        # Splits below the classes.
        ["cats/train/1.jpg", "cats/test/1.jpg", "dogs/train/1.jpg"],
        ["cats_train/1.jpg", "cats_test/1.jpg", "dogs_train/1.jpg", "dogs_test/1.jpg"],
        ["set_a_train/x/1.jpg", "set_b_test/x/1.jpg"],
        # One level too high or too deep.
        ["photos/cats/1.jpg", "photos/dogs/1.jpg"],
        ["data/photos/train/cats/1.jpg", "data/photos/test/cats/1.jpg"],
        ["1.jpg"],
        [],
    ],
)
def test_what_is_not_certain_is_refused_with_the_layout_that_is_wanted(tmp_path, files):
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(UserError) as raised:
        understand(str(write(root, *files)))
    lines = str(raised.value).splitlines()
    assert any(line.strip() == "root/" or line.strip().endswith("/") for line in lines)
    assert any("train/" in line and "cats" in line for line in lines[1:])


@pytest.mark.parametrize(("given", "meant"), [("", "photos"), ("photos/cats", "photos")])
def test_one_level_too_high_or_too_deep_names_the_folder_that_may_be_meant(tmp_path, given, meant):
    write(tmp_path, "photos/cats/1.jpg", "photos/dogs/1.jpg")
    with pytest.raises(UserError) as raised:
        understand(str(tmp_path / given))
    assert f"{tmp_path / meant}?" in str(raised.value)


@pytest.mark.parametrize("other", ["test/1.jpg", "Testing/1.jpg", "test/test/1.jpg", "pred/1.jpg", "unlabelled/1.jpg"])
def test_photos_without_labels_beside_the_splits_are_left_out_and_counted(tmp_path, other):
    layout = understand(
        str(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", other, str(Path(other).with_name("2.jpg"))))
    )
    assert len(layout.left_out) == 2
    assert {item.path for item in layout.left_out} >= {str(tmp_path / other)}
    assert all(not item.is_unreadable and "label" in item.reason for item in layout.left_out)
    assert any("predict" in note and "2 file" in note for note in layout.notes)


def test_kaggle_s_folder_of_scenes_is_understood_whole(tmp_path):
    names = ["seg_train/seg_train/sea/1.jpg", "seg_train/seg_train/ice/1.jpg", "seg_test/seg_test/sea/1.jpg"]
    layout = understand(str(write(tmp_path, *names, "seg_pred/seg_pred/1.jpg")))
    assert len(layout.class_folders) == 3
    assert relative(tuple(item.path for item in layout.left_out), tmp_path) == ["seg_pred/seg_pred/1.jpg"]


def test_a_folder_without_images_beside_the_splits_is_left_out(tmp_path):
    layout = understand(str(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "annotations/list.txt")))
    assert relative(tuple(item.path for item in layout.left_out), tmp_path) == ["annotations/list.txt"]


def test_classes_that_are_called_like_years_get_a_warning(tmp_path):
    (note,) = understand(str(write(tmp_path, "2022/1.jpg", "2023/1.jpg"))).notes
    assert note.startswith("WARNING")


def test_folders_of_one_name_in_two_unicode_forms_are_one_class(tmp_path):
    layout = understand(str(write(tmp_path, "K\u00e4fer/1.jpg", "Ka\u0308fer/2.jpg", "b/1.jpg")))
    if len(layout.class_folders) < 3:
        pytest.skip("this file system takes both forms for one name")
    assert [item.class_name for item in layout.class_folders].count("K\u00e4fer") == 2
    assert any("one class" in note for note in layout.notes)


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "__MACOSX", "lost+found", ".cache"])
def test_system_folders_play_no_part_in_the_layout(tmp_path, name):
    layout = understand(str(write(tmp_path, "train/a/1.jpg", "train/b/1.jpg", f"{name}/1.jpg", f"train/{name}/1.jpg")))
    assert sorted(classes(layout, tmp_path)) == ["train/a", "train/b"]


def test_a_folder_of_splits_beside_others_is_no_class(tmp_path):
    files = [f"flowers/{split}/{name}/1.jpg" for split in ("train", "val") for name in "ab"]
    with pytest.raises(UserError, match=f"Did you mean {tmp_path}/flowers"):
        understand(str(write(tmp_path, *files, "other/x/1.jpg")))
