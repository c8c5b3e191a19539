"""Tests of keras_transfer.inspection.duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_transfer.data.examples import Examples
from keras_transfer.data.near_copies import Pairs
from keras_transfer.images import looks
from keras_transfer.inspection import duplicates
from keras_transfer.inspection.duplicates import Group
from keras_transfer.inspection.photos import Photo
from small_pictures import photo, picture


def examples(*rows: tuple[str, str]) -> Examples:
    """(split, class) of each; a file is named by its place."""
    splits, labels = zip(*rows, strict=True)
    names = tuple(sorted(set(labels)))
    ids = np.array([names.index(label) for label in labels], np.int32)
    return Examples(names, tuple(map(str, range(len(rows)))), ids, splits, ("",) * len(rows))


def pairs(*rows: tuple[int, int, float]) -> Pairs:
    first, second, score = zip(*rows, strict=True)
    return Pairs(np.array(first), np.array(second), np.array(score))


def near_groups(read: list[Photo], images: list[Image.Image]) -> list[Group]:
    by_path = {photo.path: looks.shrink(np.asarray(image)) for photo, image in zip(read, images, strict=True)}
    return duplicates.near_groups(read, by_path.__getitem__)


def photos(digests: str) -> list[Photo]:
    return [Photo(str(place), digest) for place, digest in enumerate(digests)]


def test_the_same_digests_are_groups():
    assert duplicates.exact_groups(list("abacbad")) == [Group("exact", (0, 2, 5), 1.0), Group("exact", (1, 4), 1.0)]


def test_pairs_are_joined_through_others_and_through_exact_copies():
    found = duplicates.group("near", pairs((0, 1, 0.92), (1, 3, 0.97), (4, 6, 0.95)), photos("abbcdefd"))
    assert [(item.indices, item.score) for item in found] == [((0, 1, 2, 3), 0.97), ((4, 6, 7), 0.95)]


def test_exact_copies_alone_are_no_near_group():
    pictures = [photo(picture(0), "a", "x"), photo(picture(0), "b", "x"), photo(picture(1), "c", "y")]
    assert near_groups(pictures, [picture(0), picture(0), picture(1)]) == []


def test_a_mirrored_copy_of_one_of_two_exact_copies_joins_both():
    images = [picture(0), picture(1), picture(0), ImageOps.mirror(picture(0))]
    pictures = [photo(image, path, digest) for image, path, digest in zip(images, "abcd", "xyxz", strict=True)]
    (found,) = near_groups(pictures, images)
    assert found.indices == (0, 2, 3)


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        ([("train", "a"), ("train", "a")], ["exact_copies"]),
        ([("train", "a"), ("test", "a")], ["exact_copies_across_splits"]),
        ([("train", "a"), ("train", "b")], ["exact_copies_of_two_classes"]),
        ([("train", "a"), ("test", "b")], ["exact_copies_across_splits", "exact_copies_of_two_classes"]),
        ([("", "a"), ("", "a")], ["exact_copies"]),
    ],
)
def test_a_group_is_a_finding_for_each_thing_that_is_wrong_with_it(rows, kinds):
    found = duplicates.findings([Group("exact", (0, 1), 1.0)], examples(*rows))
    assert [item.kind for item in found] == kinds
    assert all(item.files == ("0", "1") for item in found)


def test_the_finding_names_splits_and_classes():
    (leak, conflict) = duplicates.findings([Group("near", (0, 1), 0.95)], examples(("train", "ants"), ("test", "bees")))
    assert "They are in train and test." in leak.why
    assert "Their labels are ants and bees." in conflict.why
    assert "0.950 of 1" in leak.detail


def test_pairs_are_counted_within_and_across():
    found = examples(("train", "a"), ("train", "a"), ("test", "b"), ("test", "a"), ("train", "b"))
    groups = [Group("exact", (0, 1, 2), 1.0), Group("exact", (3, 4), 1.0)]
    # Pairs 0-1, 0-2, 1-2 and 3-4; all but 0-1 run across both splits and classes.
    assert duplicates.summary(groups, found) == {
        "groups": 2,
        "files": 5,
        "pairs": 4,
        "pairs_across_splits": 3,
        "pairs_across_classes": 3,
    }


def test_examples_that_groups_join_have_one_number():
    numbers = duplicates.component_of_each([Group("exact", (0, 3), 1.0), Group("near", (3, 4), 0.9)], 6)
    assert numbers[0] == numbers[3] == numbers[4]
    assert len(set(numbers)) == 4


def test_a_group_is_described_file_by_file():
    described = duplicates.describe(Group("near", (1,), 0.94567), examples(("train", "a"), ("test", "b")))
    assert described == {"how": "near", "score": 0.9457, "files": [{"path": "1", "split": "test", "label": "b"}]}
