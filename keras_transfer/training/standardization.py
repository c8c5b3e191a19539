"""Sets the head's standardization: mean and variance of each feature over the clean training images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_transfer.model.classifier import STANDARDIZING_LAYER, Classifier, Tap
from keras_transfer.training.phase_inputs import PhaseInputs

# A feature that hardly varies over a few hundred training images must not be blown up where a served image differs:
# no feature is scaled by more than 10 times what the average one of its layer and pooling is.
_LEAST_VARIANCE_SHARE = 0.01


def fit(classifier: Classifier, inputs: PhaseInputs) -> None:
    """Sets shift and scale, where the classifier has them. They stay the same in all phases.

    Args:
      classifier: its standardizing layer is changed.
      inputs: of the head phase.
    """
    if STANDARDIZING_LAYER not in [layer.name for layer in classifier.model.layers]:
        return
    layer = classifier.model.get_layer(STANDARDIZING_LAYER)
    mean, variance = mean_and_variance(batch.astype(np.float64) for batch in inputs.clean_features())
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(bounded(variance, classifier.taps))


def bounded(variance: NDArray[np.float64], taps: Sequence[Tap]) -> NDArray[np.float64]:
    """The variance that features are divided by.

    Args:
      variance: of each feature, shape (features,).
      taps: what the features are made of.

    Returns:
      Above 0, shape (features,): 1 where no feature of a layer and pooling varies at all.
    """
    parts = np.split(variance, np.cumsum([tap.width for tap in taps])[:-1])
    return np.concatenate([np.maximum(part, _LEAST_VARIANCE_SHARE * part.mean() or 1.0) for part in parts])


def mean_and_variance(batches: Iterable[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each feature over all rows, one batch in memory at a time.

    Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance": the sums of squared deviations of two
    sets of m and n rows add up with d ** 2 * m * n / (m + n), where d is the difference of their means.

    Args:
      batches: float64, shape (rows, features), at least one row in all.

    Returns:
      Two float64 arrays, shape (features,).
    """
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for batch in batches:
        rows, batch_mean = len(batch), batch.mean(axis=0)
        difference = batch_mean - mean
        squares = squares + ((batch - batch_mean) ** 2).sum(axis=0) + difference**2 * count * rows / (count + rows)
        mean = mean + difference * rows / (count + rows)
        count += rows
    return mean, squares / count
