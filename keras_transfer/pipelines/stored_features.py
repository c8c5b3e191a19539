"""The clean features of every example, whatever its split: from the feature bank, which gets what it lacks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank.image_features import FeatureBank
from keras_transfer.settings import choosing
from keras_transfer.settings.config import TrainConfig


@dataclass(frozen=True)
class StoredFeatures:
    """Features and where they come from.

    Attributes:
      values: float32, shape (examples, features).
      backbone: the network.
      weights: imagenet, random, or a file: what was really loaded.
      precision: arithmetic that computed them.
    """

    values: NDArray[np.float32]
    backbone: str
    weights: str
    precision: str


def collect(examples: Examples, *, config: TrainConfig) -> StoredFeatures:
    """The pooled features that a head stands on, of the highest of its layers, of each example's clean view.

    A run of that configuration finds them in the bank, and this finds what the run has stored: of a run that chooses
    its head they are a part of the record.

    Args:
      examples: read, so that each has its digest.
      config: image, model and feature bank.

    Raises:
      UserError: weights that are not available, an image too small for the network, a full disk, or a file that
        changed.
    """
    if not choosing.obstacle(config, len(examples.class_names)):
        config = dataclasses.replace(config, model=choosing.all_features(config.model))
    with FeatureBank(config) as bank:
        values = bank.of(examples).reshape(len(examples), -1)[:, : bank.taps[0].width]
        return StoredFeatures(values, config.model.backbone, bank.weights, bank.precision)
