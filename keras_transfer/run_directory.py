"""Names, writes and reads the files of a run. Everything is written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_transfer import atomic_files
from keras_transfer.config import TrainConfig, UserError, from_flat, to_flat

# They say where this run's results lie, so a second run from the same file would run into them.
_NOT_REPEATED = ("run_dir", "dry_run")


@dataclass(frozen=True)
class RunDirectory:
    """The folder that holds all that one training run leaves."""

    path: Path

    @property
    def config(self) -> Path:
        """Every setting as JSON; `--config` reads it again."""
        return self.path / "config.json"

    @property
    def flags(self) -> Path:
        """Every setting as flags; `--flagfile` reads it again."""
        return self.path / "flags.txt"

    @property
    def data(self) -> Path:
        """Every example with its digest, label and split, and what was left out."""
        return self.path / "data.json"

    @property
    def classifier(self) -> Path:
        """The trained classifier for Keras users."""
        return self.path / "classifier.keras"

    @property
    def metrics(self) -> Path:
        """The figures."""
        return self.path / "metrics.json"

    @property
    def report(self) -> Path:
        """The report for people."""
        return self.path / "report.html"

    @property
    def plots(self) -> Path:
        """Folder of the report's pictures."""
        return self.path / "plots"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's logs: a run for each phase, and "results" for the final figures."""
        return self.path / "tensorboard"

    def export_folder(self, model_name: str) -> Path:
        """Folder of the numbered versions of a served model."""
        return self.path / "export" / model_name

    def write_config(self, config: TrainConfig) -> None:
        """Writes config.json and flags.txt, both of which run again, into a new run directory."""
        values = {name: value for name, value in to_flat(config).items() if name not in _NOT_REPEATED}
        atomic_files.write_json(self.config, values)
        lines = [f"# Written by the run in {self.path.resolve()}, from the folder {Path.cwd()}:"]
        lines += [f"#   {shlex.join(sys.argv)}"]
        lines += [f"--{name}={flag_text(value)}" for name, value in values.items()]
        atomic_files.write_text(self.flags, "\n".join(lines) + "\n")

    def read_config(self) -> TrainConfig:
        """The settings of the run.

        Raises:
          UserError: this is no run directory, or it is damaged.
          ConfigError: its settings are not valid for this version of the package.
        """
        return from_flat(TrainConfig, self.read_json(self.config))

    def read_json(self, path: Path) -> Any:
        """The content of one of the run's JSON files.

        Raises:
          UserError: it is missing or damaged.
        """
        try:
            return json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise UserError(
                f"{path} does not exist, so --run_dir={self.path} is not the directory of a finished run."
            ) from error
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}). Train again.") from error

    def write_data(self, examples: Any) -> None:
        """Writes data.json: every example, and what was left out and why.

        Args:
          examples: `data.examples.Examples`, read and split.
        """
        rows = [
            {"path": path, "sha256": digest, "label": examples.class_names[label_id], "split": split}
            for path, digest, label_id, split in zip(
                examples.paths, examples.sha256, examples.label_ids, examples.splits, strict=True
            )
        ]
        left_out = [dataclasses.asdict(item) for item in examples.left_out]
        content = {"class_names": list(examples.class_names), "examples": rows, "left_out": left_out}
        atomic_files.write_json(self.data, content)


def create(run_dir: str, model_name: str) -> RunDirectory:
    """Makes a new run directory, so that an unwritable place is found before the work is done.

    Args:
      run_dir: the folder, or '' for runs/MODEL_NAME-DATE-TIME.
      model_name: of the served model.

    Raises:
      UserError: it can't be made, or it holds anything but an unfinished run (which is begun again).
    """
    path = Path(run_dir or f"runs/{model_name}-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            check_is_free(path)
    except OSError as error:
        raise UserError(f"--run_dir={path} cannot be written ({error.strerror}). Choose another folder.") from error
    return RunDirectory(path)


def check_is_free(path: Path) -> None:
    """Refuses what can't become a run directory, as far as that can be told without writing.

    Raises:
      UserError: a file, or a folder that holds anything but an unfinished run.
    """
    run = RunDirectory(path)
    is_unfinished = run.config.is_file() and not run.metrics.exists()
    if path.exists() and not path.is_dir():
        raise UserError(f"--run_dir={path} is no folder. Choose another one.")
    if path.is_dir() and not is_unfinished and next(path.iterdir(), None) is not None:
        raise UserError(
            f"--run_dir={path} holds something already, and no run overwrites another. "
            "Choose another folder, or remove it."
        )


def remove_if_empty(run: RunDirectory) -> None:
    """Removes the folder of a run that ended before it wrote anything."""
    with contextlib.suppress(OSError):
        run.path.rmdir()


def flag_text(value: Any) -> str:
    """A setting as what stands behind the = of its flag."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
