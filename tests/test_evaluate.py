"""Tests of keras_transfer.evaluate."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from keras_transfer.saved_model import reader, version_folder
from report_page import Page
from small_evaluation import copy_photos, evaluate, rows_of
from small_training import COLOURS, ask_command, run_command


@pytest.mark.parametrize(
    ("flags", "exit_code", "words"),
    [
        ([], 2, "--export_dir is missing: give the version folder of an export"),
        (["--export_dir=x", "--image_dir=y", "--evaluate_split=val"], 2, "--evaluate_split must be one of auto"),
        (["--export_dir=nowhere", "--image_dir=photos"], 1, "--export_dir=nowhere is no folder"),
        (["--export_dir=cars", "--image_dir=photos", "--compare_export_dir=photos"], 1, "--compare_export_dir=photos "),
        (["--export_dir=cars", "--image_dir=nowhere"], 1, "There is no folder or file 'nowhere'"),
        (["--export_dir=cars", "--image_dir=photos", "--evaluate_split=test"], 1, "--evaluate_split=test holds no ex"),
    ],
)
def test_a_mistake_is_answered_in_under_a_second_before_tensorflow_is_imported(tmp_path, flags, exit_code, words):
    for name in ("photos/a/1.jpg", "photos/b/1.jpg", "cars/saved_model.pb", f"cars/{version_folder.LABELS_FILE}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    ask_command("evaluate", *flags, folder=tmp_path).check_early_mistake(exit_code, words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cars", "photos"]


# small_training.PHOTOS_A_CLASS of three classes.
@pytest.mark.parametrize(
    ("wanted", "name", "count"),
    [("auto", "test", 9), ("validation", "validation", 6), ("train", "train", 15), ("all", "all", 30)],
)
def test_the_split_decides_which_examples_count(small_run, tmp_path, wanted, name, count):
    result = evaluate(small_run, small_run.photos, tmp_path, f"--evaluate_split={wanted}", "--batch_size=4")
    assert (result["split"], result["evaluation"]["examples"]) == (name, count)
    folder = small_run.photos if name == "all" else small_run.photos / name
    assert [row["path"] for row in rows_of(tmp_path)] == sorted(str(path) for path in folder.rglob("*.jpg"))


def test_without_a_test_split_the_validation_split_counts(small_run, tmp_path):
    for split in ("train", "validation"):
        shutil.copytree(small_run.photos / split, tmp_path / "photos" / split)
    assert evaluate(small_run, tmp_path / "photos", tmp_path / "out")["split"] == "validation"


def test_without_splits_all_examples_count(small_run, tmp_path):
    assert evaluate(small_run, small_run.photos / "train", tmp_path / "out")["split"] == "all"


def test_photos_in_the_wrong_folder_count_as_errors(small_run, tmp_path):
    """The classifier tells the colours apart, so every metric follows from what was put where."""
    names = ("blue/0", "blue/1", "blue/2", "green/0", "red/0", "red/1=green/1")
    measured = evaluate(small_run, copy_photos(small_run, tmp_path / "photos", *names), tmp_path / "out")["evaluation"]
    assert measured["confusion_matrix"] == [[3, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert measured["accuracy"] == pytest.approx(5 / 6)
    assert measured["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_the_metrics_are_those_of_the_predictions_beside_them(small_run, tmp_path):
    names = ("blue/0", "blue/1=red/1", "green/0", "green/1", "red/0", "red/1=green/2", "red/2")
    measured = evaluate(small_run, copy_photos(small_run, tmp_path / "photos", *names), tmp_path / "out")["evaluation"]
    rows = rows_of(tmp_path / "out")
    assert list(rows[0]) == [
        "path",
        "true_label",
        "label",
        "score",
        *(f"probability_{name}" for name in sorted(COLOURS)),
    ]
    true = [row["true_label"] for row in rows]
    assert true == [Path(row["path"]).parent.name for row in rows]
    labels = [row["label"] for row in rows]
    probabilities = np.array([[row[f"probability_{name}"] for name in sorted(COLOURS)] for row in rows], np.float32)
    assert measured["accuracy"] == pytest.approx(accuracy_score(true, labels))
    assert measured["macro_f1"] == pytest.approx(f1_score(true, labels, average="macro"))
    assert measured["log_loss"] == pytest.approx(log_loss(true, probabilities, labels=sorted(COLOURS)))


def test_some_of_the_classes_are_enough_and_keep_their_place(small_run, tmp_path):
    """Label ids of the folder (green 0, red 1) are not those of the export (green 1, red 2)."""
    photos = copy_photos(small_run, tmp_path / "photos", "green/0", "green/1", "red/0")
    measured = evaluate(small_run, photos, tmp_path / "out")["evaluation"]
    assert measured["confusion_matrix"] == [[0, 0, 0], [0, 2, 0], [0, 0, 1]]


@pytest.mark.parametrize("flags", [[], ["--compare_export_dir"]])
def test_photos_of_one_class_are_measured_and_what_they_cannot_say_is_left_out(small_run, tmp_path, capsys, flags):
    photos = copy_photos(small_run, tmp_path / "photos", "red/0", "red/1", "red/2=blue/2")
    flags = [f"{flag}={small_run.export_dir}" for flag in flags]
    result = evaluate(small_run, photos, tmp_path / "out", *flags)
    measured = result["evaluation"]
    assert measured["accuracy"] == pytest.approx(2 / 3)
    assert measured["per_class"]["red"]["recall"] == pytest.approx(2 / 3)
    unknown = [measured[name] for name in ("macro_f1", "weighted_f1", "roc_auc")]
    unknown += [measured["per_class"]["red"][name] for name in ("precision", "f1")]
    assert unknown == [None] * 5
    assert "macro F1" not in capsys.readouterr().out
    assert any("'red'" in note for note in result["notes"])
    assert (tmp_path / "out" / "report.html").exists()


def test_an_evaluation_that_is_replaced_is_told(small_run, tmp_path, capsys):
    (tmp_path / "metrics.json").write_text("{}")
    evaluate(small_run, small_run.photos, tmp_path)
    assert "earlier evaluation" in capsys.readouterr().err


@pytest.mark.parametrize(("known", "given"), [("K\u00e4fer", "Ka\u0308fer"), ("Ka\u0308fer", "K\u00e4fer")])
def test_class_names_are_compared_in_one_unicode_form(small_run, tmp_path, known, given):
    export = tmp_path / "export" / "1"
    shutil.copytree(small_run.export_dir, export)
    (export / version_folder.LABELS_FILE).write_text(f"blue\ngreen\n{known}\n", "utf-8")
    photos = copy_photos(small_run, tmp_path / "photos", "blue/0", f"{given}/0=red/0")
    flags = [f"--export_dir={export}", f"--image_dir={photos}", f"--output={tmp_path / 'out'}"]
    assert run_command("evaluate", *flags) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["evaluation"]["accuracy"] == 1


def test_a_class_that_the_export_does_not_know_is_refused_by_name(small_run, tmp_path, capsys):
    photos = copy_photos(small_run, tmp_path / "photos", "blue/0", "purple/0=red/0")
    flags = [f"--export_dir={small_run.export_dir}", f"--image_dir={photos}", f"--output={tmp_path / 'out'}"]
    assert run_command("evaluate", *flags) == 1
    assert "does not know the class(es) 'purple'. It knows: blue, green, red" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_read_is_left_out_and_listed(small_run, tmp_path, capsys):
    photos = copy_photos(small_run, tmp_path / "photos", "blue/0", "green/0", "red/0")
    (photos / "red" / "notes.jpg").write_text("dear diary")
    (photos / "red" / "scan.tif").write_bytes(b"II*\0")
    result = evaluate(small_run, photos, tmp_path / "out", "--max_unreadable_fraction=0.4")
    assert result["evaluation"]["examples"] == 3
    reasons = {Path(item["path"]).name: item["reason"] for item in result["left_out"]}
    assert "a text file" in reasons["notes.jpg"]
    assert ".tif cannot be read; convert it" in reasons["scan.tif"]
    warned = capsys.readouterr().err
    report = Page((tmp_path / "out" / "report.html").read_text("utf-8")).text
    for name in ("notes.jpg", "scan.tif"):
        assert name in warned
        assert name in report


@pytest.mark.parametrize(("name", "content"), [("notes.jpg", b"dear diary"), ("scan.tif", b"II*\0")])
def test_too_many_files_that_cannot_be_read_stop_it(small_run, tmp_path, capsys, name, content):
    photos = copy_photos(small_run, tmp_path / "photos", "blue/0", "green/0", "red/0")
    (photos / "red" / name).write_bytes(content)
    flags = [f"--export_dir={small_run.export_dir}", f"--image_dir={photos}", f"--output={tmp_path / 'out'}"]
    assert run_command("evaluate", *flags, "--max_unreadable_fraction=0.2") == 1
    assert "1 of 4 files cannot be read, more than --max_unreadable_fraction=0.2 allows" in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*"))


def test_where_no_file_at_all_can_be_read_there_is_nothing_to_measure(small_run, tmp_path, capsys):
    for name in ("blue", "red"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "notes.jpg").write_text("dear diary")
    flags = [f"--export_dir={small_run.export_dir}", f"--image_dir={tmp_path / 'photos'}", f"--output={tmp_path / 'o'}"]
    assert run_command("evaluate", *flags, "--max_unreadable_fraction=1") == 1
    assert "There are no examples to measure on" in capsys.readouterr().err
    assert not list(tmp_path.glob("o/*"))


def test_further_columns_of_a_csv_file_are_slices(small_run, tmp_path):
    lines = ["path,label,camera"]
    for number, path in enumerate(sorted(small_run.photos.rglob("*.jpg"))):
        # All labels of the second camera are wrong.
        camera = ("phone", "scanner")[number % 3 == 0]
        names = sorted(COLOURS)
        label = path.parent.name if camera == "phone" else names[(names.index(path.parent.name) + 1) % 3]
        lines.append(f"{path},{label},{camera}")
    (tmp_path / "photos.csv").write_text("\n".join(lines))
    flags = [f"--export_dir={small_run.export_dir}", f"--output={tmp_path / 'out'}"]
    assert run_command("evaluate", *flags, f"--image_csv={tmp_path / 'photos.csv'}") == 0
    (column,) = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["slices"]
    found = {row["value"]: (row["examples"], row["metrics"]["accuracy"], row["is_flagged"]) for row in column["values"]}
    assert (column["column"], found) == ("camera", {"phone": (20, 1.0, False), "scanner": (10, 0.0, True)})


def test_an_export_is_set_beside_another_one(small_run, tmp_path, monkeypatch, capsys):
    """The other one has its classes turned, so it is wrong where this one is right."""
    read = reader.read
    other = str(shutil.copytree(small_run.export_dir, tmp_path / "other"))

    def turned(path: str) -> reader.Export:
        export = read(path)
        if path != other:
            return export
        ask = export.serving_default

        def serving_default(image_bytes: Any) -> dict[str, Any]:
            return {"probabilities": np.roll(ask(image_bytes=image_bytes)["probabilities"], 1, axis=1)}

        return dataclasses.replace(export, serving_default=serving_default)

    monkeypatch.setattr(reader, "read", turned)
    result = evaluate(small_run, small_run.photos, tmp_path, f"--compare_export_dir={other}")
    compared = result["comparison"]
    assert (compared["export"], compared["evaluation"]["accuracy"]) == (other, 0)
    assert compared["paired"] == {
        "examples": 9,
        "only_new_right": 9,
        "only_earlier_right": 0,
        "p_value": pytest.approx(2 / 2**9),
        "verdict": "better",
    }
    assert compared["differences"]["accuracy"] == {"difference": 1.0, "interval": None}
    loss = result["evaluation"]["log_loss"] - compared["evaluation"]["log_loss"]
    assert compared["differences"]["log_loss"]["difference"] == pytest.approx(loss, rel=1e-5)
    assert "9 against 0: better" in capsys.readouterr().out


def test_without_another_export_there_is_no_comparison(small_run, tmp_path):
    assert evaluate(small_run, small_run.photos, tmp_path)["comparison"] is None


def test_an_export_with_other_classes_is_not_compared(small_run, tmp_path, capsys):
    other = tmp_path / "other" / "1"
    shutil.copytree(small_run.export_dir, other)
    (other / version_folder.LABELS_FILE).write_text("blue\ngreen\npurple\n")
    flags = [f"--export_dir={small_run.export_dir}", f"--compare_export_dir={other}", f"--output={tmp_path / 'out'}"]
    assert run_command("evaluate", *flags, f"--image_dir={small_run.photos}") == 1
    assert "has the classes blue, green, purple" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_images_that_the_export_was_trained_on_are_counted_and_speak_against_it(small_run, tmp_path, capsys):
    photos = tmp_path / "photos"
    for split in ("train", "validation", "test"):
        shutil.copytree(small_run.photos / split, photos, dirs_exist_ok=True, copy_function=copier(split))
    result = evaluate(small_run, photos, tmp_path / "evaluation")
    assert result["seen_in_training"] == {"train": 15, "validation": 6}
    assert result["evaluation"]["examples"] == 30
    assert "15 in its train and 6 in its validation split, of 30" in capsys.readouterr().err
    page = Page((tmp_path / "evaluation" / "report.html").read_text("utf-8")).text
    assert "21 of the 30 images were used for its training" in page


def copier(prefix: str):
    """Copies a file under a name that tells its split apart."""
    return lambda source, target: shutil.copy(source, Path(target).with_name(f"{prefix}-{Path(target).name}"))


def test_images_of_the_test_split_were_not_seen(small_run, tmp_path):
    assert evaluate(small_run, small_run.photos, tmp_path / "evaluation")["seen_in_training"] == {}
