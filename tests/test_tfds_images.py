"""Tests of keras_transfer.data.tfds_images, with data sets made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keras_transfer import atomic_files
from keras_transfer.data import tfds_images
from keras_transfer.errors import UserError
from small_tfds import (
    ODD_NAMES,
    TinyExtraSplit,
    TinyFloat,
    TinyNested,
    TinyNoLabel,
    TinyOddNames,
    TinyOneClass,
    TinyOneOtherSplit,
    TinyOtherSplits,
    TinySupervised,
    TinyThreeSplits,
    TinyTrainOnly,
    TinyTrainTest,
    TinyTwoLabels,
    TinyUnlabelled,
    TinyUnusedClass,
    encode,
    load,
    relative,
)


def test_a_prepared_data_set_becomes_files_with_the_very_bytes_it_holds(prepare, tmp_path):
    prepare(TinyTrainOnly)
    examples = load("tiny_train_only", tmp_path)
    expected = {
        encode(image_format, number) for number, (image_format, _) in enumerate(TinyTrainOnly.EXAMPLES["train"])
    }
    assert {Path(path).read_bytes() for path in examples.paths} == expected
    assert len(examples) == 5


def test_files_are_named_by_split_label_number_and_their_first_bytes(prepare, tmp_path):
    prepare(TinyTrainOnly)
    paths = relative(load("tiny_train_only", tmp_path), tmp_path)
    assert all(path.startswith("tiny_train_only/1.2.3/train/") for path in paths)
    assert paths == sorted(paths)
    assert sorted(Path(path).suffix for path in paths) == [".bmp", ".gif", ".jpg", ".png", ".webp"]
    assert sorted(Path(path).stem for path in paths) == ["000000", "000001", "000002", "000003", "000004"]


def test_class_names_are_sorted_whatever_the_order_in_the_data_set(prepare, tmp_path):
    prepare(TinyTrainOnly)
    examples = load("tiny_train_only", tmp_path)
    assert examples.class_names == ("a", "b")
    assert examples.label_ids.dtype == np.int32
    own_name = {"0": "b", "1": "a"}  # the label id of TFDS, which is the file's folder
    for path, label_id in zip(examples.paths, examples.label_ids, strict=True):
        assert examples.class_names[label_id] == own_name[Path(path).parent.name]


@pytest.mark.parametrize(
    ("builder_class", "name", "splits"),
    [
        (TinyTrainOnly, "tiny_train_only", {"": 5}),
        (TinyOneOtherSplit, "tiny_one_other_split", {"": 2}),
        (TinyTrainTest, "tiny_train_test", {"train": 2, "test": 1}),
        (TinyThreeSplits, "tiny_three_splits", {"train": 2, "validation": 1, "test": 1}),
    ],
)
def test_splits_are_taken_over_where_there_are_several(prepare, tmp_path, builder_class, name, splits):
    prepare(builder_class)
    found = load(name, tmp_path).splits
    assert {split: found.count(split) for split in found} == splits


def test_other_splits_are_left_out_with_their_size(prepare, tmp_path):
    prepare(TinyExtraSplit)
    examples = load("tiny_extra_split", tmp_path)
    assert set(examples.splits) == {"train", "test"}
    (left_out,) = examples.left_out
    assert left_out.path == "tiny_extra_split/1.2.3 split extra"
    assert left_out.reason.startswith("3 examples")
    assert not left_out.is_unreadable


def test_several_splits_of_other_names_are_refused_by_name(prepare, tmp_path):
    prepare(TinyOtherSplits)
    with pytest.raises(UserError, match="none of the splits train, validation and test, but small1, small2"):
        load("tiny_other_splits", tmp_path)


def test_examples_without_a_label_are_left_out_and_a_split_of_them_is_no_split(prepare, tmp_path):
    prepare(TinyUnlabelled)
    examples = load("tiny_unlabelled", tmp_path)
    assert examples.splits == ("", "")
    assert {(item.path, item.reason) for item in examples.left_out} == {
        ("tiny_unlabelled/1.2.3 split train", "1 examples without a label"),
        ("tiny_unlabelled/1.2.3 split test", "2 examples without a label"),
    }


def test_class_names_may_hold_any_characters(prepare, tmp_path):
    prepare(TinyOddNames)
    assert load("tiny_odd_names", tmp_path).class_names == tuple(sorted(ODD_NAMES))


def test_a_declared_class_without_examples_is_left_out_by_name(prepare, tmp_path):
    prepare(TinyUnusedClass)
    examples = load("tiny_unused_class", tmp_path)
    assert examples.class_names == ("a", "c")
    assert [item.path for item in examples.left_out] == ["tiny_unused_class/1.2.3 class never"]


def test_a_single_class_is_refused(prepare, tmp_path):
    prepare(TinyOneClass)
    with pytest.raises(UserError, match="at least two classes"):
        load("tiny_one_class", tmp_path)


def test_the_second_call_reads_the_files_of_the_first(prepare, tmp_path, monkeypatch):
    prepare(TinyTrainTest)
    first = load("tiny_train_test", tmp_path)
    monkeypatch.setattr(tfds_images, "_write", lambda *_: pytest.fail("written again"))
    second = load("tiny_train_test", tmp_path)
    assert second.paths == first.paths
    assert second.splits == first.splits
    assert second.label_ids.tolist() == first.label_ids.tolist()


def test_files_of_another_preparation_are_refused(prepare, tmp_path):
    prepare(TinyTrainTest)
    load("tiny_train_test", tmp_path)
    manifest = tmp_path / "keras_transfer_images/tiny_train_test/1.2.3/manifest.json"
    content = json.loads(manifest.read_text())
    atomic_files.write_json(manifest, {**content, "split_sizes": {"train": 5}})
    with pytest.raises(UserError, match=r"another preparation[\s\S]*Delete that folder"):
        load("tiny_train_test", tmp_path)


def test_an_interrupted_writing_leaves_nothing(prepare, tmp_path, monkeypatch):
    prepare(TinyTrainTest)
    monkeypatch.setattr(tfds_images, "_manifest", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load("tiny_train_test", tmp_path)
    assert list((tmp_path / "keras_transfer_images/tiny_train_test").iterdir()) == []


def test_an_unwritable_folder_is_refused_with_what_to_do(prepare, tmp_path):
    prepare(TinyTrainTest)
    (tmp_path / "keras_transfer_images").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"cannot be written to .*--dataset_dir"):
        load("tiny_train_test", tmp_path)


def test_damaged_data_is_refused_with_its_folder(prepare, tmp_path):
    prepare(TinyTrainTest)
    (record,) = (tmp_path / "tiny_train_test/1.2.3").glob("*train.tfrecord*")
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 0xFF
    record.write_bytes(content)
    with pytest.raises(UserError, match=r"tiny_train_test/1.2.3 cannot be read[\s\S]*prepare it again"):
        load("tiny_train_test", tmp_path)
    assert list((tmp_path / "keras_transfer_images/tiny_train_test").iterdir()) == []


@pytest.mark.parametrize(
    ("builder_class", "name", "features"),
    [
        (TinyNoLabel, "tiny_no_label", r"photo \(Image\)"),
        (TinyTwoLabels, "tiny_two_labels", r"breed \(ClassLabel\), image \(Image\), species \(ClassLabel\)"),
        (TinyNested, "tiny_nested", r"image \(Image\), objects \(Sequence\)"),
        (TinyFloat, "tiny_float", r"image \(Image\), label \(ClassLabel\)"),
    ],
)
def test_a_data_set_without_exactly_one_image_and_label_is_refused_with_its_features(
    prepare, tmp_path, builder_class, name, features
):
    prepare(builder_class)
    with pytest.raises(UserError, match=f"not one of image classification.*Its features are {features}"):
        load(name, tmp_path)


def test_of_several_labels_the_one_of_the_supervised_task_is_taken(prepare, tmp_path):
    prepare(TinySupervised)
    examples = load("tiny_supervised", tmp_path)
    assert examples.class_names == ("cat", "dog")
    assert sorted(examples.label_ids.tolist()) == [0, 1]
