"""Tests of keras_transfer.data.folder_tables, through the folders that a person gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_transfer.data import folder_tables, image_folder
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from small_folders import relative, write


def load(root: Path, tables: dict[str, str], *images: str) -> Examples:
    write(root, *images)
    for name, text in tables.items():
        (root / name).write_text(text)
    return image_folder.load(root)


def labels(examples: Examples, root: Path) -> dict[str, str]:
    names = [examples.class_names[label_id] for label_id in examples.label_ids]
    return dict(zip(relative(examples.paths, root), names, strict=True))


def test_flat_split_folders_with_a_column_for_each_class_are_read(tmp_path):
    header = "filename, Daisy, Rose\n"
    tables = {
        "train/_classes.csv": f"{header}1.jpg, 1, 0\n2.jpg, 0, 1\n",
        "valid/_classes.csv": f"{header}3.jpg, 0, 1\n",
        "test/_classes.csv": f"{header}4.jpg, 1, 0\n",
    }
    examples = load(tmp_path, tables, "train/1.jpg", "train/2.jpg", "valid/3.jpg", "test/4.jpg")
    assert labels(examples, tmp_path) == {
        "train/1.jpg": "Daisy",
        "train/2.jpg": "Rose",
        "valid/3.jpg": "Rose",
        "test/4.jpg": "Daisy",
    }
    assert [Path(path).parent.name.replace("valid", "validation") for path in examples.paths] == list(examples.splits)
    assert any("valid/_classes.csv -> validation" in note for note in examples.notes)
    assert examples.left_out == ()


@pytest.mark.parametrize(("row", "told"), [("2.jpg,1,1", "1 row(s) have several"), ("2.jpg,0,0", "1 have none")])
def test_rows_with_several_or_no_classes_are_refused_with_their_number_and_an_example(tmp_path, row, told):
    with pytest.raises(UserError) as raised:
        load(tmp_path, {"_classes.csv": f"filename,a,b\n1.jpg,1,0\n{row}\n"}, "1.jpg", "2.jpg")
    assert told in str(raised.value)
    assert "line 3" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,label\n1.jpg,ant\nsub/2.jpg,bee\n"),
        ("metadata.jsonl", '{"file_name": "1.jpg", "label": "ant"}\n{"file_name": "sub/2.jpg", "label": "bee"}\n'),
    ],
)
def test_the_metadata_of_a_hub_s_folder_is_read(tmp_path, name, text):
    examples = load(tmp_path, {name: text}, "1.jpg", "sub/2.jpg")
    assert labels(examples, tmp_path) == {"1.jpg": "ant", "sub/2.jpg": "bee"}
    assert any(name in note for note in examples.notes)


def test_the_metadata_of_split_folders_is_read(tmp_path):
    tables = {
        "train/metadata.csv": "file_name,label,camera\n1.jpg,ant,x\n2.jpg,bee,y\n",
        "validation/metadata.jsonl": '{"file_name": "3.jpg", "label": "ant", "camera": "x"}\n',
    }
    examples = load(tmp_path, tables, "train/1.jpg", "train/2.jpg", "validation/3.jpg")
    assert examples.splits == ("train", "train", "validation")
    assert examples.slices == {"camera": ("x", "y", "x")}


def test_one_table_above_split_folders_takes_their_splits(tmp_path):
    table = "file_name,label\ntrain/1.jpg,ant\ntrain/2.jpg,bee\ntest/3.jpg,ant\n"
    examples = load(tmp_path, {"metadata.csv": table}, "train/1.jpg", "train/2.jpg", "test/3.jpg")
    assert examples.splits == ("train", "train", "test")


def test_metadata_without_labels_leaves_the_class_folders_as_they_are(tmp_path):
    table = {"metadata.csv": "file_name,text\nant/1.jpg,a long caption\n"}
    examples = load(tmp_path, table, "ant/1.jpg", "bee/2.jpg")
    assert examples.class_names == ("ant", "bee")


def test_images_that_no_table_names_are_left_out_and_counted(tmp_path):
    tables = {"train/metadata.csv": "file_name,label\n1.jpg,ant\n2.jpg,bee\n"}
    examples = load(tmp_path, tables, "train/1.jpg", "train/2.jpg", "train/3.jpg", "test/4.jpg", "test/notes.txt")
    assert relative(tuple(item.path for item in examples.left_out), tmp_path) == [
        "test/4.jpg",
        "test/notes.txt",
        "train/3.jpg",
    ]
    assert any(note.startswith("2 image(s)") and "predict" in note for note in examples.notes)


def test_a_file_that_the_metadata_names_and_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"line 3.*9\.jpg"):
        load(tmp_path, {"metadata.csv": "file_name,label\n1.jpg,ant\n9.jpg,bee\n"}, "1.jpg")


def test_two_tables_of_one_split_are_refused(tmp_path):
    table = "file_name,label\n1.jpg,ant\n"
    with pytest.raises(UserError, match="one split"):
        tables = {"train/metadata.csv": table, "training/metadata.csv": table}
        load(tmp_path, tables, "train/1.jpg", "training/1.jpg")


def test_a_folder_without_such_a_table_has_none(tmp_path):
    assert folder_tables.find(str(write(tmp_path, "a/1.jpg", "labels.csv"))) == []
