"""Names, writes and reads the files of a run. Everything is written whole or not at all."""

from __future__ import annotations

import contextlib
import datetime
import json
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_transfer import atomic_files, run_lock
from keras_transfer.data import data_json
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.settings import choosing
from keras_transfer.settings.config import SOURCES, TrainConfig, from_flat, to_flat

# They say where this run's results lie, so a second run from the same file would run into them.
_NOT_REPEATED = ("run_dir", "dry_run")
_DEFAULT_PLACE = Path("runs")
# What an unfinished run may be begun again with: where things lie, what is allowed, and how good an export must be. The
# photos are compared by their content, wherever they lie.
_MAY_DIFFER = frozenset(
    {
        *_NOT_REPEATED,
        *SOURCES,
        "dataset_dir",
        "exclude_list",
        "allow_download",
        "allow_random_weights",
        "max_unreadable_fraction",
        "feature_cache_dir",
        "feature_cache_max_bytes",
        "export_version",
        "compare_export_dir",
        "min_test_accuracy",
        "refuse_worse",
    }
)


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
        """The metrics; there once the run is finished."""
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
    def checkpoints(self) -> Path:
        """Folder of each phase's best weights, and while the run is unfinished of where its steps stood."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's logs: a run for each phase, and "results" for the final metrics."""
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
        values = self.read_json(self.config)
        if isinstance(values, dict) and not values.get("compare_export_dir"):
            values.pop("refuse_worse", None)  # an earlier release took it without anything to compare with
        if isinstance(values, dict) and "feature_layer" in values:  # of an earlier release, which chose no head
            layer, pooling = values.pop("feature_layer"), values["pooling"]
            values.update(feature_layers=[layer] if layer else [], pooling=[pooling], choose="off")
        return from_flat(TrainConfig, values)

    def finish(self, metrics: Any) -> None:
        """Writes metrics.json, from `pipelines.run_metrics.RunMetrics`, and removes what only unfinished runs need."""
        atomic_files.write_json(self.metrics, metrics)
        for checkpoint in self.checkpoints.glob("*.npz"):
            checkpoint.unlink()

    def read_metrics(self) -> dict[str, Any]:
        """The content of metrics.json, perhaps of an earlier release.

        Raises:
          UserError: this is not the directory of a finished run, or it is damaged.
        """
        metrics: dict[str, Any] = self.read_json(self.metrics)
        return metrics

    def read_examples(self) -> Examples:
        """What data.json tells: every example, and what was left out and why.

        Raises:
          UserError: it is missing or damaged.
        """
        return data_json.from_json(self.read_json(self.data))

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

    def begin(self, config: TrainConfig, examples: Examples) -> None:
        """Writes what a run begins with, and removes what an earlier try has left that is of no more use.

        Args:
          config: of the run.
          examples: read and split.

        Raises:
          UserError: the earlier try had other photos.
        """
        self.check_photos(examples)
        if self.config.is_file():
            self._remove_leftovers()
        self.write_config(config)
        atomic_files.write_json(self.data, data_json.to_json(examples))

    def check_photos(self, examples: Examples) -> None:
        """Refuses to go on with other photos, labels or splits than those of the unfinished run here, if there is one.

        Args:
          examples: read and split.

        Raises:
          UserError: with what is different.
        """
        if not self.data.is_file():
            return
        before, now = _photos(self.read_examples()), _photos(examples)
        new, gone = (Counter(each[0] for each in rows.elements()) for rows in (now - before, before - now))
        counts = {
            "new": (new - gone).total(),
            "gone": (gone - new).total(),
            "with another label or in another split": (new & gone).total(),
        }
        told = [f"{count:,} {what}" for what, count in counts.items() if count]
        if told:
            raise UserError(
                f"--run_dir={self.path} holds an unfinished run, and its photos were others: {', '.join(told)}. Begin "
                "it again with the same ones, or choose another folder."
            )

    def _remove_leftovers(self) -> None:
        """Removes results of an interrupted try, which are made again, and what was only half written.

        Checkpoints, logs of the phases and published versions stay.
        """
        for folder in (self.tensorboard / "results", self.plots):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.report, self.classifier):
            file.unlink(missing_ok=True)
        for name in (self.config, self.flags, self.data, self.metrics, self.report, self.classifier):
            for half in self.path.glob(f".*-{name.name}"):
                half.unlink(missing_ok=True)
        for half in self.checkpoints.glob(".*-*"):
            half.unlink()
        for half in (self.path / "export").glob("*/.*-*"):
            shutil.rmtree(half, ignore_errors=True)


