"""Tests of keras_transfer.training.checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_transfer.training import checkpoints
from keras_transfer.training.checkpoints import Checkpoints

OWNER = {"name": "head", "learning_rate": 0.1, "versions": ["1", "2"], "of": (1, 2)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_bit_for_bit(tmp_path):
    third = np.float32(1) / 3
    weights: list[Any] = [np.full((2, 3), third), np.array(7, np.int64), np.zeros(0, np.float32)]
    content: dict[str, Any] = {
        "weights": weights,
        "numbers": {"least": math.inf, "third": 1 / 3, "none": None, "words": ["a", True]},
        "array": 3,  # the names that the file uses itself are free
        "fields": {"array": [np.array(True)]},
    }
    checkpoints.write(tmp_path / "a.npz", {"belongs_to": OWNER, "content": content})
    found = checkpoints.read(tmp_path / "a.npz", belongs_to=OWNER)
    assert found is not None
    assert found["numbers"] == content["numbers"]
    assert found["array"] == 3
    assert found["fields"]["array"][0].dtype == np.bool_
    for one, other in zip(found["weights"], weights, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_two_checkpoints_are_kept_and_the_last_is_taken(tmp_path):
    files = Checkpoints(tmp_path, "head", OWNER)
    for number in range(12):
        files.write({"epoch": number})
    assert len(names(tmp_path)) == 2
    assert files.latest() == ({"epoch": 11}, False)


def test_a_finished_one_takes_the_place_of_all_others(tmp_path):
    files, other = Checkpoints(tmp_path, "head", OWNER), Checkpoints(tmp_path, "head-2", OWNER)
    other.write({"epoch": 1})
    files.write({"epoch": 1})
    files.write({"epoch": 2}, is_finished=True)
    assert files.latest() == ({"epoch": 2}, True)
    assert other.latest() == ({"epoch": 1}, False)
    assert len(names(tmp_path)) == 2


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(np.float32(0.125).tobytes() * 50) + 20
    content[place] ^= 1
    path.write_bytes(content)


def replace_it(path: Path) -> None:
    np.savez(path, weights=np.ones(3))


@pytest.mark.parametrize("harm", [cut_off, flip_a_bit, replace_it, lambda path: path.write_bytes(b"")])
def test_a_damaged_checkpoint_is_left_aside_for_the_one_before(tmp_path, capsys, harm):
    files = Checkpoints(tmp_path, "head", OWNER)
    for number in range(2):
        files.write({"epoch": number, "weights": np.full(50, 0.125, np.float32)})
    harm(tmp_path / names(tmp_path)[-1])
    found = files.latest()
    assert found is not None
    assert found[0]["epoch"] == 0
    assert "damaged" in capsys.readouterr().err
    files.write({"epoch": 5})
    again = files.latest()
    assert again is not None
    assert again[0] == {"epoch": 5}


def test_the_checkpoint_of_another_training_is_left_aside(tmp_path, capsys):
    Checkpoints(tmp_path, "head", {**OWNER, "learning_rate": 0.2}).write({"epoch": 1})
    assert Checkpoints(tmp_path, "head", OWNER).latest() is None
    assert "left aside" in capsys.readouterr().err


def test_there_is_none_at_first(tmp_path):
    assert Checkpoints(tmp_path / "nowhere", "head", OWNER).latest() is None
