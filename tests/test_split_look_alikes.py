"""Tests of keras_transfer.data.splits with images that look the same."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from keras_transfer.data import look_alikes
from keras_transfer.data.examples import Examples
from keras_transfer.data.look_alikes import NONE, LookAlikes
from keras_transfer.data.splits import to_carve
from keras_transfer.errors import UserError
from small_splits import make, split

# The second letters of train, validation and test.
SPLITS_OF_SEED = {0: "arareerrrrrrrarrrraeerrr", 7: "earerarrrrrrrerarrrerrar"}


def draw_pairs(examples: Examples, count: int, seed: int) -> LookAlikes:
    rng = np.random.default_rng(seed)
    pairs = [rng.choice(len(examples), 2, replace=False) for _ in range(count)]
    return LookAlikes(tuple((examples.sha256[one], examples.sha256[other]) for one, other in pairs))


@pytest.mark.parametrize("seed", range(8))
def test_no_group_of_look_alikes_crosses_splits_even_through_groups_and_equal_files(seed):
    rng = np.random.default_rng(seed)
    digests = [f"{number:04d}" for number in rng.integers(0, 150, 160)]
    groups = [f"person {number}" if number < 20 else "" for number in rng.integers(0, 60, 160)]
    examples = make(rng.integers(0, 3, 160).tolist(), groups=groups, sha256=digests)
    alike = draw_pairs(examples, 30, seed)
    after = split(examples, seed=seed, alike=alike)
    for members in look_alikes.groups(after, alike):
        assert len({after.splits[index] for index in members}) == 1
    for column in (after.groups, after.sha256):
        splits_of = defaultdict(set)
        for value, name in zip(column, after.splits, strict=True):
            splits_of[value].add(name)
        assert all(len(names) == 1 for value, names in splits_of.items() if value)
    assert set(after.splits) == {"train", "validation", "test"}


def test_validation_is_carved_from_train_in_whole_groups_of_look_alikes():
    examples = make([0, 1] * 30, splits=["train"] * 40 + ["test"] * 20)
    alike = draw_pairs(examples, 25, seed=1)
    after = split(examples, 0.25, alike=alike)
    carved = after.select([index for index, name in enumerate(after.splits) if name != "test"])
    assert after.splits[40:] == ("test",) * 20
    assert carved.splits.count("validation") >= 8
    assert all(len({carved.splits[index] for index in members}) == 1 for members in look_alikes.groups(carved, alike))


def test_look_alikes_do_not_move_what_the_source_has_split():
    examples = make([0, 1, 0, 1] * 5, splits=["train", "validation", "test", "train"] * 5)
    assert split(examples, alike=draw_pairs(examples, 8, seed=0)).splits == examples.splits


@pytest.mark.parametrize("seed", [0, 7])
def test_where_no_files_look_alike_a_seed_splits_as_it_always_did(seed):
    """As computed before look-alikes were known, so that runs from then can be repeated."""
    after = split(make([0] * 12 + [1] * 12), 0.2, 0.2, seed=seed)
    assert "".join(name[1] for name in after.splits) == SPLITS_OF_SEED[seed]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (["", "", ""], ("train", "validation", "test")),
        (["train", "test", "train"], ("train", "validation")),
        (["train", "train", "train"], ("train", "validation")),
        (["train", "validation", "test"], ()),
    ],
)
def test_what_a_source_brings_decides_what_is_carved(splits, expected):
    assert to_carve(make([0, 1, 0], splits=splits)) == expected


@pytest.mark.parametrize("alike", [False, True])
def test_the_error_of_too_few_images_names_near_copies_only_where_there_are_any(alike):
    examples = make([0, 0, 1, 1]) if alike else make([0, 1])
    digests = examples.sha256
    found = LookAlikes(((digests[0], digests[1]), (digests[2], digests[3]))) if alike else NONE
    with pytest.raises(UserError) as error:
        split(examples, alike=found)
    assert ("near copies" in str(error.value)) is alike
    assert ("0000.jpg and 0001.jpg" in str(error.value)) is alike
