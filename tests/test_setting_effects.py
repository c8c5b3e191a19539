"""Tests of keras_transfer.settings.effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keras_transfer.settings import command_line, config, effects

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.flags"))


def warned(config_class: type[Any], **values: Any) -> list[str]:
    needed = {"run_dir": "run"} if config_class is config.ExportConfig else {"image_dir": "photos"}
    if config_class is config.EvaluateConfig:
        needed["export_dir"] = "export"
    return effects.without_effect(config.from_flat(config_class, {**needed, **values}))


@pytest.mark.parametrize(
    ("config_class", "name", "value", "needs"),
    [
        (config.TrainConfig, "momentum", 0.5, {"optimizer": "sgd"}),
        (config.TrainConfig, "weight_decay", 0.1, {"optimizer": "adamw"}),
        (config.TrainConfig, "step_factor", 0.5, {"learning_rate_schedule": "step"}),
        (config.TrainConfig, "step_epochs", 3, {"learning_rate_schedule": "plateau"}),
        (config.TrainConfig, "serving_batch_timeout_microseconds", 5, {"serving_batch_size": 8}),
        (config.ExportConfig, "serving_batch_timeout_microseconds", 5, {"serving_batch_size": 8}),
        (config.TrainConfig, "dataset_dir", "d", {"image_dir": "", "dataset": "tf_flowers"}),
        (config.EvaluateConfig, "drawn_images_per_class", 9, {"image_dir": "", "dataset": "drawn_vehicles"}),
        (config.InspectConfig, "weights", "random", {"backbone": "vgg16"}),
        (config.InspectConfig, "precision", "float32", {"backbone": "vgg16"}),
    ],
)
def test_a_setting_is_warned_of_until_what_it_needs_is_given(config_class, name, value, needs):
    (sentence,) = warned(config_class, **{name: value})
    assert f"--{name}" in sentence
    assert warned(config_class, **{name: value}, **needs) == []


@pytest.mark.parametrize(
    ("config_class", "values"),
    [
        (config.TrainConfig, {"augmented_views": 0, "hue": 0.3}),
        (config.TrainConfig, {"augmented_views": 0, "flip_vertical": True}),
        (config.TrainConfig, {"feature_cache": "off", "feature_cache_max_bytes": 7}),
        (config.InspectConfig, {"run_dir": "run", "image_size": 96}),
        (config.TrainConfig, {"fine_tune": "off", "unfreeze_blocks": 2}),
        (config.TrainConfig, {"choose": "off", "fine_tune_learning_rate": 1e-4}),
    ],
)
def test_a_setting_that_another_leaves_out_is_warned_of(config_class, values):
    (sentence,) = warned(config_class, **values)
    assert f"--{list(values)[1]} " in sentence


@pytest.mark.parametrize("fine_tuning", [{"fine_tune_epochs": 2}, {"fine_tune": "on", "choose": "off"}, {}])
def test_the_settings_of_fine_tuning_count_where_it_may_happen(fine_tuning):
    assert warned(config.TrainConfig, unfreeze_blocks=2, fine_tune_learning_rate=1e-4, **fine_tuning) == []


@pytest.mark.parametrize("config_class", [config.TrainConfig, config.EvaluateConfig, config.InspectConfig])
def test_defaults_are_never_warned_of(config_class):
    assert warned(config_class) == []
    assert warned(config_class, **({"augmented_views": 0} if config_class is config.TrainConfig else {})) == []


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_the_files_in_configs_name_no_setting_without_effect(file):
    given = [] if "--dataset=" in file.read_text() else ["--image_dir=photos"]
    parsed = command_line.parse(config.TrainConfig, ["train", f"--flagfile={file}", *given])
    assert effects.without_effect(parsed) == []
    again = config.from_flat(config.TrainConfig, config.to_flat(parsed))
    assert effects.without_effect(again) == []
