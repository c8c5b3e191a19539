"""Tests of keras_transfer.output_places."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_transfer import output_places
from keras_transfer.errors import UserError


@pytest.mark.parametrize("name", ["new", "new/and/below", "there"])
def test_a_folder_that_can_be_made_is_not_made_yet(tmp_path, name):
    (tmp_path / "there").mkdir()
    output_places.check_folder(tmp_path / name, flag="output")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert list((tmp_path / "there").iterdir()) == []


def test_a_relative_place_is_below_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output_places.check_folder("a/b", flag="output")
    output_places.check_file("p.csv", flag="output")
    assert list(tmp_path.iterdir()) == []


UNWRITABLE = ["file", "file/below", "file/far/below", "n" * 300, f"{'n' * 300}/below"]


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_folder_that_cannot_be_made_is_refused_with_its_flag(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError) as refused:
        output_places.check_folder(tmp_path / name, flag="run_dir")
    assert f"--run_dir={tmp_path / name}" in str(refused.value)


@pytest.mark.parametrize("name", ["folder", *UNWRITABLE[1:3]])
def test_a_file_that_cannot_be_written_is_refused_with_its_flag(tmp_path, name):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as refused:
        output_places.check_file(tmp_path / name, flag="output")
    assert f"--output={tmp_path / name}" in str(refused.value)


def test_a_file_that_exists_may_be_replaced(tmp_path):
    (tmp_path / "p.csv").write_text("old")
    output_places.check_file(tmp_path / "p.csv", flag="output")
    assert (tmp_path / "p.csv").read_text() == "old"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_file_system_that_lets_nobody_write_is_refused():
    with pytest.raises(UserError, match="--output=/proc/results"):
        output_places.check_folder("/proc/results", flag="output")
