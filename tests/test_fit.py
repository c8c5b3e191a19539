"""Tests of keras_transfer.pipelines.fit and report: what a run's metrics hold beside those of its splits."""

from __future__ import annotations

import json
import types
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from keras_transfer.data.examples import Examples
from keras_transfer.model import cut
from keras_transfer.pipelines import fit, report
from keras_transfer.saved_model import reader
from small_pictures import picture
from small_training import make_classifier, make_config, run_command

COUNT = 60


def calibrate(folder, **values):
    """Calibrates on validation images of which the first ten are wrong, though their logits are far apart.

    Returns:
      The temperature, and by how much the logits of some image became smaller.
    """
    config = make_config(folder, feature_layers=("block1_pool",), **values)
    classifier = make_classifier(config)
    nothing = ("",) * COUNT
    examples = Examples(("a", "b"), nothing, np.zeros(COUNT, np.int32), ("validation",) * COUNT, nothing)
    logits = np.tile(np.array([6, 0], np.float32), (COUNT, 1))
    logits[:10] = [0, 6]
    to_logits = cut.whole_to_logits(classifier.model)
    image = np.full((1, 32, 32, 3), 99, np.float32)
    before = np.asarray(to_logits(image))
    prepared = types.SimpleNamespace(config=config, classifier=classifier, examples=examples)
    found = fit._calibrate(prepared, None, types.SimpleNamespace(validation_logits=logits))
    return found, float(np.mean(before / np.asarray(to_logits(image))))


def test_the_classifier_s_logits_are_divided_by_the_fitted_temperature(tmp_path):
    found, divisor = calibrate(tmp_path)
    # 50 of 60 are right: the best confidence is 5/6, so that 6 / temperature = ln 5.
    assert found.value == pytest.approx(6 / np.log(5), rel=1e-3)
    assert divisor == pytest.approx(found.value, rel=1e-4)


def test_without_calibrate_the_logits_stay(tmp_path):
    found, divisor = calibrate(tmp_path, calibrate=False)
    assert (found.value, divisor) == (1, 1)
    assert "--calibrate is off" in found.reason


@pytest.fixture(scope="module")
def metrics(leaky_run):
    return json.loads((leaky_run / "run" / "metrics.json").read_text("utf-8"))


def test_further_columns_are_slices_of_the_test_split(metrics):
    """Nine test images are too few to tell anything of either camera."""
    assert metrics["slices"] == [{"column": "camera", "least_examples": 10, "left_out": 2, "values": []}]


def test_too_few_validation_images_are_not_calibrated_on(metrics):
    assert metrics["calibration"]["temperature"] == 1
    assert "6 validation images" in metrics["calibration"]["reason"]


def test_the_baselines_are_measured_on_both_splits_and_tell_the_colours_apart(metrics):
    found = metrics["baselines"]
    assert (found["features"], found["training_examples"]) == (64, 15)
    rows = {row["name"]: row for row in found["rows"]}
    assert {split: rows["majority class"][split]["accuracy"] for split in ("validation", "test")} == {
        "validation": pytest.approx(1 / 3),
        "test": pytest.approx(1 / 3),
    }
    assert rows["linear probe"]["test"]["accuracy"] == rows["nearest neighbours"]["test"]["accuracy"] == 1
    compared = found["head_against_probe"]
    assert (compared["split"], compared["examples"], compared["verdict"]) == ("test", 9, "no difference")


def test_the_export_abstains_and_its_card_says_so(leaky_run):
    export_dir = leaky_run / "run" / "export" / "cars" / "1"
    photo = next((leaky_run / "photos" / "test").rglob("*.jpg")).read_bytes()
    answer = reader.read(export_dir).serving_default(image_bytes=np.array([photo]))
    assert bool(answer["accepted"][0]) is bool(answer["score"][0] >= 0.5)
    assert "at least 0.5" in (export_dir / "assets.extra" / "MODEL_CARD.md").read_text("utf-8")


def measured(compared: Any = None, values: Any = ()) -> Any:
    """As much of a run's metrics as the comparisons of its summary ask for."""
    column = SimpleNamespace(column="time", values=values)
    return SimpleNamespace(baselines=SimpleNamespace(head_against_probe=compared), slices=[column])


@pytest.mark.parametrize(("verdict", "words"), [("worse", "worse than"), ("no difference", "no different from")])
def test_the_summary_says_what_the_head_is_worth(verdict, words):
    compared = SimpleNamespace(split="test", only_head_right=2, only_probe_right=11, verdict=verdict)
    ((name, text),) = report._comparisons(measured(compared))
    assert name == "trained head"
    assert words in text
    assert "2 to 11" in text


def test_the_summary_names_the_slices_that_are_flagged_and_no_others():
    values = [
        SimpleNamespace(value=value, is_flagged=value == "night", metrics={"accuracy": 0.5}, gaps={"accuracy": -0.25})
        for value in ("night", "day")
    ]
    assert report._comparisons(measured(values=values)) == [
        ("time = night", "accuracy 0.5000, 0.2500 below the others")
    ]


@pytest.mark.parametrize(("flags", "is_told"), [((), True), (("--class_weights=balanced",), False)])
def test_unbalanced_classes_are_told_before_training_with_the_flag_that_helps(tmp_path, capsys, flags, is_told):
    for name, count in (("common", 40), ("rare", 3)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(count):
            picture(count * 100 + number, 40, 40).save(tmp_path / "photos" / name / f"{number}.jpg")
    settings = (
        "--backbone=mobilenetv2",
        "--weights=random",
        "--image_size=32",
        f"--feature_cache_dir={tmp_path / 'c'}",
    )
    assert run_command("train", f"--image_dir={tmp_path / 'photos'}", *settings, "--dry_run", *flags) == 0
    assert capsys.readouterr().err.count("--class_weights=balanced") == is_told
