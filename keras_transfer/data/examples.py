"""The type that every source of labelled images returns: columns of files, labels, splits and groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LeftOut:
    """A file that is not an example, and why.

    Attributes:
      path: the file.
      reason: one sentence.
      is_unreadable: True where an image was meant and can't be read, which counts towards
        `max_unreadable_fraction`; False for what was never an image (Thumbs.db, notes.txt).
    """

    path: str
    reason: str
    is_unreadable: bool


@dataclass(frozen=True)
class Examples:
    """Labelled images as columns of equal length; every image is a file of encoded bytes.

    Attributes:
      class_names: sorted; the position is the label id.
      paths: files that can be opened from the current folder.
      label_ids: int32, shape (examples,).
      splits: train, validation or test for each example, or "" where the source does not say.
      groups: examples with the same non-empty group must stay in one split; "" is no group.
      slices: further columns for evaluation: name -> value of each example.
      sha256: hexadecimal digest of each file's bytes; empty until the files were read.
      left_out: files of the source that are not among the examples.
      notes: how the source was understood where that is not plain to see, a sentence each; commands print them.
    """

    class_names: tuple[str, ...]
    paths: tuple[str, ...]
    label_ids: NDArray[np.int32]
    splits: tuple[str, ...]
    groups: tuple[str, ...]
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sha256: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, indices: Sequence[int] | NDArray[np.int64]) -> Examples:
        """The examples at `indices`, in that order, with the same class names and `left_out`."""

        def pick(column: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(column[index] for index in indices)

        return dataclasses.replace(
            self,
            paths=pick(self.paths),
            label_ids=self.label_ids[np.asarray(indices, dtype=np.int64)],
            splits=pick(self.splits),
            groups=pick(self.groups),
            slices={name: pick(column) for name, column in self.slices.items()},
            sha256=pick(self.sha256) if self.sha256 else (),
        )

    def in_split(self, split: str) -> Examples:
        """The examples of one split, in order."""
        return self.select([index for index, own in enumerate(self.splits) if own == split])

    def class_counts(self) -> NDArray[np.int64]:
        """Number of examples of each class: int64, shape (classes,)."""
        return np.bincount(self.label_ids, minlength=len(self.class_names))
