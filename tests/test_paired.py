"""Tests of keras_transfer.evaluation.paired."""

from __future__ import annotations

import math

import numpy as np
import pytest

from keras_transfer.evaluation import paired
from keras_transfer.evaluation.paired import PairedTest


def compare(*, both: int = 0, gained: int = 0, lost: int = 0, neither: int = 0) -> PairedTest:
    new = [True] * both + [True] * gained + [False] * lost + [False] * neither
    earlier = [True] * both + [False] * gained + [True] * lost + [False] * neither
    order = np.random.default_rng(0).permutation(len(new))
    return paired.compare(new_is_right=np.array(new, bool)[order], earlier_is_right=np.array(earlier, bool)[order])


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
    assert compare(both=5, neither=2) == PairedTest(7, 0, 0, 1.0, "no difference")


def test_no_example_at_all_shows_no_difference():
    assert compare().verdict == "no difference"


def test_results_on_different_examples_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        paired.compare(new_is_right=np.ones(2, bool), earlier_is_right=np.ones(3, bool))


def certain(predicted_ids):
    return np.where(np.eye(2)[predicted_ids] == 1, 0.9, 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def differences():
    """Of 100 examples both get 80 right, only the one 12 more, only the other 3 more."""
    label_ids = np.arange(100) % 2
    wrong = 1 - label_ids
    one, other = label_ids.copy(), label_ids.copy()
    one[92:], other[80:92], other[95:] = wrong[92:], wrong[80:92], wrong[95:]
    return paired.differences(label_ids=label_ids, probabilities=certain(one), other_probabilities=certain(other))


def test_the_difference_and_its_interval_are_those_of_the_pairs(differences):
    found = differences["accuracy"]
    # The differences are 1 twelve times, -1 three times and 0 for the rest.
    deviation = np.std([1] * 12 + [-1] * 3 + [0] * 85)
    assert found.difference == pytest.approx(0.09)
    assert found.interval == pytest.approx((0.09 - 0.196 * deviation, 0.09 + 0.196 * deviation), abs=0.012)


def test_the_log_loss_of_the_better_one_is_lower(differences):
    assert differences["log_loss"].difference == pytest.approx(-0.09 * np.log(9), rel=1e-5)
