"""Tests of keras_transfer.data.splits."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict

import numpy as np
import pytest

from keras_transfer.data.examples import Examples
from keras_transfer.data.splits import describe
from keras_transfer.errors import UserError
from small_splits import make, split


def counts(examples: Examples) -> dict[str, list[int]]:
    return {name: examples.in_split(name).class_counts().tolist() for name in ("train", "validation", "test")}


def test_each_class_gives_its_fraction_to_each_split():
    labels = [0] * 100 + [1] * 40 + [2] * 20
    assert counts(split(make(labels))) == {"train": [70, 28, 14], "validation": [15, 6, 3], "test": [15, 6, 3]}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fractions", [(0.15, 0.15), (0.2, 0.1), (0.33, 0.33), (0.1, 0.6)])
def test_fractions_are_met_within_one_example_in_every_class(fractions, seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(8), rng.integers(3, 60, 8))
    rng.shuffle(labels)
    validation, test = fractions
    found = counts(split(make(labels.tolist()), validation, test, seed=seed))
    totals = np.bincount(labels)
    assert np.abs(np.array(found["validation"]) - fractions[0] * totals).max() <= 1
    assert np.abs(np.array(found["test"]) - fractions[1] * totals).max() <= 1
    assert min(found["train"]) >= 1
    assert np.array_equal(np.sum(list(found.values()), axis=0), totals)


@pytest.mark.parametrize(
    ("count", "train_validation_test"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (4, (2, 1, 1)), (5, (3, 1, 1))]
)
def test_a_small_class_fills_train_then_validation_then_test(count, train_validation_test):
    found = counts(split(make([0] * count + [1] * 20)))
    assert tuple(found[name][0] for name in ("train", "validation", "test")) == train_validation_test


@pytest.mark.parametrize("count", [3, 4, 6, 7])
def test_large_fractions_leave_something_to_train_on(count):
    found = counts(split(make([0] * count + [1] * 20), 0.49, 0.49))
    assert min(found[name][0] for name in found) >= 1


def test_without_a_test_fraction_there_is_no_test():
    assert counts(split(make([0] * 10 + [1] * 10), 0.2, 0.0)) == {
        "train": [8, 8],
        "validation": [2, 2],
        "test": [0, 0],
    }


def test_only_the_splits_change():
    examples = make([0, 1] * 10)
    after = split(examples)
    assert after.paths == examples.paths
    assert after.sha256 == examples.sha256
    assert after.label_ids.tolist() == examples.label_ids.tolist()


def test_the_same_seed_gives_the_same_split():
    examples = make([0] * 30 + [1] * 30)
    assert split(examples, seed=7).splits == split(examples, seed=7).splits


def test_another_seed_gives_another_split_of_the_same_size():
    examples = make([0] * 30 + [1] * 30)
    first, second = split(examples, seed=7), split(examples, seed=8)
    assert first.splits != second.splits
    assert counts(first) == counts(second)


def test_every_example_is_drawn_for_every_split_by_some_seed():
    seen = defaultdict(set)
    for seed in range(40):
        for number, name in enumerate(split(make([0] * 6 + [1] * 6), 0.34, 0.34, seed=seed).splits):
            seen[number].add(name)
    assert all(names == {"train", "validation", "test"} for names in seen.values())


@pytest.mark.parametrize("groups", [(), ["g1", "", "g2", "g2", ""] * 12])
def test_neither_the_order_nor_the_folder_of_the_files_matters(groups):
    examples = make([0, 1, 2] * 20, groups=groups)
    order = np.random.default_rng(3).permutation(len(examples))
    paths = tuple(f"/other/{number * 37 % 61}-{path}" for number, path in enumerate(examples.paths))
    moved = dataclasses.replace(examples, paths=paths)
    before = dict(zip(examples.sha256, split(examples).splits, strict=True))
    after = split(moved.select(order))
    assert before == dict(zip(after.sha256, after.splits, strict=True))


def test_the_order_of_files_without_digests_does_not_matter():
    examples = dataclasses.replace(make([0, 1] * 20), sha256=())
    before = dict(zip(examples.paths, split(examples).splits, strict=True))
    after = split(examples.select(list(range(39, -1, -1))))
    assert before == dict(zip(after.paths, after.splits, strict=True))


def test_splitting_again_changes_nothing():
    once = split(make([0] * 20 + [1] * 20))
    assert split(once, seed=99).splits == once.splits


@pytest.mark.parametrize("seed", range(6))
def test_a_group_never_straddles_two_splits(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 200)
    groups = [f"person {number}" if number < 30 else "" for number in rng.integers(0, 45, 200)]
    after = split(make(labels.tolist(), groups=groups), seed=seed)
    splits_of = defaultdict(set)
    for group, name in zip(after.groups, after.splits, strict=True):
        if group:
            splits_of[group].add(name)
    assert all(len(names) == 1 for names in splits_of.values())
    assert set(after.splits) == {"train", "validation", "test"}


@pytest.mark.parametrize("seed", range(6))
def test_fractions_of_many_small_groups_are_nearly_met(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 8, 80)
    labels = np.repeat(rng.integers(0, 2, 80), sizes)
    groups = [f"g{number}" for number in np.repeat(np.arange(80), sizes)]
    found = counts(split(make(labels.tolist(), groups=groups), seed=seed))
    totals = np.bincount(labels)
    # The largest group has 7 examples, so no split need be further from its quota than that.
    assert np.abs(np.array(found["validation"]) - 0.15 * totals).max() <= 7
    assert np.abs(np.array(found["test"]) - 0.15 * totals).max() <= 7


def test_one_group_of_each_class_goes_to_each_split_where_there_are_three():
    groups = ["a1"] * 50 + ["a2"] * 3 + ["a3"] * 2 + ["b1"] * 9 + ["b2"] * 9 + ["b3"] * 9
    found = counts(split(make([0] * 55 + [1] * 27, groups=groups)))
    assert found["train"][0] == 50
    assert sorted([found["validation"][0], found["test"][0]]) == [2, 3]
    assert [found[name][1] for name in found] == [9, 9, 9]


@pytest.mark.parametrize("fraction", [0.15, 0.45])
def test_a_class_with_a_single_group_is_for_training(fraction):
    groups = ["only"] * 10 + [f"b{number}" for number in range(20)]
    found = counts(split(make([0] * 10 + [1] * 20, groups=groups), fraction, fraction))
    assert found["train"][0] == 10


@pytest.mark.parametrize("seed", range(6))
def test_a_class_with_two_groups_is_for_training_and_validation(seed):
    groups = ["a1"] * 5 + ["a2"] * 5 + [f"b{number}" for number in range(20)]
    found = counts(split(make([0] * 10 + [1] * 20, groups=groups), 0.3, 0.45, seed=seed))
    assert [found[name][0] for name in ("train", "validation", "test")] == [5, 5, 0]


@pytest.mark.parametrize("seed", range(6))
def test_large_groups_are_placed_first_so_that_small_ones_can_make_up_for_them(seed):
    groups = ["large"] * 60 + [""] * 40
    found = counts(split(make([0] * 60 + [0] * 40 + [1] * 10, groups=groups + [""] * 10), 0.2, 0.2, seed=seed))
    assert [found[name][0] for name in ("train", "validation", "test")] == [60, 20, 20]


def test_a_group_that_fits_nowhere_goes_where_it_disturbs_least_in_proportion():
    # Quotas 70, 15, 15. The groups of 34 fill train to 68, those of 12 go to validation and test, and the last
    # overfills train by 6 of 70 rather than validation by 5 of 15.
    groups = [f"g{number}" for number, size in enumerate([34, 34, 12, 12, 8]) for _ in range(size)]
    found = counts(split(make([0] * 100 + [1] * 10, groups=groups + [""] * 10)))
    assert [found[name][0] for name in ("train", "validation", "test")] == [76, 12, 12]


def test_groups_that_span_classes_stay_together_and_fractions_are_met():
    groups = [f"patient {number}" for number in range(20) for _ in range(4)]
    after = split(make([0, 0, 0, 1] * 20, groups=groups))
    assert counts(after) == {"train": [42, 14], "validation": [9, 3], "test": [9, 3]}
    assert Counter(zip(after.groups, after.splits, strict=True)).most_common()[-1][1] == 4


@pytest.mark.parametrize("seed", range(6))
def test_files_with_the_same_bytes_stay_together(seed):
    digests = [f"{number // 2:04d}" for number in range(60)]
    after = split(make([0] * 30 + [1] * 30, sha256=digests), seed=seed)
    assert after.splits[0::2] == after.splits[1::2]


def test_groups_joined_by_a_common_file_stay_together():
    digests = [f"{number:04d}" for number in range(40)]
    digests[0] = digests[2] = "same"
    groups = ["left"] * 2 + ["right"] * 2 + [""] * 36
    for seed in range(6):
        after = split(make([0, 1] * 20, groups=groups, sha256=digests), seed=seed)
        assert len(set(after.splits[:4])) == 1


def test_splits_of_the_source_are_kept():
    splits = ["train", "validation", "test", "train"] * 5
    assert split(make([0, 1, 0, 1] * 5, splits=splits)).splits == tuple(splits)


def test_a_missing_validation_is_carved_from_train_only_and_a_missing_test_stays_missing():
    after = split(make([0] * 20 + [1] * 40, splits=["train"] * 60), 0.25, 0.25)
    assert counts(after) == {"train": [15, 30], "validation": [5, 10], "test": [0, 0]}


def test_carving_validation_leaves_the_test_of_the_source_alone():
    splits = ["train"] * 20 + ["test"] * 10
    after = split(make([0, 1] * 15, splits=splits), 0.2)
    assert after.splits[20:] == ("test",) * 10
    assert counts(after) == {"train": [8, 8], "validation": [2, 2], "test": [5, 5]}


def test_a_group_in_two_splits_of_the_source_is_refused_by_name():
    examples = make([0, 1, 0, 1], splits=["train", "train", "test", "test"], groups=["ann", "", "ann", "bob"])
    with pytest.raises(UserError, match="'ann' in train and test"):
        split(examples)


def test_a_class_with_nothing_to_train_on_is_refused_by_name():
    with pytest.raises(UserError, match="train on for class 'class 1'"):
        split(make([0, 0, 1], splits=["train", "validation", "validation"]))


def test_a_source_without_a_train_split_is_refused():
    with pytest.raises(UserError, match="No example to train on"):
        split(make([0, 1], splits=["test", "test"]))


@pytest.mark.parametrize("groups", [(), ["a", "b"]])
def test_too_few_examples_for_a_validation_are_refused(groups):
    with pytest.raises(UserError, match="too few for a validation split"):
        split(make([0, 1], groups=groups))


def test_two_groups_of_many_examples_are_too_few_where_each_has_a_class_of_its_own():
    with pytest.raises(UserError, match="in two groups"):
        split(make([0] * 9 + [1] * 9, groups=["a"] * 9 + ["b"] * 9))


def test_a_source_that_splits_only_some_examples_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="some have none"):
        split(make([0, 1, 0], splits=["train", "", ""]))


def test_describe_counts_each_class_in_each_split_there_is():
    examples = make([0, 0, 1, 1, 1], splits=["train", "train", "train", "validation", "validation"])
    assert describe(examples) == {
        "train": {"class 0": 2, "class 1": 1},
        "validation": {"class 0": 0, "class 1": 2},
    }


def test_describe_counts_examples_without_a_split_under_no_name():
    assert describe(make([0, 1, 1])) == {"": {"class 0": 1, "class 1": 2}}
