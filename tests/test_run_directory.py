"""Tests of keras_transfer.run_directory."""

from __future__ import annotations

import datetime
import json
import os
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_transfer import run_directory
from keras_transfer.data.examples import Examples
from keras_transfer.errors import ConfigError, UserError
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings import command_line
from keras_transfer.settings.config import TrainConfig, from_flat, to_flat

CONFIG = from_flat(
    TrainConfig,
    {
        "image_dir": "photos with spaces",
        "head_units": (512, 3),
        "flip_vertical": True,
        "run_dir": "x",
        "hue": 0.0,
        "model_name": "cars",
    },
)


def config_for(run_dir: Path | str, **values: Any) -> TrainConfig:
    return from_flat(TrainConfig, {**to_flat(CONFIG), "run_dir": str(run_dir), **values})


@pytest.mark.parametrize("file", ["flags", "config"])
def test_a_run_can_be_run_again_from_its_own_files(tmp_path, file):
    run = RunDirectory(tmp_path)
    run.write_config(CONFIG)
    flag = f"--flagfile={run.flags}" if file == "flags" else f"--config={run.config}"
    again = command_line.parse(TrainConfig, ["train", flag])
    assert again.output.run_dir == ""  # or it would run into the first run
    assert (again.model, again.views, again.source) == (CONFIG.model, CONFIG.views, CONFIG.source)
    assert again.training == CONFIG.training


def test_its_configuration_is_read_back(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_config(CONFIG)
    assert run.read_config().model == CONFIG.model


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="not the directory of a finished run"):
        RunDirectory(tmp_path).read_config()


def test_a_damaged_file_is_refused(tmp_path):
    run = RunDirectory(tmp_path)
    run.config.write_text("{")
    with pytest.raises(UserError, match="damaged"):
        run.read_config()
    run.config.write_text('{"image_dir": "x", "batch_size": 0}')
    with pytest.raises(ConfigError, match="batch_size"):
        run.read_config()


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    run = run_directory.create(config_for(tmp_path / "a" / "b"))
    assert os.listdir(run.path) == []


def test_the_default_name_tells_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_directory.create(config_for("")).path.name.startswith("cars-")


def test_default_names_of_the_same_second_are_different_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clock = types.SimpleNamespace(datetime=types.SimpleNamespace(now=lambda: datetime.datetime(2026, 1, 2, 3, 4, 5)))
    monkeypatch.setattr(run_directory, "datetime", clock)
    names = [run_directory.create(config_for("")).path.name for _ in range(3)]
    assert names == ["cars-20260102-030405", "cars-20260102-030405-2", "cars-20260102-030405-3"]


def test_a_finished_run_is_never_overwritten(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_config(CONFIG)
    run.metrics.write_text("{}")
    with pytest.raises(UserError, match="holds something already"):
        run_directory.create(config_for(tmp_path))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("head_learning_rate", 0.01, "--head_learning_rate was 0.001, is 0.01"),
        ("head_units", (8,), "--head_units was 512,3, is 8"),
        ("flip_vertical", False, "--flip_vertical was true, is false"),
        ("seed", 1, "--seed"),
        ("abstain_below", 0.5, "--abstain_below"),
        ("image_size", 96, "--image_size"),
        ("model_name", "lorries", "--model_name"),
    ],
)
def test_an_unfinished_run_is_not_begun_again_with_other_settings(tmp_path, name, value, words):
    RunDirectory(tmp_path).write_config(CONFIG)
    with pytest.raises(UserError, match=words):
        run_directory.create(config_for(tmp_path, **{name: value}))


@pytest.mark.parametrize(
    "values",
    [
        {"dry_run": True},
        {"feature_cache_dir": "elsewhere"},
        {"image_dir": "moved"},
        {"image_dir": "", "image_csv": "list.csv"},
        {"min_test_accuracy": 0.5},
        {"export_version": 2},
    ],
)
def test_an_unfinished_run_may_be_begun_again_with_what_changes_no_result(tmp_path, values):
    RunDirectory(tmp_path).write_config(CONFIG)
    assert run_directory.create(config_for(tmp_path, **values)).path == tmp_path


