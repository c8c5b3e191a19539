"""Tests of keras_transfer.export."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from small_training import COLOURS, ask_command, run_command


@pytest.fixture
def run_copy(small_run, tmp_path) -> Path:
    """A run directory that may be changed; its photos lie where they were."""
    return Path(shutil.copytree(small_run.path, tmp_path / "run"))


def probabilities(export_dir: Path, photos: Path, output: Path) -> np.ndarray:
    assert run_command("predict", f"--export_dir={export_dir}", f"--images={photos}", f"--output={output}") == 0
    with output.open(newline="", encoding="utf-8") as file:
        return np.array([[float(row[f"probability_{name}"]) for name in COLOURS] for row in csv.DictReader(file)])


def versions(run_copy: Path) -> list[str]:
    """Everything in the folders of the exports, hidden or not."""
    return sorted(str(path.relative_to(run_copy / "export")) for path in (run_copy / "export").glob("*/*"))


@pytest.mark.parametrize(
    ("flags", "exit_code", "words"),
    [
        ([], 2, "--run_dir is missing: give the directory of a finished run"),
        (["--run_dir=x", "--export_version=-1", "--model_name=a/b"], 2, "--export_version must be at least 0"),
        (["--run_dir=nowhere"], 1, "nowhere/config.json does not exist, so --run_dir=nowhere is not the directory"),
    ],
)
def test_a_mistake_is_answered_in_under_a_second_before_tensorflow_is_imported(tmp_path, flags, exit_code, words):
    ask_command("export", *flags, folder=tmp_path).check_early_mistake(exit_code, words)
    assert list(tmp_path.iterdir()) == []


def test_the_next_free_version_is_taken_by_default_told_and_answers_like_the_first(
    small_run, run_copy, tmp_path, capsys
):
    assert run_command("export", f"--run_dir={run_copy}", f"--config={run_copy / 'config.json'}") == 0
    assert "version 2" in capsys.readouterr().out
    assert versions(run_copy) == ["cars/1", "cars/2"]
    first, second = (
        probabilities(run_copy / "export" / "cars" / number, small_run.photos, tmp_path / f"{number}.csv")
        for number in ("1", "2")
    )
    assert first.shape == (30, 3)
    np.testing.assert_allclose(second, first, atol=1e-6)


def test_a_version_that_exists_is_refused_with_the_next_free_number(run_copy, capsys):
    (run_copy / "export" / "cars" / "9").mkdir()
    (run_copy / "export" / "cars" / "notes").mkdir()
    assert run_command("export", f"--run_dir={run_copy}", "--export_version=1") == 1
    printed = capsys.readouterr().err
    assert f"{run_copy / 'export' / 'cars' / '1'} exists already" in printed
    assert "Give --export_version=10." in printed
    assert versions(run_copy) == ["cars/1", "cars/9", "cars/notes"]


@pytest.fixture(scope="module")
def lorries(small_run, tmp_path_factory) -> Path:
    """An export under another name of a run without a test split, of which only the first file is left."""
    folder = tmp_path_factory.mktemp("lorries")
    run = Path(shutil.copytree(small_run.path, folder / "run"))
    data = json.loads((run / "data.json").read_text("utf-8"))
    for number, row in enumerate(data["examples"]):
        row["split"] = "train"
        if number:
            row["path"] = str(folder / ("gone.jpg", "changed.jpg")[number % 2])
    (folder / "changed.jpg").write_text("no image any more")
    (run / "data.json").write_text(json.dumps(data), "utf-8")
    assert run_command("export", f"--run_dir={run}", "--model_name=lorries") == 0
    return run


def test_another_name_begins_with_a_first_version(small_run, lorries, tmp_path):
    assert versions(lorries) == ["cars/1", "lorries/1"]
    answers = probabilities(lorries / "export" / "lorries" / "1", small_run.photos / "test", tmp_path / "p.csv")
    assert answers.argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # blue, green, red: a folder after the other


@pytest.mark.parametrize("content", [None, b"no image any more"])
def test_test_files_that_are_gone_or_changed_are_refused_by_name(run_copy, tmp_path, capsys, content):
    data = json.loads((run_copy / "data.json").read_text("utf-8"))
    row = next(row for row in data["examples"] if row["split"] == "test")
    row["path"] = str(tmp_path / "other.jpg")
    if content:
        Path(row["path"]).write_bytes(content)
    (run_copy / "data.json").write_text(json.dumps(data), "utf-8")
    assert run_command("export", f"--run_dir={run_copy}", "--export_version=2") == 1
    printed = capsys.readouterr().err
    assert "1 of the run's 9 test files" in printed
    assert row["path"] in printed
    assert versions(run_copy) == ["cars/1"]


def test_without_any_of_the_run_s_files_nothing_is_published(run_copy, capsys):
    text = (run_copy / "data.json").read_text("utf-8")
    (run_copy / "data.json").write_text(text.replace(".jpg", ".jpeg"), "utf-8")
    assert run_command("export", f"--run_dir={run_copy}", "--export_version=2") == 1
    assert "9 of the run's 9 test files" in capsys.readouterr().err
    assert versions(run_copy) == ["cars/1"]


@pytest.mark.parametrize("name", ["config.json", "data.json", "metrics.json"])
def test_a_run_that_is_not_finished_is_refused_by_the_file_it_lacks(run_copy, capsys, name):
    (run_copy / name).unlink()
    assert run_command("export", f"--run_dir={run_copy}", "--export_version=2") == 1
    assert f"{run_copy / name} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no zip archive"])
def test_a_classifier_that_is_gone_or_damaged_is_refused(run_copy, capsys, content):
    (run_copy / "classifier.keras").unlink()
    if content is not None:
        (run_copy / "classifier.keras").write_bytes(content)
    assert run_command("export", f"--run_dir={run_copy}", "--export_version=2") == 1
    assert f"{run_copy / 'classifier.keras'} cannot be loaded" in capsys.readouterr().err
    assert versions(run_copy) == ["cars/1"]
