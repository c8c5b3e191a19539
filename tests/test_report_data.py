"""Tests of keras_transfer.evaluation.report_data."""

from __future__ import annotations

import pytest

from small_report import GOOD, NAMES, make_metrics, make_report


@pytest.mark.parametrize("splits", [{}, {"test": None}, {"tset": make_metrics(GOOD, NAMES)}])
def test_a_report_without_metrics_is_refused(splits):
    with pytest.raises(ValueError, match="metrics"):
        make_report(metrics=splits)


def test_the_headline_is_the_most_telling_split():
    validation, test = make_metrics(GOOD, NAMES), make_metrics(GOOD, NAMES)
    assert make_report(metrics={"validation": validation, "test": None}).headline_split == "validation"
    assert make_report(metrics={"validation": validation, "test": test}).headline is test
