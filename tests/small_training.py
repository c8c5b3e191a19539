"""Tiny training that several tests share: of the parts, and of the commands on photos in three colours."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import column_lock
from keras_transfer.model import classifier as classifiers
from keras_transfer.model.classifier import Classifier
from keras_transfer.pipelines import report
from keras_transfer.settings import config

TRAIN, VALIDATION = 7, 4  # uneven, so that last batches are smaller than the others


def make_config(folder: Path, **values: Any) -> config.TrainConfig:
    """A configuration for the tiny set."""
    fixed: dict[str, Any] = {
        "image_dir": "photos",
        "weights": "random",
        "image_size": 32,
        "batch_size": 3,
        "augmented_views": 2,
        "precision": "float32",
        "feature_cache_dir": str(folder / "cache"),
        "dropout": 0.0,
        "head_epochs": 3,
        "head_learning_rate": 1e-4,
    }
    return config.from_flat(config.TrainConfig, {**fixed, **values})


def make_examples(folder: Path) -> Examples:
    """Reddish and bluish noise: 7 training, 4 validation and 2 test photos, read and split."""
    rng = np.random.default_rng(0)
    paths, labels, splits = [], [], []
    for number in range(TRAIN + VALIDATION + 2):
        label = number % 2
        colour = (200, 60, 40) if label else (40, 60, 200)
        pixels = np.clip(rng.normal(colour, 40, (40, 48, 3)), 0, 255).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(pixels).save(path)
        paths.append(str(path))
        labels.append(label)
        splits.append("train" if number < TRAIN else "validation" if number < TRAIN + VALIDATION else "test")
    empty = ("",) * len(paths)
    digests = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)
    return Examples(("blue", "red"), tuple(paths), np.array(labels, np.int32), tuple(splits), empty, sha256=digests)


def make_classifier(settings: config.TrainConfig) -> Classifier:
    """The classifier of a configuration, for two classes."""
    return classifiers.build(
        settings.model, class_count=2, image_size=settings.image.image_size, seed=settings.training.seed
    )


COLOURS = {"blue": (40, 60, 220), "green": (40, 200, 60), "red": (220, 50, 40)}
PHOTOS_A_CLASS = {"train": 5, "validation": 2, "test": 3}
# The head stands on the lowest block, so that the classifier is small and quick to save.
SMALLEST_RUN = (
    "--weights=random",
    "--feature_layers=block1_pool",
    "--image_size=32",
    "--resize_mode=squash",
    "--batch_size=4",
    "--augmented_views=1",
    "--hue=0",
    "--head_epochs=10",
    "--head_learning_rate=0.05",
    "--precision=float32",
    "--model_name=cars",
)


@dataclass(frozen=True)
class SmallRun:
    """A finished run of the train command, for tests that change nothing in it.

    Attributes:
      photos: split folders with a folder for each of `COLOURS`, which the classifier tells apart without fault.
      path: the run directory.
      export_dir: the version folder.
      printed: what a person saw on stdout.
      killed: a copy of the folder of all three (photos, bank and run directory) as a kill would have left it when the
        version was published and the metrics were not written yet.
    """

    photos: Path
    path: Path
    export_dir: Path
    printed: str
    killed: Path


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that several test processes share: the first that comes makes it, the others wait and take it."""
    done = folder / "done"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


def make_run(folder: Path) -> None:
    """Trains on three colours, in split folders; `read_run` gives what is left."""
    write_photos(folder / "whole" / "photos")
    close = report.close

    def copy_and_close(*arguments: Any) -> None:
        shutil.copytree(folder / "whole", folder / "killed")
        close(*arguments)

    with contextlib.redirect_stdout(io.StringIO()) as printed, mock.patch.object(report, "close", copy_and_close):
        exit_code = run_command("train", *small_run_flags(folder / "whole" / "photos", folder / "whole"))
    assert exit_code == 0
    (folder / "printed.txt").write_text(printed.getvalue(), "utf-8")


