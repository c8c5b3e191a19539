"""Tests of keras_transfer.training.choice: what is chosen, on what, and how honestly it is measured."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from keras_transfer.model.classifier import Tap
from keras_transfer.training import choice
from keras_transfer.training.training_images import TrainingImages, columns_of

# Two layers, each pooled by average and by maximum, of 6 features.
TAPS = tuple(Tap(layer, pooling, 6, f"{pooling}_{layer}") for layer in ("high", "low") for pooling in ("avg", "max"))
CLASSES = 3


def images(
    count: int = 90, *, telling: tuple[str, str] | None = ("high", "avg"), seed: int = 0, **changes: Any
) -> TrainingImages:
    """Noise; the features of one layer and pooling tell the class, with mistakes. There are two augmented views."""
    rng = np.random.default_rng(seed)
    label_ids = np.arange(count) % CLASSES
    views = [rng.normal(size=(count, 24)).astype(np.float32) for _ in range(3)]
    if telling:
        place = columns_of(TAPS, [telling[0]], [telling[1]])[:CLASSES]
        for view in views:
            view[:, place] += 2 * np.eye(CLASSES, dtype=np.float32)[label_ids]
    given: dict[str, Any] = {
        "features": views,
        "label_ids": label_ids,
        "groups": np.arange(count),
        "class_weights": np.ones(CLASSES, np.float32),
        "label_smoothing": 0.0,
        **changes,
    }
    return TrainingImages(**given)


@pytest.mark.parametrize("telling", [("high", "avg"), ("high", "max"), ("low", "max")])
def test_the_features_that_tell_the_classes_are_among_the_chosen(telling):
    found = choice.choose(images(telling=telling), TAPS, seed=0)
    assert all(telling[0] in each.layers and telling[1] in each.poolings for each in found.chosen)
    assert found.averaged.accuracy > 0.6
    assert found.gain > -0.02


def test_candidates_are_tried_on_clean_views_and_the_best_with_augmented_ones():
    found = choice.choose(images(), TAPS, seed=0)
    clean = [each for each in found.tried if not each.uses_views]
    assert {(each.layers, each.poolings) for each in clean} == {
        (layers, poolings) for layers in (("high",), ("high", "low")) for poolings in choice.POOLINGS
    }
    assert sum(each.uses_views for each in found.tried) == choice.AVERAGED
    assert [each.log_loss for each in found.tried] == sorted(each.log_loss for each in found.tried)


def test_views_that_mislead_are_not_learned_from():
    misleading = images()
    for view in misleading.features[1:]:
        view[:] = np.roll(view, 1, axis=0)  # of an image of another class
    assert not any(each.uses_views for each in choice.choose(misleading, TAPS, seed=0).chosen)


def test_noise_is_no_better_than_guessing():
    found = choice.choose(images(150, telling=None), TAPS, seed=0)
    assert abs(found.averaged.accuracy - 1 / CLASSES) < 3 * found.averaged.accuracy_error
    assert found.averaged.log_loss > np.log(CLASSES) - 0.02


def test_copies_of_an_image_in_one_group_do_not_make_it_look_good():
    """Pure noise, each image five times: apart, the copies would be recognized."""
    noise = images(30, telling=None)
    views = [np.repeat(view, 5, axis=0) for view in noise.features]
    copies = {"features": views, "label_ids": np.repeat(noise.label_ids, 5)}
    together = images(telling=None, **copies, groups=np.repeat(np.arange(30), 5))
    apart = images(telling=None, **copies, groups=np.arange(150))
    assert choice.choose(apart, TAPS, seed=0).averaged.accuracy > 0.8
    assert choice.choose(together, TAPS, seed=0).averaged.accuracy < 0.6


def test_the_same_images_and_seed_give_the_same_choice_bit_for_bit():
    one, other = (choice.choose(images(), TAPS, seed=3) for _ in range(2))
    assert one.tried == other.tried
    np.testing.assert_array_equal(one.logits, other.logits)


def test_with_two_images_of_one_class_only_the_plain_head_is_taken():
    few = images(4, label_ids=np.array([0, 0, 1, 2]))
    found = choice.choose(few, TAPS, seed=0)
    assert found.folds == 0
    assert [(each.layers, each.poolings) for each in found.chosen] == [(("high",), ("avg",))]
    taps, solution = choice.fit(few, TAPS, found)
    assert (len(taps), solution.kernel.shape) == (1, (6, CLASSES))
    assert choice.as_json(found)["gain"] is None


def test_the_head_is_the_mean_of_the_chosen_ones():
    given = images()
    found = choice.choose(given, TAPS, seed=0)
    taps, solution = choice.fit(given, TAPS, found)
    kept = columns_of(TAPS, [tap.layer for tap in taps], [tap.pooling for tap in taps])
    one_by_one = []
    for each in found.chosen:
        own = columns_of(TAPS, each.layers, each.poolings)
        problem = given.problem(np.arange(90), own, uses_views=each.uses_views)
        one_by_one.append(choice.logistic.solve(problem, each.strength).logits(given.features[0][:, own]))
    logits = solution.logits(given.features[0][:, kept])
    np.testing.assert_allclose(logits, np.mean(one_by_one, axis=0), atol=1e-4)


def test_the_choice_is_ready_for_json():
    values = json.loads(json.dumps(choice.as_json(choice.choose(images(), TAPS, seed=0))))
    assert values["tried"][0]["layers"][0] == "high"
    assert values["folds"] == choice.FOLDS


def test_a_class_with_a_single_image_does_not_keep_the_others_from_a_choice():
    label_ids = np.arange(60) % 2
    label_ids[-1] = 2
    found = choice.choose(images(60, telling=None, label_ids=label_ids), TAPS, seed=0)
    assert found.folds == choice.FOLDS
    assert np.isfinite(found.averaged.log_loss)
