"""Tests of keras_transfer.data.image_files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keras_transfer.data.image_files import list_images
from keras_transfer.data.image_folder import load
from keras_transfer.errors import UserError
from small_folders import relative, write


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".JPG", ".Png"])
def test_files_with_these_endings_are_images(tmp_path, ending):
    examples = load(write(tmp_path, f"a/x{ending}", "b/1.jpg"))
    assert relative(examples.paths, tmp_path) == [f"a/x{ending}", "b/1.jpg"]


@pytest.mark.parametrize("ending", [".tif", ".TIFF", ".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".raw"])
def test_other_image_formats_count_as_unreadable_and_the_reason_says_to_convert(tmp_path, ending):
    (left_out,) = load(write(tmp_path, "a/1.jpg", "b/1.jpg", f"b/x{ending}")).left_out
    assert left_out.path == str(tmp_path / f"b/x{ending}")
    assert left_out.is_unreadable
    assert "convert it to JPEG, PNG, GIF, BMP or WebP" in left_out.reason


@pytest.mark.parametrize("name", ["notes.txt", "Thumbs.db", ".DS_Store", ".hidden.jpg", "no_ending", "list.csv"])
def test_files_that_are_no_images_do_not_count_as_unreadable(tmp_path, name):
    (left_out,) = load(write(tmp_path, "a/1.jpg", "b/1.jpg", f"b/{name}")).left_out
    assert left_out.path == str(tmp_path / "b" / name)
    assert not left_out.is_unreadable
    assert left_out.reason


def test_a_file_name_that_is_not_utf8_is_left_out_with_a_printable_path(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/a/caf\xe9.jpg")).write_bytes(b"content")
    except OSError:
        pytest.skip("this file system takes only valid UTF-8")
    examples = load(tmp_path)
    (left_out,) = examples.left_out
    assert left_out.path == f"{tmp_path}/a/caf\\xe9.jpg"
    assert left_out.is_unreadable
    assert "UTF-8" in left_out.reason
    assert len(examples) == 2


def test_a_broken_link_counts_as_unreadable(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (left_out,) = load(tmp_path).left_out
    assert left_out.is_unreadable
    assert "link to a file that is not there" in left_out.reason


def test_what_is_no_regular_file_counts_as_unreadable_and_is_not_opened(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (left_out,) = load(tmp_path).left_out
    assert left_out.is_unreadable
    assert "no regular file" in left_out.reason


def test_list_images_finds_the_images_of_a_folder_and_its_folders_sorted(tmp_path):
    write(tmp_path, "z.png", "a/2.jpg", "a/b/1.webp", "notes.txt", "scan.tif")
    paths, left_out = list_images(tmp_path)
    assert relative(paths, tmp_path) == ["a/2.jpg", "a/b/1.webp", "z.png"]
    assert [(os.path.basename(item.path), item.is_unreadable) for item in left_out] == [
        ("notes.txt", False),
        ("scan.tif", True),
    ]


def test_list_images_takes_a_single_file(tmp_path):
    path = write(tmp_path, "one.jpg") / "one.jpg"
    assert list_images(str(path)) == ((str(path),), ())


def test_list_images_lists_a_folder_reached_twice_once(tmp_path):
    write(tmp_path, "a/1.jpg")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert len(list_images(tmp_path)[0]) == 1


def test_list_images_refuses_a_missing_path(tmp_path):
    with pytest.raises(UserError, match=r"There is no folder or file .*nowhere"):
        list_images(tmp_path / "nowhere")


JPEG, TIFF = b"\xff\xd8\xff\xe0\0\x10JFIF", b"II*\0"
_SYSTEM = "@eaDir @EADIR #recycle @Recycle @tmp $RECYCLE.BIN lost+found __MACOSX .thumbnails"


@pytest.mark.parametrize("name", [*_SYSTEM.split(), "System Volume Information"])
@pytest.mark.parametrize("place", ["", "b/", "b/deep/"])
def test_system_folders_are_passed_over_at_any_level_and_counted(tmp_path, name, place):
    examples = load(write(tmp_path, "a/1.jpg", "b/1.jpg", "b/deep/1.jpg", f"{place}{name}/2.jpg/3.jpg"))
    assert relative(examples.paths, tmp_path) == ["a/1.jpg", "b/1.jpg", "b/deep/1.jpg"]
    (left_out,) = examples.left_out
    assert left_out.path == str(tmp_path / place / name)
    assert not left_out.is_unreadable
    assert [item.path for item in list_images(tmp_path)[1]] == [left_out.path]


@pytest.mark.parametrize("name", ["eaDir", "recycle", "tmp", "#1", "@home"])
def test_other_folders_are_a_person_s(tmp_path, name):
    assert name in load(write(tmp_path, f"{name}/1.jpg", "b/1.jpg")).class_names


@pytest.mark.parametrize("name", ["b", "c.jpg?width=800", "d.jpg.1", "e.dat", "f.jpg~", "photo.jpg_large"])
def test_an_image_that_is_not_called_so_is_left_out_of_training_and_listed_for_prediction(tmp_path, name):
    (write(tmp_path, "a/1.jpg", "b/1.jpg") / "a" / name).write_bytes(JPEG)
    (left_out,) = load(tmp_path).left_out
    assert left_out.path == str(tmp_path / "a" / name)
    assert left_out.is_unreadable
    assert "rename" in left_out.reason
    assert ".jpg" in left_out.reason
    images, others = list_images(tmp_path)
    assert str(tmp_path / "a" / name) in images
    assert others == ()


def test_an_image_in_another_format_that_is_not_called_so_says_to_convert_it(tmp_path):
    (write(tmp_path, "a/1.jpg") / "scan").write_bytes(TIFF)
    (left_out,) = list_images(tmp_path)[1]
    assert left_out.is_unreadable
    assert "TIFF" in left_out.reason


@pytest.mark.parametrize(
    "names", [("config.json", "flags.txt"), ("metrics.json", "report.html"), ("inspection.json", "inspection.html")]
)
def test_results_of_earlier_commands_among_the_photos_are_passed_over_and_counted(tmp_path, names):
    write(tmp_path, "a/1.jpg", "results/plots/curve.png", *(f"results/{name}" for name in names))
    images, left_out = list_images(tmp_path)
    assert relative(images, tmp_path) == ["a/1.jpg"]
    assert [item.path for item in left_out] == [str(tmp_path / "results")]
