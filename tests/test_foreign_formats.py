"""Tests of keras_transfer.data.foreign_formats, through the sources that a person gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keras_transfer.data import foreign_formats, sources
from keras_transfer.errors import UserError
from keras_transfer.settings.config import SourceConfig
from small_folders import write


def refusal(**source: str) -> str:
    with pytest.raises(UserError) as raised:
        sources.load(SourceConfig(**source))
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("photos.zip", "Unpack"),
        ("photos.tar.gz", "Unpack"),
        ("photos.7z", "Unpack"),
        ("train.parquet", "path,label"),
        ("labels.xlsx", "CSV"),
        ("a.tfrecord", "--dataset"),
        ("data.yaml", "YOLO"),
        ("1.heic", "JPEG"),
        ("x_train.npy", "class"),
    ],
)
@pytest.mark.parametrize("flag", ["image_dir", "image_csv"])
def test_a_file_of_another_kind_is_answered_with_what_to_do(tmp_path, flag, name, named):
    path = write(tmp_path, name) / name
    message = refusal(**{flag: str(path)})
    assert f"--{flag}={path}" in message
    assert named in message


@pytest.mark.parametrize("flag", ["image_dir", "image_csv"])
@pytest.mark.parametrize(
    "address", ["https://example.org/photos.zip", "gs://bucket/photos", "s3://bucket/x.csv", "hf://a/b"]
)
def test_an_address_is_answered_by_downloading(flag, address):
    assert "ownload" in refusal(**{flag: address})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"images": [], "annotations": [], "categories": []}, "COCO"),
        ([{"id": 1, "data": {"image": "1.jpg"}, "annotations": []}], "Label Studio"),
        ([{"path": "1.jpg", "label": "a"}], ".jsonl"),
        ({"1.jpg": "a"}, "path,label"),
        ([], "path,label"),
    ],
)
def test_json_is_told_apart(tmp_path, content, named):
    (tmp_path / "x.json").write_text(json.dumps(content))
    assert named in refusal(image_csv=str(tmp_path / "x.json"))


def test_broken_json_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{")
    assert "JSON" in refusal(image_csv=str(tmp_path / "x.json"))


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["images/1.jpg", "labels/1.txt"], "YOLO"),
        (["images/train/1.jpg", "labels/train/1.txt"], "YOLO"),
        (["data.yaml", "train/images/1.jpg", "train/labels/1.txt", "other/x.md"], "YOLO"),
        (["train/images/1.jpg", "train/labels/1.txt", "valid/images/1.jpg", "valid/labels/1.txt"], "YOLO"),
        (["train/1.jpg", "train/_annotations.coco.json"], "COCO"),
        (["Annotations/1.xml", "JPEGImages/1.jpg"], "Pascal VOC"),
        (["x.tfrecord-00000-of-00001"], "--dataset"),
        (["data/train.parquet"], "records"),
    ],
)
def test_a_folder_of_another_tool_is_answered_with_what_to_do(tmp_path, files, named):
    assert named in refusal(image_dir=str(write(tmp_path, *files)))


@pytest.mark.parametrize(
    "files",
    [
        ["images/1.jpg", "labels/1.jpg"],
        ["a/1.jpg", "b/1.jpg", "data.yaml"],
        ["a/1.jpg", "b/1.jpg", "table.parquet"],
        ["annotations/1.jpg", "photos/1.jpg"],
    ],
)
def test_class_folders_are_not_taken_for_another_tool_s(tmp_path, files):
    assert len(sources.load(SourceConfig(image_dir=str(write(tmp_path, *files)))).class_names) == 2


@pytest.mark.parametrize("name", ["photos", "a.csv", "C:/photos", "photos.zip"])
def test_what_is_not_there_is_left_to_others(name):
    foreign_formats.refuse_place("image_dir", str(Path("/nowhere") / name))
