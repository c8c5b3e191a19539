"""Tests of keras_transfer.images.unreadable."""

from __future__ import annotations

import pytest

from keras_transfer.errors import UserError
from keras_transfer.images import unreadable


@pytest.mark.parametrize(("broken", "count", "fraction"), [(0, 0, 0.0), (0, 5, 0.0), (1, 20, 0.05), (3, 3, 1.0)])
def test_as_many_as_allowed_pass(broken, count, fraction):
    unreadable.refuse_too_many([("a.jpg", "is empty")] * broken, count, fraction)


@pytest.mark.parametrize(("broken", "count", "fraction"), [(1, 5, 0.0), (2, 20, 0.05), (1, 1, 0.99)])
def test_more_are_refused_by_the_first_of_them(broken, count, fraction):
    with pytest.raises(UserError, match=r"--max_unreadable_fraction.*a\.jpg"):
        unreadable.refuse_too_many([("a.jpg", "is empty")] * broken, count, fraction)


def test_the_first_files_are_named_and_the_others_counted(capsys):
    unreadable.warn([(f"{number}.jpg", "is empty") for number in range(12)])
    told = capsys.readouterr().err
    assert "0.jpg: is empty" in told
    assert "11.jpg" not in told
    assert "2 more" in told
