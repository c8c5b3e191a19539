"""The choice of the head and its learning curve, kept in a file until the run is finished: they take minutes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn

import keras_transfer
from keras_transfer.model.classifier import Tap
from keras_transfer.training import checkpoints, choice, learning_curve
from keras_transfer.training.choice import Candidate, Choice
from keras_transfer.training.learning_curve import LearningCurve
from keras_transfer.training.training_images import TrainingImages


def choose(
    images: TrainingImages, taps: Sequence[Tap], path: Path, *, seed: int, total: int
) -> tuple[Choice, LearningCurve | None]:
    """Chooses the head and measures its learning curve, or reads what an earlier try of the run found.

    Args:
      images: to choose on.
      taps: what their features are made of.
      path: of the file.
      seed: of the folds.
      total: number of all training images.
    """
    belongs_to = {
        "images": _digest(images),
        "taps": [dataclasses.asdict(tap) for tap in taps],
        "seed": seed,
        "total": total,
        "versions": [keras_transfer.__version__, np.__version__, scipy.__version__, sklearn.__version__],
    }
    kept = checkpoints.read(path, belongs_to=belongs_to) if path.exists() else None
    if kept:
        return _as_choice(kept["choice"]), _as_curve(kept["curve"])
    found = choice.choose(images, taps, seed=seed)
    curve = learning_curve.measure(images, taps, found, seed=seed, total=total)
    content = {"choice": dataclasses.asdict(found), "curve": dataclasses.asdict(curve) if curve else None}
    checkpoints.write(path, {"belongs_to": belongs_to, "content": content})
    return found, curve


def _digest(images: TrainingImages) -> str:
    """SHA-256 of all that is learned from."""
    digest = hashlib.sha256(f"{images.label_smoothing} {len(images.features)}".encode())
    for array in (images.label_ids, images.groups, images.class_weights, *images.features):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _as_choice(fields: dict[str, Any]) -> Choice:
    many = {name: tuple(map(_as_candidate, fields[name])) for name in ("tried", "chosen")}
    one = {name: _as_candidate(fields[name]) for name in ("averaged", "plain")}
    return Choice(**{**fields, **many, **one})


def _as_candidate(fields: dict[str, Any]) -> Candidate:
    return Candidate(**{**fields, "layers": tuple(fields["layers"]), "poolings": tuple(fields["poolings"])})


def _as_curve(fields: dict[str, Any] | None) -> LearningCurve | None:
    if fields is None:
        return None
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return LearningCurve(**values)
