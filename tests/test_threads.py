"""Tests of keras_transfer.training.threads."""

from __future__ import annotations

import pytest

from keras_transfer.training import threads


def test_the_results_stand_in_the_order_of_the_items():
    assert threads.at_once(lambda number: number**2, range(20)) == [number**2 for number in range(20)]


def test_a_fault_of_one_piece_is_raised():
    with pytest.raises(ZeroDivisionError):
        threads.at_once(lambda number: 1 // number, [2, 1, 0])
