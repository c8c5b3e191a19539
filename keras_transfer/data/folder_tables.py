"""Folders that bring their labels in a table: metadata.csv or .jsonl of a hub's image folders, and _classes.csv."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from keras_transfer.data import columns, image_csv, image_files, layouts, split_names, tables
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.data.layout_messages import listed
from keras_transfer.errors import UserError

# The metadata of Hugging Face's ImageFolder, and what Roboflow writes for classification with several labels.
TABLES = ("metadata.csv", "metadata.jsonl", "_classes.csv")


def find(root: str) -> list[tuple[Path, str]]:
    """The tables with labels in a folder, or in its split folders; each with its split, or ""."""
    if own := _table_in(root):
        return [(own, "")]
    folders = image_files.list_folder(root)[0]
    split_of = layouts.split_folders(folders)
    found = [(table, split) for path, split in split_of.items() if (table := _table_in(path))]
    return found if any(split == "train" for _, split in found) else []


def load(root: str, found: Sequence[tuple[Path, str]]) -> Examples:
    """The images that the tables name; other images below the folder are left out, each with the reason.

    Args:
      root: the folder.
      found: by `find`.

    Raises:
      UserError: faults of a table, or two tables of one split.
    """
    splits = [split for _, split in found]
    if len(set(splits)) < len(splits):
        raise UserError(
            f"{root} holds several folders of one split: {listed([str(path.parent) for path, _ in found])}."
        )
    examples = image_csv.load_tables(found)
    read = ", ".join(os.path.relpath(table, root) + (f" -> {split}" if split else "") for table, split in found)
    notes = [f"Labels taken from {read}."]
    if not any(examples.splits):
        examples, recognized = _with_splits_of_paths(examples, root)
        notes += recognized
    named = {os.path.abspath(path) for path in examples.paths}
    images, left_out = image_files.images_among(image_files.files_below(root)[0])
    unnamed = [path for path in images if os.path.abspath(path) not in named]
    if unnamed:
        notes.append(f"{len(unnamed):,} image(s) are in no table and left out; use predict for them.")
    reason = "has no label: no table names it"
    tables_read = {str(table) for table, _ in found}
    left = [
        *(item for item in left_out if item.path not in tables_read),
        *(LeftOut(path, reason, is_unreadable=False) for path in unnamed),
    ]
    ordered = tuple(sorted(left, key=lambda item: item.path))
    return dataclasses.replace(examples, left_out=ordered, notes=(*notes, *examples.notes))


def _table_in(folder: str) -> Path | None:
    """The table in a folder that has labels; metadata without labels describes class folders."""
    for name in TABLES:
        path = Path(folder) / name
        if path.is_file():
            table = tables.read(path)
            if name == "_classes.csv" or columns.has_labels(table.header, table.rows):
                return path
    return None


def _with_splits_of_paths(examples: Examples, root: str) -> tuple[Examples, list[str]]:
    """The splits of the folders in which all files lie (train/1.jpg), as the hub takes them."""
    tops = [os.path.relpath(path, root).split(os.sep)[0] for path in examples.paths]
    split_of = split_names.recognize(set(tops))
    if set(tops) != split_of.keys() or "train" not in split_of.values():
        return examples, []
    read = ", ".join(f"{name} -> {split}" for name, split in sorted(split_of.items()))
    splits = tuple(split_of[name] for name in tops)
    return dataclasses.replace(examples, splits=splits), [f"Split folders recognized: {read}."]
