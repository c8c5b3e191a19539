"""Tests of keras_transfer.data.exclusions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import small_folders
from keras_transfer.data import exclusions, sources
from keras_transfer.data.examples import Examples
from keras_transfer.data.exclusions import Exclusion
from keras_transfer.errors import UserError
from keras_transfer.settings.config import SourceConfig


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return small_folders.write(
        tmp_path / "photos", "ants/1.jpg", "ants/2.jpg", "ants/#3.jpg", "bees/1.jpg", "bees/2.jpg"
    )


def load(photos: Path, excluded: Path) -> Examples:
    return sources.load(SourceConfig(image_dir=str(photos), exclude_list=str(excluded)))


def names(examples: Examples, photos: Path) -> list[str]:
    return small_folders.relative(examples.paths, photos)


@pytest.mark.parametrize("folder", ["", "lists/inner"])
@pytest.mark.parametrize("current", ["", "elsewhere"])
def test_a_list_that_was_written_leaves_out_what_it_names_wherever_it_and_the_reader_are(
    photos, tmp_path, monkeypatch, folder, current
):
    excluded = tmp_path / folder / "exclude.txt"
    (tmp_path / current).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    exclusions.write(excluded, [Exclusion("photos/ants/2.jpg", "blurred", is_active=True)])
    monkeypatch.chdir(tmp_path / current)
    examples = load(photos, excluded)
    assert names(examples, photos) == ["ants/#3.jpg", "ants/1.jpg", "bees/1.jpg", "bees/2.jpg"]
    (left_out,) = examples.left_out
    assert Path(left_out.path) == photos / "ants" / "2.jpg"
    assert str(excluded) in left_out.reason
    assert not left_out.is_unreadable


def test_a_suggestion_is_a_comment_that_leaves_nothing_out(photos, tmp_path):
    suggestion = Exclusion(str(photos / "bees" / "1.jpg"), "label?", is_active=False)
    exclusions.write(tmp_path / "list.txt", [suggestion])
    assert len(load(photos, tmp_path / "list.txt")) == 5
    assert "#photos/bees/1.jpg\n" in (tmp_path / "list.txt").read_text()


def test_a_file_whose_name_begins_like_a_comment_is_left_out(photos):
    written = photos / "ants" / "list.txt"
    exclusions.write(written, [Exclusion(str(photos / "ants" / "#3.jpg"), "blurred", is_active=True)])
    assert names(load(photos, written), photos) == ["ants/1.jpg", "ants/2.jpg", "bees/1.jpg", "bees/2.jpg"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_list_by_hand_may_hold_absolute_paths_blank_lines_and_windows_line_ends(photos, tmp_path, ending):
    written = tmp_path / "list.txt"
    lines = ["# by hand", "", str(photos / "ants" / "1.jpg"), f"photos/ants/../bees/2.jpg{ending}"]
    written.write_text(("\r\n" if ending == "\r\n" else "\n").join(lines), newline="")
    assert names(load(photos, written), photos) == ["ants/#3.jpg", "ants/2.jpg", "bees/1.jpg"]


def test_a_name_that_no_line_can_hold_is_told_in_a_comment(tmp_path):
    exclusions.write(tmp_path / "list.txt", [Exclusion(str(tmp_path / "a\nb.jpg"), "blurred", is_active=True)])
    assert all(not line or line.startswith("#") for line in (tmp_path / "list.txt").read_text().splitlines())
    assert "Rename it" in (tmp_path / "list.txt").read_text()


def test_labels_stay_with_their_images(photos, tmp_path):
    (tmp_path / "list.txt").write_text("photos/ants/1.jpg\n")
    examples = load(photos, tmp_path / "list.txt")
    assert [Path(path).parent.name for path in examples.paths] == [examples.class_names[i] for i in examples.label_ids]
    np.testing.assert_array_equal(examples.class_counts(), [2, 2])


def test_a_list_that_names_no_image_is_refused_with_one_of_its_paths(photos, tmp_path):
    (tmp_path / "list.txt").write_text("ants/1.jpg\n")
    with pytest.raises(UserError, match=f"none of them is among the images, such as {tmp_path}{os.sep}ants"):
        load(photos, tmp_path / "list.txt")


def test_a_line_without_its_image_is_counted_on_the_terminal(photos, tmp_path, capsys):
    (tmp_path / "list.txt").write_text("photos/ants/1.jpg\nphotos/ants/gone.jpg\n")
    assert len(load(photos, tmp_path / "list.txt")) == 4
    assert "names 1 file(s) that are not there" in capsys.readouterr().err


def test_a_class_without_images_is_refused(photos, tmp_path):
    (tmp_path / "list.txt").write_text("photos/bees/1.jpg\nphotos/bees/2.jpg\n")
    with pytest.raises(UserError, match="leaves no image of class 'bees'"):
        load(photos, tmp_path / "list.txt")


def test_a_list_that_is_not_there_is_refused(photos, tmp_path):
    with pytest.raises(UserError, match="cannot be opened: No such file"):
        load(photos, tmp_path / "list.txt")


def test_a_list_that_a_person_changed_is_kept_under_another_name(tmp_path, capsys):
    listed, found = tmp_path / "exclude.txt", [Exclusion(str(tmp_path / "1.jpg"), "why", is_active=False)]
    exclusions.write(listed, found)
    written = listed.read_text("utf-8")
    exclusions.write(listed, found)  # the same again: nothing to keep
    assert [path.name for path in tmp_path.iterdir()] == ["exclude.txt"]
    for number in (1, 2):
        listed.write_text(f"{written}{number}.jpg\n", "utf-8")
        exclusions.write(listed, found)
        assert listed.read_text("utf-8") == written
        assert (tmp_path / f"exclude-{number}.txt").read_text("utf-8") == f"{written}{number}.jpg\n"
        assert f"it is now {tmp_path / f'exclude-{number}.txt'}" in capsys.readouterr().err


@pytest.mark.parametrize(("there", "listed"), [("K\u00e4fer", "Ka\u0308fer"), ("Ka\u0308fer", "K\u00e4fer")])
def test_a_list_may_name_files_in_the_other_unicode_form(tmp_path, there, listed):
    small_folders.write(tmp_path, f"{there}/1.jpg", f"{there}/2.jpg", "b/1.jpg")
    (tmp_path / "list.txt").write_text(f"{listed}/1.jpg\n")
    assert names(load(tmp_path, tmp_path / "list.txt"), tmp_path) == sorted([f"{there}/2.jpg", "b/1.jpg"])
