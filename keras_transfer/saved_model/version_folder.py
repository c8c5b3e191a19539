"""An export's version folder as far as it can be read without TensorFlow, so that mistakes are answered at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_transfer.config import ImageConfig, UserError

LABELS_FILE = Path("assets.extra") / "labels.txt"
METADATA_FILE = Path("assets.extra") / "metadata.json"
# The images that had a part in training, so that whoever measures an export can tell whether it has seen them.
SEEN_IMAGES_FILE = Path("assets.extra") / "seen_images.json"
_DIGEST_DIGITS = 16  # 64 bits: a million images against a million others meet by chance in one of 18 million cases


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


def read_abstention(path: Path) -> float:
    """The confidence from which on an export accepts its own answers; 0 where it abstains from none, or does not tell.

    Args:
      path: of the version folder.
    """
    try:
        return float(json.loads((path / METADATA_FILE).read_text("utf-8"))["serving"]["abstain_below"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def write_seen_images(path: Path, digests: Mapping[str, Iterable[str]]) -> None:
    """Writes which images had a part in training, by the beginnings of their digests; no photo can be made of them.

    Args:
      path: of a version folder that is not published yet.
      digests: split -> sha256 of each of its images.
    """
    seen = {split: sorted({digest[:_DIGEST_DIGITS] for digest in own}) for split, own in digests.items()}
    (path / SEEN_IMAGES_FILE).write_text(json.dumps(seen), "utf-8")


def count_seen_images(path: Path, digests: Iterable[str]) -> dict[str, int]:
    """How many images had a part in training an export.

    Args:
      path: of the version folder.
      digests: sha256 of each image.

    Returns:
      Split -> how many of the images were in it, without splits that had none of them; empty for an export that does
      not tell, such as one of an earlier release.
    """
    file = path / SEEN_IMAGES_FILE
    if not file.is_file():
        return {}
    try:
        seen = {split: frozenset(own) for split, own in json.loads(file.read_text("utf-8")).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{file} is damaged ({error}). Export again.") from error
    asked = [digest[:_DIGEST_DIGITS] for digest in digests]
    counts = {split: sum(digest in own for digest in asked) for split, own in seen.items()}
    return {split: count for split, count in counts.items() if count}
