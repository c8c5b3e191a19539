"""Tests of keras_transfer.evaluation.wording."""

from __future__ import annotations

import pytest

from keras_transfer.evaluation import wording
from small_report import make_report


@pytest.mark.parametrize(
    ("split", "words"), [("test", "test images"), ("validation", "validation images"), ("all", "images")]
)
def test_images_are_called_after_their_split(split, words):
    assert wording.images(make_report(split=split)) == words


def test_names_stand_in_quotation_marks_and_the_rest_of_many_is_counted():
    assert wording.name_list(["ants", "bees"]) == "“ants”, “bees”"
    assert wording.name_list([str(number) for number in range(1005)]) == "“0”, “1”, “2”, “3”, “4” and 1,000 more"
