"""Tests of keras_transfer.data.split_names."""

from __future__ import annotations

import unicodedata

import pytest

from keras_transfer.data import split_names


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "train",
            "train Train TRAIN training Training TRAINING training_set trainset TrainSet train-images train_data "
            "trainimages imgtrain TrainingSet train.split images-train trn",
        ),
        (
            "validation",
            "val VAL valid Valid validation Validation validation_set valset ValSet dev dev_set validImages",
        ),
        ("test", "test Test TEST testing Testing test_set TestSet TEST_SET testset test-data testimages"),
    ],
)
def test_the_usual_names_of_splits_are_recognized_in_any_form(split, names):
    assert {name: split_names.of_value(name) for name in names.split()} == dict.fromkeys(names.split(), split)


@pytest.mark.parametrize("name", ["training set", "Training Images", "train (images)", " train"])
def test_blanks_and_brackets_separate_words_too(name):
    assert split_names.of_value(name) == "train"


@pytest.mark.parametrize(
    "name",
    [
        "trainer",
        "contest",
        "latest",
        "valley",
        "device",
        "testament",
        "trains",
        "cats",
        "",
        "2022",
        "train_val",
        "tést",
    ],
)
def test_other_words_and_two_splits_at_once_are_no_split(name):
    assert split_names.parse(name) is None


@pytest.mark.parametrize("name", ["train_station", "test_tube", "seg_train", "train2017"])
def test_a_name_with_other_words_names_a_split_and_no_value(name):
    assert split_names.parse(name) is not None
    assert split_names.of_value(name) == ""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Training", "Testing"], {"Training": "train", "Testing": "test"}),
        (["training_set", "test_set"], {"training_set": "train", "test_set": "test"}),
        (["photos_train", "photos_test"], {"photos_train": "train", "photos_test": "test"}),
        (["seg_train", "seg_test", "seg_pred"], {"seg_train": "train", "seg_test": "test"}),
        (["train2017", "val2017"], {"train2017": "train", "val2017": "validation"}),
        (["train_images", "test_photos"], {"train_images": "train", "test_photos": "test"}),
        (["FlowersTrain", "FlowersVal"], {"FlowersTrain": "train", "FlowersVal": "validation"}),
        (["train", "cats"], {"train": "train"}),
        (["train_station", "bridge"], {}),
        (["steam_train", "crash_test"], {}),
        (["cats", "dogs"], {}),
        ([], {}),
    ],
)
def test_names_of_one_set_are_recognized_together(names, expected):
    assert split_names.recognize(names) == expected


@pytest.mark.parametrize("name", ["pred", "seg_pred", "Unlabelled", "unlabeled_images", "prediction", "to predict"])
def test_folders_to_predict_are_known_by_name(name):
    assert split_names.is_unlabelled(name)


@pytest.mark.parametrize("name", ["predator", "cats", "test"])
def test_other_folders_are_not_to_predict(name):
    assert not split_names.is_unlabelled(name)


@pytest.mark.parametrize(
    "name", ["2022", "1999", "2022-05", "20220501", "fold0", "Fold_1", "fold_a", "batch 3", "part1", "test"]
)
def test_names_of_a_series_are_known(name):
    assert split_names.is_of_a_series(name)


@pytest.mark.parametrize("name", ["0", "7", "cats", "cat_1", "boeing 747", "fold", "area51", "class_2"])
def test_names_of_classes_are_no_series(name):
    assert not split_names.is_of_a_series(name)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_beyond_ascii_stay_in_their_word(form):
    assert split_names.parse(unicodedata.normalize(form, "ältest")) is None


@pytest.mark.parametrize(
    ("name", "expected"), [("images", True), ("Data_Set", True), ("red images", False), ("", False)]
)
def test_filler_says_nothing(name, expected):
    assert split_names.is_filler(name) is expected
