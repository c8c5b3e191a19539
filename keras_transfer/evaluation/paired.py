"""Two classifiers on the same images: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from keras_transfer.evaluation import bootstrap, intervals
from keras_transfer.evaluation.bootstrap import Interval
from keras_transfer.evaluation.metrics import Metrics

SIGNIFICANCE = 0.05  # the customary level: of two equally good classifiers, 1 in 20 pairs is called different at most


@dataclass(frozen=True)
class PairedTest:
    """A new classifier against an earlier one, by which images each classifies correctly.

    Attributes:
      examples: that both classified.
      only_new_right: examples that only the new one classifies correctly.
      only_earlier_right: examples that only the earlier one does.
      p_value: probability of a difference at least as uneven between equally good classifiers, in [0, 1].
      verdict: better, worse or no difference, of the new one.
    """

    examples: int
    only_new_right: int
    only_earlier_right: int
    p_value: float
    verdict: str


@dataclass(frozen=True)
class Difference:
    """A metric of one classifier minus that of another.

    Attributes:
      difference: in the metric's own unit.
      interval: its 95% interval; None where every resample gives the same.
    """

    difference: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class OtherExport:
    """Another export on the same images, and how the measured one compares with it.

    Attributes:
      export: path of the other's version folder.
      seen_in_training: split -> how many of the images were in it when the other was trained.
      evaluation: the other's metrics.
      paired: the measured export as the new one, the other as the earlier one.
      differences: the measured export minus the other, by name of the metric.
    """

    export: str
    seen_in_training: Mapping[str, int]
    evaluation: Metrics
    paired: PairedTest
    differences: Mapping[str, Difference]


def compare(*, new_is_right: NDArray[np.bool_], earlier_is_right: NDArray[np.bool_]) -> PairedTest:
    """McNemar's exact test: McNemar 1947, https://doi.org/10.1007/BF02295996.

    Examples that both get right, or both get wrong, say nothing about which is better. If neither is, each of the
    others falls to either side with probability 1/2, so their split is binomial. Exact, because small test splits have
    few of them.

    Args:
      new_is_right: shape (examples,).
      earlier_is_right: shape (examples,), of the same examples in the same order.

    Raises:
      ValueError: the shapes differ.
    """
    if new_is_right.shape != earlier_is_right.shape:
        raise ValueError(f"Both need the same examples. Received: {new_is_right.shape} and {earlier_is_right.shape}")
    gained = int(np.sum(new_is_right & ~earlier_is_right))
    lost = int(np.sum(earlier_is_right & ~new_is_right))
    p_value = float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    verdict = "no difference" if p_value > SIGNIFICANCE else "better" if gained > lost else "worse"
    return PairedTest(len(new_is_right), gained, lost, p_value, verdict)


def differences(
    *,
    label_ids: NDArray[np.integer],
    probabilities: NDArray[np.float32],
    other_probabilities: NDArray[np.float32],
) -> dict[str, Difference]:
    """Each headline metric of one classifier minus that of another, with the interval of the paired bootstrap.

    Args:
      label_ids: integers in [0, classes), shape (examples,).
      probabilities: of the one, float32, shape (examples, classes).
      other_probabilities: of the other, likewise.
    """
    rows = [intervals.contributions(label_ids, each) for each in (probabilities, other_probabilities)]
    (one,), (other,) = (intervals.resampled_metrics(each, [np.arange(len(label_ids))]) for each in rows)
    of_one, of_other = (intervals.headline_metrics(np.asarray(each.sum(axis=0))) for each in rows)
    return {
        name: Difference(float(of_one[name] - of_other[name]), bootstrap.percentile_interval(values - other[name]))
        for name, values in one.items()
    }
