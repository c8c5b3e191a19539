"""Tests of keras_transfer.inspection.conclusion."""

from __future__ import annotations

import pytest

from keras_transfer.inspection import conclusion
from keras_transfer.inspection.findings import KINDS, Finding

DAMAGED = Finding("damaged", ("a.jpg",), "Cut off.")
CONFLICT = Finding("near_copies_of_two_classes", ("a.jpg", "b.jpg"), "Copies.")
DOUBT = Finding("suspected_label", ("c.jpg",), "Doubtful.")


def draw(*found, unsolved=(), left_out=0, proposed=0, obstacle=""):
    return conclusion.draw(list(found), unsolved=unsolved, left_out=left_out, proposed=proposed, obstacle=obstacle)


@pytest.mark.parametrize(
    ("found", "settings", "level", "words"),
    [
        ((), {}, "go", "You can train"),
        ((DOUBT,), {}, "go", "You can train"),
        ((DAMAGED,), {"left_out": 1}, "go", "exclude.txt"),
        ((CONFLICT, DAMAGED), {"unsolved": [CONFLICT], "left_out": 1}, "wait", KINDS[CONFLICT.kind].title),
        ((DAMAGED,), {"obstacle": "there are no two classes."}, "stop", "there are no two classes."),
        ((CONFLICT,), {"unsolved": [CONFLICT], "obstacle": "No image."}, "stop", "No image."),
    ],
)
def test_whether_one_can_train_follows_from_what_remains(found, settings, level, words):
    drawn = draw(*found, **settings)
    assert drawn.level == level
    assert words in drawn.decision


def test_what_is_wrong_is_counted_by_kind_and_so_is_what_the_list_holds():
    told = draw(DAMAGED, DAMAGED, CONFLICT, DOUBT, left_out=1200, proposed=3).found
    for words in ("3 errors", "1 warning:", f"{KINDS['damaged'].title} (2)", f"{KINDS['suspected_label'].title} (1)"):
        assert words in told
    assert "1,200" in told


def test_notes_are_nothing_wrong():
    assert "1" not in draw(Finding("cmyk", ("a.jpg",), "")).found
