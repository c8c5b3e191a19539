"""Tests of keras_transfer.api: settings by name, and what a finished run, a loaded export and their pages give."""

from __future__ import annotations

import csv
import html
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from small_training import SmallRun


@pytest.fixture(scope="module")
def run(small_run: SmallRun) -> kt.Run:
    return kt.Run(small_run.path)


@pytest.fixture(scope="module")
def classifier(small_run: SmallRun) -> kt.Classifier:
    return kt.load(small_run.export_dir)


def photo(small_run: SmallRun, name: str) -> Path:
    return small_run.photos / "test" / name / "0.jpg"


def test_everything_offered_is_there_and_importing_it_loads_no_tensorflow():
    program = (
        "import sys, keras_transfer as kt\n"
        "assert 'keras_transfer.api' not in sys.modules\n"
        "assert callable(kt.train) and set(kt.__all__) <= set(dir(kt))\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "assert all(getattr(kt, name) for name in kt.__all__)\n"
        "assert not hasattr(kt, 'nonsense')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_command_s_module_does_not_take_the_place_of_its_function():
    import keras_transfer.train  # noqa: F401

    assert kt.train.__module__ == "keras_transfer.api.commands"
    assert sys.modules["keras_transfer.train"].train is not kt.train


def test_a_run_gives_its_metrics_paths_and_settings(run, small_run):
    assert run.metrics["test"]["examples"] == 9
    assert run.export_dir == small_run.export_dir
    assert run.classifier_path.is_file()
    assert run.settings["image_size"] == 32


def test_a_run_shows_itself_and_its_report_in_a_notebook(run, small_run):
    assert f"{run.metrics['test']['accuracy']:.4f}" in run._repr_html_()
    page = (small_run.path / "report.html").read_text("utf-8")
    assert html.escape(page) in run.report()._repr_html_()


def test_the_folder_of_no_finished_run_is_refused(tmp_path):
    with pytest.raises(kt.UserError, match="not the directory of a finished run"):
        kt.Run(tmp_path)


def test_a_path_bytes_pixels_and_a_list_get_the_same_answer(run, classifier, small_run, tmp_path):
    path = photo(small_run, "red")
    pixels = np.asarray(Image.open(path))
    png = tmp_path / "photo.png"
    Image.fromarray(pixels).save(png)
    expected = classifier.predict(png)
    assert expected.label == "red"
    assert expected.score == max(expected.scores.values())
    assert sum(expected.scores.values()) == pytest.approx(1, abs=1e-5)
    assert (
        classifier.predict(str(png)) == classifier.predict(png.read_bytes()) == classifier.predict(pixels) == expected
    )
    assert classifier.predict([png, pixels])[1].scores == pytest.approx(expected.scores, abs=1e-5)
    assert run.predict(path).scores == pytest.approx(expected.scores, abs=0.2)  # JPEG's decoder differs from Pillow's


def test_a_list_is_answered_in_its_order_whatever_the_batches(classifier, small_run):
    names = ["red", "blue", "green", "blue", "red"]
    answers = classifier.predict([photo(small_run, name) for name in names], batch_size=2)
    assert [answer.label for answer in answers] == names
    assert classifier.predict([]) == []


def test_gray_pixels_are_a_gray_picture(classifier):
    gray = np.full((40, 50), 100, np.uint8)
    expected = classifier.predict(np.repeat(gray[..., None], 3, axis=2)).scores
    assert classifier.predict(gray).scores == pytest.approx(expected, abs=1e-5)
    assert classifier.predict(gray[..., None]).scores == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("nowhere.jpg", "nowhere.jpg"),
        (b"no image", "image 0"),
        (np.zeros((4, 4, 3), np.float32), "uint8"),
        (np.zeros((2, 4, 4, 3), np.uint8), "give a list"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (7, "int"),
        ([b"no image", b"another"], "1 more"),
    ],
)
def test_what_is_no_image_is_refused_with_its_name(classifier, image, words):
    with pytest.raises(kt.UserError, match=words):
        classifier.predict(image)


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_what_is_no_export_is_refused(place):
    with pytest.raises(kt.UserError, match="export_dir"):
        kt.load(place)


def test_evaluate_measures_a_folder_or_a_csv(small_run, tmp_path):
    shutil.copytree(small_run.photos / "test", tmp_path / "new")
    of_folder = kt.evaluate(small_run.export_dir, tmp_path / "new", output=tmp_path / "a")
    with (tmp_path / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        rows.writerows([path, path.parent.name] for path in (tmp_path / "new").rglob("*.jpg"))
    of_csv = kt.evaluate(str(small_run.export_dir), str(tmp_path / "photos.csv"), output=tmp_path / "b")
    assert of_folder.metrics["evaluation"]["per_class"] == of_csv.metrics["evaluation"]["per_class"]
    assert of_folder.report().path.is_file()
    assert "accuracy" in repr(of_folder)


def test_inspect_data_gives_its_findings_and_their_page(small_run, tmp_path):
    inspection = kt.inspect_data(small_run.photos, output=tmp_path / "inspection")
    assert inspection.findings["counts"]["error"] == 0
    assert "<html" in inspection.report().path.read_text("utf-8")
    assert "0 error" in repr(inspection)


def test_a_dry_run_trains_nothing(small_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert kt.train(small_run.photos, dry_run=True, weights="random", image_size=np.int64(32)) is None
    assert "Plan" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()


def test_wrong_settings_are_refused_together_in_one_error(small_run):
    with pytest.raises(kt.ConfigError) as caught:
        kt.train(small_run.photos, batch_size=0, head_epochs="many")
    assert "batch_size" in str(caught.value)
    assert "head_epochs" in str(caught.value)


@pytest.mark.parametrize(("name", "meant"), [("bach_size", "batch_size"), ("lr", "head_learning_rate")])
def test_an_unknown_setting_is_answered_with_the_one_that_is_meant(name, meant):
    settings: dict[str, Any] = {name: 1}
    with pytest.raises(kt.ConfigError, match=meant):
        kt.train("photos", **settings)


def test_photos_that_are_given_twice_are_refused():
    with pytest.raises(kt.ConfigError, match="twice"):
        kt.train("photos", image_dir="others")


def test_a_fault_of_the_machine_is_one_sentence(small_run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(kt.UserError, match="file"):
        kt.train(small_run.photos, weights="random", run_dir=tmp_path / "file" / "run")


def test_the_bank_is_offered_for_any_images_at_any_cut(small_run, tmp_path):
    path = photo(small_run, "red")
    settings = {"weights": "random", "image_size": 32, "feature_cache_dir": tmp_path}
    with kt.FeatureBank.open(cut="block1_pool", **settings) as bank:
        features = bank.features([path, path])
    assert features.shape == (2, 16, 16, 64)
    np.testing.assert_array_equal(features[0], features[1])
