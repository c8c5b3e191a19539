"""Tests of keras_transfer.data.class_balance."""

from __future__ import annotations

import pytest

from keras_transfer.data import class_balance


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ({"a": 100, "b": 20}, []),
        ({"a": 101, "b": 20}, ["b"]),
        ({"a": 30, "b": 5, "c": 300, "d": 59, "e": 60}, ["b", "a", "d"]),
        ({"a": 300, "b": 0}, []),  # no weight helps a class without images
        ({"a": 0, "b": 0}, []),
        ({}, []),
    ],
)
def test_classes_outnumbered_more_than_fivefold_are_rare_and_the_rarest_comes_first(counts, rare):
    assert list(class_balance.rare_classes(counts)) == rare


def test_the_advice_has_the_counts_and_the_flag():
    advice = class_balance.advice({"common": 1234, "rare": 7, "neither": 900}, class_weights="none")
    for words in ("common", "1,234", "“rare” 7", "--class_weights=balanced"):
        assert words in advice
    assert "neither" not in advice


def test_of_many_rare_classes_the_first_are_named():
    advice = class_balance.advice({"common": 1000, **{f"r{n}": n + 1 for n in range(40)}}, class_weights="none")
    assert "“r4”" in advice
    assert "“r5”" not in advice
    assert "35 more" in advice


@pytest.mark.parametrize(
    ("counts", "class_weights"), [({"a": 1000, "b": 7}, "balanced"), ({"a": 1000, "b": 700}, "none")]
)
def test_nothing_is_advised_where_classes_are_weighted_or_balanced(counts, class_weights):
    assert class_balance.advice(counts, class_weights=class_weights) == ""
