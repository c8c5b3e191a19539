"""Tests of keras_transfer.pipelines.choose_backbone: runs that try several networks, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import keras_transfer as kt
from keras_transfer.settings.config import TrainConfig, from_flat
from small_training import write_photos

SETTINGS: dict[str, Any] = {
    "backbone": "mobilenetv2,mobilenet",
    "weights": "random",
    "image_size": 32,
    "resize_mode": "squash",
    "precision": "float32",
    "augmented_views": 0,
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_photos(tmp_path / "photos")
    return tmp_path / "photos"


def test_one_of_several_networks_is_taken_and_the_same_command_goes_on_with_it(photos, tmp_path):
    given = {**SETTINGS, "feature_cache_dir": tmp_path / "cache", "run_dir": tmp_path / "run"}
    run = kt.train(photos, **given)
    tried = run.metrics["backbones_tried"]
    assert [trial["backbone"] for trial in tried] == ["mobilenetv2", "mobilenet"]
    (taken,) = [trial["backbone"] for trial in tried if trial["is_taken"]]
    assert run.metrics["backbone"] == run.settings["backbone"] == taken
    assert "Backbones tried" in run.report().path.read_text("utf-8")
    (tmp_path / "run" / "metrics.json").unlink()  # as if it had been killed at its end
    assert kt.train(photos, **given).metrics["backbone"] == taken


def test_several_networks_ask_for_a_head_that_is_chosen(photos, tmp_path):
    with pytest.raises(kt.UserError, match="--choose=off"):
        kt.train(photos, **SETTINGS, choose="off", feature_cache_dir=tmp_path / "cache", run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"backbone": "vgg16,vgg17"}, "vgg17"),
        ({"backbone": "vgg16,vgg16"}, "twice"),
        ({"backbone": "vgg16,"}, "''"),
        ({"backbone": "vgg16,mobilenetv2", "weights": "a.h5"}, "--weights"),
        ({"backbone": "vgg16,inceptionv3", "image_size": 64}, "inceptionv3"),
    ],
)
def test_networks_that_do_not_go_together_are_refused(settings, named):
    with pytest.raises(kt.ConfigError) as caught:
        from_flat(TrainConfig, {"image_dir": "photos", **settings})
    assert named in str(caught.value)


def test_a_feature_bank_is_of_one_network():
    with pytest.raises(kt.UserError, match="vgg16,mobilenetv2"):
        kt.FeatureBank.open(backbone="vgg16,mobilenetv2", weights="random")


def test_a_dry_run_of_several_networks_plans_each_and_stores_nothing(photos, tmp_path, capsys):
    kt.train(photos, **SETTINGS, dry_run=True, feature_cache_dir=tmp_path / "cache")
    assert capsys.readouterr().out.count("Plan\n") == 2
    assert list((tmp_path / "cache").rglob("*.records")) == []
