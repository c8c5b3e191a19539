"""Tests of keras_transfer.inspection.findings."""

from __future__ import annotations

import pytest

from keras_transfer.inspection import findings
from keras_transfer.inspection.findings import KINDS, SEVERITIES, Finding


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_how_grave_it_is_and_what_to_do(kind):
    assert KINDS[kind].severity in SEVERITIES
    assert KINDS[kind].title
    assert KINDS[kind].what_to_do.endswith(".")


def test_the_gravest_kinds_come_first_and_the_highest_scores_within_each():
    found = [
        Finding("cmyk", ("a",), ""),
        Finding("suspected_label", ("b",), "", score=0.2),
        Finding("suspected_label", ("c",), "", score=0.9),
        Finding("unreadable", ("d",), ""),
    ]
    grouped = findings.by_kind(found)
    assert {kind: [item.files[0] for item in items] for kind, items in grouped.items()} == {
        "unreadable": ["d"],
        "suspected_label": ["c", "b"],
        "cmyk": ["a"],
    }
    assert list(grouped) == ["unreadable", "suspected_label", "cmyk"]
    assert findings.count_severities(found) == {"error": 1, "warning": 2, "info": 1}


def test_a_row_has_file_kind_severity_why_and_what_to_do():
    row = Finding("damaged", ("a.jpg",), "Cut off.").as_json()
    assert row == {
        "kind": "damaged",
        "severity": "error",
        "files": ["a.jpg"],
        "why": "Cut off.",
        "what_to_do": KINDS["damaged"].what_to_do,
        "score": 0.0,
    }


def test_a_detail_stands_at_the_end_of_the_sentence():
    assert Finding("small", ("a.jpg",), "It is small.", detail="9 x 9 pixels").sentence == "It is small (9 x 9 pixels)."
    assert Finding("small", ("a.jpg",), "It is small.").as_json()["why"] == "It is small."
