"""Examples without files, and their splits, for the tests of the splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from keras_transfer.data.examples import Examples
from keras_transfer.data.look_alikes import NONE, LookAlikes
from keras_transfer.data.splits import assign


def make(
    labels: Sequence[int], *, groups: Sequence[str] = (), splits: Sequence[str] = (), sha256: Sequence[str] = ()
) -> Examples:
    """An example for each label, with bytes of its own unless digests are given."""
    count = len(labels)
    return Examples(
        class_names=tuple(f"class {label}" for label in range(max(labels) + 1)),
        paths=tuple(f"{number:04d}.jpg" for number in range(count)),
        label_ids=np.array(labels, np.int32),
        splits=tuple(splits) or ("",) * count,
        groups=tuple(groups) or ("",) * count,
        sha256=tuple(sha256) or tuple(hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)),
    )


def split(
    examples: Examples, validation: float = 0.15, test: float = 0.15, seed: int = 0, alike: LookAlikes = NONE
) -> Examples:
    """Gives them splits."""
    return assign(examples, validation_fraction=validation, test_fraction=test, seed=seed, look_alikes=alike)
