"""Tests of keras_transfer.pipelines.evaluation: what an export tells of itself, and very few photos."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from keras_transfer.saved_model import version_folder
from small_evaluation import copy_photos, evaluate, rows_of
from small_training import COLOURS


@pytest.fixture(scope="module")
def marked(small_run, tmp_path_factory):
    """A function that copies the export with some of its metadata changed."""

    def make(**changes: Any) -> Path:
        target = tmp_path_factory.mktemp("marked") / "cars" / "1"
        shutil.copytree(small_run.export_dir, target)
        file = target / version_folder.METADATA_FILE
        file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}))
        return target

    return make


def test_an_export_with_random_weights_is_never_to_be_deployed(small_run, marked, tmp_path, capsys):
    base = {"backbone": "vgg16", "weights": "random", "weights_note": "The weights file was not available."}
    copied = dataclasses.replace(small_run, export_dir=marked(base=base))
    result = evaluate(copied, small_run.photos, tmp_path / "out")
    assert (result["weights"], result["weights_note"]) == ("random", base["weights_note"])
    assert base["weights_note"] in capsys.readouterr().err
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert base["weights_note"] in page
    assert "Do not deploy it" in page


def test_what_an_export_accepts_is_counted_at_its_own_threshold(small_run, marked, tmp_path, capsys):
    copied = dataclasses.replace(small_run, export_dir=marked(serving={"abstain_below": 0.93}))
    result = evaluate(copied, small_run.photos, tmp_path / "out")
    assert result["abstain_below"] == 0.93
    (row,) = [row for row in result["evaluation"]["thresholds"] if row["threshold"] == 0.93]
    assert row["examples"] == sum(float(row["score"]) >= 0.93 for row in rows_of(tmp_path / "out"))
    assert "accepted" in capsys.readouterr().out


@pytest.mark.parametrize(("right", "differs"), [(9, False), (0, True)])
def test_photos_on_which_it_does_worse_than_on_its_own_test_are_told_with_both_numbers(
    small_run, tmp_path, right, differs
):
    """The labels of the new photos are turned where nothing is to be right."""
    photos = tmp_path / "photos"
    names = sorted(COLOURS)
    for number, name in enumerate(names):
        source = name if right else names[(number + 1) % 3]
        shutil.copytree(small_run.photos / "test" / source, photos / name)
    result = evaluate(small_run, photos, tmp_path / "out")
    own = result["own_test"]
    assert (own["accuracy"], own["measured_accuracy"], own["examples"]) == (1, right / 9, 9)
    assert own["differs"] is differs
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert ("Other photos" in page) == differs


@pytest.mark.parametrize("names", [["blue/0=red/0", "red/0=blue/0"], ["blue/0", "green/0", "red/0=green/1"]])
def test_a_handful_of_photos_is_measured(small_run, tmp_path, names):
    result = evaluate(small_run, copy_photos(small_run, tmp_path / "photos", *names), tmp_path / "out")
    assert result["evaluation"]["examples"] == len(names)
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_an_export_without_metadata_is_measured_with_a_warning(small_run, marked, tmp_path, capsys, content):
    export_dir = marked()
    file = export_dir / version_folder.METADATA_FILE
    file.unlink() if content is None else file.write_text(content)
    copied = dataclasses.replace(small_run, export_dir=export_dir)
    result = evaluate(copied, small_run.photos, tmp_path / "out")
    assert (result["weights"], result["own_test"]) == ("", None)
    assert "metadata.json" in capsys.readouterr().err
