"""Tests of keras_transfer.data.image_csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_transfer.data.image_csv import load
from keras_transfer.errors import UserError


def write(folder: Path, text: str | bytes, *images: str) -> Path:
    """A CSV file and the images it may name; what is in an image plays no part in these tests."""
    for image in images or ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(b"content")
    path = folder / "photos.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_paths_are_relative_to_the_file_and_labels_become_sorted_classes(tmp_path):
    examples = load(
        write(tmp_path, "path,label\n2.jpg,wasp\n1.jpg,ant\nsub/3.jpg,wasp\n", "1.jpg", "2.jpg", "sub/3.jpg")
    )
    assert examples.class_names == ("ant", "wasp")
    assert examples.paths == tuple(str(tmp_path / name) for name in ("2.jpg", "1.jpg", "sub/3.jpg"))
    assert examples.label_ids.tolist() == [1, 0, 1]
    assert examples.label_ids.dtype == np.int32
    assert examples.splits == examples.groups == ("", "", "")
    assert examples.slices == {}


def test_absolute_paths_are_taken_as_they_are(tmp_path):
    image = write(tmp_path / "elsewhere", "").parent / "1.jpg"
    examples = load(write(tmp_path, f"path,label\n{image},a\n2.jpg,b\n"))
    assert examples.paths == (str(image), str(tmp_path / "2.jpg"))


def test_splits_and_groups_are_taken_and_val_means_validation(tmp_path):
    text = "group,split,label,path\nann,train,a,1.jpg\n,val,b,2.jpg\nbob,validation,a,3.jpg\n,test,b,4.jpg\n"
    examples = load(write(tmp_path, text))
    assert examples.splits == ("train", "validation", "validation", "test")
    assert examples.groups == ("ann", "", "bob", "")


def test_further_columns_become_slices(tmp_path):
    examples = load(write(tmp_path, "path,label,camera,time of day\n1.jpg,a,x,noon\n2.jpg,b,,night\n"))
    assert examples.slices == {"camera": ("x", ""), "time of day": ("noon", "night")}


def test_quoted_values_may_hold_commas_quotes_and_line_breaks(tmp_path):
    text = 'path,label\n"a, ""b"".jpg","red, fast"\n"two\nlines.jpg",blue\n'
    examples = load(write(tmp_path, text, 'a, "b".jpg', "two\nlines.jpg"))
    assert examples.paths == (str(tmp_path / 'a, "b".jpg'), str(tmp_path / "two\nlines.jpg"))
    assert examples.class_names == ("blue", "red, fast")


@pytest.mark.parametrize("text", ["path,label\r\n1.jpg,ä\r\n2.jpg,b\r\n", "\ufeffpath,label\n1.jpg,ä\n\n2.jpg,b"])
def test_windows_line_ends_a_byte_order_mark_and_blank_lines_are_fine(tmp_path, text):
    assert load(write(tmp_path, text)).class_names == ("b", "ä")


def test_splits_left_empty_in_all_rows_are_no_splits(tmp_path):
    assert load(write(tmp_path, "path,label,split\n1.jpg,a,\n2.jpg,b,\n")).splits == ("", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("path,label\n", "names no images"),
        ("photo_url,breed\n1.jpg,a\n", r"no column for the path[\s\S]*'photo_url', 'breed'"),
        ("path,label,label\n1.jpg,a,b\n", "two columns 'label'"),
        ("path,label,\n1.jpg,a,b\n", "a column has no name"),
        ("path,label\n1.jpg,a\n2.jpg\n", "line 3: 1 values where the header has 2"),
        ("path,label\n1.jpg,a,x\n2.jpg,b\n", "line 2: 3 values where the header has 2"),
        ("path,label\n1.jpg,a\n,b\n", "line 3: the path is empty"),
        ("path,label\n1.jpg,\n2.jpg,b\n", "line 2: label '' is empty"),
        ("path,label\n1.jpg, a\n2.jpg,b\n", "line 2: label ' a' begins or ends with a blank"),
        ('path,label\n1.jpg,"a\nb"\n2.jpg,b\n', "line 2: label .* control character"),
        ("path,label,split\n1.jpg,a,trian\n2.jpg,b,test\n", "line 2: split 'trian' .* Did you mean 'train'"),
        ("path,label,group\n1.jpg,a, \n2.jpg,b,x\n", "line 2: group ' ' begins or ends with a blank"),
        ("path,label\n1.jpg,a\n9.jpg,b\n", "line 3: there is no file .*9.jpg"),
        ("path,label\n1.jpg,a\n2.jpg,b\n./1.jpg,b\n", "line 4: path './1.jpg' is on line 2 already"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,\n3.jpg,b,\n", "line 3: no split, as in 2 rows"),
        ('path,label\n"1.jpg,a\n2.jpg,b\n', "not a well-formed CSV"),
    ],
)
def test_a_fault_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        load(write(tmp_path, text))


def test_another_spelling_of_the_same_path_is_refused(tmp_path):
    text = "path,label\n1.jpg,a\n2.jpg,b\nsub/../1.jpg,b\n"
    with pytest.raises(UserError, match=r"line 4: path 'sub/\.\./1\.jpg' is on line 2 already"):
        load(write(tmp_path, text, "1.jpg", "2.jpg", "sub/3.jpg"))


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines(tmp_path):
    text = 'path,label,note\n1.jpg,a,"two\nlines"\n\n9.jpg,b,x\n'
    with pytest.raises(UserError, match="line 5: there is no file"):
        load(write(tmp_path, text))


def test_all_faults_are_reported_together(tmp_path):
    with pytest.raises(UserError) as raised:
        load(write(tmp_path, "path,label,split\n9.jpg,,trian\n1.jpg\n"))
    lines = [line.strip() for line in str(raised.value).splitlines()[1:]]
    assert [line.split(":")[0] for line in lines] == ["line 2", "line 2", "line 2", "line 3"]


def test_ten_faults_are_shown_and_the_others_counted(tmp_path):
    rows = "".join(f"missing{number}.jpg,a\n" for number in range(13))
    with pytest.raises(UserError) as raised:
        load(write(tmp_path, "path,label\n" + rows))
    lines = str(raised.value).splitlines()
    assert len(lines) == 12
    assert "missing9.jpg" in lines[10]
    assert lines[11].strip() == "and 3 more"


@pytest.mark.parametrize("content", [b"path,label\n1.jpg,a\n2.jpg,caf\xe9\n", "path,label\n".encode("utf-16")])
def test_another_encoding_than_utf8_is_refused(tmp_path, content):
    with pytest.raises(UserError, match="is not UTF-8"):
        load(write(tmp_path, content))


def test_the_line_that_is_not_utf8_is_named(tmp_path):
    with pytest.raises(UserError, match="line 3 is not UTF-8"):
        load(write(tmp_path, b"path,label\n1.jpg,a\n2.jpg,caf\xe9\n"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="no folder or file"):
        load(tmp_path / "nowhere.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="--image_dir"):
        load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "file_name,class\n1.jpg,a\n2.jpg,b\n",
        "id;category\n1;a\n2;b\n",
        ",Image,Label\n0,1.jpg,a\n1,2.jpg,b\n",
        "image,a,b\n1.jpg,1,0\n2.jpg,0,1\n",
        "file\tlabel\r\n.\\1.jpg\ta\r\n.\\2.jpg\tb\r\n",
    ],
)
def test_tables_of_other_tools_are_understood_and_told(tmp_path, text):
    examples = load(write(tmp_path, text))
    assert [Path(path).name for path in examples.paths] == ["1.jpg", "2.jpg"]
    assert [examples.class_names[label_id] for label_id in examples.label_ids] == ["a", "b"]
    assert examples.slices == {}
    assert examples.notes


def test_the_documented_columns_need_no_note(tmp_path):
    assert load(write(tmp_path, "path,label,split,group,camera\n1.jpg,a,train,,x\n2.jpg,b,val,,y\n")).notes == ()


def test_splits_in_any_usual_form_are_taken_and_told(tmp_path):
    text = "path,label,split\n1.jpg,a,TRAIN\n2.jpg,b,Training\n3.jpg,a,valid\n4.jpg,b,test_set\n"
    examples = load(write(tmp_path, text))
    assert examples.splits == ("train", "train", "validation", "test")
    assert any("valid -> validation" in note for note in examples.notes)


def test_labels_in_two_unicode_forms_are_one_class(tmp_path):
    text = "path,label\n1.jpg,K\u00e4fer\n2.jpg,Ka\u0308fer\n3.jpg,b\n"
    examples = load(write(tmp_path, text))
    assert examples.class_names == ("K\u00e4fer", "b")
    assert any("one class" in note for note in examples.notes)


def test_json_lines_are_read_by_the_same_rules(tmp_path):
    path = write(tmp_path, "").with_name("photos.jsonl")
    path.write_text('{"image": "1.jpg", "label": 3}\n{"image": "2.jpg", "label": 7, "camera": "x"}\n')
    examples = load(path)
    assert examples.class_names == ("3", "7")
    assert examples.slices == {"camera": ("", "x")}


def test_two_rows_that_lead_to_one_file_in_two_ways_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"line 3: .* is on line 2 already"):
        load(write(tmp_path, "path,label\n1.jpg,a\n1,b\n"))


def test_a_list_of_labels_is_refused(tmp_path):
    path = write(tmp_path, "").with_name("photos.jsonl")
    path.write_text('{"image": "1.jpg", "label": ["a", "b"]}\n{"image": "2.jpg", "label": "c"}\n')
    with pytest.raises(UserError, match=r"line 1: label .* one class"):
        load(path)
