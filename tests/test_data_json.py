"""Tests of keras_transfer.data.data_json."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_transfer.data import data_json
from keras_transfer.data.examples import Examples, LeftOut

EXAMPLES = Examples(
    class_names=("Bär", "cat"),
    paths=("a.jpg", "b 'c'.jpg"),
    label_ids=np.array([1, 0], np.int32),
    splits=("train", "test"),
    groups=("one animal", ""),
    slices={"camera": ("phone", "")},
    sha256=("0" * 64, "1" * 64),
    left_out=(LeftOut("c.jpg", "is empty", is_unreadable=True),),
)


def test_every_example_is_listed_and_what_was_left_out():
    content = data_json.to_json(EXAMPLES)
    assert content["class_names"] == ["Bär", "cat"]
    assert content["examples"][0] == {
        "path": "a.jpg",
        "sha256": "0" * 64,
        "label": "cat",
        "split": "train",
        "group": "one animal",
        "slices": {"camera": "phone"},
    }
    assert content["left_out"] == [{"path": "c.jpg", "reason": "is empty", "is_unreadable": True}]


@pytest.mark.parametrize("examples", [EXAMPLES, EXAMPLES.select([])], ids=["two", "none"])
def test_what_was_written_is_read(examples):
    found = data_json.from_json(json.loads(json.dumps(data_json.to_json(examples))))
    for name in ("class_names", "paths", "splits", "groups", "sha256", "left_out"):
        assert getattr(found, name) == getattr(examples, name)
    assert found.slices == (examples.slices if len(examples) else {})
    np.testing.assert_array_equal(found.label_ids, examples.label_ids)
    assert found.label_ids.dtype == np.int32


def test_a_file_of_an_earlier_release_has_neither_groups_nor_slices():
    content = data_json.to_json(EXAMPLES)
    for row in content["examples"]:
        del row["group"], row["slices"]
    found = data_json.from_json(content)
    assert (found.groups, found.slices) == (("", ""), {})
