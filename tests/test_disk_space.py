"""Tests of keras_transfer.feature_bank.disk_space."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from keras_transfer.errors import UserError
from keras_transfer.feature_bank import disk_space
from keras_transfer.feature_bank.column_lock import LOCK_FILE
from keras_transfer.feature_bank.disk_space import Cache
from keras_transfer.feature_bank.recipe import Recipe
from keras_transfer.feature_bank.store import Store
from keras_transfer.settings.config import ImageConfig, ViewsConfig

RECORD_BYTES = 20_000


def make_bank(folder: Path, name: str, *, last_used: float) -> Store:
    """A bank of one record of 20,000 bytes."""
    recipe = Recipe(
        frozen_part=name,
        cut="cut",
        record_shape=(RECORD_BYTES // 2,),
        precision="float32",
        image=ImageConfig(),
        views=ViewsConfig(augmented_views=0),
        seed=0,
    )
    bank = Store(folder, recipe)
    bank.add(["0" * 64], [0], np.zeros((1, RECORD_BYTES // 2), np.float16))
    os.utime(bank.folder / recipe.key(0) / LOCK_FILE, (last_used, last_used))
    return bank


def exists(bank: Store) -> bool:
    return (bank.folder / bank.recipe.key(0)).exists()


def test_the_size_counts_all_banks(tmp_path):
    assert Cache(tmp_path).size_bytes() == 0
    for name in "ab":
        make_bank(tmp_path, name, last_used=1).close()
    assert 2 * RECORD_BYTES < Cache(tmp_path).size_bytes() < 2 * RECORD_BYTES + 4000


def test_the_least_recently_used_bank_goes_first_and_no_more_than_needed(tmp_path):
    old, oldest, new = (make_bank(tmp_path, name, last_used=used) for name, used in (("a", 20), ("b", 10), ("c", 30)))
    for bank in (old, oldest, new):
        bank.close()
    Cache(tmp_path, 3 * RECORD_BYTES + 3000).make_room(RECORD_BYTES // 2)
    assert [exists(bank) for bank in (old, oldest, new)] == [True, False, True]


def test_a_bank_in_use_is_never_removed(tmp_path):
    open_bank = make_bank(tmp_path, "a", last_used=10)
    closed_bank = make_bank(tmp_path, "b", last_used=20)
    closed_bank.close()
    Cache(tmp_path, RECORD_BYTES + 2000).make_room(0)
    assert exists(open_bank)
    assert not exists(closed_bank)
    np.testing.assert_array_equal(open_bank.read(["0" * 64], [0]), 0)


def test_what_cannot_fit_under_the_limit_is_refused_with_its_bytes(tmp_path):
    with pytest.raises(UserError, match=r"needs 1,000,000 bytes.*--feature_cache_max_bytes=500,000"):
        Cache(tmp_path, 500_000).make_room(1_000_000)


def test_banks_in_use_over_the_limit_are_told_where_nothing_is_to_be_written(tmp_path, capsys):
    bank = make_bank(tmp_path, "a", last_used=1)
    Cache(tmp_path, RECORD_BYTES // 2).make_room(0)
    assert exists(bank)
    assert "over --feature_cache_max_bytes=10,000, all of it in use" in capsys.readouterr().err


def test_no_limit_removes_nothing(tmp_path):
    bank = make_bank(tmp_path, "a", last_used=1)
    bank.close()
    Cache(tmp_path).make_room(10)
    assert exists(bank)


def test_a_disk_that_is_too_small_is_refused_with_the_bytes_needed(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder: usage(100, 40, 60))
    with pytest.raises(UserError, match=r"needs 61 bytes .* 60 free"):
        Cache(tmp_path / "not" / "there").make_room(61)
    Cache(tmp_path).make_room(60)


def test_what_is_in_use_counts_and_what_is_not_could_go(tmp_path):
    """Nothing is removed by asking."""
    used, unused = (make_bank(tmp_path, name, last_used=10) for name in "ab")
    unused.close()
    limit = 2 * RECORD_BYTES
    assert Cache(tmp_path, limit).shortage(RECORD_BYTES // 2) == ""
    assert "in use" in Cache(tmp_path, limit).shortage(RECORD_BYTES)
    assert Cache(tmp_path).shortage(RECORD_BYTES) == ""
    assert Cache(tmp_path, 1).shortage(0) == ""
    assert exists(unused)
    Cache(tmp_path, limit).make_room(RECORD_BYTES // 2)
    assert exists(used)
    assert not exists(unused)
    with pytest.raises(UserError, match="in use"):
        Cache(tmp_path, limit).make_room(RECORD_BYTES)


def test_what_the_limit_frees_is_free_on_the_disk_too(tmp_path, monkeypatch):
    make_bank(tmp_path, "a", last_used=1).close()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder: usage(100, 40, 60))
    assert Cache(tmp_path, RECORD_BYTES).shortage(RECORD_BYTES) == ""
    assert Cache(tmp_path).shortage(RECORD_BYTES)


def test_a_file_among_the_banks_is_nobody_s_column(tmp_path):
    make_bank(tmp_path, "a", last_used=1).close()
    (tmp_path / "feature_bank" / "notes.txt").write_text("mine")
    Cache(tmp_path, 1).make_room(0)
    assert [path.name for path in (tmp_path / "feature_bank").iterdir()] == ["notes.txt"]


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path):
    disk_space.check_usable(str(tmp_path / "not" / "there"), otherwise="")
    disk_space.check_usable(str(tmp_path), otherwise="")
    assert list(tmp_path.iterdir()) == []


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file" / "below"


def a_file(folder: Path) -> Path:
    return below_a_file(folder).parent


def a_file_where_the_banks_belong(folder: Path) -> Path:
    (folder / "feature_bank").write_text("x")
    return folder


def a_dead_link(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link"


def too_long_a_name(folder: Path) -> Path:
    return folder / ("x" * 300)


def a_system_folder(folder: Path) -> Path:
    return Path("/proc/keras_transfer")


@pytest.mark.parametrize(
    "place", [below_a_file, a_file, a_file_where_the_banks_belong, a_dead_link, too_long_a_name, a_system_folder]
)
def test_a_folder_that_cannot_be_written_is_refused_with_the_flag_that_changes_it(tmp_path, place):
    if place is a_system_folder and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    folder = place(tmp_path)
    with pytest.raises(UserError, match="--feature_cache_dir") as caught:
        disk_space.check_usable(str(folder), otherwise="sing")
    assert str(folder) in str(caught.value)
    assert "sing" in str(caught.value)


def test_without_a_home_directory_the_flag_is_named(monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(UserError, match="--feature_cache_dir"):
        disk_space.folder_of("")
    assert disk_space.folder_of("mine") == Path("mine")


def test_the_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert disk_space.default_cache_dir() == tmp_path / "keras_transfer"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert disk_space.default_cache_dir() == tmp_path / "home" / ".cache" / "keras_transfer"
