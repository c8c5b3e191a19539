"""Tests of keras_transfer.data.components."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.data import components


@pytest.mark.parametrize(
    ("links", "together"),
    [
        ([], [{0}, {1}, {2}, {3}, {4}]),
        ([(0, 3)], [{0, 3}, {1}, {2}, {4}]),
        ([(4, 3), (3, 1)], [{0}, {1, 3, 4}, {2}]),
        ([(0, 1), (0, 1), (1, 0), (2, 2)], [{0, 1}, {2}, {3}, {4}]),
    ],
)
def test_links_join_directly_and_through_others(links, together):
    numbers = components.join(links, 5)
    assert sorted(map(sorted, together)) == sorted(
        np.flatnonzero(numbers == number).tolist() for number in set(numbers.tolist())
    )


def test_equal_values_are_linked_to_their_first_and_empty_ones_to_none():
    values = ["a", "", "b", "a", "", "a"]
    assert components.links_of_equal(values, range(6)) == [(0, 0), (2, 2), (0, 3), (0, 5)]
    assert components.links_of_equal(values, [5, 3]) == [(5, 5), (5, 3)]


def test_a_long_chain_of_links_is_one():
    assert set(components.join([(place, place + 1) for place in range(9999)], 10_000).tolist()) == {0}
