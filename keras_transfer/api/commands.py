"""The commands as functions: settings by name instead of flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np

from keras_transfer.api.loaded import Classifier
from keras_transfer.api.results import Evaluation, Inspection, Run
from keras_transfer.errors import ConfigError
from keras_transfer.evaluate import evaluate as evaluate_command
from keras_transfer.export import export as export_command
from keras_transfer.inspect_data import inspect_data as inspect_data_command
from keras_transfer.predict import predict as predict_command
from keras_transfer.settings import command_line
from keras_transfer.settings.config import (
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    PredictConfig,
    TrainConfig,
    from_flat,
)
from keras_transfer.train import train as train_command

_Config = TypeVar("_Config")
_AnyPath = str | os.PathLike[str]


@overload
def train(photos: _AnyPath | None = None, *, dry_run: Literal[True], **settings: Any) -> None: ...


@overload
def train(photos: _AnyPath | None = None, *, dry_run: Literal[False] = False, **settings: Any) -> Run: ...


def train(photos: _AnyPath | None = None, *, dry_run: bool = False, **settings: Any) -> Run | None:
    """Trains a classifier on labelled photos, and publishes its export and report.

    Args:
      photos: folder with a folder of images for each class (or with such a folder for each split), or a CSV file; None
        where `dataset` is given.
      dry_run: whether to check everything and print the plan only.
      **settings: every flag of `python -m keras_transfer.train --helpfull`, by its name.

    Returns:
      The finished run; None for a dry run.

    Raises:
      ConfigError: wrong settings, all of them together.
      UserError: anything else that a person can fix: files, weights, folders, disk, learning rate.
    """
    config = _config(TrainConfig, photos, {**settings, "dry_run": dry_run})
    directory = command_line.carry_out(config, train_command)
    return None if directory is None else Run(directory.path)


def evaluate(export_dir: _AnyPath, photos: _AnyPath | None = None, **settings: Any) -> Evaluation:
    """Measures an export on labelled photos, by their raw bytes.

    Args:
      export_dir: version folder of an export, such as runs/x/export/classifier/1.
      photos: as for `train`.
      **settings: every flag of `python -m keras_transfer.evaluate --helpfull`, by its name.

    Raises:
      ConfigError: wrong settings.
      UserError: no export, no photos, classes that the export does not know, or too many unreadable files.
    """
    config = _config(EvaluateConfig, photos, {**settings, "export_dir": export_dir})
    return Evaluation(command_line.carry_out(config, evaluate_command))


def inspect_data(photos: _AnyPath | None = None, **settings: Any) -> Inspection:
    """Says what is wrong with labelled photos: files, copies and leaks, labels, splits. Changes no file.

    Args:
      photos: as for `train`.
      **settings: every flag of `python -m keras_transfer.inspect_data --helpfull`, by its name.

    Raises:
      ConfigError: wrong settings.
      UserError: no photos, or weights that are not available.
    """
    config = _config(InspectConfig, photos, settings)
    command_line.carry_out(config, inspect_data_command)
    return Inspection(Path(config.settings.output))


def predict(export_dir: _AnyPath, images: _AnyPath, **settings: Any) -> Path:
    """Writes a CSV of labels and scores for all images of a folder. `load` gives them in Python.

    Args:
      export_dir: version folder of an export.
      images: a folder, or one image file.
      **settings: every flag of `python -m keras_transfer.predict --helpfull`, by its name.

    Returns:
      The CSV file.

    Raises:
      ConfigError: wrong settings.
      UserError: no export, or no image.
    """
    config = _config(PredictConfig, None, {**settings, "export_dir": export_dir, "images": images})
    return command_line.carry_out(config, predict_command)


def export(run_dir: _AnyPath, **settings: Any) -> Path:
    """Publishes another version of a finished run's classifier, with other settings of serving.

    Args:
      run_dir: folder of the run.
      **settings: every flag of `python -m keras_transfer.export --helpfull`, by its name.

    Returns:
      The new version folder.

    Raises:
      ConfigError: wrong settings.
      UserError: no finished run, a version that exists, or an export that is not good enough.
    """
    return command_line.carry_out(_config(ExportConfig, None, {**settings, "run_dir": run_dir}), export_command)


def load(export_dir: _AnyPath) -> Classifier:
    """Loads an export, to ask it about images.

    Args:
      export_dir: version folder of an export, such as runs/x/export/classifier/1.

    Raises:
      UserError: it is no export of this package, or damaged.
    """
    return command_line.guard(lambda: Classifier(Path(export_dir).expanduser()))


def _config(config_class: type[_Config], photos: _AnyPath | None, settings: Mapping[str, Any]) -> _Config:
    """The configuration of settings by name; a photo source may be given by its place."""
    values = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
    if photos is not None:
        source = (
            "image_csv" if os.fspath(photos).lower().endswith(".csv") and not Path(photos).is_dir() else "image_dir"
        )
        if values.setdefault(source, os.fspath(photos)) != os.fspath(photos):
            raise ConfigError([f"The photos are given twice: as {os.fspath(photos)!r} and as {source}. Give one."])
    return from_flat(config_class, values)
