"""Refuses layouts in which it is not certain which folders are the classes, and says which may be meant."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from keras_transfer.data import class_names, columns, split_names
from keras_transfer.data.image_files import holds_images, is_image_name, list_folder
from keras_transfer.data.layout_messages import listed, wanted
from keras_transfer.errors import UserError


def refuse_too_high(root: str, only: str) -> None:
    """Refuses a folder with nothing but a folder of folders."""
    inside = only
    while len(list_folder(inside)[0]) == 1 and not holds_images(inside):
        inside = list_folder(inside)[0][0]
    if not holds_images(inside) and len(list_folder(inside)[0]) > 1:
        raise UserError(
            f"{root} holds one folder, {os.path.basename(only)}, which holds no images but folders. Did you mean "
            f"{inside}?\n{wanted(inside)}"
        )


def refuse_without_folders(root: str, files: Sequence[str]) -> None:
    """Refuses a folder with files only; it may be that of one class, or of images with a table of labels."""
    if table := columns.find_table(files):
        raise UserError(f"{root} holds no folders. Did you mean --image_csv={table}?\n{wanted(root)}")
    parent = os.path.dirname(os.path.abspath(root))
    if any(map(is_image_name, files)) and len(list_folder(parent)[0]) > 1:
        raise UserError(
            f"{root} holds images and no folders, as one class does. Did you mean the folder above, {parent}?\n"
            f"{wanted(parent)}"
        )
    raise UserError(f"{root} holds no folders, so the images have no class.\n{wanted(root)}")


def refuse_beside_table(root: str, folders: Sequence[str], files: Sequence[str]) -> None:
    """Refuses images/ or part1/ and part2/ beside a table: the table has the labels."""
    names = [os.path.basename(path) for path in folders]
    are_no_classes = all(split_names.is_filler(name) or split_names.is_of_a_series(name) for name in names)
    if are_no_classes and (table := columns.find_table(files)):
        raise UserError(
            f"{root} holds {listed(names)}, which are no names of classes, and a table. Did you mean "
            f"--image_csv={table}?\n{wanted(root)}"
        )


def refuse_series(root: str, class_folders: Sequence[str]) -> list[str]:
    """Refuses folds, years or splits above the classes, or splits below them.

    Returns:
      What is told of folders in class folders that hold no images of their own, a sentence each.
    """
    by_path = {path: _inner_names(path) for path in class_folders if not holds_images(path)}
    hollow = {path: names for path, names in by_path.items() if names}
    if not hollow:
        return []
    below = sorted({name for names in hollow.values() for name in names})
    above = sorted({os.path.basename(path) for path in hollow})
    if all(map(split_names.of_value, below)):
        raise UserError(
            f"{root} holds {listed(above)}, with splits below them ({listed(below)}). Put the splits above the classes."
            f"\n{wanted(root, above)}"
        )
    for path, names in hollow.items():
        found = split_names.recognize(names)
        if "train" in found.values() and len(found) > 1:
            raise UserError(f"{path} holds splits ({listed(sorted(found))}). Did you mean {path}?\n{wanted(path)}")
    if len(above) > 1 and (_are_alike(hollow, class_folders) or all(map(split_names.is_of_a_series, above))):
        raise UserError(
            f"{root} holds {listed(above)}, which hold no images but folders: {listed(below)}. It is not certain which "
            f"of them are the classes. Move all images of a class into one folder.\n{wanted(root)}"
        )
    return [f"Folders in {listed(above)}, such as {listed(below[:2])}, belong to that class and are none of their own."]


def _are_alike(hollow: Mapping[str, set[str]], class_folders: Sequence[str]) -> bool:
    """Whether all class folders hold the same folders, and more than one."""
    first, *others = hollow.values()
    same = len(hollow) == len(class_folders) and all(names == first for names in others)
    return same and len(first) > 1 and not all(map(split_names.is_filler, first))


def refuse_classes_by_split(root: str, folders: Sequence[str]) -> None:
    """Refuses cats_train, cats_test, dogs_train, dogs_test: splits of each class side by side."""
    splits: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in folders:
        if parsed := split_names.parse(os.path.basename(path)):
            splits[parsed.rest].add(parsed.split)
    found = ["_".join(rest) for rest, of_class in splits.items() if rest and len(of_class) > 1 and "train" in of_class]
    if found:
        raise UserError(
            f"{root} holds folders of one class for each split, such as those of {listed(found)}. Put the splits above "
            f"the classes.\n{wanted(root, found)}"
        )


def _inner_names(folder: str) -> set[str]:
    return {class_names.normalize(os.path.basename(path)) for path in list_folder(folder)[0]}
