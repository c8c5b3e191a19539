"""Runs whose head is chosen: what they say, keep and repeat, and fine-tuning from a head on layers below its cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.pipelines import choose
from small_training import write_photos

SETTINGS: dict[str, Any] = {
    "weights": "random",
    "image_size": 32,
    "resize_mode": "squash",
    "precision": "float32",
    "augmented_views": 1,
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workplace")
    write_photos(folder / "photos")
    return folder


def train(workplace: Path, name: str, **settings: Any) -> kt.Run:
    given: dict[str, Any] = {**SETTINGS, "feature_cache_dir": workplace / "cache", **settings}
    return kt.train(workplace / "photos", run_dir=workplace / name, **given)


@pytest.fixture(scope="module")
def run(workplace: Path) -> kt.Run:
    return train(workplace, "run")


def test_a_run_without_a_recipe_chooses_its_head_and_says_what_it_tried(run):
    found = run.metrics["choice"]
    assert run.metrics["no_choice"] == ""
    assert found["images"] == 15
    assert {tuple(each["layers"]) for each in found["tried"]} >= {("block5_pool",), ("block5_pool", "block4_pool")}
    assert run.metrics["phases"][0]["epochs"] == []
    assert run.metrics["test"]["accuracy"] == 1
    assert "Heads tried by" in run.report().path.read_text("utf-8")


def test_the_export_embeds_what_the_head_stands_on(run):
    layers = {name for each in run.metrics["choice"]["chosen"] for name in each["layers"]}
    poolings = {name for each in run.metrics["choice"]["chosen"] for name in each["poolings"]}
    embedding = run.classifier._export.loaded.signatures["embed"].structured_outputs["embedding"]
    widths = {"block5_pool": 512, "block4_pool": 512, "block3_pool": 256}
    assert embedding.shape[1] == sum(widths[name] for name in layers) * len(poolings)


@pytest.mark.slow
def test_fine_tuning_goes_on_from_the_chosen_head(workplace, run):
    tuned = train(workplace, "tuned", fine_tune_epochs=1, fine_tune_learning_rate=1e-6).metrics
    assert [phase["phase"] for phase in tuned["phases"]] == ["head", "fine_tune"]
    assert {**tuned["choice"], "seconds": 0} == {**run.metrics["choice"], "seconds": 0}  # the same seed
    assert tuned["phases"][0]["validation_loss"] == pytest.approx(run.metrics["phases"][0]["validation_loss"], rel=1e-4)
    assert tuned["test"]["accuracy"] == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"choose": "off"}, "--choose=off"),
        ({"head_epochs": 3}, "--head_epochs"),
        ({"feature_cache": "off"}, "--feature_cache=off"),
    ],
)
def test_a_given_recipe_is_followed(workplace, capsys, settings, reason):
    kt.train(workplace / "photos", dry_run=True, feature_cache_dir=workplace / "cache", **SETTINGS, **settings)
    plan = capsys.readouterr().out
    assert "epochs above head_pooling" in plan
    assert reason in plan


def test_a_sample_holds_each_class_in_its_share():
    label_ids = np.repeat([0, 1, 2], [600, 300, 100]).astype(np.int32)
    empty = ("",) * 1000
    examples = choose.Examples(("a", "b", "c"), tuple(map(str, range(1000))), label_ids, empty, empty)
    sampled = choose.sample(examples, 100)
    assert len(set(sampled.tolist())) == 100
    assert np.bincount(label_ids[sampled]).tolist() == pytest.approx([60, 30, 10], abs=1)
    assert choose.sample(examples, 2000).tolist() == list(range(1000))