@pytest.mark.parametrize("content", ["{", "[]", '{"no_such_setting": 1}'])
def test_an_unfinished_run_whose_settings_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match="Choose another folder"):
        run_directory.create(config_for(tmp_path))


def make_examples(*rows: tuple[str, str, str]) -> Examples:
    """Examples of (digest, label, split)."""
    digests, labels, splits = zip(*rows, strict=True)
    paths = tuple(f"{number}.jpg" for number in range(len(rows)))
    label_ids = np.array([("a", "b").index(label) for label in labels], np.int32)
    return Examples(("a", "b"), paths, label_ids, splits, ("",) * len(rows), sha256=digests)


FIRST, SECOND = ("11", "a", "train"), ("22", "b", "test")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([FIRST], ["1 gone"]),
        ([FIRST, SECOND, ("33", "a", "train")], ["1 new"]),
        ([FIRST, ("33", "b", "test"), ("44", "b", "test")], ["2 new", "1 gone"]),
        ([("11", "b", "train"), SECOND], ["1 with another label"]),
        ([FIRST, ("22", "b", "train")], ["1 with another label or in another split"]),
        ([FIRST, SECOND, SECOND], ["1 new"]),
    ],
)
def test_an_unfinished_run_is_not_begun_again_with_other_photos(tmp_path, rows, words):
    run = RunDirectory(tmp_path)
    run.begin(CONFIG, make_examples(FIRST, SECOND))
    before = run.data.read_bytes()
    with pytest.raises(UserError, match="unfinished") as error:
        run.begin(CONFIG, make_examples(*rows))
    assert all(word in str(error.value) for word in words)
    assert run.data.read_bytes() == before


def test_of_an_interrupted_try_stays_what_the_next_one_goes_on_from(tmp_path):
    run = RunDirectory(tmp_path)
    run.begin(CONFIG, make_examples(FIRST, SECOND))
    gone = ["tensorboard/results/events", "plots/a.png", "report.html", "classifier.keras", ".abc-classifier.keras"]
    gone += [".abc-metrics.json", "checkpoints/.abc-head-000001.npz", "export/cars/.2-xyz/saved_model.pb"]
    kept = ["export/cars/1/saved_model.pb", "my notes.txt", "tensorboard/head/events", "checkpoints/head-000001.npz"]
    for name in [*gone, *kept]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    run.begin(CONFIG, make_examples(SECOND, FIRST))  # another order is no other set
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {*kept, "config.json", "flags.txt", "data.json"}


def test_the_settings_of_an_older_run_that_compared_with_nothing_are_read(tmp_path):
    run = RunDirectory(tmp_path)
    run.config.write_text(json.dumps({"image_dir": "photos", "refuse_worse": True}))
    assert run.read_config().publishing.refuse_worse is False


def test_an_unfinished_run_is_begun_again(tmp_path):
    RunDirectory(tmp_path).write_config(CONFIG)
    assert run_directory.create(config_for(tmp_path)).path == tmp_path


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="holds something already"):
        run_directory.create(config_for(tmp_path))


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        run_directory.create(config_for(tmp_path / "file" / "run"))


def test_the_examples_that_a_run_began_with_are_read_again(tmp_path):
    run = RunDirectory(tmp_path)
    run.begin(CONFIG, make_examples(FIRST, SECOND))
    assert run.read_examples().sha256 == ("11", "22")


def test_metrics_are_read_as_they_were_written(tmp_path):
    run = RunDirectory(tmp_path)
    run.finish({"test": None})
    assert run.read_metrics() == {"test": None}


def test_a_finished_run_keeps_the_best_weights_alone_of_its_checkpoints(tmp_path):
    run = RunDirectory(tmp_path)
    run.checkpoints.mkdir()
    for name in ("head.weights.h5", "head-finished.npz", "fine_tune-000007.npz"):
        (run.checkpoints / name).touch()
    run.finish({"test": None})
    assert [path.name for path in run.checkpoints.iterdir()] == ["head.weights.h5"]
