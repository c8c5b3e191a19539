"""Tests of keras_transfer.predict."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import small_export
from keras_transfer.saved_model import version_folder, writer
from small_training import COLOURS, ask_command, run_command


def predict(small_run, images: Path, output: Path, *flags: str) -> list[dict[str, str]]:
    """The rows of the CSV file that the command wrote."""
    exit_code = run_command(
        "predict", f"--export_dir={small_run.export_dir}", f"--images={images}", f"--output={output}", *flags
    )
    assert exit_code == 0
    with output.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def probabilities(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([[float(row[f"probability_{name}"]) for name in COLOURS] for row in rows])


@pytest.fixture(scope="module")
def rows(small_run, tmp_path_factory) -> list[dict[str, str]]:
    return predict(small_run, small_run.photos, tmp_path_factory.mktemp("predictions") / "predictions.csv")


@pytest.mark.parametrize(
    ("flags", "exit_code", "words"),
    [
        ([], 2, "--export_dir is missing"),
        (["--export_dir=x", "--images=y", "--batch_size=0"], 2, "--batch_size must be at least 1"),
        (["--export_dir=empty", "--images=empty"], 1, "--export_dir=empty holds no saved_model.pb"),
        (["--export_dir=cars", "--images=nowhere"], 1, "There is no folder or file 'nowhere'"),
        (["--export_dir=cars", "--images=empty"], 1, "--images=empty holds no JPEG, PNG, GIF, BMP or WebP file"),
    ],
)
def test_a_mistake_is_answered_in_under_a_second_before_tensorflow_is_imported(tmp_path, flags, exit_code, words):
    (tmp_path / "empty").mkdir()
    for name in ("saved_model.pb", version_folder.LABELS_FILE):
        (tmp_path / "cars" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cars" / name).touch()
    ask_command("predict", *flags, folder=tmp_path).check_early_mistake(exit_code, words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cars", "empty"]


def test_every_image_below_the_folder_has_a_row_in_order(small_run, rows):
    assert list(rows[0]) == ["path", "label", "score", *(f"probability_{name}" for name in sorted(COLOURS)), "error"]
    assert [row["path"] for row in rows] == sorted(str(path) for path in small_run.photos.rglob("*.jpg"))


def test_the_label_is_the_class_with_the_highest_probability_and_the_score_is_that_probability(rows):
    columns = probabilities(rows)
    assert [row["label"] for row in rows] == [list(COLOURS)[place] for place in columns.argmax(axis=1)]
    assert [float(row["score"]) for row in rows] == columns.max(axis=1).tolist()
    np.testing.assert_allclose(columns.sum(axis=1), 1, atol=1e-5)
    assert {row["error"] for row in rows} == {""}


def test_the_colours_are_told_apart(rows):
    assert [row["label"] for row in rows] == [Path(row["path"]).parent.name for row in rows]


@pytest.mark.parametrize("batch_size", [7, 100])
def test_the_answers_do_not_depend_on_the_batch_size(small_run, rows, tmp_path, batch_size):
    others = predict(small_run, small_run.photos, tmp_path / "p.csv", f"--batch_size={batch_size}")
    assert [row["path"] for row in others] == [row["path"] for row in rows]
    np.testing.assert_allclose(probabilities(others), probabilities(rows), atol=1e-6)


def test_a_single_file_is_enough_and_the_output_s_folder_is_made(small_run, tmp_path):
    photo = small_run.photos / "test" / "green" / "1.jpg"
    (row,) = predict(small_run, photo, tmp_path / "new" / "folder" / "p.csv")
    assert (row["path"], row["label"]) == (str(photo), "green")


def test_an_export_that_abstains_has_a_column_for_what_it_accepts(tmp_path):
    """The threshold is the score of one of the photos, which the export accepts as it does any higher one."""
    photos = tmp_path / "photos"
    photos.mkdir()
    small_export.write_photos(photos, 5)
    (photos / "broken.png").write_bytes(b"no image")

    def answers(version: int, abstain_below: float) -> list[dict[str, str]]:
        spec = small_export.make_export_spec(abstain_below=abstain_below)
        with writer.staging(spec, folder=tmp_path / "cars", version=version):
            pass
        output = tmp_path / f"{version}.csv"
        flags = [f"--export_dir={tmp_path / 'cars' / str(version)}", f"--images={photos}", f"--output={output}"]
        assert run_command("predict", *flags) == 0
        with output.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    scores = [float(row["score"]) for row in answers(1, 0.0) if row["score"]]
    threshold = sorted(scores)[2]
    rows = answers(2, threshold)
    assert list(rows[0])[:4] == ["path", "label", "score", "accepted"]
    assert {row["accepted"] for row in rows if row["error"]} == {""}
    assert [row["accepted"] for row in rows if row["score"]] == [str(score >= threshold).lower() for score in scores]
    assert 0 < sum(score >= threshold for score in scores) < len(scores)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.jpg", b"", ""),
        ("notes.png", b"dear diary", "a text file"),
        ("scan.tif", b"II*\0", ".tif cannot be read; convert it to JPEG"),
        ("cut off.jpg", None, "JPEG"),
    ],
)
def test_a_file_that_cannot_be_read_has_its_reason_and_no_answer(small_run, tmp_path, name, content, words):
    photo = (small_run.photos / "test" / "red" / "0.jpg").read_bytes()
    (tmp_path / "good.jpg").write_bytes(photo)
    (tmp_path / name).write_bytes(photo[: len(photo) // 2] if content is None else content)
    by_name = {Path(row["path"]).name: row for row in predict(small_run, tmp_path, tmp_path / "out" / "p.csv")}
    assert set(by_name) == {"good.jpg", name}
    assert (by_name["good.jpg"]["label"], by_name["good.jpg"]["error"]) == ("red", "")
    bad = by_name[name]
    assert bad["error"]
    assert words in bad["error"]
    assert [bad[column] for column in ("label", "score", *(f"probability_{name}" for name in COLOURS))] == [""] * 5


def test_what_was_never_an_image_has_no_row_and_is_named(small_run, tmp_path, capsys):
    (tmp_path / "good.jpg").write_bytes((small_run.photos / "test" / "red" / "0.jpg").read_bytes())
    (tmp_path / "@eaDir").mkdir()
    for name in ("notes.txt", ".hidden.jpg", "@eaDir/good.jpg"):
        (tmp_path / name).write_text("dear diary")
    assert [Path(row["path"]).name for row in predict(small_run, tmp_path, tmp_path / "p.csv")] == ["good.jpg"]
    told = capsys.readouterr().out
    assert all(str(tmp_path / name) in told for name in ("notes.txt", ".hidden.jpg", "@eaDir"))


def test_every_file_has_a_row_or_is_named_whatever_it_is_called(small_run, tmp_path, capsys):
    photo = (small_run.photos / "test" / "red" / "0.jpg").read_bytes()
    images = ["a.jpg", "b", "c.jpg?width=800", "d.jpg.1", "sub/h.jpeg"]
    (tmp_path / "sub").mkdir()
    for name in images:
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "notes").write_text("dear diary")
    (tmp_path / "tiff").write_bytes(b"II*\0")
    by_path = {row["path"]: row for row in predict(small_run, tmp_path, tmp_path / "out" / "p.csv")}
    assert set(by_path) == {str(tmp_path / name) for name in [*images, "tiff"]}
    assert {by_path[str(tmp_path / name)]["label"] for name in images} == {"red"}
    assert "TIFF" in by_path[str(tmp_path / "tiff")]["error"]
    assert str(tmp_path / "notes") in capsys.readouterr().out


def test_a_file_that_is_replaced_is_told(small_run, tmp_path, capsys):
    (tmp_path / "p.csv").write_text("old")
    predict(small_run, small_run.photos / "test" / "red" / "0.jpg", tmp_path / "p.csv")
    assert f"{tmp_path / 'p.csv'} was there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["photo.jpg", "photo", "new.png"])
def test_no_image_is_replaced_by_the_answers(small_run, tmp_path, capsys, name):
    photo = (small_run.photos / "test" / "blue" / "0.jpg").read_bytes()
    if name != "new.png":
        (tmp_path / name).write_bytes(photo)
    flags = [f"--export_dir={small_run.export_dir}", f"--images={small_run.photos}", f"--output={tmp_path / name}"]
    assert run_command("predict", *flags) == 1
    assert str(tmp_path / name) in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [photo] * (name != "new.png")


@pytest.mark.parametrize(
    ("export_dir", "words"),
    [
        ("nowhere", "is no folder. Give a version folder"),
        ("export/cars", "Did you mean {run}/export/cars/1?"),
        ("export", "so it is no export. Give a version folder"),
        ("plots", "so it is no export"),
    ],
)
def test_what_is_no_export_is_refused_and_the_old_file_stays(small_run, tmp_path, capsys, export_dir, words):
    output = tmp_path / "p.csv"
    output.write_text("old")
    flags = [f"--export_dir={small_run.path / export_dir}", f"--images={small_run.photos}", f"--output={output}"]
    assert run_command("predict", *flags) == 1
    assert words.format(run=small_run.path) in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("p.csv", "old")]
