"""How a folder of photos is laid out: class folders, or split folders with class folders in each; else what is wanted.

Split, fold and year names are never taken for classes: a layout that is not certain is refused with the one wanted.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_transfer.data import class_names, columns, doubtful_layouts, split_names
from keras_transfer.data.examples import LeftOut
from keras_transfer.data.image_files import files_below, holds_images, is_image_name, list_folder, printable
from keras_transfer.data.layout_messages import listed, wanted
from keras_transfer.errors import UserError

_DOCUMENTED = frozenset({"train", "validation", "val", "test"})


@dataclass(frozen=True)
class ClassFolder:
    """A folder of images of one class.

    Attributes:
      path: of the folder.
      class_name: its name in NFC.
      split: train, validation or test, or "" where the layout has no splits.
    """

    path: str
    class_name: str
    split: str


@dataclass
class Layout:
    """What was understood.

    Attributes:
      class_folders: with their splits.
      outside: files beside them, of which those that are images have no class.
      left_out: files of folders that are no part of the layout, each with the reason.
      notes: what is not plain to see, a sentence each.
    """

    class_folders: list[ClassFolder] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def understand(root: str) -> Layout:
    """The layout of a folder.

    Raises:
      UserError: no folders, or a layout that is not certain.
    """
    folders, beside = list_folder(root)
    if not folders:
        doubtful_layouts.refuse_without_folders(root, beside)
    split_of = split_folders(folders)
    others = [path for path in folders if path not in split_of]
    if split_of and (not any(map(_holds_images_below, others)) or _are_meant_as_splits(split_of)):
        return _split_layout(root, split_of, others, beside)
    return _class_layout(root, folders, beside)


def split_folders(folders: Sequence[str]) -> dict[str, str]:
    """The folders whose names are those of splits of one set -> their splits."""
    recognized = split_names.recognize(map(os.path.basename, folders))
    return {path: recognized[name] for path in folders if (name := os.path.basename(path)) in recognized}


def _are_meant_as_splits(split_of: dict[str, str]) -> bool:
    """Beside other folders: several splits with folders in them, or one that holds nothing but folders."""
    with_folders = [path for path in split_of if list_folder(path)[0]]
    several = len({split_of[path] for path in with_folders}) > 1
    return several or any(not holds_images(path) for path in with_folders)


def _split_layout(root: str, split_of: dict[str, str], others: Sequence[str], beside: list[str]) -> Layout:
    layout = Layout(outside=beside)
    _leave_out_others(root, others, layout)
    _refuse_unclear_splits(root, split_of)
    nested = []
    for path, split in split_of.items():
        inside = _unwrapped(path)
        if inside != path:
            nested.append(path)
        inner, files = list_folder(inside)
        if inner:
            layout.class_folders += [_class_folder(folder, split) for folder in inner]
            layout.outside += files
        else:
            _leave_out_unlabelled(root, inside, split, layout)
    names = {path: os.path.relpath(_unwrapped(path), root) for path in split_of}
    if nested or not {os.path.basename(path) for path in split_of} <= _DOCUMENTED:
        read = ", ".join(f"{printable(names[path])} -> {split}" for path, split in split_of.items())
        layout.notes.insert(0, f"Split folders recognized: {read}.")
    layout.notes += doubtful_layouts.refuse_series(root, [item.path for item in layout.class_folders])
    layout.notes += _notes_on_names(layout.class_folders)
    return layout


def _class_folder(path: str, split: str = "") -> ClassFolder:
    return ClassFolder(path, class_names.normalize(os.path.basename(path)), split)


def _unwrapped(path: str) -> str:
    """The folder below one that only wraps it, such as seg_train/seg_train or train/images."""
    while True:
        inner, files = list_folder(path)
        if len(inner) != 1 or any(map(is_image_name, files)):
            return path
        name, own = os.path.basename(inner[0]), split_names.parse(os.path.basename(path))
        parsed = split_names.parse(name)
        is_same = parsed is not None and own is not None and parsed.split == own.split and parsed.rest == own.rest
        if not (name == os.path.basename(path) or is_same or split_names.is_filler(name)):
            return path
        path = inner[0]


def _leave_out_others(root: str, others: Sequence[str], layout: Layout) -> None:
    """Folders beside split folders: those without images or labels are left out, any other is refused."""
    unclear = []
    for path in others:
        name = os.path.basename(path)
        parsed = split_names.parse(name)
        is_unlabelled = split_names.is_unlabelled(name) or (parsed is not None and parsed.split != "train")
        inside = _unwrapped(path)
        if not _holds_images_below(path):
            _leave_out(path, "lies beside the split folders", layout)
        elif is_unlabelled and not list_folder(inside)[0]:
            _leave_out_as_unlabelled(inside, layout)
        else:
            unclear.append(name)
    if unclear:
        raise UserError(
            f"{root} holds split folders and other folders beside them: {listed(unclear)}. Rename them to train, "
            "validation or test if they are splits, and move them away if they are not; a class called train or test "
            f"must have its images right in it.\n{wanted(root)}"
        )


def _refuse_unclear_splits(root: str, split_of: dict[str, str]) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for path, split in split_of.items():
        names[split].append(os.path.basename(path))
    for split, found in names.items():
        if len(found) > 1:
            raise UserError(
                f"{root} holds {listed(found, 'both ')}, all of which are names of the {split} split. Keep one, or "
                f"move their images together.\n{wanted(root)}"
            )
    if "train" not in names:
        found = [os.path.basename(path) for path in split_of]
        raise UserError(
            f"{root} holds split folders ({listed(found)}) but none for train. Add a folder train; to evaluate an "
            f"export on one of them, give that folder: {os.path.join(root, found[0])}\n{wanted(root)}"
        )


def _leave_out_unlabelled(root: str, path: str, split: str, layout: Layout) -> None:
    """A split folder without class folders: left out where it holds images and is not train."""
    if split == "train" or not holds_images(path):
        table = columns.find_table(list_folder(root)[1])
        advice = f"Did you mean --image_csv={table}?" if table else "Add them, or remove that folder."
        raise UserError(f"{path} holds no class folders. {advice}\n{wanted(root)}")
    _leave_out_as_unlabelled(path, layout)


def _leave_out_as_unlabelled(path: str, layout: Layout) -> None:
    count = _leave_out(path, "has no label: it lies in a folder without class folders", layout)
    layout.notes.append(
        f"{printable(path)} has no class folders, so its {count:,} file(s) are left out; use predict for it."
    )


def _leave_out(path: str, reason: str, layout: Layout) -> int:
    files = files_below(path)[0]
    layout.left_out += [LeftOut(printable(file), reason, is_unreadable=False) for file in files]
    return len(files)


def _class_layout(root: str, folders: Sequence[str], beside: list[str]) -> Layout:
    if len(folders) == 1:
        doubtful_layouts.refuse_too_high(root, folders[0])
    doubtful_layouts.refuse_beside_table(root, folders, beside)
    doubtful_layouts.refuse_classes_by_split(root, folders)
    layout = Layout([_class_folder(path) for path in folders], outside=beside)
    layout.notes += doubtful_layouts.refuse_series(root, folders)
    names = [os.path.basename(path) for path in folders]
    if all(map(split_names.is_of_a_series, names)):
        layout.notes.append(
            f"WARNING: the classes are called {listed(names)}, like years, folds or splits. Is it meant?"
        )
    layout.notes += _notes_on_names(layout.class_folders)
    return layout


def _notes_on_names(class_folders: Sequence[ClassFolder]) -> list[str]:
    """What is told of the names of classes: folders that are one class, and names that look alike."""
    notes = []
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in class_folders:
        same[item.split, item.class_name].append(item.path)
    for (_, name), paths in same.items():
        if len(paths) > 1:
            notes.append(
                f"{len(paths)} folders are called {name!r}, in two Unicode forms (NFC, NFD); they are one class."
            )
    return list(dict.fromkeys(notes))


def _holds_images_below(folder: str) -> bool:
    return any(map(is_image_name, files_below(folder)[0]))
