"""The whole way: photos in folders -> train -> evaluate, predict, export -> a process without this package."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import export_folder
import keras_transfer as kt
from keras_transfer.saved_model import version_folder
from keras_transfer.settings import config
from keras_transfer.settings.command_line import parse
from keras_transfer.train import train

COLOURS = {"blue": (40, 60, 220), "green": (40, 200, 60), "red sports car": (220, 50, 40)}
IMAGES_A_CLASS = 12


def write_photos(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(IMAGES_A_CLASS):
            pixels = np.clip(rng.normal(colour, 25, (40, 50, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number} ä'\"😀.jpg", quality=95)
    return folder


def run_train(**values: Any) -> kt.Run:
    fixed: dict[str, Any] = {
        "weights": "random",
        "image_size": 32,
        "resize_mode": "squash",
        "batch_size": 8,
        "head_epochs": 12,
        "head_learning_rate": 0.01,
        "augmented_views": 1,
        "hue": 0.0,
        "precision": "float32",
        "model_name": "cars",
    }
    return kt.train(**{**fixed, **values})


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workplace")
    write_photos(folder / "photos")
    return folder


@pytest.fixture(scope="module")
def trained(workplace: Path) -> dict[str, Any]:
    return run_train(
        image_dir=str(workplace / "photos"),
        run_dir=str(workplace / "run"),
        feature_cache_dir=str(workplace / "cache"),
        fine_tune_epochs=2,
        fine_tune_learning_rate=1e-4,
    ).metrics


@pytest.fixture(scope="module")
def export_dir(workplace: Path, trained: dict[str, Any]) -> Path:
    return workplace / "run" / "export" / "cars" / "1"


def predicted(workplace: Path, export_dir: Path, images: Path) -> list[dict[str, str]]:
    output = workplace / "predictions.csv"
    kt.predict(export_dir, images, output=output)
    with output.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_colours_are_learned_and_measured_on_the_export(trained):
    assert trained["test"]["accuracy"] >= 0.8
    assert trained["examples"] == {"train": 24, "validation": 6, "test": 6, "left_out": 0}
    assert sum(map(sum, trained["test"]["confusion_matrix"])) == 6
    assert trained["weights"] == "random"
    assert {"extract", "head", "fine_tune", "export", "evaluate", "total"} <= set(trained["seconds"])


def test_the_run_directory_holds_all_that_it_promises(workplace, trained):
    run = workplace / "run"
    for name in ("config.json", "flags.txt", "data.json", "classifier.keras", "metrics.json", "report.html"):
        assert (run / name).stat().st_size > 0
    for name in ("plots", "tensorboard", "checkpoints", "export"):
        assert any((run / name).iterdir())
    assert json.loads((run / "metrics.json").read_text("utf-8")) == trained
    assert not [path for path in run.rglob("*") if path.name.startswith(".")]


def test_the_export_is_what_publish_and_verify_find_whole(export_dir):
    assert export_folder.check_export(export_dir).has_digests
    assert version_folder.read_metadata(export_dir)["digests"] == "assets.extra/SHA256SUMS"


def test_evaluate_on_the_same_photos_counts_every_one_once(workplace, export_dir):
    result = kt.evaluate(export_dir, workplace / "photos", output=workplace / "evaluation", batch_size=7)
    assert result.metrics["evaluation"]["examples"] == 3 * IMAGES_A_CLASS
    assert result.path == workplace / "evaluation"
    assert (workplace / "evaluation" / "report.html").stat().st_size > 0


OUTSIDER = """
import json, sys
from pathlib import Path
import numpy as np
import keras, tensorflow as tf