def read_run(folder: Path) -> SmallRun:
    """The run that `make_run` made in a folder."""
    whole = folder / "whole"
    return SmallRun(
        photos=whole / "photos",
        path=whole / "run",
        export_dir=whole / "run" / "export" / "cars" / "1",
        printed=(folder / "printed.txt").read_text("utf-8"),
        killed=folder / "killed",
    )


def make_leaky_run(folder: Path) -> None:
    """Trains on a CSV file with a further column; two training photos are in the test too, one under another label.

    The folder gets photos/ and run/. The export abstains.
    """
    photos = folder / "photos"
    write_photos(photos)
    shutil.copy(photos / "train" / "red" / "0.jpg", photos / "test" / "red" / "copy.jpg")
    shutil.copy(photos / "train" / "red" / "1.jpg", photos / "test" / "blue" / "copy.jpg")
    lines = ["path,label,split,camera"]
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))):
        lines.append(f"{path},{path.parent.name},{path.parent.parent.name},{'ab'[number % 2]}")
    (folder / "photos.csv").write_text("\n".join(lines))
    flags = small_run_flags(photos, folder)[1:]
    assert run_command("train", f"--image_csv={folder / 'photos.csv'}", "--abstain_below=0.5", *flags) == 0


def open_locks(folder: Path) -> list[str]:
    """Lock files of the bank's columns below a folder that this process has open."""
    found, descriptors = [], Path("/proc/self/fd")
    for number in os.listdir(descriptors) if descriptors.exists() else ():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [path for path in found if path.startswith(f"{folder}/") and path.endswith(column_lock.LOCK_FILE)]


def small_run_flags(photos: Path, folder: Path) -> list[str]:
    """Flags of the train command for the smallest run on some photos, with all that it writes in a folder."""
    return [
        f"--image_dir={photos}",
        f"--run_dir={folder / 'run'}",
        f"--feature_cache_dir={folder / 'cache'}",
        *SMALLEST_RUN,
    ]


def write_photos(folder: Path) -> None:
    """Noise around each colour, in split folders with class folders."""
    rng = np.random.default_rng(0)
    for split, count in PHOTOS_A_CLASS.items():
        for name, colour in COLOURS.items():
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = np.clip(rng.normal(colour, 25, (40, 50, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.jpg", quality=95)


def run_command(name: str, *flags: str) -> int:
    """Runs a command's `main` in this process, where TensorFlow is imported already; returns its exit code."""
    with mock.patch.object(sys, "argv", [name, *flags]):
        exit_code: int = importlib.import_module(f"keras_transfer.{name}").main()
    return exit_code


@dataclass(frozen=True)
class Answer:
    """What `python -m keras_transfer.NAME` did: its exit code, its stderr, the modules it imported, and its time."""

    exit_code: int
    errors: str
    imported: frozenset[str]
    seconds: float

    def check_early_mistake(self, exit_code: int, words: str) -> None:
        """The command ended in under a second with one clear error, before TensorFlow was imported."""
        assert self.exit_code == exit_code
        assert f"ERROR: {words}" in self.errors
        assert "Traceback" not in self.errors
        assert "keras_transfer.settings.config" in self.imported
        assert "tensorflow" not in self.imported
        assert self.seconds < 1


def ask_command(name: str, *flags: str, folder: Path) -> Answer:
    """Runs a command in a process of its own in a folder, again if it took over a second: something else may run."""
    command = [sys.executable, "-X", "importtime", "-m", f"keras_transfer.{name}", *flags]
    for _ in range(3):
        started = time.perf_counter()
        ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        seconds = time.perf_counter() - started
        if seconds < 1:
            break
    lines = ended.stderr.splitlines()
    times = [line for line in lines if line.startswith("import time:")]
    errors = "\n".join(line for line in lines if line not in times)
    imported = frozenset(line.rpartition("|")[2].strip() for line in times)
    return Answer(ended.returncode, errors, imported, seconds)
