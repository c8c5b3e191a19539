"""Labelled images from folders: one folder for each class, or train, validation and test with class folders in each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_transfer.data import class_names, folder_tables, foreign_formats, layouts
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.data.image_files import (
    FORMATS,
    Identity,
    existing_path,
    files_below,
    images_among,
    list_folder,
    printable,
)
from keras_transfer.data.layouts import ClassFolder
from keras_transfer.errors import UserError


def load(folder: str | Path) -> Examples:
    """The images of a folder of class folders, or of split folders with class folders in each.

    `layouts` says which folders are splits; whatever lies below a class folder, in folders or behind links, belongs to
    that class. Where the folder or its split folders bring a table of labels (`folder_tables`), that is read instead.

    Args:
      folder: of class folders or split folders.

    Returns:
      Examples sorted by path, without groups. Files that are no images, and images outside any class folder, are
      in `left_out`; `notes` says how the layout was understood.

    Raises:
      UserError: no such folder, a layout that is not certain, a class without images, a class that is missing from
        `train`, a class name with control characters or outer blanks, or a folder that belongs to two classes.
    """
    foreign_formats.refuse_place("image_dir", os.fspath(folder))
    root = existing_path(folder)
    if not os.path.isdir(root):
        raise UserError(
            f"{root} is a file. Give a folder that holds one folder of images for each class; a table of paths and "
            "labels is given as --image_csv."
        )
    foreign_formats.refuse_folder(root, *list_folder(root))
    if found := folder_tables.find(root):
        return folder_tables.load(root, found)
    layout = layouts.understand(root)
    names = sorted({item.class_name for item in layout.class_folders if item.split in ("", "train")})
    _refuse_bad_names(layout.class_folders)
    _refuse_missing_from_train(layout.class_folders, names)
    rows, left_out = _collect(layout.class_folders)
    left_out += [*layout.left_out, *_left_outside(layout.outside)]
    label_ids = {name: label_id for label_id, name in enumerate(names)}
    return Examples(
        class_names=tuple(names),
        paths=tuple(path for path, _ in rows),
        label_ids=np.array([label_ids[item.class_name] for _, item in rows], np.int32),
        splits=tuple(item.split for _, item in rows),
        groups=("",) * len(rows),
        left_out=tuple(sorted(left_out, key=lambda item: item.path)),
        notes=tuple(layout.notes),
    )


def _refuse_bad_names(class_folders: Sequence[ClassFolder]) -> None:
    for item in class_folders:
        if fault := class_names.fault_of(item.class_name):
            raise UserError(f"The class folder {printable(item.path)!r} needs another name: its name {fault}.")


def _refuse_missing_from_train(class_folders: Sequence[ClassFolder], names: Sequence[str]) -> None:
    unknown = [item.path for item in class_folders if item.class_name not in names]
    if unknown:
        raise UserError(
            f"train has no folder for the class of {', '.join(unknown)}, so it can't be learned. "
            f"Add that class to train, rename the folder to one of train's ({', '.join(names)}), or remove it."
        )


def _collect(class_folders: Sequence[ClassFolder]) -> tuple[list[tuple[str, ClassFolder]], list[LeftOut]]:
    """(image, its class folder) for every image, sorted by path; and the other files."""
    rows: list[tuple[str, ClassFolder]] = []
    left_out: list[LeftOut] = []
    empty = []
    owners: dict[Identity, str] = {}
    for item in class_folders:
        files, visited = files_below(item.path)
        _refuse_shared(visited, item.path, owners)
        owners.update(dict.fromkeys(visited, item.path))
        images, others = images_among(files)
        rows += [(path, item) for path in images]
        left_out += others
        if not images:
            empty.append(f"{item.path} ({len(others)} other files)" if others else item.path)
    if empty:
        why = f" The first other file is {left_out[0].path}: {left_out[0].reason}." if left_out else ""
        raise UserError(f"No {FORMATS} file in class folder {', '.join(empty)}.{why} Add images, or remove the folder.")
    return sorted(rows, key=lambda row: row[0]), left_out


def _refuse_shared(visited: Iterable[Identity], path: str, owners: Mapping[Identity, str]) -> None:
    """Refuses a folder that another class folder has reached already."""
    others = {owners[identity] for identity in visited if identity in owners}
    if others:
        raise UserError(
            f"{path} and {min(others)} lead to the same folder by a link, so its images would have two labels or be "
            "in two splits. Remove one of the links."
        )


def _left_outside(files: Iterable[str]) -> list[LeftOut]:
    images, left_out = images_among(files)
    reason = "lies outside any class folder, so its class is not known"
    return [*left_out, *(LeftOut(path, reason, is_unreadable=False) for path in images)]
