"""Train, validation and test: seeded, stratified by class, and never through a group."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from keras_transfer.data import components
from keras_transfer.data.examples import Examples
from keras_transfer.data.look_alikes import NONE, LookAlikes
from keras_transfer.errors import UserError
from keras_transfer.settings.config import SPLITS

# label id -> split -> number of its examples, for the splits that get any
_Quotas = Mapping[int, Mapping[str, int]]


def assign(
    examples: Examples,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    look_alikes: LookAlikes = NONE,
) -> Examples:
    """Gives every example a split.

    Splits of the source are kept. Where it has splits but no validation, validation is carved from train; a missing
    test stays missing, because a test carved from what others train on would compare with nothing. Where it has no
    splits, both are carved.

    Carving is stratified: each class gives round(fraction * examples) to a split, at least one where it has enough
    (three for train, validation and test; of two, one goes to validation; of one, none). What must stay together
    is moved as one unit: examples of one group, and files with the same bytes or picture, which would leak from train
    to test.
    Units are taken in seeded random order, the largest first, and each goes to the split that brings the classes
    nearest to their quotas: the one with the least sum over classes of (count - quota)^2 / quota. So quotas are met
    exactly where there are no groups. The order and the folder of the files play no part once they have digests.

    Args:
      examples: of a source, with or without splits; with digests where files with the same bytes shall stay together.
      validation_fraction: of the examples that are carved, in (0, 1).
      test_fraction: likewise, in [0, 1).
      seed: another seed gives another split.
      look_alikes: pairs that show the same picture.

    Returns:
      The same examples in the same order, all with a split.

    Raises:
      UserError: a group in two splits of the source, a class without an example to train on, or too few examples for
        a validation.
    """
    _refuse_straddling_groups(examples)
    wanted = {"validation": validation_fraction, "test": test_fraction}
    fractions = {split: wanted[split] for split in to_carve(examples) if split in wanted}
    if fractions:
        indices = [index for index, split in enumerate(examples.splits) if split in ("", "train")]
        examples = _carve(examples, indices, fractions, seed, look_alikes)
    _refuse_untrainable(examples, look_alikes)
    return examples


def to_carve(examples: Examples) -> tuple[str, ...]:
    """The splits that `assign` carves from one another: all, or train and validation, or none.

    Args:
      examples: of a source.
    """
    if not any(examples.splits):
        return SPLITS
    if "" in examples.splits:
        raise ValueError("Some examples have a split and some have none.")
    return () if "validation" in examples.splits else ("train", "validation")


def describe(examples: Examples) -> dict[str, dict[str, int]]:
    """Split -> class name -> number of examples, for the splits that there are; "" is no split."""
    return {
        split: dict(zip(examples.class_names, examples.in_split(split).class_counts().tolist(), strict=True))
        for split in (*SPLITS, "")
        if split in examples.splits
    }


def _carve(
    examples: Examples,
    indices: Sequence[int],
    fractions: Mapping[str, float],
    seed: int,
    look_alikes: LookAlikes,
) -> Examples:
    units = _units(examples, indices, look_alikes)
    keys = examples.sha256 or examples.paths
    units.sort(key=lambda unit: min(keys[index] for index in unit))
    order = np.random.default_rng(seed).permutation(len(units))
    classes = [Counter(examples.label_ids[units[position]].tolist()) for position in order]
    splits = list(examples.splits)
    for position, split in zip(order, _place(classes, fractions), strict=True):
        for index in units[position]:
            splits[index] = split
    return dataclasses.replace(examples, splits=tuple(splits))


def _units(examples: Examples, indices: Sequence[int], look_alikes: LookAlikes) -> list[list[int]]:
    """Examples that share a group, their bytes or their picture, directly or through others, as lists of indices."""
    links = look_alikes.links(examples, indices)
    for column in filter(None, (examples.groups, examples.sha256)):
        links += components.links_of_equal(column, indices)
    joined = components.join(links, len(examples))
    members = defaultdict(list)
    for index in indices:
        members[joined[index]].append(index)
    return list(members.values())


def _place(units: Sequence[Counter[int]], fractions: Mapping[str, float]) -> list[str]:
    """The split of each unit, given as a count of its examples by label id."""
    quotas = _quotas(units, fractions)
    placed: dict[int, Counter[str]] = {label_id: Counter() for label_id in quotas}
    waiting = Counter(label_id for unit in units for label_id in unit)
    chosen = [""] * len(units)
    for position in sorted(range(len(units)), key=lambda position: -units[position].total()):
        unit = units[position]
        splits = _open_splits(unit, quotas=quotas, placed=placed, waiting=waiting)
        chosen[position] = min(splits, key=lambda split: _cost(unit, split, quotas=quotas, placed=placed))
        for label_id, count in unit.items():
            placed[label_id][chosen[position]] += count
        waiting.subtract(unit.keys())
    return chosen


def _quotas(units: Sequence[Counter[int]], fractions: Mapping[str, float]) -> dict[int, dict[str, int]]:
    example_counts: Counter[int] = Counter()
    unit_counts: Counter[int] = Counter()
    for unit in units:
        example_counts.update(unit)
        unit_counts.update(unit.keys())
    return {
        label_id: _class_quotas(count, unit_counts[label_id], fractions) for label_id, count in example_counts.items()
    }


def _class_quotas(example_count: int, unit_count: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Split -> examples of one class. Train comes first, then validation, then test, where there are few units."""
    wanted = [(split, fraction) for split, fraction in fractions.items() if fraction > 0][: unit_count - 1]
    quotas = {split: max(1, round(fraction * example_count)) for split, fraction in wanted}
    while sum(quotas.values()) >= example_count:
        quotas[max(quotas, key=lambda split: quotas[split])] -= 1
    return {"train": example_count - sum(quotas.values()), **quotas}


