"""Tests of keras_transfer.inspection.exclusion_list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_transfer.data import exclusions
from keras_transfer.data.examples import Examples
from keras_transfer.inspection import exclusion_list
from keras_transfer.inspection.findings import Finding

SPLITS = {"a": "train", "b": "validation", "c": "test", "d": "test", "e": "train"}


def chosen(*found: Finding) -> dict[str, bool]:
    return {item.path: item.is_active for item in exclusion_list.choose(found, SPLITS)}


@pytest.mark.parametrize(
    ("kind", "files", "expected"),
    [
        ("unreadable", "a", {"a": True}),
        ("damaged", "c", {"c": True}),
        ("exact_copies_of_two_classes", "ac", {"a": True, "c": True}),
        ("exact_copies_across_splits", "ac", {"a": True}),
        ("exact_copies_across_splits", "abcd", {"a": True, "b": True, "d": True}),
        ("exact_copies_across_splits", "ab", {"a": True}),
        ("near_copies_across_splits", "abcd", {"a": True, "b": True}),
        ("exact_copies", "ae", {"e": True}),
        ("near_copies", "ae", {"e": False}),
        ("near_copies_of_two_classes", "ae", {"e": False}),
        ("suspected_label", "a", {"a": False}),
        ("nearly_constant", "a", {"a": False}),
        ("left_out", "a", {}),
        ("elongated", "a", {}),
        ("drift", "", {}),
    ],
)
def test_what_is_certain_is_left_out_and_what_is_suspected_is_suggested(kind, files, expected):
    assert chosen(Finding(kind, tuple(files), "why")) == expected


def test_a_file_with_several_findings_is_listed_once_by_the_most_certain():
    assert chosen(Finding("suspected_label", ("a",), ""), Finding("damaged", ("a",), "")) == {"a": True}


def test_the_list_that_is_written_leaves_out_what_was_chosen(tmp_path):
    paths = tuple(str(tmp_path / f"{name}.jpg") for name in "abcd")
    examples = Examples(("x", "y"), paths, np.array([0, 0, 1, 1], np.int32), ("train", "test") * 2, ("",) * 4)
    found = [
        Finding("exact_copies_across_splits", paths[:2], "why"),
        Finding("suspected_label", paths[3:], "why"),
        Finding("unreadable", (str(tmp_path / "never an example.jpg"),), "why"),
    ]
    split_of = dict(zip(examples.paths, examples.splits, strict=True))
    exclusions.write(tmp_path / "lists" / "exclude.txt", exclusion_list.choose(found, split_of))
    kept = exclusions.leave_out(examples, str(tmp_path / "lists" / "exclude.txt"))
    assert [Path(path).name for path in kept.paths] == ["b.jpg", "c.jpg", "d.jpg"]


@pytest.mark.parametrize(
    ("kind", "files", "is_solved"),
    [
        ("unreadable", "a", True),
        ("damaged", "c", True),
        ("exact_copies_across_splits", "abcd", True),
        ("near_copies_across_splits", "abcd", True),
        ("exact_copies_of_two_classes", "ac", True),
        ("near_copies_of_two_classes", "ae", False),
        ("group_split_apart", "ab", False),
        ("group_split_apart", "ae", True),
        ("suspected_label", "a", True),  # no error
    ],
)
def test_what_no_list_can_decide_remains(kind, files, is_solved):
    found = [Finding(kind, tuple(files), "why")]
    remaining = exclusion_list.unsolved(found, exclusion_list.choose(found, SPLITS), SPLITS)
    assert remaining == ([] if is_solved else found)


def test_a_conflict_is_solved_where_another_finding_takes_one_of_its_files():
    found = [Finding("near_copies_of_two_classes", ("a", "b"), "why"), Finding("damaged", ("a",), "why")]
    assert exclusion_list.unsolved(found, exclusion_list.choose(found, SPLITS), SPLITS) == []
