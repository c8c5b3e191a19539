"""Tests of keras_transfer.data.class_names."""

from __future__ import annotations

import pytest

from keras_transfer.data.class_names import fault_of, lookalike_notes, normalize, refuse_too_few
from keras_transfer.errors import UserError


@pytest.mark.parametrize("name", ["a", "red sports car", "Käfer", "🚗", 'it\'s "quoted"', "a/b", "👨‍👩‍👧"])
def test_an_ordinary_name_has_no_fault(name):
    assert fault_of(name) == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "empty"),
        (" car", "blank"),
        ("car ", "blank"),
        ("car\u00a0", "blank"),
        ("two\nlines", "control character"),
        ("a\tb", "control character"),
        ("a\u2028b", "control character"),
        ("bell\x07", "control character"),
        ("\udcff", "not valid UTF-8"),
    ],
)
def test_a_name_that_would_break_files_has_a_fault(name, fault):
    assert fault in fault_of(name)


@pytest.mark.parametrize("names", [[], ["only"]])
def test_fewer_than_two_classes_are_refused(names):
    with pytest.raises(UserError, match=f"at least two classes. Received: {len(names)} in photos"):
        refuse_too_few(names, "photos")


def test_two_classes_are_enough():
    refuse_too_few(["a", "b"], "photos")


@pytest.mark.parametrize("name", ["K\u00e4fer", "Ka\u0308fer"])
def test_both_unicode_forms_are_one_name(name):
    assert normalize(name) == "K\u00e4fer"


@pytest.mark.parametrize("alike", [["cat", "Cat"], ["red car", "red_car"], ["a b", "A-B", "a_b"], ["cat ", "cat"]])
def test_names_that_look_alike_are_told_together(alike):
    (note,) = lookalike_notes(["dog", *alike])
    assert all(repr(name) in note for name in alike)
    assert "dog" not in note


@pytest.mark.parametrize("names", [[], ["cat", "dog"], ["cat1", "cat2"], ["red car", "redcar"]])
def test_other_names_get_no_note(names):
    assert lookalike_notes(names) == []