export_dir, classifier, *files = sys.argv[1:]
loaded = tf.saved_model.load(export_dir)
answer = loaded.signatures["serving_default"](image_bytes=tf.constant([Path(file).read_bytes() for file in files]))
model = keras.saving.load_model(classifier)
decoded = [tf.io.decode_image(Path(file).read_bytes(), channels=3) for file in files]
images = np.stack([np.array(tf.image.resize(image, (32, 32), antialias=True)) for image in decoded])
assert "keras_transfer" not in sys.modules
print(json.dumps({
    "served": answer["probabilities"].numpy().tolist(),
    "label": [label.decode() for label in answer["label"].numpy()],
    "score": answer["score"].numpy().tolist(),
    "top_labels": [[label.decode() for label in row] for row in answer["top_labels"].numpy()],
    "keras": np.asarray(model(images)).tolist(),
}))
"""


@pytest.fixture(scope="module")
def outsider(workplace, export_dir) -> dict[str, Any]:
    """Answers of a process that never imports this package, from the export and from classifier.keras."""
    files = sorted(str(path) for path in (workplace / "photos").rglob("*.jpg"))
    command = [sys.executable, "-c", OUTSIDER, str(export_dir), str(workplace / "run" / "classifier.keras"), *files]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    assert ended.returncode == 0, ended.stderr
    return {"files": files, **json.loads(ended.stdout.splitlines()[-1])}


def test_the_export_and_the_keras_file_load_without_this_package_and_agree(outsider):
    np.testing.assert_allclose(outsider["served"], outsider["keras"], atol=1e-5)


def test_the_labels_belong_to_the_probabilities(outsider):
    names = sorted(COLOURS)
    served = np.array(outsider["served"])
    assert outsider["label"] == [names[best] for best in served.argmax(axis=1)]
    np.testing.assert_allclose(outsider["score"], served.max(axis=1))
    assert outsider["top_labels"][0] == [names[place] for place in np.argsort(-served[0])]


def test_predict_evaluate_and_a_bare_load_agree(workplace, export_dir, outsider):
    rows = {row["path"]: row for row in predicted(workplace, export_dir, workplace / "photos")}
    assert sorted(rows) == outsider["files"]
    columns = [f"probability_{name}" for name in sorted(COLOURS)]
    from_predict = np.array([[float(rows[file][column]) for column in columns] for file in outsider["files"]])
    np.testing.assert_allclose(from_predict, outsider["served"], atol=1e-5)
    with (workplace / "evaluation" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        evaluated = {row["path"]: row for row in csv.DictReader(file)}
    from_evaluate = np.array([[float(evaluated[file][column]) for column in columns] for file in outsider["files"]])
    np.testing.assert_allclose(from_evaluate, outsider["served"], atol=1e-5)


def test_predict_goes_on_past_a_file_that_is_no_image(workplace, export_dir, tmp_path):
    good = sorted((workplace / "photos").rglob("*.jpg"))[0]
    (tmp_path / "good.jpg").write_bytes(good.read_bytes())
    (tmp_path / "notes.jpg").write_text("no image")
    rows = {Path(row["path"]).name: row for row in predicted(workplace, export_dir, tmp_path)}
    assert rows["good.jpg"]["label"] == "blue"
    assert rows["notes.jpg"]["label"] == ""
    assert "a text file" in rows["notes.jpg"]["error"]


@pytest.mark.slow
def test_a_finished_run_is_exported_again_under_another_number(workplace, export_dir, outsider):
    second = kt.export(workplace / "run", export_version=2)
    assert second == export_dir.parent / "2"
    rows = {row["path"]: float(row["score"]) for row in predicted(workplace, second, workplace / "photos")}
    np.testing.assert_allclose([rows[file] for file in outsider["files"]], outsider["score"], atol=1e-5)
    with pytest.raises(kt.UserError, match="exists already"):
        kt.export(workplace / "run", export_version=2)


def without_times(metrics: Any) -> Any:
    if isinstance(metrics, dict):
        return {key: without_times(value) for key, value in metrics.items() if key not in ("seconds", "feature_bank")}
    return [without_times(value) for value in metrics] if isinstance(metrics, list) else metrics


def test_the_same_seed_gives_the_same_metrics_bit_for_bit_from_the_run_s_own_flags(workplace, trained):
    """The second run also finds the bank filled, which must change nothing."""
    flags = ["train", f"--flagfile={workplace / 'run' / 'flags.txt'}", f"--run_dir={workplace / 'again'}"]
    directory = train(parse(config.TrainConfig, flags))
    assert directory is not None
    again = kt.Run(directory.path).metrics
    assert again["feature_bank"]["views_computed"] == 0
    assert without_times(again) == without_times(trained)


@pytest.mark.slow
def test_another_seed_gives_other_metrics(workplace, trained):
    other = run_train(
        image_dir=str(workplace / "photos"),
        run_dir=str(workplace / "other"),
        feature_cache_dir=str(workplace / "cache"),
        seed=1,
    ).metrics
    assert other["phases"][0]["epochs"][0]["loss"] != trained["phases"][0]["epochs"][0]["loss"]


def test_a_dry_run_prints_the_plan_and_leaves_nothing(workplace, capsys):
    before = sorted(workplace.rglob("*"))
    assert run_train(image_dir=str(workplace / "photos"), run_dir=str(workplace / "dry"), dry_run=True) is None
    assert sorted(workplace.rglob("*")) == before
    printed = capsys.readouterr().out
    assert "24 train, 6 validation, 6 test" in printed
    assert "GMAC" in printed


@pytest.mark.slow
def test_an_export_that_is_not_good_enough_is_not_published(workplace):
    run = workplace / "refused"
    with pytest.raises(kt.UserError, match="below --min_test_accuracy=1"):
        run_train(
            image_dir=str(workplace / "photos"),
            run_dir=str(run),
            feature_cache_dir=str(workplace / "cache"),
            head_epochs=1,
            head_learning_rate=1e-9,
            min_test_accuracy=1.0,
        )
    assert list((run / "export" / "cars").iterdir()) == []
    assert (run / "classifier.keras").exists()