def _open_splits(
    unit: Counter[int], *, quotas: _Quotas, placed: Mapping[int, Counter[str]], waiting: Counter[int]
) -> list[str]:
    """The splits that may take the unit: where a class has no more units than splits to fill, only those."""
    splits = list(dict.fromkeys(split for label_id in unit for split in quotas[label_id]))
    for label_id in unit:
        unfilled = [split for split in quotas[label_id] if not placed[label_id][split]]
        if waiting[label_id] <= len(unfilled):
            splits = [split for split in splits if split in unfilled] or splits
    return splits


def _cost(unit: Counter[int], split: str, *, quotas: _Quotas, placed: Mapping[int, Counter[str]]) -> float:
    """By how much the unit would raise the sum over classes of (count - quota)^2 / quota."""
    cost = 0.0
    for label_id, count in unit.items():
        quota = quotas[label_id].get(split, 0)
        # A quota of 0 would divide by zero; as 1 it still costs more than any split with room.
        cost += count * (count - 2 * (quota - placed[label_id][split])) / max(quota, 1)
    return cost


def _refuse_straddling_groups(examples: Examples) -> None:
    splits_of: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(examples.groups, examples.splits, strict=True):
        if group:
            splits_of[group].add(split)
    straddling = sorted(group for group, splits in splits_of.items() if len(splits) > 1)
    if straddling:
        first = straddling[0]
        raise UserError(
            f"{len(straddling)} group(s) are in more than one split, such as {first!r} in "
            f"{' and '.join(split for split in SPLITS if split in splits_of[first])}: the classifier would be measured "
            "on what it was trained on. Move each group into one split, or clear the split column."
        )


def _refuse_untrainable(examples: Examples, look_alikes: LookAlikes) -> None:
    train = examples.in_split("train").class_counts()
    missing = [name for name, count in zip(examples.class_names, train, strict=True) if not count]
    if missing:
        raise UserError(
            f"No example to train on for class {', '.join(map(repr, missing))}: all its examples are in other splits. "
            "Add examples or groups of that class to train, or remove the class."
        )
    if "validation" not in examples.splits:
        alike = look_alikes.links(examples, range(len(examples)))
        why = " Images that look the same (near copies) stay in one split, and that is one group." if alike else ""
        pair = f" Such are {examples.paths[alike[0][0]]} and {examples.paths[alike[0][1]]}." if alike else ""
        raise UserError(
            f"{len(examples)} examples of {len(examples.class_names)} classes are too few for a validation split: a "
            f"class needs two examples, in two groups where there are groups.{why}{pair} Add images"
            + (", or put those you have into train/ and val/ folders yourself." if alike else ".")
        )
