"""Tests of keras_transfer.evaluation.unpaired."""

from __future__ import annotations

import pytest
from scipy import stats

from keras_transfer.evaluation import intervals, unpaired
from small_report import NAMES, make_metrics


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
    measured = make_metrics([[here[0], here[1] - here[0]], [0, 0]], NAMES)
    found = unpaired.with_own_test(measured, accuracy=there[0] / there[1], examples=there[1])
    assert found.differs == differs
    assert found.p_value == pytest.approx(
        stats.fisher_exact([[here[0], here[1] - here[0]], [there[0], there[1] - there[0]]])[1]
    )
    assert found.interval == intervals.of_fraction(*there)
    assert (found.accuracy, found.measured_accuracy) == (there[0] / there[1], here[0] / here[1])
