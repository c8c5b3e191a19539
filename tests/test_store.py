"""Tests of keras_transfer.feature_bank.store."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer import atomic_files
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import column_lock, store
from keras_transfer.feature_bank.column_lock import LOCK_FILE
from keras_transfer.feature_bank.disk_space import Cache
from keras_transfer.feature_bank.recipe import Recipe
from keras_transfer.feature_bank.store import Store, banks_folder
from keras_transfer.settings.config import ImageConfig, ViewsConfig

SHAPE = (2, 3)
DIGESTS = tuple(f"{number:064x}" for number in range(4))


def recipe(**changes: object) -> Recipe:
    first = Recipe(
        frozen_part="abc",
        cut="block4_pool",
        record_shape=SHAPE,
        precision="float32",
        image=ImageConfig(),
        views=ViewsConfig(augmented_views=1),
        seed=0,
    )
    return dataclasses.replace(first, **changes)


def records(count: int = 4, offset: float = 0) -> np.ndarray:
    return (np.arange(count * 6, dtype=np.float16) + np.float16(offset)).reshape(count, *SHAPE)


def fill(folder: Path) -> Store:
    bank = Store(folder, recipe())
    bank.add(DIGESTS * 2, [0] * 4 + [1] * 4, np.concatenate([records(), records(offset=100)]))
    return bank


def missing_views(bank: Store, count: int) -> list[int]:
    """The views of the first image that are not stored."""
    return np.flatnonzero(bank.missing(DIGESTS[:1] * count, range(count))).tolist()


def shard(folder: Path, ending: str) -> Path:
    column = banks_folder(folder) / recipe().key(0)
    (file,) = (path for path in column.glob(f"*.{ending}") if path.name != "column.json")
    return file


def test_what_was_stored_is_read_by_image_and_view(tmp_path):
    fill(tmp_path).close()
    bank = Store(tmp_path, recipe())
    read = bank.read([DIGESTS[2], DIGESTS[0], DIGESTS[2]], [0, 1, 1])
    np.testing.assert_array_equal(read, [records()[2], records(offset=100)[0], records(offset=100)[2]])
    assert read.dtype == np.float16


def test_an_empty_request_gives_no_records(tmp_path):
    assert fill(tmp_path).read([], []).shape == (0, *SHAPE)


def test_what_is_missing_is_told(tmp_path):
    bank = fill(tmp_path)
    bank.add(["f" * 64], [0], records(1))
    asked = ["f" * 64, "f" * 64, "e" * 64, DIGESTS[0], DIGESTS[0]]
    assert bank.missing(asked, [0, 1, 0, 0, 1]).tolist() == [False, True, True, False, False]
    assert bank.missing([], []).shape == (0,)


def test_what_is_stored_already_is_not_stored_again(tmp_path):
    bank = fill(tmp_path)
    before = on_the_disk(tmp_path)
    bank.add(DIGESTS, [0] * 4, records(offset=7))
    assert on_the_disk(tmp_path) == before
    bank.add([*DIGESTS, "f" * 64], [0] * 5, records(5, offset=7))
    np.testing.assert_array_equal(bank.read([*DIGESTS, "f" * 64], [0] * 5), [*records(), records(5, offset=7)[4]])


def test_a_bank_that_is_removed_meanwhile_is_one_sentence(tmp_path):
    bank = fill(tmp_path)
    shutil.rmtree(tmp_path / "feature_bank")
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        bank.read(DIGESTS, [0] * 4)


def test_opening_a_new_bank_writes_nothing(tmp_path):
    Store(tmp_path / "cache", recipe()).close()
    assert not (tmp_path / "cache").exists()


def test_records_are_fixed_length_for_tensorflow_and_numpy(tmp_path):
    fill(tmp_path).close()
    file = shard(tmp_path, "records")
    dataset = tf.data.FixedLengthRecordDataset(str(file), recipe().record_bytes)
    rows = np.array([tf.io.decode_raw(row, tf.float16).numpy() for row in dataset])
    np.testing.assert_array_equal(rows.reshape(-1, *SHAPE), records())
    np.testing.assert_array_equal(np.memmap(file, "<f2", "r").reshape(-1, *SHAPE), records())


def test_another_recipe_finds_nothing(tmp_path):
    fill(tmp_path).close()
    assert missing_views(Store(tmp_path, recipe(frozen_part="abd")), 2) == [0, 1]


def test_more_views_keep_those_there_are(tmp_path):
    fill(tmp_path).close()
    more = Store(tmp_path, recipe(views=ViewsConfig(augmented_views=3)))
    assert missing_views(more, 4) == [2, 3]


def truncate(folder: Path) -> None:
    file = shard(folder, "records")
    file.write_bytes(file.read_bytes()[:-1])


def alter(folder: Path) -> None:
    file = shard(folder, "records")
    content = bytearray(file.read_bytes())
    content[5] ^= 1
    file.write_bytes(content)


def lose_records(folder: Path) -> None:
    shard(folder, "records").unlink()


def damage_index(folder: Path) -> None:
    file = shard(folder, "json")
    file.write_text(file.read_text()[:-20])


def make_foreign(folder: Path) -> None:
    file = shard(folder, "json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "column": "another"}))


def on_the_disk(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("harm", [truncate, alter, lose_records, damage_index, make_foreign])
@pytest.mark.parametrize("sizes", [(4,), (1, 3)], ids=["one shard", "other shards"])
def test_a_harmed_shard_is_told_not_counted_left_alone_and_replaced_when_it_is_stored_again(
    tmp_path, harm, sizes, capsys
):
    fill(tmp_path).close()
    harm(tmp_path)
    before = on_the_disk(tmp_path)
    with Store(tmp_path, recipe()) as bank:
        assert "computed again" in capsys.readouterr().err
        assert missing_views(bank, 2) == [0]
        assert on_the_disk(tmp_path) == before
        first = 0
        for size in sizes:
            bank.add(DIGESTS[first : first + size], [0] * size, records()[first : first + size])
            first += size
    with Store(tmp_path, recipe()) as bank:
        assert missing_views(bank, 2) == []
        np.testing.assert_array_equal(bank.read(DIGESTS, [0] * 4), records())
        assert len(list((bank.folder / bank.recipe.key(0)).glob("*.records"))) == len(sizes)
    assert capsys.readouterr().err == ""


def test_a_harmed_shard_that_another_run_has_stored_again_meanwhile_stays(tmp_path):
    fill(tmp_path).close()
    alter(tmp_path)
    with Store(tmp_path, recipe()) as late, Store(tmp_path, recipe()) as other:
        other.add(DIGESTS, [0] * 4, records())
        late.add(["f" * 64], [0], records(1))
        np.testing.assert_array_equal(other.read(DIGESTS, [0] * 4), records())


def test_what_a_killed_run_has_left_is_told_by_nobody_and_removed_once_it_is_old(tmp_path, capsys):
    fill(tmp_path).close()
    column = shard(tmp_path, "records").parent
    left = [column / ".x1y2-abc.json", column / ".z3-abc.records", column / "abc.records"]
    for path in left:
        path.write_bytes(b"half")
    os.utime(left[0], (1, 1))
    os.utime(left[2], (1, 1))
    with Store(tmp_path, recipe()) as bank:
        assert [path.exists() for path in left] == [True, True, True]
        bank.add(["f" * 64], [0], records(1))
    assert [path.exists() for path in left] == [False, True, False]
    assert capsys.readouterr().err == ""


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list open files")
def test_a_bank_that_is_closed_leaves_no_file_open(tmp_path, monkeypatch):
    fill(tmp_path).close()
    before = open_files()
    for _ in range(20):
        with Store(tmp_path, recipe()) as bank:
            bank.read(DIGESTS, [1] * 4)
            bank.add(["f" * 64], [0], records(1))
    assert open_files() == before
    monkeypatch.setattr(store, "_sha256", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Store(tmp_path, recipe())
    assert open_files() == before


def test_only_use_makes_a_bank_recently_used(tmp_path):
    fill(tmp_path).close()
    with Store(tmp_path, recipe()) as bank:
        folders = [bank.folder / bank.recipe.key(view) for view in range(2)]
        for folder in folders:
            os.utime(folder / LOCK_FILE, (1, 1))
        bank.missing(DIGESTS[:1], [0])
        assert [column_lock.last_used(folder) for folder in folders] == [1, 1]
        bank.read(DIGESTS[:1], [0])
        assert [column_lock.last_used(folder) == 1 for folder in folders] == [False, True]


def test_banks_open_while_another_run_evicts_them_all_the_time(tmp_path):
    stop = threading.Event()

    def evict() -> None:
        while not stop.is_set():
            Cache(tmp_path, 1).make_room(0)

    evicting = threading.Thread(target=evict)
    evicting.start()
    try:
        for _ in range(100):
            with Store(tmp_path, recipe()) as bank:
                bank.add(DIGESTS * 2, [0] * 4 + [1] * 4, records(8))
                assert bank.read(DIGESTS, [1] * 4).shape == (4, *SHAPE)
    finally:
        stop.set()
        evicting.join()


def test_records_without_an_index_do_not_count(tmp_path):
    fill(tmp_path).close()
    shard(tmp_path, "json").unlink()
    assert missing_views(Store(tmp_path, recipe()), 2) == [0]


def test_a_full_disk_leaves_nothing_that_counts(tmp_path, monkeypatch):
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    bank = Store(tmp_path, recipe())
    bank.add(DIGESTS[:1], [0], records(1))
    monkeypatch.setattr(atomic_files, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        bank.add(DIGESTS[1:], [0] * 3, records(3))
    bank.close()
    again = Store(tmp_path, recipe())
    assert again.missing(DIGESTS, [0] * 4).tolist() == [False, True, True, True]


def test_two_runs_that_store_the_same_do_no_harm(tmp_path):
    first, second = Store(tmp_path, recipe()), Store(tmp_path, recipe())
    for bank in (first, second):
        bank.add(DIGESTS, [0] * 4, records())
    for bank in (first, second, Store(tmp_path, recipe())):
        np.testing.assert_array_equal(bank.read(DIGESTS, [0] * 4), records())


def test_a_column_says_what_it_holds(tmp_path):
    bank = fill(tmp_path)
    contents = json.loads((bank.folder / bank.recipe.key(1) / "column.json").read_text())
    assert contents["cut"] == "block4_pool"
    assert contents["view"] == 1
