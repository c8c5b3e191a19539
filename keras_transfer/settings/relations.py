"""What may be wrong with values of settings together: each function gives the faults as sentences, or none."""

from __future__ import annotations

import re

from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.train_settings import DRAWN_VEHICLES, SOURCES

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def source_faults(*values: str) -> list[str]:
    """Not exactly one source of images."""
    given = [f"--{name}" for name, value in zip(SOURCES, values, strict=True) if value]
    if len(given) == 1:
        return []
    if not given:
        names = ", ".join(f"--{name}" for name in SOURCES)
        return [f"No images: give one of {names} (--dataset={DRAWN_VEHICLES} needs no files)."]
    return ["Give only one source of images. Received: " + ", ".join(given)]


def comparison_faults(refuse_worse: bool, compare_export_dir: str) -> list[str]:
    """A gate that has nothing to compare with."""
    if compare_export_dir or not refuse_worse:
        return []
    return [
        "--refuse_worse has nothing to compare with, because a new run has no earlier version: give "
        "--compare_export_dir, the version folder of the export in production, or leave --refuse_worse out."
    ]


def fraction_faults(validation: float, test: float) -> list[str]:
    """Fractions that leave nothing to train on."""
    if validation + test < 1:
        return []
    return [
        "--validation_fraction and --test_fraction must leave something to train on: their sum must be less "
        f"than 1. Received: {validation} and {test}"
    ]


def image_size_faults(backbone: str, image_size: int) -> list[str]:
    """Images smaller than a backbone takes."""
    smallest = {name: BACKBONES[name].smallest_image_size for name in backbone.split(",")}
    return [
        f"--image_size must be at least {least} for {name}. Received: {image_size}"
        for name, least in smallest.items()
        if image_size < least
    ]


def weights_faults(backbone: str, weights: str) -> list[str]:
    """Several backbones with one weights file, or with another number of them; one backbone twice."""
    names, files = backbone.split(","), weights.split(",")
    if len(set(names)) < len(names):
        return [f"--backbone names a network twice. Received: {backbone}"]
    if len(names) == 1 or len(files) == len(names) or weights in ("imagenet", "random"):
        return []
    return [
        f"--weights must name as many files as --backbone names networks, in the same order, or be imagenet. "
        f"Received: {len(files)} and {len(names)}"
    ]


def warmup_faults(head_epochs: int, fine_tune_epochs: int, warmup_epochs: int) -> list[str]:
    """A warm-up as long as a phase."""
    shortest = min(epochs for epochs in (head_epochs, fine_tune_epochs) if epochs)
    if not warmup_epochs or warmup_epochs < shortest:
        return []
    return [f"--warmup_epochs must be less than the epochs of each phase. Received: {warmup_epochs} of {shortest}"]


def fine_tune_faults(fine_tune: str, fine_tune_epochs: int) -> list[str]:
    """Epochs of a phase that is switched off."""
    if fine_tune != "off" or not fine_tune_epochs:
        return []
    return [f"--fine_tune=off leaves no fine-tune phase for the --fine_tune_epochs={fine_tune_epochs}: leave out one."]


def network_of_run_faults(run_dir: str, backbone: str) -> list[str]:
    """Two networks."""
    if run_dir and backbone != "none":
        return ["--run_dir brings its own network: leave --backbone out, or --run_dir."]
    return []


def model_name_faults(name: str) -> list[str]:
    """A name that is no folder or no part of a URL."""
    if _MODEL_NAME.fullmatch(name):
        return []
    return [
        "--model_name must begin with a letter or digit and hold only letters, digits, '_', '-' and '.', because it "
        f"becomes a folder and part of a URL. Received: {name!r}"
    ]
