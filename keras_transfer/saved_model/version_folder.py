"""An export's version folder as far as it can be read without TensorFlow, so that mistakes are answered at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from keras_transfer.config import ImageConfig, UserError

LABELS_FILE = Path("assets.extra") / "labels.txt"
METADATA_FILE = Path("assets.extra") / "metadata.json"


def check(path: Path, flag: str = "export_dir") -> None:
    """Refuses what is no version folder, without loading anything.

    Args:
      path: of the folder.
      flag: that named it.

    Raises:
      UserError: naming what is missing, and the version folders inside where `path` is their parent.
    """
    if (path / "saved_model.pb").is_file() and (path / LABELS_FILE).is_file():
        return
    if not path.is_dir():
        raise UserError(f"--{flag}={path} is no folder. Give a version folder such as runs/x/export/vehicles/1.")
    versions = sorted(str(folder) for folder in path.iterdir() if (folder / "saved_model.pb").is_file())
    hint = f" Did you mean {versions[-1]}?" if versions else " Give a version folder such as runs/x/export/vehicles/1."
    raise UserError(f"--{flag}={path} holds no saved_model.pb and {LABELS_FILE}, so it is no export.{hint}")


def read_metadata(path: Path) -> dict[str, Any]:
    """What an export tells of itself, for people: see `publishing`.

    Args:
      path: of the version folder.

    Raises:
      UserError: its metadata.json is missing or damaged; the export itself does not need it.
    """
    try:
        values = json.loads((path / METADATA_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(values, dict):
        raise _damaged(path, TypeError(f"it holds a {type(values).__name__}, not an object"))
    return values


def read_preprocessing(path: Path) -> tuple[ImageConfig, int]:
    """How an export prepares an image, to show people what it sees: the settings, and the bound on declared pixels.

    Args:
      path: of the version folder.

    Raises:
      UserError: its metadata.json is missing or damaged; the export itself does not need it.
    """
    try:
        values = dict(read_metadata(path)["preprocessing"])
        max_pixels = values.pop("max_image_pixels")
        return ImageConfig(**values), max_pixels
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{path / METADATA_FILE} is missing or damaged ({error}).")
