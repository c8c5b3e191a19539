"""Tests of keras_transfer.feature_bank.column_lock: eviction by one run while others open, hold and make a column."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from keras_transfer.feature_bank import column_lock
from keras_transfer.feature_bank.column_lock import LOCK_FILE


def make(folder: Path) -> Path:
    """A column that nobody holds."""
    os.close(column_lock.make_and_hold(folder))
    (folder / "shard.records").write_bytes(b"content")
    return folder


def test_what_is_not_there_is_not_held_and_nothing_is_made(tmp_path):
    assert column_lock.hold(tmp_path / "banks" / "column") is None
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_held_is_not_evicted_however_many_hold_it(tmp_path):
    column = make(tmp_path / "column")
    locks = [column_lock.hold(column), column_lock.hold(column)]
    for lock in locks:
        assert column_lock.is_held(column)
        assert not column_lock.evict(column)
        assert lock is not None
        os.close(lock)
    assert not column_lock.is_held(column)
    assert column_lock.evict(column)
    assert list(tmp_path.iterdir()) == []


def evict_by_hand(column: Path) -> None:
    assert column_lock.evict(column)


def evict_and_make_anew(column: Path) -> None:
    assert column_lock.evict(column)
    make(column)


@pytest.mark.parametrize(("meanwhile", "is_there"), [(evict_by_hand, False), (evict_and_make_anew, True)])
def test_a_column_that_goes_between_opening_its_lock_and_getting_it_is_noticed(
    tmp_path, monkeypatch, meanwhile, is_there
):
    column = make(tmp_path / "column")
    flock, waiting = fcntl.flock, [meanwhile]

    def flock_after_the_other_run(lock: int, how: int) -> None:
        if how == fcntl.LOCK_SH and waiting:
            waiting.pop()(column)
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", flock_after_the_other_run)
    lock = column_lock.hold(column)
    assert (lock is not None) is is_there
    if lock is not None:
        assert os.path.samestat(os.fstat(lock), os.stat(column / LOCK_FILE))
        os.close(lock)


def test_a_column_that_goes_while_it_is_made_is_made_again(tmp_path, monkeypatch):
    column = tmp_path / "column"
    touch, evictions = Path.touch, [1]

    def touch_after_the_other_run(path: Path) -> None:
        if evictions:
            evictions.pop()
            column.rmdir()
        touch(path)

    monkeypatch.setattr(Path, "touch", touch_after_the_other_run)
    os.close(column_lock.make_and_hold(column))
    assert (column / LOCK_FILE).exists()


def test_what_a_killed_eviction_has_left_is_removed_by_the_next_one(tmp_path, monkeypatch):
    column = make(tmp_path / "column")
    with monkeypatch.context() as killed:
        killed.setattr(column_lock.shutil, "rmtree", lambda *_, **__: None)
        column_lock.evict(column)
    assert not column.exists()
    assert len(list(tmp_path.iterdir())) == 1
    column_lock.finish_evictions(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_runs_that_race_meet_all_of_a_column_or_none_of_it(tmp_path):
    column, faults, stop = tmp_path / "column", list[str](), threading.Event()

    def evict() -> None:
        while not stop.is_set():
            column_lock.evict(column)

    evicting = threading.Thread(target=evict)
    evicting.start()
    try:
        for _ in range(300):
            lock = column_lock.make_and_hold(column)
            (column / "shard.records").write_bytes(b"content")
            again = column_lock.hold(column)
            if again is None or not (column / "shard.records").exists():
                faults.append("a column that is held went")
            for descriptor in (lock, again):
                if descriptor is not None:
                    os.close(descriptor)
    finally:
        stop.set()
        evicting.join()
    assert faults == []
