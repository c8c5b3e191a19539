"""Tests of keras_transfer.evaluation.galleries."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import galleries
from keras_transfer.evaluation.galleries import Classified, Photo

# Label, probabilities: right and sure, wrong and sure, wrong and less so, right and in doubt, right.
LABEL_IDS = np.array([0, 1, 2, 0, 2])
PROBABILITIES = np.array(
    [[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.4, 0.38, 0.22], [0.1, 0.2, 0.7]], np.float32
)
IMAGES = Classified([f"photos/set/{n}.jpg" for n in range(5)], LABEL_IDS, PROBABILITIES, ("ants", "bees", "wasps"))


def drawn(positions):
    return {position: f"data:{position}" for position in positions}


def many(count, class_count, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(class_count), count).astype(np.float32)
    names = [f"c{number}" for number in range(class_count)]
    return Classified([f"{n}.jpg" for n in range(count)], rng.integers(0, class_count, count), probabilities, names)


def test_mistakes_come_with_the_most_confident_first():
    assert galleries.confident_mistakes(IMAGES) == [1, 2]


def test_the_least_certain_are_those_with_the_closest_first_two_classes():
    assert galleries.least_certain(IMAGES) == [3, 2, 4, 1, 0]  # margins 0.02, 0.4, 0.5, 0.7, 0.85


def test_each_class_has_examples_in_the_order_of_the_classes():
    assert galleries.class_examples(IMAGES) == [0, 3, 1, 2, 4]


@pytest.mark.parametrize(("class_count", "a_class"), [(5, 4), (15, 4), (30, 2), (60, 1)])
def test_more_classes_have_fewer_examples_each(class_count, a_class):
    images = many(10_000, class_count)
    shown = images.label_ids[galleries.class_examples(images)]
    assert np.unique_counts(shown).counts.tolist() == [a_class] * class_count


def test_of_two_hundred_classes_the_first_sixty_are_shown_which_is_told():
    images = many(10_000, 200)
    assert images.label_ids[galleries.class_examples(images)].tolist() == list(range(60))
    note = galleries.of_results(images, drawn)[-1].note
    assert "60" in note
    assert "200" in note


def test_wrong_and_right_ones_are_explained_half_each_and_always_the_same():
    images = many(500, 3)
    chosen = galleries.to_explain(images)
    is_right = images.predicted_ids[chosen] == images.label_ids[chosen]
    assert is_right.tolist() == [False] * 6 + [True] * 6
    assert chosen[:6] == galleries.confident_mistakes(images)[:6]
    assert chosen == galleries.to_explain(images)


def test_captions_say_label_answer_and_confidence():
    mistakes, _, classes = galleries.of_results(IMAGES, drawn)
    assert (mistakes.shows_mistakes, classes.shows_mistakes) == (True, False)
    assert mistakes.photos[0] == Photo(
        "data:1", "An image of bees, taken for ants, 80% sure.", "bees, taken for ants, 80% sure", "photos/set/1.jpg"
    )
    assert classes.photos[0].caption == "ants: right, 90% sure"


def test_a_picture_that_cannot_be_made_is_left_out():
    mistakes, doubts, _ = galleries.of_results(IMAGES, lambda positions: drawn(p for p in positions if p != 1))
    assert [photo.data for photo in mistakes.photos] == ["data:2"]
    assert [photo.data for photo in doubts.photos] == ["data:3", "data:2", "data:4", "data:0"]


def test_without_mistakes_there_is_no_gallery_of_them():
    images = Classified(IMAGES.paths, PROBABILITIES.argmax(axis=1), PROBABILITIES, IMAGES.class_names)
    assert [each.title for each in galleries.of_results(images, drawn)] == ["Least certain", "Examples of each class"]


def test_explanations_are_pairs():
    (gallery,) = galleries.of_explanations(IMAGES, [2, 0], drawn)
    assert gallery.is_wide
    assert [photo.data for photo in gallery.photos] == ["data:2", "data:0"]
    assert galleries.of_explanations(IMAGES, [2], lambda _: {}) == []
