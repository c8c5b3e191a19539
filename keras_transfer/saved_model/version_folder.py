"""An export's version folder as far as it can be read without TensorFlow, so that mistakes are answered at once."""

from __future__ import annotations

import json
from pathlib import Path

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


def read_preprocessing(path: Path) -> tuple[ImageConfig, int]:
    """How an export prepares an image, to show people what it sees: the settings, and the bound on declared pixels.

    Args:
      path: of the version folder.

    Raises:
      UserError: its metadata.json is missing or damaged; the export itself does not need it.
    """
    try:
        values = json.loads((path / METADATA_FILE).read_text("utf-8"))["preprocessing"]
        max_pixels = values.pop("max_image_pixels")
        return ImageConfig(**values), max_pixels
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path / METADATA_FILE} is missing or damaged ({error}).") from error
