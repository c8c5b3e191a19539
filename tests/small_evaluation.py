"""Evaluations of the small run for the tests of `evaluate`."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from small_training import run_command


def evaluate(small_run, images: Path, output: Path, *flags: str) -> dict[str, Any]:
    """The content of the metrics.json that the command wrote."""
    exit_code = run_command(
        "evaluate", f"--export_dir={small_run.export_dir}", f"--image_dir={images}", f"--output={output}", *flags
    )
    assert exit_code == 0
    return json.loads((output / "metrics.json").read_text("utf-8"))


def rows_of(output: Path) -> list[dict[str, str]]:
    with (output / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def copy_photos(small_run, folder: Path, *names: str) -> Path:
    """Class folders, where class/number comes from the test photo of that name: red/0 or red/0=blue/1."""
    for name in names:
        target, _, source = name.partition("=")
        path = folder / f"{target}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(small_run.photos / "test" / f"{source or target}.jpg", path)
    return folder
