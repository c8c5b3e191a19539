"""The stored features of training images, as what a linear head is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.model.classifier import Tap
from keras_transfer.training.logistic import Problem


@dataclass(frozen=True)
class TrainingImages:
    """Training images as the bank has them, standardized.

    Attributes:
      features: of each view, float32, shape (images, features); the first is the clean view.
      label_ids: integers in [0, classes), shape (images,).
      groups: number of each image's group, which stays in one fold, shape (images,).
      class_weights: float32, shape (classes,): what an image of each class weighs in the loss.
      label_smoothing: probability mass that is spread over all classes, in [0, 1).
    """

    features: Sequence[NDArray[np.float32]]
    label_ids: NDArray[np.integer]
    groups: NDArray[np.integer]
    class_weights: NDArray[np.float32]
    label_smoothing: float

    def problem(self, rows: NDArray[np.integer], columns: NDArray[np.integer], *, uses_views: bool) -> Problem:
        """What a head on some features is fitted to; all views of an image weigh as much as the clean one alone."""
        views = self.features if uses_views else self.features[:1]
        classes, label_ids = len(self.class_weights), self.label_ids[rows]
        smooth = self.label_smoothing
        targets = np.eye(classes, dtype=np.float32)[label_ids] * np.float32(1 - smooth) + np.float32(smooth / classes)
        return Problem(
            features=np.concatenate([view[np.ix_(rows, columns)] for view in views]),
            targets=np.tile(targets, (len(views), 1)),
            weights=np.tile(self.class_weights[label_ids] / np.float32(len(views)), len(views)),
        )


def columns_of(taps: Sequence[Tap], layers: Sequence[str], poolings: Sequence[str]) -> NDArray[np.int64]:
    """Places of some layers' and poolings' features among those of all taps."""
    starts = np.cumsum([0, *(tap.width for tap in taps)])
    wanted = [
        np.arange(start, start + tap.width)
        for start, tap in zip(starts[:-1], taps, strict=True)
        if tap.layer in layers and (tap.pooling in poolings or not tap.pooling)
    ]
    return np.concatenate(wanted)
