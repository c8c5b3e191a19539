"""Tests of keras_transfer.data.columns."""

from __future__ import annotations

import pytest

from keras_transfer.data import columns
from keras_transfer.data.tables import Row


def choose(header: str, *rows: str) -> tuple[columns.Roles | None, list[str]]:
    return columns.choose(header.split(","), [Row(n, row.split(",")) for n, row in enumerate(rows, start=2)])


@pytest.mark.parametrize("label", ["label", "class", "category", "target", "Class Name", "labels", "category_id"])
@pytest.mark.parametrize("path", ["path", "file_name", "filename", "file", "image", "id", "Image Path", "image_id"])
def test_usual_names_are_taken_and_told_where_they_are_not_the_documented_ones(path, label):
    roles, faults = choose(f"{label},camera,{path}", "a,x,1.jpg")
    assert faults == []
    assert roles is not None
    assert (roles.path, roles.label, roles.slices) == (2, 0, (1,))
    told = " ".join(roles.notes)
    assert (repr(path) in told, repr(label) in told) == (path != "path", label != "label")


@pytest.mark.parametrize(
    ("header", "path", "label"),
    [
        ("path,image,label,class", 0, 2),  # the documented names win
        ("id,file_name,class", 1, 2),  # a file's name before an id
        ("image,id,class_id,class_name", 0, 3),
    ],
)
def test_the_clearer_name_wins(header, path, label):
    roles, faults = choose(header, ",".join("abcd"[: header.count(",") + 1]))
    assert faults == []
    assert roles is not None
    assert (roles.path, roles.label) == (path, label)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("file,image,label", ["'file'", "'image'", "path"]),
        ("path,class,category", ["'class'", "'category'", "label"]),
        ("file,image,class,target", ["'file'", "'image'", "'class'", "'target'"]),
        ("image_url,breed", ["'image_url'", "'breed'", "path", "label"]),
        ("1.jpg,a", ["path,label above"]),
        ("TRAIN,gs://bucket/1,a", ["path,label above"]),
        ("path label", ["'path label'", "commas"]),
        ("path,label,label", ["'label'"]),
        ("path,label,", ["no name"]),
        (",path,label", ["no name"]),
    ],
)
def test_what_is_ambiguous_or_missing_is_a_fault_that_names_the_columns(header, named):
    roles, faults = choose(header, ",".join("abcd"[: header.count(",") + 1]))
    assert roles is None
    assert all(name in " ".join(faults) for name in named)


def test_the_row_numbers_of_pandas_are_not_used():
    roles, faults = choose(",path,label", "0,1.jpg,a", "1,2.jpg,b")
    assert faults == []
    assert roles is not None
    assert (roles.path, roles.label, roles.slices) == (1, 2, ())
    assert len(roles.notes) == 1


@pytest.mark.parametrize("rows", [["1.jpg,1,0", "2.jpg,0,1"], ["1.jpg, 1.0, 0.0"]])
def test_columns_of_zero_and_one_are_classes(rows):
    roles, faults = choose("image,Rose,Tulip", *rows)
    assert faults == []
    assert roles is not None
    assert (roles.path, roles.label, roles.classes, roles.slices) == (0, None, (1, 2), ())


@pytest.mark.parametrize(("header", "row"), [("image,a,b", "1.jpg,1,2"), ("image,a", "1.jpg,1"), ("image,a,b", "1,1,")])
def test_other_columns_are_not_classes(header, row):
    assert choose(header, row)[0] is None


@pytest.mark.parametrize(
    ("header", "rows", "split", "slices"),
    [
        ("path,label,split", ["1.jpg,a,anything"], 2, ()),
        ("path,label,set", ["1.jpg,a,Training", "2.jpg,a,test"], 2, ()),
        ("path,label,subset", ["1.jpg,a,north", "2.jpg,a,south"], None, (2,)),
        ("path,label,subset", ["1.jpg,a,test", "2.jpg,a,test"], None, (2,)),
        ("path,label,ml_use", ["1.jpg,a,TRAIN", "2.jpg,a,"], None, (2,)),
    ],
)
def test_another_name_for_the_splits_counts_where_its_values_are_splits(header, rows, split, slices):
    roles, _ = choose(header, *rows)
    assert roles is not None
    assert (roles.split, roles.slices) == (split, slices)


def test_a_table_with_labels_is_found_among_files(tmp_path):
    texts = {"a.txt": "path,label\n1,a\n", "b.csv": "id,price\n1,2\n", "c.csv": "id,label\n1,a\n", "d.csv": ""}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    found = [
        columns.find_table(str(tmp_path / name) for name in names) for names in (texts, ["b.csv", "d.csv"], ["a.txt"])
    ]
    assert found == [str(tmp_path / "c.csv"), str(tmp_path / "b.csv"), ""]


@pytest.mark.parametrize(("header", "expected"), [("file_name,label", True), ("file_name,text", False)])
def test_metadata_may_have_labels_or_not(header, expected):
    assert columns.has_labels(header.split(","), [Row(2, ["1.jpg", "a"]), Row(3, ["1.jpg"])]) is expected
