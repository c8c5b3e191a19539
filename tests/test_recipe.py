"""Tests of keras_transfer.feature_bank.recipe: what makes another key."""

from __future__ import annotations

import dataclasses

import pytest

from keras_transfer.feature_bank.recipe import Recipe
from keras_transfer.settings.config import ImageConfig, ViewsConfig

RECIPE = Recipe(
    frozen_part="abc",
    cut="block4_pool",
    record_shape=(2, 3),
    precision="float32",
    image=ImageConfig(),
    views=ViewsConfig(augmented_views=1),
    seed=0,
)

KEYS = ["3a35e7994b770ae0c833df7bce6f7f6d", "a920c4ca90becffcc4ad82d10055d559"]


def changed_views(change: dict[str, object]) -> list[int]:
    other = dataclasses.replace(RECIPE, **change)
    return [view for view in range(3) if other.key(view) != RECIPE.key(view)]


@pytest.mark.parametrize(
    "change",
    [
        {"frozen_part": "abd"},
        {"cut": "block3_pool"},
        {"record_shape": (3, 2)},
        {"precision": "bfloat16"},
        {"image": ImageConfig(image_size=96)},
        {"image": ImageConfig(resize_mode="pad")},
        {"image": ImageConfig(apply_exif=True)},
    ],
)
def test_whatever_changes_a_record_changes_the_key_of_every_view(change):
    assert changed_views(change) == [0, 1, 2]


@pytest.mark.parametrize("change", [{"seed": 1}, {"views": ViewsConfig(augmented_views=1, hue=0.3)}])
def test_seed_and_augmentation_change_the_augmented_views_and_not_the_clean_one(change):
    assert changed_views(change) == [1, 2]


def test_more_views_change_no_key():
    assert changed_views({"views": ViewsConfig(augmented_views=5)}) == []
    assert len({RECIPE.key(view) for view in range(5)}) == 5


def test_a_record_holds_two_bytes_a_value():
    assert RECIPE.record_bytes == 2 * 3 * 2
    assert RECIPE.view_count == 2


def test_the_keys_are_those_of_the_banks_on_people_s_disks():
    """Another key would leave them all unused; where the values of records change, raise FORMAT and write it here."""
    assert [RECIPE.key(view) for view in range(2)] == KEYS
