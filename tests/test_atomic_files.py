"""Tests of keras_transfer.atomic_files."""

from __future__ import annotations

import json
import os

import pytest

from keras_transfer import atomic_files
from keras_transfer.data.examples import LeftOut


def test_a_file_appears_with_all_its_bytes(tmp_path):
    atomic_files.write_bytes(tmp_path / "new" / "a.bin", b"abc")
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"abc"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="full"), atomic_files.whole_file(target) as temporary:
        temporary.write_text("ne")
        raise OSError("the disk is full")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_is_not_there_before_it_is_whole(tmp_path):
    with atomic_files.whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "a.txt").exists()
        assert temporary.suffix == ".txt"


def test_a_folder_in_the_file_s_place_is_found_before_the_work_is_done(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.txt"), atomic_files.whole_file(tmp_path / "a.txt"):
        pytest.fail("the work was done")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_has_the_permissions_that_the_umask_gives(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_files.write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_folder_appears_whole(tmp_path):
    with atomic_files.whole_folder(tmp_path / "versions" / "1") as temporary:
        (temporary / "a").write_text("x")
        assert not (tmp_path / "versions" / "1").exists()
        assert not temporary.name.isdecimal()
    assert os.listdir(tmp_path / "versions") == ["1"]
    assert (tmp_path / "versions" / "1" / "a").read_text() == "x"


def test_a_failed_folder_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_files.whole_folder(tmp_path / "1") as temporary:
        (temporary / "a").write_text("x")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_an_existing_folder_is_never_replaced(tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(FileExistsError), atomic_files.whole_folder(tmp_path / "1"):
        pass


def test_json_refuses_what_json_has_no_word_for(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic_files.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_dataclass_is_written_as_its_fields_wherever_it_stands():
    inner = LeftOut("a.jpg", "is empty", is_unreadable=True)
    expected = {"path": "a.jpg", "reason": "is empty", "is_unreadable": True}
    assert json.loads(atomic_files.json_text({"a": inner, "b": (inner,)})) == {"a": expected, "b": [expected]}


def test_what_is_no_dataclass_and_no_json_is_refused_by_its_type():
    with pytest.raises(TypeError, match="set"):
        atomic_files.json_text({"a": {1}})


def test_json_keeps_umlauts_and_emoji(tmp_path):
    atomic_files.write_json(tmp_path / "a.json", {"Bär 🐻": 1})
    assert "Bär 🐻" in (tmp_path / "a.json").read_text("utf-8")
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"Bär 🐻": 1}


def test_a_new_folder_is_nobody_else_s(tmp_path):
    made = [atomic_files.make_new_folder(tmp_path / "runs" / "cars") for _ in range(3)]
    assert [path.name for path in made] == ["cars", "cars-2", "cars-3"]
    assert all(path.is_dir() for path in made)
