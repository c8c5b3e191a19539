"""From the configured source to its examples. Folders and CSV files are read without TensorFlow."""

from __future__ import annotations

import dataclasses

from keras_transfer.data import class_names, exclusions, image_csv, image_folder, tfds_dataset
from keras_transfer.data.examples import Examples
from keras_transfer.settings.config import DRAWN_VEHICLES, SOURCES, SourceConfig


def load(source: SourceConfig, *, least_classes: int = 2) -> Examples:
    """The examples of the one source that is given, without the files of `exclude_list`.

    Args:
      source: which source.
      least_classes: that a folder or a table must have: two to train on, one to measure on.

    Raises:
      UserError: fewer classes; and see `image_folder.load`, `image_csv.load`, `drawn_vehicles.load`,
        `tfds_dataset.load` and `exclusions.leave_out`.
    """
    found = _load_all(source)
    if len(found.class_names) < least_classes:
        class_names.refuse_too_few(found.class_names, next(filter(None, (getattr(source, name) for name in SOURCES))))
    warnings = class_names.lookalike_notes(found.class_names)
    found = dataclasses.replace(found, notes=(*found.notes, *warnings))
    return exclusions.leave_out(found, source.exclude_list) if source.exclude_list else found


def _load_all(source: SourceConfig) -> Examples:
    if source.image_dir:
        return image_folder.load(source.image_dir)
    if source.image_csv:
        return image_csv.load(source.image_csv)
    if source.dataset == DRAWN_VEHICLES:
        from keras_transfer.data import drawn_vehicles  # twenty modules that nobody else needs

        folder = tfds_dataset.images_folder(source.dataset_dir)
        return drawn_vehicles.load(folder, images_per_class=source.drawn_images_per_class)
    return tfds_dataset.load(source.dataset, dataset_dir=source.dataset_dir, allow_download=source.allow_download)
