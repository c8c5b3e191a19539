"""Tests of keras_transfer.settings.flag_advice."""

from __future__ import annotations

import pytest

from keras_transfer.settings import flag_advice
from keras_transfer.settings.config import (
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    PredictConfig,
    TrainConfig,
    helps_of,
)

COMMANDS = (TrainConfig, EvaluateConfig, PredictConfig, ExportConfig, InspectConfig)


@pytest.mark.parametrize(
    ("name", "config_class", "expected"),
    [
        ("lr", TrainConfig, ["--head_learning_rate", "--fine_tune_learning_rate"]),
        ("learning_rate", TrainConfig, ["--head_learning_rate", "--fine_tune_learning_rate"]),
        ("learning-rate", TrainConfig, ["--head_learning_rate"]),
        ("LR", TrainConfig, ["--head_learning_rate"]),
        ("epochs", TrainConfig, ["--head_epochs", "--fine_tune_epochs"]),
        ("num_epochs", TrainConfig, ["--head_epochs"]),
        ("patience", TrainConfig, ["--early_stopping_patience"]),
        ("augmentation", TrainConfig, ["--augmented_views"]),
        ("augment", TrainConfig, ["--augmented_views"]),
        ("noaugment", TrainConfig, ["--augmented_views"]),
        ("no_augmentation", TrainConfig, ["--augmented_views"]),
        ("num_classes", TrainConfig, ["folder names"]),
        ("model", TrainConfig, ["--backbone"]),
        ("model", PredictConfig, ["--export_dir"]),
        ("data_dir", TrainConfig, ["--image_dir"]),
        ("data", TrainConfig, ["--image_dir", "--image_csv", "--dataset"]),
        ("data", PredictConfig, ["--images"]),
        ("images", EvaluateConfig, ["--image_dir"]),
        ("image_dir", PredictConfig, ["--images"]),
        ("img_size", TrainConfig, ["--image_size"]),
        ("size", TrainConfig, ["--image_size"]),
        ("batch", TrainConfig, ["--batch_size"]),
        ("out", TrainConfig, ["--run_dir"]),
        ("output", TrainConfig, ["--run_dir"]),
        ("output_dir", TrainConfig, ["--run_dir"]),
        ("output_dir", EvaluateConfig, ["--output"]),
        ("output_dir", InspectConfig, ["--output"]),
        ("gpu", TrainConfig, ["CUDA_VISIBLE_DEVICES"]),
        ("val_split", TrainConfig, ["--validation_fraction"]),
        ("freeze", TrainConfig, ["--fine_tune_epochs", "--unfreeze_blocks"]),
        ("pretrained", TrainConfig, ["--weights"]),
        ("cfg", TrainConfig, ["--config"]),
        ("bach_size", TrainConfig, ["'batch_size'"]),
        ("head-epochs", TrainConfig, ["'head_epochs'"]),
    ],
)
def test_a_name_of_another_tool_leads_to_ours(name, config_class, expected):
    known = {**helps_of(config_class), "config": "JSON file."}
    advice = flag_advice.advise(name, known)
    for words in expected:
        assert words in advice
    assert advice.endswith((".", "?"))


@pytest.mark.parametrize("config_class", COMMANDS)
def test_only_flags_of_the_command_are_named(config_class):
    known = helps_of(config_class)
    elsewhere = {name for names, _ in flag_advice._ELSEWHERE for name in names.split()} - set(known)
    for name in elsewhere:
        named = [word.strip("(),.:") for word in flag_advice.advise(name, known).split() if word.startswith("--")]
        assert set(named) <= {f"--{setting}" for setting in known}


def test_every_setting_in_the_table_is_one_of_some_command():
    known = {name for command in COMMANDS for name in helps_of(command)} | {"config", "flagfile"}
    assert {name for _, here in flag_advice._ELSEWHERE for name in here.split()} <= known


def test_a_name_that_means_nothing_gets_no_suggestion():
    assert flag_advice.advise("xyzzy", helps_of(TrainConfig)) == "."
