"""Which of several backbones is taken, by what each one's best head makes of the same held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BackboneTrial:
    """A backbone with its best head on a sample of the training images.

    Attributes:
      backbone: its name.
      log_loss: of held-out images, mean, in nats.
      log_loss_error: standard error of that.
      accuracy: of held-out images.
      multiply_accumulates: of the base, for one image: what serving will cost.
      seconds: that trying it took.
      is_taken: whether the run takes it.
    """

    backbone: str
    log_loss: float
    log_loss_error: float
    accuracy: float
    multiply_accumulates: int
    seconds: float
    is_taken: bool = False


def cheapest_of_the_best(trials: Sequence[BackboneTrial], losses: Sequence[NDArray[np.float64]]) -> int:
    """Place of the backbone to take.

    That is the one with the lowest log loss, or one that costs less and is worse by no more than the standard error of
    the difference, image by image.

    Args:
      trials: at least one.
      losses: of each, the log loss of every image, shape (images,), in the same order.
    """
    best = min(range(len(trials)), key=lambda place: trials[place].log_loss)

    def is_as_good(place: int) -> bool:
        worse = losses[place] - losses[best]
        return bool(worse.mean() <= worse.std(ddof=1) / np.sqrt(len(worse)))

    good = [place for place in range(len(trials)) if place == best or is_as_good(place)]
    return min(good, key=lambda place: trials[place].multiply_accumulates)
