"""Tests of keras_transfer.data.layout_messages."""

from __future__ import annotations

import pytest

from keras_transfer.data.layout_messages import listed, wanted


@pytest.mark.parametrize("names", [[], ["ants"], ["ants", "bees", "wasps"], ["cats"]])
def test_the_tree_shows_two_different_classes_with_and_without_splits(names):
    lines = wanted("/somewhere/photos/", names).splitlines()
    assert sum(line.strip() == "photos/" for line in lines) == 2
    first, second = (line.split()[0] for line in lines[2:4])
    assert first != second
    assert first == f"{names[0] if names else 'cats'}/"
    assert sum(line.split()[0] in ("train/", "validation/", "test/") for line in lines) == 3


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["a"], "a"), (["a", "b"], "both a and b"), (list("abc"), "a, b, c"), (list("abcdef"), "a, b, c, d and 2 more")],
)
def test_a_few_names_are_listed_and_the_others_counted(names, expected):
    assert listed(names, "both ") == expected
