"""Tests of keras_transfer.evaluation.weak_points; tests of verdict hold how they are put into words."""

from __future__ import annotations

import pytest

from keras_transfer.evaluation import weak_points
from small_report import NAMES, column, make_report, other_export, own_test, probe


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[95, 5], [5, 95]], False),
        ([[50, 50], [50, 50]], True),
        ([[100, 0], [100, 0]], True),
        # As accurate as always saying the first class, but it does tell the rare class: 0.90 and 0.75 of them.
        ([[900, 100], [5, 15]], False),
        ([[980, 0], [20, 0]], True),
        ([[19, 1], [0, 0]], False),  # photos of one class, which guessing it cannot miss
    ],
)
def test_guessing_is_beaten_by_accuracy_or_with_every_class_counting_the_same(counts, expected):
    assert weak_points.is_no_better_than_guessing(make_report(counts)) == expected


def test_a_class_without_images_makes_guessing_no_harder():
    counts = [[60, 40, 0], [40, 60, 0], [0, 0, 0]]
    assert not weak_points.is_no_better_than_guessing(make_report(counts, (*NAMES, "wasps")))


@pytest.mark.parametrize(("found", "expected"), [(0, ["bees"]), (30, ["bees"]), (45, []), (60, [])])
def test_a_class_is_missed_where_more_than_chance_says_so(found, expected):
    assert weak_points.missed_classes(make_report([[100, 0], [100 - found, found]])) == expected


def test_classes_without_an_image_are_not_measured_and_not_missed():
    report = make_report([[100, 0], [0, 0]])
    assert weak_points.unmeasured_classes(report) == ["bees"]
    assert weak_points.missed_classes(report) == []
    assert weak_points.barely_measured_classes(report) == []


def test_the_commonest_class_is_that_of_the_measured_images():
    assert weak_points.commonest_class(make_report([[10, 20], [40, 30]])) == ("bees", 0.7)


def test_flagged_slices_are_named_by_column_and_value():
    report = make_report(slices=[column(phone=True, scanner=False)])
    assert weak_points.flagged_slices(report) == ["camera = phone"]


@pytest.mark.parametrize(
    ("split", "expected"), [("validation", True), ("train", True), ("test", False), ("all", False)]
)
def test_only_images_that_were_not_used_for_training_are_a_test(split, expected):
    assert weak_points.has_no_test(make_report(split=split)) == expected


@pytest.mark.parametrize(("outcome", "expected"), [("worse", True), ("better", False), ("no difference", False)])
def test_worse_than_the_probe_or_another_export_is_what_their_paired_tests_say(outcome, expected):
    assert weak_points.is_worse_than_probe(make_report(baselines=probe(outcome))) == expected
    assert weak_points.is_worse_than_other(make_report(comparison=other_export(outcome))) == expected


def test_what_was_not_compared_is_not_worse():
    assert not weak_points.is_worse_than_probe(make_report(baselines=probe(None)))
    assert not weak_points.is_worse_than_probe(make_report())
    assert not weak_points.is_worse_than_other(make_report())


@pytest.mark.parametrize(("split", "expected"), [("all", 7), ("test", 7), ("train", 0), ("validation", 0)])
def test_seen_images_are_counted_where_the_split_does_not_say_so_already(split, expected):
    assert weak_points.seen_images(make_report(split=split, seen={"train": 5, "validation": 2})) == expected


@pytest.mark.parametrize(
    ("own", "split", "seen", "differs", "is_worse"),
    [
        (own_test(0.967, 0.478), "all", {}, True, True),
        (own_test(0.967, 0.478), "all", {"train": 3}, True, True),
        (own_test(0.9, 0.85, differs=False), "all", {}, False, False),
        (own_test(0.8, 0.95), "all", {}, True, False),
        (own_test(0.8, 0.95), "all", {"train": 3}, False, False),
        (own_test(0.8, 0.95), "train", {}, False, False),
        (None, "all", {}, False, False),
    ],
)
def test_photos_differ_where_the_accuracy_does_and_training_does_not_explain_it(own, split, seen, differs, is_worse):
    report = make_report(split=split, seen=seen, own_test=own)
    assert weak_points.differs_from_own_test(report) == differs
    assert weak_points.is_worse_than_own_test(report) == is_worse
