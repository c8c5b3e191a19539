"""The drawn vehicles as a source: files that are drawn on the first call and read again on later ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from keras_transfer import terminal
from keras_transfer.atomic_files import whole_folder
from keras_transfer.data.examples import Examples
from keras_transfer.drawn_vehicles.drawing import CLASS_NAMES, draw
from keras_transfer.errors import UserError
from keras_transfer.settings.config import DRAWN_VEHICLES

# Part of the folder's name: raise it whenever the same seed draws other pixels.
DRAWING_VERSION = 1


def load(folder: Path, *, images_per_class: int, seed: int = 0) -> Examples:
    """The drawn data set as files, drawn on the first call and read again on later ones.

    Args:
      folder: where data sets are kept; the images go into a folder of their own in it.
      images_per_class: at least 1.
      seed: another seed gives other images; 0 or more.

    Returns:
      Examples sorted by path, without splits or groups.

    Raises:
      UserError: the folder cannot be written, or images are missing from a set that was drawn before.
      ValueError: no images are asked for, or the seed is negative.
    """
    if images_per_class < 1 or seed < 0:
        raise ValueError(
            f"images_per_class must be at least 1 and seed at least 0. Received: {images_per_class} and {seed}"
        )
    own = folder / f"{DRAWN_VEHICLES}-{images_per_class}-{seed}-v{DRAWING_VERSION}"
    if not own.is_dir():
        _write_all(own, images_per_class=images_per_class, seed=seed)
    names = [f"{name}/{number:06d}.jpg" for name in CLASS_NAMES for number in range(images_per_class)]
    _refuse_incomplete(own, names)
    return Examples(
        class_names=CLASS_NAMES,
        paths=tuple(str(own / name) for name in names),
        label_ids=np.repeat(np.arange(len(CLASS_NAMES), dtype=np.int32), images_per_class),
        splits=("",) * len(names),
        groups=("",) * len(names),
    )


def _write_all(own: Path, *, images_per_class: int, seed: int) -> None:
    """Draws the folder; where another process was faster, its folder holds the same images and is used."""
    jobs = [(name, number) for name in CLASS_NAMES for number in range(images_per_class)]
    try:
        with whole_folder(own) as temporary:
            for name in CLASS_NAMES:
                (temporary / name).mkdir()
            for name, number in terminal.progress(jobs, total=len(jobs), title="Drawing vehicles"):
                _write_image(temporary / name / f"{number:06d}.jpg", name, seed=(seed, number))
    except OSError as error:
        if not own.is_dir():
            raise UserError(
                f"The drawn images cannot be written to {own}: {error}. "
                "Give a folder that you can write to, with enough space, by --dataset_dir."
            ) from error


def _write_image(path: Path, class_name: str, *, seed: tuple[int, int]) -> None:
    sequence = np.random.SeedSequence(seed)
    drawing = draw(class_name, seed=int(sequence.generate_state(1, np.uint64)[0]))
    quality = int(np.random.default_rng(sequence).integers(45, 96))
    Image.fromarray(drawing.image).save(path, quality=quality)


def _refuse_incomplete(own: Path, names: list[str]) -> None:
    missing = [name for name in names if not (own / name).is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(names)} drawn images are missing from {own}, such as {missing[0]}. "
            "Delete that folder to have them drawn again."
        )
