"""The clean features of every example, whatever its split: from the feature bank, which gets what it lacks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import disk_space, filling
from keras_transfer.model import classifier as classifiers
from keras_transfer.model import precision
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import phases, plan

_BATCH = 256  # records read at once


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
    """The features that the head of a configuration's classifier stands on, of each example's clean view.

    A run of that configuration finds them in the bank, and this finds what the run has stored.

    Args:
      examples: read, so that each has its digest.
      config: image, model and feature bank.

    Raises:
      UserError: weights that are not available, an image too small for the network, a full disk, or a file that
        changed.
    """
    config = dataclasses.replace(config, views=dataclasses.replace(config.views, augmented_views=0))
    classifier = classifiers.build(
        config.model,
        class_count=max(len(examples.class_names), 2),
        image_size=config.image.image_size,
        seed=config.training.seed,
        allow_download=config.source.allow_download,
    )
    cache_dir = disk_space.folder_of(config.training.feature_cache_dir)
    arithmetic = precision.resolve(config.training.precision)
    head = phases.plan(classifier, config.training)[:1]
    (bank,) = plan.open_banks(classifier, head, config=config, arithmetic=arithmetic, cache_dir=cache_dir)
    with bank:
        # A run leaves the test split to the export; as validation it is filled too.
        gaps = filling.find_gaps([bank], dataclasses.replace(examples, splits=("validation",) * len(examples)))
        if gaps:
            needed, limit = filling.needed_bytes([bank], gaps), config.training.feature_cache_max_bytes
            disk_space.make_room(cache_dir, needed_bytes=needed, max_bytes=limit)
            filling.fill(classifier, [bank], gaps, config=config)
        starts = range(0, len(examples), _BATCH)
        digests = [examples.sha256[start : start + _BATCH] for start in starts]
        values = np.concatenate([bank.read(part, [0] * len(part)) for part in digests]).astype(np.float32)
    return StoredFeatures(values.reshape(len(examples), -1), config.model.backbone, classifier.weights, arithmetic)
