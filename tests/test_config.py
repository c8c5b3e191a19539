"""Tests of keras_transfer.settings.config."""

from __future__ import annotations

import contextlib
import math
import re

import pytest

from keras_transfer.settings import config


def train_config(**values: object) -> config.TrainConfig:
    return config.from_flat(config.TrainConfig, {"image_dir": "photos", **values})


def faults_of(**values: object) -> str:
    with pytest.raises(config.ConfigError) as caught:
        train_config(**values)
    return str(caught.value)


def test_all_faults_are_reported_together():
    faults = faults_of(batch_size=0, dropout=1.5, backbone="vg16")
    assert "--batch_size must be at least 1. Received: 0" in faults
    assert "--dropout must be less than 1. Received: 1.5" in faults
    assert "--backbone must be one of" in faults
    assert "Did you mean 'vgg16'?" in faults


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(value):
    assert "must be a finite number" in faults_of(head_learning_rate=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", "many"),
        ("batch_size", 2.5),
        ("batch_size", True),
        ("dropout", "0.2"),
        ("flip_horizontal", 1),
        ("model_name", 7),
        ("head_units", "256"),
        ("head_units", (2.5,)),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name, value):
    faults = faults_of(**{name: value})
    assert f"--{name} must be " in faults
    assert f"Received: {value!r}" in faults


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("validation_fraction", 0, 1), ("crop_min_area", 0, 1.1), ("head_learning_rate", 0, 101)],
)
def test_an_open_limit_is_outside(name, lowest, highest):
    assert f"--{name} must be" in faults_of(**{name: lowest})
    assert f"--{name} must be" in faults_of(**{name: highest})


def test_exactly_one_source_must_be_given():
    assert "only one source" in faults_of(dataset="tf_flowers")
    with pytest.raises(config.ConfigError, match="No images"):
        config.TrainConfig()


def test_fractions_must_leave_something_to_train_on():
    assert "their sum must be less" in faults_of(validation_fraction=0.5, test_fraction=0.5)


def test_an_image_smaller_than_the_base_accepts_is_refused():
    assert "--image_size must be at least 75 for inceptionv3" in faults_of(backbone="inceptionv3", image_size=64)


def test_warm_up_as_long_as_a_phase_is_refused():
    assert "--warmup_epochs" in faults_of(warmup_epochs=2, fine_tune_epochs=2)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "ä"])
def test_a_model_name_that_is_no_url_segment_is_refused(name):
    assert "--model_name" in faults_of(model_name=name)


def test_an_unknown_setting_gets_a_suggestion():
    with pytest.raises(config.ConfigError, match=r"no setting 'bach_size'\. Did you mean 'batch_size'\?"):
        train_config(bach_size=3)


def test_a_setting_that_another_tool_calls_otherwise_gets_ours():
    with pytest.raises(config.ConfigError, match=r"no setting 'lr': use --head_learning_rate"):
        train_config(lr=3)


COMMANDS = (
    config.TrainConfig,
    config.EvaluateConfig,
    config.PredictConfig,
    config.ExportConfig,
    config.InspectConfig,
)
# Words of a help text that speak of a place.
PLACES = re.compile(r"\b(folders?|files?|directory)\b", re.IGNORECASE)
# Texts that speak of one and hold none.
NO_PATHS = {"backbone", "dataset", "feature_cache", "model_name"}


@pytest.mark.parametrize("config_class", COMMANDS)
def test_every_setting_that_holds_a_path_is_marked_as_one(config_class):
    for group in config.groups_of(config_class).values():
        for name, (item, kind) in config.settings_of(group).items():
            speaks_of_one = kind is str and name not in NO_PATHS and bool(PLACES.search(item.metadata["help"]))
            assert item.metadata["is_path"] == speaks_of_one, name


@pytest.mark.parametrize("config_class", COMMANDS)
def test_a_home_folder_is_expanded_in_every_path(config_class, monkeypatch):
    monkeypatch.setenv("HOME", "/home/mia")
    for group in config.groups_of(config_class).values():
        names = [name for name, (item, _) in config.settings_of(group).items() if item.metadata["is_path"]]
        made = group(**dict.fromkeys(names, "~/x"))
        assert [getattr(made, name) for name in names] == ["/home/mia/x"] * len(names)


def test_a_home_folder_that_is_not_there_is_refused():
    faults = faults_of(run_dir="~nobody_of_this_name/run")
    assert "--run_dir=~nobody_of_this_name/run" in faults
    assert "./~nobody_of_this_name/run" in faults


def test_a_line_break_in_a_value_is_refused():
    assert "control characters" in faults_of(run_dir="a\nb")


def test_a_config_survives_the_way_through_a_flat_mapping():
    first = train_config(head_units=[512, 128], flip_vertical=True, split_seed=7, weights="random")
    assert config.from_flat(config.TrainConfig, config.to_flat(first)) == first
    assert first.model.head_units == (512, 128)
    assert first.split.split_seed == 7


@pytest.mark.parametrize(
    "config_class", [config.TrainConfig, config.EvaluateConfig, config.PredictConfig, config.ExportConfig]
)
def test_every_setting_is_documented_and_named_once(config_class):
    names = [name for group in config.groups_of(config_class).values() for name in config.settings_of(group)]
    assert len(names) == len(set(names))
    for group in config.groups_of(config_class).values():
        assert group.__doc__
        assert all(item.metadata["help"].endswith((".", ")")) for item, _ in config.settings_of(group).values())


@pytest.mark.parametrize(
    ("config_class", "missing"),
    [
        (config.EvaluateConfig, "--export_dir"),
        (config.PredictConfig, "--export_dir"),
        (config.PredictConfig, "--images"),
        (config.ExportConfig, "--run_dir"),
    ],
)
def test_what_a_command_cannot_do_without_is_asked_for(config_class, missing):
    with pytest.raises(config.ConfigError, match=missing):
        config_class()


@pytest.mark.parametrize(
    ("values", "is_fault"),
    [
        ({"refuse_worse": True}, True),
        ({"refuse_worse": True, "compare_export_dir": "cars/1"}, False),
        ({"compare_export_dir": "cars/1"}, False),
    ],
)
def test_a_new_run_needs_something_to_be_compared_with(values, is_fault):
    with pytest.raises(config.ConfigError, match="--compare_export_dir") if is_fault else contextlib.nullcontext():
        config.from_flat(config.TrainConfig, {"image_dir": "photos", **values})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("pooling", (), "at least one of avg, max, flatten"),
        ("pooling", ("sum",), "one of avg, max, flatten"),
        ("pooling", ("avg", "avg"), "twice"),
        ("pooling", "avg", "names separated by commas"),
        ("feature_layers", (3,), "names separated by commas"),
    ],
)
def test_a_list_of_names_is_checked_name_by_name(name, value, words):
    assert words in faults_of(**{name: value})
