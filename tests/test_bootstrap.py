"""Tests of keras_transfer.evaluation.bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from keras_transfer.evaluation import bootstrap


def resampled_means(values):
    """The mean of each resample, and that without each value."""
    drawn = np.concatenate(list(bootstrap.weights(len(values))))
    return drawn @ values / len(values), (values.sum() - values) / (len(values) - 1)


def test_a_thousand_resamples_draw_as_many_examples_as_there_are():
    drawn = np.concatenate(list(bootstrap.weights(50)))
    assert drawn.shape == (1000, 50)
    assert (drawn.sum(axis=1) == 50).all()
    # Each is drawn once on average; the standard error of 50,000 draws over 50 examples is 1 / sqrt(1000).
    assert drawn.mean(axis=0) == pytest.approx(np.ones(50), abs=4 / np.sqrt(1000))


def test_memory_blocks_do_not_change_what_is_drawn(monkeypatch):
    in_one_block = np.concatenate(list(bootstrap.weights(50)))
    monkeypatch.setattr(bootstrap, "_BLOCK", 50 * 300)
    assert list(bootstrap.blocks(50)) == [300, 300, 300, 100]
    np.testing.assert_array_equal(np.concatenate(list(bootstrap.weights(50))), in_one_block)


def interval_of_scipy(values, resampled, method):
    """SciPy's interval of a mean, from the same resamples."""
    known = stats.bootstrap((values,), np.mean, n_resamples=2, method="percentile")
    known.bootstrap_distribution = resampled
    found = stats.bootstrap((values,), np.mean, n_resamples=0, bootstrap_result=known, method=method)
    return list(found.confidence_interval)


def test_the_bias_corrected_interval_is_that_of_scipy_for_the_same_resamples():
    values = np.random.default_rng(3).exponential(size=40)
    resampled, without_one = resampled_means(values)
    found = bootstrap.bias_corrected_interval(resampled, exact=float(values.mean()), without_one=without_one)
    assert found == pytest.approx(interval_of_scipy(values, resampled, "BCa"))


def test_the_percentile_interval_is_that_of_scipy_for_the_same_resamples():
    values = np.random.default_rng(3).exponential(size=40)
    resampled, _ = resampled_means(values)
    assert bootstrap.percentile_interval(resampled) == pytest.approx(interval_of_scipy(values, resampled, "percentile"))


def test_resamples_without_a_value_are_left_out():
    resampled, without_one = resampled_means(np.random.default_rng(4).normal(size=30))
    with_gaps = np.insert(resampled, [0, 500], np.nan)
    assert bootstrap.percentile_interval(with_gaps) == bootstrap.percentile_interval(resampled)
    of_gaps, of_all = (
        bootstrap.bias_corrected_interval(each, exact=0.1, without_one=without_one) for each in (with_gaps, resampled)
    )
    assert of_gaps == of_all


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_values_that_do_not_differ_have_no_interval(value):
    same = np.full(1000, value)
    assert bootstrap.percentile_interval(same) is None
    assert bootstrap.bias_corrected_interval(same, exact=1.0, without_one=np.ones(20)) is None


@pytest.mark.parametrize(("exact", "has_interval"), [(0.5, True), (0.8, True), (0.9, False), (2.0, False)])
def test_resamples_that_are_off_by_more_than_a_standard_error_have_no_interval(exact, has_interval):
    # A normal value lies below its mean plus one standard error 84 times in 100.
    found = bootstrap.bias_corrected_interval(np.linspace(0, 1, 1000), exact=exact, without_one=np.linspace(1, 3, 20))
    assert (found is not None) == has_interval
