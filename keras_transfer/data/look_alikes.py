"""Which examples show the same picture: thumbnails, bursts, re-encoded copies; and what the plan says of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_transfer.data import components, near_copies
from keras_transfer.data.examples import Examples
from keras_transfer.images.looks import Looks
from keras_transfer.settings.config import ImageConfig

_LARGE_SHARE = 0.5  # of a class in one group, from which on the person is told


@dataclass(frozen=True)
class LookAlikes:
    """Pairs of different files that show the same picture.

    Attributes:
      pairs: of digests, so that they stand whichever examples are selected.
      is_complete: False where there were too many pictures to compare all of them.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    is_complete: bool = True

    def links(self, examples: Examples, indices: Sequence[int]) -> list[tuple[int, int]]:
        """A pair of examples for each pair that has both its files among the `indices`."""
        first: dict[str, int] = {}
        for index in indices if self.pairs else ():
            first.setdefault(examples.sha256[index], index)
        return [(first[one], first[other]) for one, other in self.pairs if one in first and other in first]


NONE = LookAlikes()


def find(examples: Examples, seen: Looks, *, image: ImageConfig, max_pixels: int) -> LookAlikes:
    """Finds them; reads the files of likely pairs again.

    Args:
      examples: read, with digests.
      seen: the look of each.
      image: whether EXIF orientation counts.
      max_pixels: of `decoding.decode`.
    """
    first: dict[str, int] = {}
    for index, digest in enumerate(examples.sha256):
        first.setdefault(digest, index)
    places = list(first.values())
    read = near_copies.make_reader(image=image, max_pixels=max_pixels)
    pairs = near_copies.find(seen.select(places), lambda index: read(examples.paths[places[index]]))
    digests = list(first)
    return LookAlikes(
        tuple((digests[one], digests[other]) for one, other in zip(pairs.first, pairs.second, strict=True)),
        is_complete=len(places) <= near_copies.MOST_COMPARED_WITH_ALL,
    )


def groups(examples: Examples, found: LookAlikes) -> list[list[int]]:
    """Examples that show the same picture, directly or through others, with their exact copies; the largest first."""
    everything = range(len(examples))
    links = found.links(examples, everything)
    if not links:
        return []
    joined = components.join([*links, *components.links_of_equal(examples.sha256, everything)], len(examples))
    alike = set(joined[np.array(links).ravel()].tolist())
    members = defaultdict(list)
    for index, number in enumerate(joined.tolist()):
        if number in alike:
            members[number].append(index)
    return sorted(members.values(), key=len, reverse=True)


def notes(examples: Examples, found: LookAlikes, *, carved: Sequence[str]) -> list[str]:
    """What the plan says, a sentence each.

    Args:
      examples: read and split.
      found: among them.
      carved: the splits that were carved from one another, in which groups stay together; none where the source brought
        all its splits.
    """
    within = examples.select([index for index, split in enumerate(examples.splits) if split in carved])
    together = groups(within, found)
    said = []
    if together:
        said.append(
            f"{sum(map(len, together)):,} images, in {len(together):,} group(s), look the same as another (thumbnails, "
            f"bursts, re-encoded or mirrored copies), such as {_pair(within, together[0])}. Each group is in one split."
        )
        said += _hardly_split(within, together, carved)
    if not found.is_complete:
        said.append(
            f"There are more than {near_copies.MOST_COMPARED_WITH_ALL:,} images, so only those whose hashes are near "
            "each other in sorted order were compared: re-encoded and resized copies are found, some cropped ones not."
        )
    return said


def _hardly_split(examples: Examples, together: Sequence[Sequence[int]], carved: Sequence[str]) -> list[str]:
    """A sentence for each class that cannot be split well, because few of its images are different pictures."""
    spare: Counter[int] = Counter()  # images beyond the first of each group
    largest: Counter[int] = Counter()
    for group in together:
        for label_id, size in Counter(examples.label_ids[list(group)].tolist()).items():
            spare[label_id] += size - 1
            largest[label_id] = max(largest[label_id], size)
    said = []
    for label_id, total in enumerate(examples.class_counts().tolist()):
        missing = [
            split
            for split in carved
            if split in examples.splits and not examples.in_split(split).class_counts()[label_id]
        ]
        if spare[label_id] and (missing or largest[label_id] > _LARGE_SHARE * total):
            where = f" It has none in {' and '.join(missing)}." if missing else ""
            said.append(
                f"The {total:,} images of class {examples.class_names[label_id]!r} show only "
                f"{total - spare[label_id]:,} different pictures, and {largest[label_id]:,} of them one and the same, "
                f"directly or through others.{where} "
                "inspect_data shows them. If they are copies, add other images; if they are not, put them into train/, "
                "val/ and test/ folders yourself."
            )
    return said


def _pair(examples: Examples, group: Sequence[int]) -> str:
    return " and ".join(examples.paths[index] for index in group[:2])
