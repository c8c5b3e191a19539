"""Tests of keras_transfer.data.tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_transfer.data import tables
from keras_transfer.errors import UserError


def write(folder: Path, text: str, name: str = "photos.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_separate_columns_and_the_unusual_ones_are_told(tmp_path, separator):
    table = tables.read(write(tmp_path, f"path{separator}label\n1.jpg{separator}a\n"))
    assert table.header == ("path", "label")
    assert [list(row.cells) for row in table.rows] == [["1.jpg", "a"]]
    assert bool(table.notes) == (separator != ",")


def test_a_header_with_commas_decides_so_that_values_may_hold_semicolons(tmp_path):
    assert list(tables.read(write(tmp_path, "path,label\n1.jpg,a;b\n")).rows[0].cells) == ["1.jpg", "a;b"]


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "JSONL"])
def test_json_lines_are_rows_whose_keys_are_the_columns(tmp_path, ending):
    text = (
        '{"file_name": "1.jpg", "label": 3}\n\n{"file_name": "2.jpg", "label": null, "note": "Käfer", "tags": ["x"]}\n'
    )
    table = tables.read(write(tmp_path, text, f"metadata.{ending}"))
    assert table.header == ("file_name", "label", "note", "tags")
    assert [(row.line, list(row.cells)) for row in table.rows] == [
        (1, ["1.jpg", "3", "", ""]),
        (3, ["2.jpg", "", "Käfer", '["x"]']),
    ]


@pytest.mark.parametrize("text", ["not json\n", '["1.jpg", "a"]\n', '{"file_name": "1.jpg"}\n{"file_name":\n'])
def test_lines_that_are_no_json_objects_are_refused_by_number(tmp_path, text):
    with pytest.raises(UserError, match=f"line {text.count(chr(10))}"):
        tables.read(write(tmp_path, text, "metadata.jsonl"))


def test_no_faults_are_not_refused(tmp_path):
    tables.refuse(tmp_path, [])


@pytest.mark.parametrize(
    ("cell", "expected"), [('["a"]', True), ("[1, 2]", True), ('{"a": 1}', True), ("[unknown]", False), ("a", False)]
)
def test_lists_are_told_from_texts(cell, expected):
    assert tables.is_list(cell) is expected
