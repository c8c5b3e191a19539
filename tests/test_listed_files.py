"""Tests of keras_transfer.data.listed_files."""

from __future__ import annotations

import os
import unicodedata

import pytest

from keras_transfer.data.listed_files import ListedFiles
from small_folders import write


@pytest.mark.parametrize(
    ("files", "typed", "found", "told"),
    [
        (["1.jpg"], "1.jpg", "1.jpg", ""),
        (["sub/1.jpg"], "./sub/../sub/1.jpg", "./sub/../sub/1.jpg", ""),
        (["images/1.jpg"], "images\\1.jpg", "images/1.jpg", "\\"),
        (["images/a/1.jpg"], ".\\images\\a\\1.jpg", "images/a/1.jpg", "\\"),
        (["images\\1.jpg", "images/1.jpg"], "images\\1.jpg", "images\\1.jpg", ""),
        (["0001.jpg"], "0001", "0001.jpg", "ending"),
        (["0001.JPG"], "0001", "0001.JPG", "ending"),
        (["a.b.png"], "a.b", "a.b.png", "ending"),
        (["images/1.jpg", "notes/x.txt"], "1.jpg", "images/1.jpg", "images"),
        (["train/1.jpg", "test/2.jpg"], "1", "train/1.jpg", "train"),
        (["data/images/1.jpg"], "images\\1", "data/images/1.jpg", "data"),
        (["@eaDir/1.jpg", "images/1.jpg"], "1.jpg", "images/1.jpg", "images"),
    ],
)
def test_a_file_is_found_as_typed_or_by_the_next_likely_way_which_is_told(tmp_path, files, typed, found, told):
    listed = ListedFiles(write(tmp_path, *files))
    path, fault = listed.find(typed)
    assert fault == ""
    assert os.path.samefile(path, tmp_path / found)
    assert bool(listed.notes) == bool(told)
    assert told in " ".join(listed.notes)


@pytest.mark.parametrize(("there", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
@pytest.mark.parametrize("name", ["Käfer/ä.jpg", "Käfer/1.jpg", "ä.jpg"])
def test_a_path_in_the_other_unicode_form_is_found_in_folders_and_names(tmp_path, there, typed, name):
    write(tmp_path, unicodedata.normalize(there, name))
    path, fault = ListedFiles(tmp_path).find(unicodedata.normalize(typed, name))
    assert fault == ""
    assert os.path.isfile(path)


@pytest.mark.parametrize(
    ("files", "typed", "named"),
    [
        (["1.jpg"], "", "empty"),
        (["1.jpg"], "9.jpg", "9.jpg"),
        (["1.jpg"], "9", "9"),
        (["1.jpg", "1.png"], "1", "1.png"),
        (["a/1.jpg", "b/1.jpg"], "1.jpg", "whole path"),
        (["1.jpg"], "https://example.org/1.jpg", "download"),
        (["1.jpg"], "gs://bucket/1.jpg", "download"),
        (["1.jpg"], "C:\\photos\\1.jpg", "Windows"),
        (["1.jpg"], "/nowhere/1.jpg", "/nowhere/1.jpg"),
        (["deep/er/1.jpg"], "1.jpg", "no file"),
        (["1.txt"], "1", "no file"),
        (["img_1.JPG"], "IMG_1.jpg", "there is 'img_1.JPG'"),
    ],
)
def test_what_is_missing_or_not_certain_is_a_fault(tmp_path, files, typed, named):
    path, fault = ListedFiles(write(tmp_path, *files)).find(typed)
    assert path == ""
    assert named in fault


def test_each_way_is_counted(tmp_path):
    listed = ListedFiles(write(tmp_path, "images/1.jpg", "images/2.jpg", "3.jpg"))
    for typed in ("1", "2", "3.jpg"):
        listed.find(typed)
    assert all(note.startswith("2 path(s)") for note in listed.notes)


def test_the_current_folder_may_be_the_table_s(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path, "images/1.jpg"))
    path, _ = ListedFiles(tmp_path.__class__()).find("1")
    assert os.path.isfile(path)
