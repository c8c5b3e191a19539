"""Tests of keras_transfer.data.leaks, and of what a training run says of leaked images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keras_transfer.data import leaks
from keras_transfer.data.examples import Examples
from keras_transfer.data.look_alikes import LookAlikes
from keras_transfer.errors import UserError


def examples_of(*rows: tuple[str, str]) -> Examples:
    """(digest, split) of each; a file is named by its place."""
    digests, splits = zip(*rows, strict=True)
    paths = tuple(f"{place}.jpg" for place in range(len(rows)))
    return Examples(("a", "b"), paths, np.arange(len(rows), dtype=np.int32) % 2, splits, ("",) * len(rows), {}, digests)


CLEAN = [("1", "train"), ("2", "validation"), ("3", "test")]


@pytest.mark.parametrize(
    ("rows", "left_out", "counts"),
    [
        ([], [], (0, 0)),
        ([("1", "train"), ("2", "validation"), ("3", "test")], [], (0, 0)),  # repeated within a split
        ([("1", "test")], ["3.jpg"], (0, 1)),
        ([("2", "test"), ("2", "test")], ["3.jpg", "4.jpg"], (0, 2)),
        ([("1", "validation")], ["3.jpg"], (1, 0)),
        ([("1", "validation"), ("1", "test")], ["3.jpg", "4.jpg"], (1, 1)),
    ],
)
def test_what_repeats_a_split_that_is_learned_from_is_left_out_and_counted(rows, left_out, counts):
    kept, counted = leaks.leave_out(examples_of(*CLEAN, *rows))
    assert [item.path for item in kept.left_out] == left_out
    assert len(kept) == len(CLEAN) + len(rows) - len(left_out)
    assert counted == dict(zip(("validation", "test"), counts, strict=True))
    assert not set(kept.paths) & set(left_out)


def test_the_reason_names_the_twin_and_its_split():
    kept, _ = leaks.leave_out(examples_of(*CLEAN, ("2", "test")))
    assert kept.left_out[0].reason == (
        "leaked: 1.jpg, which is in validation, has the same bytes; left out of the test"
    )


def test_a_split_that_is_all_leaked_is_refused():
    with pytest.raises(UserError, match=r"Every image of test is byte for byte"):
        leaks.leave_out(examples_of(("1", "train"), ("2", "validation"), ("1", "test")))


def test_files_with_the_same_bytes_and_different_labels_are_counted_and_named(capsys):
    # Labels go 0, 1, 0, 1 by place: the first two files conflict, the third and the fifth have one label.
    examples = examples_of(("1", "train"), ("1", "train"), ("2", "train"), ("3", "test"), ("2", "test"))
    assert leaks.count_label_conflicts(examples) == 2
    assert "such as 0.jpg and 1.jpg: one label is wrong" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("digests", "pair"),
    [
        ("1221", "0.jpg and 3.jpg"),  # two conflicts, one within the other
        ("1x11", "0.jpg and 3.jpg"),  # the first two of the three have one label
    ],
)
def test_the_files_named_for_a_label_conflict_have_the_same_bytes_and_different_labels(digests, pair, capsys):
    leaks.count_label_conflicts(examples_of(*((digest, "train") for digest in digests)))
    assert pair in capsys.readouterr().err


def test_without_label_conflicts_nothing_is_said(capsys):
    assert leaks.count_label_conflicts(examples_of(*CLEAN)) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("pairs", "counts"),
    [
        ((), (0, 0)),
        ((("1", "3"),), (0, 2)),  # with its exact copy
        ((("4", "1"),), (1, 0)),
        ((("3", "4"),), (0, 0)),  # neither is trained on
        ((("1", "5"),), (0, 0)),  # both are
        ((("1", "3"), ("5", "3"), ("4", "5")), (1, 2)),
    ],
)
def test_images_that_look_like_one_that_is_trained_on_are_counted_and_a_pair_is_named(pairs, counts, capsys):
    rows = [("1", "train"), ("5", "train"), ("4", "validation"), ("3", "test"), ("3", "test"), ("6", "test")]
    counted = leaks.count_near_copies(examples_of(*rows), LookAlikes(pairs))
    assert counted == dict(zip(("validation", "test"), counts, strict=True))
    warnings = capsys.readouterr().err
    assert (f"{counts[1]} of the 3 test images" in warnings) is bool(counts[1])
    assert ("3.jpg and 0.jpg" in warnings) is bool(counts[1])
    assert (f"{counts[0]} of the 1 validation images" in warnings) is bool(counts[0])
    # The pair in the warning of validation: each digest's first file.
    trained = "1.jpg" if ("4", "5") in pairs else "0.jpg"
    assert (f"2.jpg and {trained}" in warnings) is bool(counts[0])


def test_leaked_images_are_counted_and_no_test_metric_is_over_them(leaky_run):
    metrics = json.loads((leaky_run / "run" / "metrics.json").read_text("utf-8"))
    assert metrics["leaked"] == {"validation": 0, "test": 2}
    assert metrics["near_leaks"] == {"validation": 0, "test": 0}
    assert metrics["test"]["confusion_matrix"] == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]


def test_the_run_s_data_names_them_with_the_reason(leaky_run):
    left_out = json.loads((leaky_run / "run" / "data.json").read_text("utf-8"))["left_out"]
    assert sorted(str(Path(item["path"]).relative_to(leaky_run)) for item in left_out) == [
        "photos/test/blue/copy.jpg",
        "photos/test/red/copy.jpg",
    ]
    assert all("which is in train, has the same bytes" in item["reason"] for item in left_out)


def test_the_report_warns_of_them(leaky_run):
    page = (leaky_run / "run" / "report.html").read_text("utf-8")
    assert "Leaked images" in page
    assert "2 test images stand byte for byte in another split too" in page
