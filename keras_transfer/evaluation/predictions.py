"""predictions.csv: one row for each file, with columns that no class name can clash with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files

# Before every class name, so that classes called label, score or error have columns of their own.
CLASS_PREFIX = "probability_"
_OPTIONAL = ("true_label", "accepted", "error")


@dataclass(frozen=True)
class Prediction:
    """What is written of a file.

    Attributes:
      path: of the file.
      probabilities: float32 in [0, 1], shape (classes,); None for a file that cannot be read.
      true_label: its class, or "" where it is not known.
      is_accepted: whether the export accepts its own answer; None where it does not say.
      error: why it cannot be read, or "".
    """

    path: str
    probabilities: NDArray[np.float32] | None
    true_label: str = ""
    is_accepted: bool | None = None
    error: str = ""


def write(
    path: str | Path, predictions: Iterable[Prediction], *, class_names: Sequence[str], further: Sequence[str]
) -> None:
    """Writes the CSV file, whole or not at all.

    The columns: `path`; `true_label`, if wanted; `label`, the most probable class; `score`, its probability;
    `accepted` (true or false), if wanted; `probability_CLASS` for each class; and `error`, if wanted. A file that
    cannot be read has nothing but its path, true label and error.

    Args:
      path: of the CSV file; an existing one is replaced.
      predictions: in the order of the rows; they may be made one by one.
      class_names: in the order of the probabilities.
      further: of true_label, accepted and error, the ones that are wanted.

    Raises:
      OSError: unwritable folder, full disk.
    """
    classes = [f"{CLASS_PREFIX}{name}" for name in class_names]
    every = ["path", "true_label", "label", "score", "accepted", *classes, "error"]
    columns = [name for name in every if name not in _OPTIONAL or name in further]
    with atomic_files.whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        for item in predictions:
            writer.writerow(_cells(item, class_names, classes))


def _cells(item: Prediction, class_names: Sequence[str], classes: Sequence[str]) -> dict[str, object]:
    cells: dict[str, object] = {"path": item.path, "true_label": item.true_label, "error": item.error}
    if item.probabilities is not None:
        best = int(item.probabilities.argmax())
        cells |= {"label": class_names[best], "score": item.probabilities[best]}
        cells |= dict(zip(classes, item.probabilities, strict=True))
    if item.is_accepted is not None:
        cells["accepted"] = str(item.is_accepted).lower()
    return cells
