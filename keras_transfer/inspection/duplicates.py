"""Copies: the same bytes, the same picture, very similar features; within a split, across splits, across classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data import components, near_copies
from keras_transfer.data.examples import Examples
from keras_transfer.data.near_copies import Pairs
from keras_transfer.images import looks
from keras_transfer.inspection.findings import Finding
from keras_transfer.inspection.photos import Photo

# What is said of a group, and the kinds of findings: across splits, across classes, and neither.
_SAYINGS = {
    "exact": ("have the same bytes", "exact_copies"),
    "near": ("show the same picture, up to size, encoding, mirroring and a slight crop", "near_copies"),
    "similar": ("have very similar features", "similar"),
}


@dataclass(frozen=True)
class Group:
    """Examples that are copies of each other, directly or through others.

    Attributes:
      how: exact, near or similar.
      indices: of the examples, in order.
      score: how alike its most alike pair is, up to 1.
    """

    how: str
    indices: tuple[int, ...]
    score: float


def exact_groups(digests: Sequence[str]) -> list[Group]:
    """Examples with the same bytes, by their digests."""
    members = defaultdict(list)
    for index, digest in enumerate(digests):
        members[digest].append(index)
    return [Group("exact", tuple(indices), 1.0) for indices in members.values() if len(indices) > 1]


def near_groups(photos: Sequence[Photo], read: Callable[[str], NDArray[np.uint8]]) -> list[Group]:
    """Examples that show the same picture without having the same bytes.

    Args:
      photos: readable.
      read: gives the small copy (see `looks.shrink`) of the picture at a path.
    """
    first = _first_of_each([photo.digest for photo in photos])
    seen = looks.concatenate([look for look in (photos[index].look for index in first) if look is not None])
    pairs = near_copies.find(seen, lambda index: read(photos[first[index]].path))
    places = np.array(first, np.int64)
    return group("near", Pairs(places[pairs.first], places[pairs.second], pairs.score), photos)


def group(how: str, pairs: Pairs, photos: Sequence[Photo]) -> list[Group]:
    """Joins pairs, and the exact copies of their members, to groups.

    Args:
      how: near or similar.
      pairs: of indices into `photos`.
      photos: with their digests.
    """
    if not len(pairs.first):
        return []
    copies = exact_groups([photo.digest for photo in photos])
    links = [(item.indices[0], other) for item in copies for other in item.indices[1:]]
    links += zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    component = components.join(links, len(photos))
    best: dict[int, float] = defaultdict(float)
    for index, score in zip(pairs.first, pairs.score, strict=True):
        best[component[index]] = max(best[component[index]], float(score))
    members = defaultdict(list)
    for index, number in enumerate(component):
        if number in best:
            members[number].append(index)
    return [Group(how, tuple(indices), best[number]) for number, indices in members.items()]


def component_of_each(groups: Iterable[Group], count: int) -> NDArray[np.int64]:
    """A number for each example, the same for all that are joined by groups: int64, shape (count,)."""
    links = [(item.indices[0], other) for item in groups for other in item.indices[1:]]
    return components.join(links, count)


def findings(groups: Sequence[Group], examples: Examples) -> list[Finding]:
    """A finding for each group and each thing that is wrong with it: across splits, across classes, or just copies."""
    return [finding for item in groups for finding in _findings_of(item, examples)]


def summary(groups: Sequence[Group], examples: Examples) -> dict[str, int]:
    """How many groups and pairs there are, and how many pairs run across splits and across classes."""
    counts = dict.fromkeys(("groups", "files", "pairs", "pairs_across_splits", "pairs_across_classes"), 0)
    for item in groups:
        counts["groups"] += 1
        counts["files"] += len(item.indices)
        counts["pairs"] += _pairs(len(item.indices))
        counts["pairs_across_splits"] += _pairs_across([examples.splits[index] for index in item.indices])
        counts["pairs_across_classes"] += _pairs_across([int(examples.label_ids[index]) for index in item.indices])
    return counts


def describe(item: Group, examples: Examples) -> dict[str, Any]:
    """A group as a row of inspection.json."""
    return {
        "how": item.how,
        "score": round(item.score, 4),
        "files": [
            {
                "path": examples.paths[index],
                "split": examples.splits[index],
                "label": examples.class_names[examples.label_ids[index]],
            }
            for index in item.indices
        ],
    }


def _findings_of(item: Group, examples: Examples) -> list[Finding]:
    saying, kind = _SAYINGS[item.how]
    splits = list(dict.fromkeys(examples.splits[index] for index in item.indices))
    classes = list(dict.fromkeys(examples.class_names[examples.label_ids[index]] for index in item.indices))
    kinds = [f"{kind}_across_splits"] * (len(splits) > 1) + [f"{kind}_of_two_classes"] * (len(classes) > 1)
    files = tuple(examples.paths[index] for index in item.indices)
    why, detail = f"{len(files)} files {saying}.", "" if item.how == "exact" else f"{item.score:.3f} of 1 alike"
    if len(splits) > 1:
        why += f" They are in {' and '.join(splits)}."
    if len(classes) > 1:
        why += f" Their labels are {' and '.join(classes)}."
    return [Finding(name, files, why, score=item.score, detail=detail) for name in kinds or [kind]]


def _first_of_each(digests: Sequence[str]) -> list[int]:
    first: dict[str, int] = {}
    for index, digest in enumerate(digests):
        first.setdefault(digest, index)
    return list(first.values())


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _pairs_across(values: Sequence[Any]) -> int:
    """Pairs with different values."""
    return _pairs(len(values)) - sum(_pairs(count) for count in Counter(values).values())