def _photos(examples: Examples) -> Counter[tuple[str, str, str]]:
    """(digest, label, split) of each example."""
    labels = (examples.class_names[label_id] for label_id in examples.label_ids)
    return Counter(zip(examples.sha256, labels, examples.splits, strict=True))


def create(config: TrainConfig) -> RunDirectory:
    """Makes a new run directory, so that an unwritable place is found before the work is done.

    Args:
      config: of the run; where it gives no --run_dir, it becomes runs/MODEL_NAME-DATE-TIME.

    Raises:
      UserError: it can't be made, or it holds anything but an unfinished run with the same settings (which is begun
        again).
    """
    given = config.output.run_dir
    path = Path(given or _DEFAULT_PLACE / f"{config.output.model_name}-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    try:
        if given:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path = atomic_files.make_new_folder(path)
        with tempfile.TemporaryFile(dir=path):
            check_is_free(path, config)
    except OSError as error:
        raise UserError(f"--run_dir={path} cannot be written ({error.strerror}). Choose another folder.") from error
    return RunDirectory(path)


def find_unfinished(config: TrainConfig) -> list[Path]:
    """Directories of unfinished runs of the very same settings, where runs lie by default; oldest first."""
    ways, found = [to_flat(way) for way in choosing.one_by_one(config)], []
    for run in map(RunDirectory, sorted(_DEFAULT_PLACE.glob(f"{config.output.model_name}-*"))):
        if run.config.is_file() and not run.metrics.exists() and not run_lock.is_held(run.path):
            with contextlib.suppress(UserError):  # damaged, or of a release that had other settings
                before = {**to_flat(run.read_config()), **dict.fromkeys(_NOT_REPEATED)}
                if any({**way, **dict.fromkeys(_NOT_REPEATED)} == before for way in ways):
                    found.append(run.path)
    return found


def check_is_free(path: Path, config: TrainConfig) -> None:
    """Refuses what can't become the directory of a run, as far as that can be told without its photos and writing.

    Raises:
      UserError: a file, or a folder that holds anything but an unfinished run with the same settings.
    """
    run = RunDirectory(path)
    is_unfinished = run.config.is_file() and not run.metrics.exists()
    if path.exists() and not path.is_dir():
        raise UserError(f"--run_dir={path} is no folder. Choose another one.")
    if path.is_dir() and not is_unfinished and any(each.name != run_lock.LOCK_FILE for each in path.iterdir()):
        raise UserError(
            f"--run_dir={path} holds something already, and no run overwrites another. "
            "Choose another folder, or remove it."
        )
    if is_unfinished:
        _refuse_other_settings(run, config)


def _refuse_other_settings(run: RunDirectory, config: TrainConfig) -> None:
    try:
        before = to_flat(run.read_config())
    except UserError as error:
        raise UserError(
            f"--run_dir={run.path} holds an unfinished run whose settings cannot be read ({error}). Choose another "
            "folder, or remove it."
        ) from error
    # Of several backbones the run has the one that was taken, with its weights.
    ways = [to_flat(way) for way in choosing.one_by_one(config)]
    of_the_same = [way for way in ways if way["backbone"] == before["backbone"]]
    changes = [
        f"--{name} was {flag_text(before[name])}, is {flag_text(value)}"
        for name, value in (of_the_same or ways)[0].items()
        if name not in _MAY_DIFFER and before[name] != value
    ]
    if changes:
        raise UserError(
            f"--run_dir={run.path} holds an unfinished run with other settings: {'; '.join(changes)}. Begin it again "
            "with the same ones, or choose another folder."
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
