"""Tests of keras_transfer.data.doubtful_layouts; what is refused as a whole stands in test_layouts.py."""

from __future__ import annotations

import pytest

from keras_transfer.data import doubtful_layouts
from keras_transfer.errors import UserError
from small_folders import write


def test_a_folder_with_one_class_folder_is_not_too_high(tmp_path):
    write(tmp_path, "cats/1.jpg", "cats/indoor/1.jpg")
    doubtful_layouts.refuse_too_high(str(tmp_path), str(tmp_path / "cats"))


def test_a_folder_too_high_names_the_first_folder_with_more_than_one(tmp_path):
    write(tmp_path, "a/b/cats/1.jpg", "a/b/dogs/1.jpg")
    with pytest.raises(UserError, match=f"Did you mean {tmp_path}/a/b"):
        doubtful_layouts.refuse_too_high(str(tmp_path), str(tmp_path / "a"))


def test_a_table_beside_the_images_is_proposed(tmp_path):
    write(tmp_path, "1.jpg", "labels.csv")
    with pytest.raises(UserError, match=f"--image_csv={tmp_path}/labels.csv"):
        doubtful_layouts.refuse_without_folders(str(tmp_path), [str(tmp_path / "1.jpg"), str(tmp_path / "labels.csv")])


@pytest.mark.parametrize("folders", [["images"], ["part1", "part2"], ["train", "photos"], ["2022", "2023"]])
def test_folders_that_are_no_classes_beside_a_table_propose_the_table(tmp_path, folders):
    paths = [str(tmp_path / name) for name in folders]
    (tmp_path / "labels.csv").write_text("id,class\n1,a\n")
    with pytest.raises(UserError, match=f"--image_csv={tmp_path}/labels.csv"):
        doubtful_layouts.refuse_beside_table(str(tmp_path), paths, [str(tmp_path / "labels.csv")])
    doubtful_layouts.refuse_beside_table(str(tmp_path), paths, [str(tmp_path / "readme.txt")])


def test_class_folders_beside_a_table_are_fine(tmp_path):
    write(tmp_path, "predictions.csv")
    doubtful_layouts.refuse_beside_table(str(tmp_path), ["cats", "images"], [str(tmp_path / "predictions.csv")])


def test_class_folders_with_images_of_their_own_say_nothing(tmp_path):
    write(tmp_path, "a/1.jpg", "a/x/1.jpg", "b/1.jpg", "b/x/1.jpg")
    assert doubtful_layouts.refuse_series(str(tmp_path), [str(tmp_path / "a"), str(tmp_path / "b")]) == []


def test_classes_with_split_words_of_their_own_are_fine(tmp_path):
    doubtful_layouts.refuse_classes_by_split(str(tmp_path), ["steam_train", "crash_test", "test"])
