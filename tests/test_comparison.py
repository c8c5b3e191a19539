"""Tests of keras_transfer.evaluation.comparison."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from keras_transfer.evaluation import comparison, intervals


def compare(*, both: int = 0, gained: int = 0, lost: int = 0, neither: int = 0) -> comparison.Comparison:
    new = [True] * both + [True] * gained + [False] * lost + [False] * neither
    earlier = [True] * both + [False] * gained + [True] * lost + [False] * neither
    order = np.random.default_rng(0).permutation(len(new))
    return comparison.compare(new_is_right=np.array(new, bool)[order], earlier_is_right=np.array(earlier, bool)[order])


@pytest.mark.parametrize(
    ("gained", "lost", "verdict"),
    [(6, 0, "better"), (0, 6, "worse"), (5, 0, "no difference"), (12, 3, "better"), (10, 10, "no difference")],
)
def test_the_verdict_follows_from_the_examples_that_only_one_gets_right(gained, lost, verdict):
    assert compare(both=50, gained=gained, lost=lost, neither=3).verdict == verdict


@pytest.mark.parametrize(("gained", "lost"), [(6, 0), (1, 8), (12, 3), (20, 25)])
def test_the_p_value_is_both_tails_of_the_fair_coin(gained, lost):
    tosses, rarer = gained + lost, min(gained, lost)
    tail = sum(math.comb(tosses, count) for count in range(rarer + 1)) / 2**tosses
    assert compare(both=9, gained=gained, lost=lost).p_value == pytest.approx(2 * tail)


def test_examples_that_both_get_right_or_wrong_change_nothing_but_the_count():
    few, many = compare(gained=7, lost=1), compare(both=1000, gained=7, lost=1, neither=1000)
    assert (few.p_value, few.examples, many.examples) == (many.p_value, 8, 2008)
    assert (many.only_new_right, many.only_earlier_right) == (7, 1)


def test_two_classifiers_that_agree_everywhere_do_not_differ():
    assert compare(both=5, neither=2) == comparison.Comparison(7, 0, 0, 1.0, "no difference")


def test_no_example_at_all_shows_no_difference():
    assert compare().verdict == "no difference"


def test_results_on_different_examples_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        comparison.compare(new_is_right=np.ones(2, bool), earlier_is_right=np.ones(3, bool))


def of_photos(right: int, examples: int) -> dict[str, Any]:
    return {"accuracy": right / examples, "examples": examples}


@pytest.mark.parametrize(
    ("here", "there", "differs"),
    [
        ((478, 1000), (290, 300), True),
        ((11, 23), (29, 30), True),
        ((2, 3), (29, 30), False),  # so few say nothing
        ((0, 1), (30, 30), True),  # 1 in 31
        ((29, 30), (29, 30), False),
        ((30, 30), (15, 30), True),
        ((0, 5), (0, 5), False),
        ((1, 1), (1, 1), False),
    ],
)
def test_an_accuracy_differs_from_that_of_the_own_test_where_chance_does_not_explain_it(here, there, differs):
    found = comparison.with_own_test(of_photos(*here), of_photos(*there))
    assert found is not None
    assert found["differs"] == differs
    assert found["p_value"] == pytest.approx(
        stats.fisher_exact([[here[0], here[1] - here[0]], [there[0], there[1] - there[0]]])[1]
    )
    assert found["interval"] == intervals.of_fraction(*there)
    assert (found["accuracy"], found["measured_accuracy"]) == (there[0] / there[1], here[0] / here[1])


def test_without_an_own_test_there_is_nothing_to_differ_from():
    assert comparison.with_own_test(of_photos(1, 2), None) is None
