"""Which images were used for training an export, so that whoever measures it can tell whether it has seen them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_transfer.errors import UserError

SEEN_IMAGES_FILE = Path("assets.extra") / "seen_images.json"
_DIGEST_DIGITS = 16  # 64 bits: a million images against a million others meet by chance in one of 18 million cases


def write(version_dir: Path, digests: Mapping[str, Iterable[str]]) -> None:
    """Writes the beginnings of the images' digests; no photo can be made of them.

    Args:
      version_dir: of an export that is not published yet.
      digests: split -> sha256 of each of its images, in hexadecimal.
    """
    seen = {split: sorted({digest[:_DIGEST_DIGITS] for digest in own}) for split, own in digests.items()}
    (version_dir / SEEN_IMAGES_FILE).write_text(json.dumps(seen), "utf-8")


def count(version_dir: Path, digests: Iterable[str]) -> dict[str, int]:
    """How many images were used for training an export.

    Args:
      version_dir: of the export.
      digests: sha256 of each image, in hexadecimal.

    Returns:
      Split -> how many of the images were in it, without splits that had none of them; empty for an export that does
      not tell, such as one of an earlier release.

    Raises:
      UserError: the export's list is damaged.
    """
    file = version_dir / SEEN_IMAGES_FILE
    if not file.is_file():
        return {}
    try:
        seen = {split: frozenset(own) for split, own in json.loads(file.read_text("utf-8")).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{file} is damaged ({error}). Export again.") from error
    asked = [digest[:_DIGEST_DIGITS] for digest in digests]
    counts = {split: sum(digest in own for digest in asked) for split, own in seen.items()}
    return {split: number for split, number in counts.items() if number}


def in_words(counts: Mapping[str, int]) -> str:
    """Such as "15 in its train and 6 in its validation split", of what `count` returned; at least one split."""
    return " and ".join(f"{number:,} in its {split}" for split, number in counts.items()) + " split"
