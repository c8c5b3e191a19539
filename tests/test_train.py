"""Tests of keras_transfer.train: what it refuses, says and writes down. The whole way is in test_end_to_end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from keras_transfer import run_lock
from small_training import COLOURS, PHOTOS_A_CLASS, ask_command, open_locks, run_command, small_run_flags


def files_with_times(folder: Path) -> dict[str, int]:
    """All but the lock, which a killed run leaves and the next one takes."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != run_lock.LOCK_FILE}


@pytest.mark.parametrize(
    ("flags", "exit_code", "words"),
    [
        ([], 2, "No images: give one of"),
        (["--image_dir=photos", "--image_csv=photos.csv", "--dropout=1"], 2, "--dropout must be less than 1"),
        (["--image_dir=photos", "--weights=nowhere.h5"], 1, "There is no weights file nowhere.h5"),
        (["--image_dir=photos", "--refuse_worse"], 2, "--refuse_worse has nothing to compare with"),
        (["--image_dir=photos", "--compare_export_dir=used"], 1, "--compare_export_dir=used "),
        (["--image_dir=photos", "--run_dir=used"], 1, "--run_dir=used holds something already"),
        (["--image_dir=photos", "--run_dir=used", "--dry_run"], 1, "--run_dir=used holds something already"),
        (["--image_dir=photos", "--run_dir=photos/a/1.jpg", "--dry_run"], 1, "--run_dir=photos/a/1.jpg is no folder"),
    ],
)
def test_a_mistake_is_answered_in_under_a_second_before_tensorflow_is_imported(tmp_path, flags, exit_code, words):
    for name in ("photos/a/1.jpg", "photos/b/1.jpg", "used/holiday.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    before = files_with_times(tmp_path)
    ask_command("train", *flags, folder=tmp_path).check_early_mistake(exit_code, words)
    assert files_with_times(tmp_path) == before


def test_all_faults_of_a_configuration_are_told_at_once(tmp_path):
    answer = ask_command("train", "--batch_size=0", "--model_name=a/b", folder=tmp_path)
    for words in ("--batch_size must be at least 1", "No images", "--model_name must begin with"):
        assert words in answer.errors


def test_a_finished_run_is_refused_and_not_touched(small_run, tmp_path, capsys):
    before = files_with_times(small_run.path)
    flags = small_run_flags(small_run.photos, tmp_path)
    assert run_command("train", *flags, f"--run_dir={small_run.path}") == 1
    assert "holds something already, and no run overwrites another" in capsys.readouterr().err
    assert files_with_times(small_run.path) == before
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing_in_the_places_that_a_run_takes_by_default(small_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    flags = [*small_run_flags(small_run.photos, tmp_path), "--run_dir=", "--feature_cache_dir=", "--dry_run"]
    assert run_command("train", *flags) == 0
    assert "15 train, 6 validation, 9 test" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_bound_that_could_never_be_measured_is_refused_before_training_and_leaves_no_run_directory(
    small_run, tmp_path, capsys
):
    photos = tmp_path / "photos"
    for split in ("train", "validation"):
        shutil.copytree(small_run.photos / split, photos / split)
    flags = [*small_run_flags(photos, tmp_path), f"--run_dir={tmp_path / 'run'}", "--min_test_accuracy=0.5"]
    assert run_command("train", *flags) == 1
    assert "there is no test split to measure it on" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_the_plan_comes_first_and_the_result_last(small_run):
    plan, training, result = (small_run.printed.index(words) for words in ("\nPlan\n", "\nhead phase:", "\nResult\n"))
    assert plan < training < result
    assert "3: blue, green, red" in small_run.printed[plan:training]
    assert "10 epochs above head_pooling" in small_run.printed[plan:training]


@pytest.mark.parametrize("what", ["export", "classifier", "metrics", "report", "examples"])
def test_the_result_names_places_that_exist(small_run, what):
    table = small_run.printed.partition("\nResult\n")[2].partition("\n\n")[0]
    rows = dict(line.split(maxsplit=1) for line in table.splitlines())
    assert Path(rows[what]).exists()


def test_the_command_named_as_next_step_is_one_that_can_be_typed(small_run, tmp_path):
    (line,) = [line.strip() for line in small_run.printed.splitlines() if "keras_transfer.predict" in line]
    flags = line.split()[3:]
    assert flags[0] == f"--export_dir={small_run.export_dir}"
    photo = small_run.photos / "test" / "red" / "0.jpg"
    output = tmp_path / "predictions.csv"
    assert run_command("predict", flags[0], f"--images={photo}", f"--output={output}") == 0
    assert output.is_file()


def test_split_folders_are_the_splits_and_class_folders_the_labels(small_run):
    rows = json.loads((small_run.path / "data.json").read_text("utf-8"))["examples"]
    assert len(rows) == len(COLOURS) * sum(PHOTOS_A_CLASS.values())
    assert {(row["split"], row["label"]) for row in rows} == {
        (split, name) for split in PHOTOS_A_CLASS for name in COLOURS
    }
    assert all(Path(row["path"]).parent == small_run.photos / row["split"] / row["label"] for row in rows)


def test_only_the_test_folder_is_counted_as_test(small_run):
    metrics = json.loads((small_run.path / "metrics.json").read_text("utf-8"))
    assert metrics["test"]["confusion_matrix"] == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]
    assert metrics["validation"]["examples"] == 6


@pytest.fixture(scope="module")
def taken_up(small_run, tmp_path_factory) -> tuple[Path, dict[str, int]]:
    """The folder of a run that was killed and then carried out again; and the times of its version's files before."""
    folder = Path(shutil.copytree(small_run.killed, tmp_path_factory.mktemp("killed") / "copy"))
    before = files_with_times(folder / "run" / "export" / "cars" / "1")
    (folder / "run" / "tensorboard" / "results" / "old.v2").write_text("of the killed try")
    assert before
    assert not (folder / "run" / "metrics.json").exists()
    assert run_command("train", *small_run_flags(folder / "photos", folder)) == 0
    return folder, before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list open files")
def test_a_run_on_a_filled_bank_does_not_leave_it_open(taken_up):
    folder, _ = taken_up
    assert open_locks(folder) == []


def test_a_run_killed_after_publishing_ends_with_the_same_version_and_metrics(small_run, taken_up):
    folder, before = taken_up
    assert files_with_times(folder / "run" / "export" / "cars" / "1") == before
    first, again = (json.loads((path / "metrics.json").read_text("utf-8")) for path in (small_run.path, folder / "run"))
    assert again["test"] == first["test"]
    assert not list((folder / "run").rglob("old.v2"))


@pytest.mark.parametrize(
    ("change", "flags", "words"),
    [
        ("none", ["--head_learning_rate=0.01"], "--head_learning_rate was 0.05, is 0.01"),
        ("none", ["--head_learning_rate=0.01", "--dry_run"], "--head_learning_rate was 0.05, is 0.01"),
        ("gone", [], "1 gone"),
        ("gone", ["--dry_run"], "1 gone"),
    ],
)
def test_an_unfinished_run_is_not_taken_over(small_run, tmp_path, capsys, change, flags, words):
    killed = small_run.killed
    photos = Path(shutil.copytree(killed / "photos", tmp_path / "photos"))
    if change == "gone":
        (photos / "train" / "red" / "0.jpg").unlink()
    before = files_with_times(killed / "run")
    given = small_run_flags(photos, killed)
    assert run_command("train", *given, *flags) == 1
    assert words in capsys.readouterr().err
    assert files_with_times(killed / "run") == before


@pytest.mark.slow
def test_a_run_is_compared_with_the_export_in_production(small_run, tmp_path, capsys):
    flags = [
        *small_run_flags(small_run.photos, tmp_path),
        "--refuse_worse",
        f"--compare_export_dir={small_run.export_dir}",
    ]
    assert run_command("train", *flags, f"--feature_cache_dir={small_run.path.parent / 'cache'}") == 0
    assert f"against {small_run.export_dir}" in capsys.readouterr().out


def test_the_server_that_is_proposed_listens_on_this_machine_only(small_run):
    (line,) = [line for line in small_run.printed.splitlines() if "docker run" in line]
    ports = [word for before, word in zip(line.split(), line.split()[1:], strict=False) if before == "-p"]
    assert ports == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
