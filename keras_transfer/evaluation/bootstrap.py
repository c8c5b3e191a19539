"""Bootstrap resamples of examples, and the 95% intervals that come of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Interval = tuple[float, float]  # low, high
RESAMPLES = 1000  # Efron and Tibshirani 1993, section 12.5: what intervals from quantiles need
_QUANTILES = np.array([0.025, 0.975])
_SEED = 0
_BLOCK = 2_000_000  # drawn values in memory at once: 16 MB
# In standard errors. Where the resamples are further off than that, such as the macro F1 of many classes with a few
# images each, they no longer resemble what they are drawn from.
_MOST_BIAS = 1.0


def blocks(count: int) -> Iterator[int]:
    """Numbers of resamples that fit into memory at once, adding up to `RESAMPLES`.

    Args:
      count: examples in a resample.
    """
    size = max(1, min(RESAMPLES, _BLOCK // count))
    for start in range(0, RESAMPLES, size):
        yield min(size, RESAMPLES - start)


def weights(count: int) -> Iterator[NDArray[np.float64]]:
    """How often each of `count` examples is drawn: float64, shape (resamples, count), a block of resamples at a time.

    Examples are drawn independently, not class by class: served images come so too, and a resample's shares of the
    classes are as uncertain as the test split's. The same seed draws the same examples whatever was predicted, so two
    classifiers can be compared resample by resample.
    """
    random = np.random.default_rng(_SEED)
    for size in blocks(count):
        drawn = random.integers(0, count, (size, count)) + count * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)


def percentile_interval(resampled: NDArray[np.float64]) -> Interval | None:
    """The middle 95% of resampled values: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.

    Args:
      resampled: a value of each resample, nan where it is not defined; shape (resamples,).

    Returns:
      Low and high; None where the values do not differ.
    """
    return _interval(resampled, _QUANTILES)


def bias_corrected_interval(
    resampled: NDArray[np.float64], *, exact: float, without_one: NDArray[np.float64]
) -> Interval | None:
    """The BCa interval: quantiles moved by how far the resamples are off the value, and by how skewed it is.

    Efron 1987, "Better Bootstrap Confidence Intervals", https://doi.org/10.1080/01621459.1987.10478410. On small test
    splits it mostly covers the true value more often than `percentile_interval` (benchmarks/intervals.py), because
    fractions near 1 and losses are skewed.

    Args:
      resampled: a value of each resample, nan where it is not defined; shape (resamples,).
      exact: the value of all examples.
      without_one: the value without each of the examples, shape (examples,).

    Returns:
      Low and high; None where the resampled values do not differ, or are off by more than a standard error.
    """
    known = resampled[np.isfinite(resampled)]
    below = (np.mean(known < exact) + np.mean(known <= exact)) / 2 if len(known) else 0.5
    bias = stats.norm.ppf(below)
    if abs(bias) > _MOST_BIAS:
        return None
    deviations = without_one.mean() - without_one
    scale = 6 * np.sum(deviations**2) ** 1.5
    acceleration = np.sum(deviations**3) / scale if scale > 0 else 0.0
    moved = bias + stats.norm.ppf(_QUANTILES)
    return _interval(resampled, stats.norm.cdf(bias + moved / (1 - acceleration * moved)))


def _interval(resampled: NDArray[np.float64], quantiles: NDArray[np.float64]) -> Interval | None:
    known = resampled[np.isfinite(resampled)]
    if not len(known) or np.ptp(known) == 0:
        return None
    low, high = np.quantile(known, quantiles)
    return float(low), float(high)
