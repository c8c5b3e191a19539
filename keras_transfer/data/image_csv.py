"""Labelled images from tables: columns path,label and optionally split,group, or names like these; others: slices."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_transfer.data import class_names, columns, foreign_formats, split_names, tables
from keras_transfer.data.columns import Roles
from keras_transfer.data.examples import Examples
from keras_transfer.data.image_files import existing_path
from keras_transfer.data.listed_files import ListedFiles
from keras_transfer.data.tables import Row, Table
from keras_transfer.errors import UserError
from keras_transfer.settings.config import SPLITS, nearest


@dataclass(frozen=True)
class _Item:
    """One image as its table says; `slices` in the order of the columns."""

    path: str
    label: str
    split: str
    group: str
    slices: tuple[str, ...]


@dataclass(frozen=True)
class _Content:
    """The images of one table."""

    items: list[_Item]
    slice_names: tuple[str, ...]
    notes: list[str]


def load(path: str | Path) -> Examples:
    """The images that a table names.

    Args:
      path: of a UTF-8 file: CSV with commas, semicolons or tabs and a header, or JSON lines. Column `path` (or
        file_name, image, id ...; see `columns`) holds paths, absolute or relative to the file's folder; `label` (or
        class, category ...) class names, or there is a column of 0 and 1 for each class; `split` train, validation or
        test in any usual form, in all rows or in none; `group` any text, the same for examples that must stay in one
        split.

    Returns:
      Examples in the order of the file, with every further column as a slice; `notes` says what was taken for what.

    Raises:
      UserError: all faults of the file together, each with its line.
    """
    foreign_formats.refuse_table(os.fspath(path))
    file = existing_path(path)
    if os.path.isdir(file):
        raise UserError(f"--image_csv={file} is a folder. Give it as --image_dir, or name a CSV file in it.")
    return load_tables([(Path(file), "")])


def load_tables(files: Sequence[tuple[Path, str]]) -> Examples:
    """The images of tables that belong together.

    Args:
      files: tables, each with the split that all its images are in; "" where its own column says so, or nothing does.

    Returns:
      Examples in the order of the tables, as of `load`; a slice is kept where all tables have it.

    Raises:
      UserError: all faults of the first table that has any.
    """
    contents = [_read(tables.read(file), split) for file, split in files]
    items = [item for content in contents for item in content.items]
    names = sorted({item.label for item in items})
    label_ids = {name: label_id for label_id, name in enumerate(names)}
    common = set(contents[0].slice_names).intersection(*(content.slice_names for content in contents))
    kept = [name for name in contents[0].slice_names if name in common]
    notes = [note for content in contents for note in content.notes]
    return Examples(
        class_names=tuple(names),
        paths=tuple(item.path for item in items),
        label_ids=np.array([label_ids[item.label] for item in items], np.int32),
        splits=tuple(item.split for item in items),
        groups=tuple(item.group for item in items),
        slices={name: tuple(_slice_values(contents, name)) for name in kept},
        notes=tuple(dict.fromkeys(notes)),
    )


def _slice_values(contents: Sequence[_Content], name: str) -> Iterator[str]:
    for content in contents:
        position = content.slice_names.index(name)
        yield from (item.slices[position] for item in content.items)


def _read(table: Table, split: str) -> _Content:
    complete = [row for row in table.rows if len(row.cells) == len(table.header)]
    roles, faults = columns.choose(table.header, complete)
    tables.refuse(table.file, faults)
    assert roles is not None  # there were no faults
    _refuse_other_than_one_class(table, complete, roles)
    files = ListedFiles(table.file.parent)
    items, faults = _items_of(table, roles, files)
    tables.refuse(table.file, faults + _mixed_split_faults(complete, roles))
    if split:
        items = [_Item(item.path, item.label, split, item.group, item.slices) for item in items]
    notes = [*table.notes, *roles.notes, *_split_notes(complete, roles), *_label_notes(complete, roles), *files.notes]
    return _Content(items, tuple(table.header[place] for place in roles.slices), notes)


def _items_of(table: Table, roles: Roles, files: ListedFiles) -> tuple[list[_Item], list[str]]:
    """The images of all rows, and the faults of rows."""
    items, faults = [], []
    line_of_file: dict[str, int] = {}
    for row in table.rows:
        if len(row.cells) != len(table.header):
            count = f"{len(row.cells)} values where the header has {len(table.header)} columns"
            faults.append(f"line {row.line}: {count}")
            continue
        path, fault = files.find(row.cells[roles.path])
        item = _item_of(row, roles, table.header, path)
        own = [*filter(None, [fault]), *_text_faults(item, row, roles)]
        first = line_of_file.setdefault(os.path.abspath(path), row.line) if path else row.line
        if first != row.line:
            own.append(f"path {row.cells[roles.path]!r} is on line {first} already")
        faults += [f"line {row.line}: {fault}" for fault in own]
        items.append(item)
    return items, faults


def _item_of(row: Row, roles: Roles, header: Sequence[str], path: str) -> _Item:
    if roles.label is None:
        label = next(header[place].strip() for place in roles.classes if columns.is_one(row.cells[place]))
    else:
        label = row.cells[roles.label]
    return _Item(
        path=path,
        label=class_names.normalize(label),
        split="" if roles.split is None else split_names.of_value(row.cells[roles.split]),
        group="" if roles.group is None else row.cells[roles.group],
        slices=tuple(row.cells[place] for place in roles.slices),
    )


def _text_faults(item: _Item, row: Row, roles: Roles) -> list[str]:
    faults = []
    if fault := class_names.fault_of(item.label):
        faults.append(f"label {item.label!r} {fault}")
    if tables.is_list(item.label):
        faults.append(f"label {item.label!r} is a list; an image has one class")
    split = "" if roles.split is None else row.cells[roles.split]
    if split and not item.split:
        faults.append(f"split {split!r} is none of train, validation (or val) and test.{nearest(split, SPLITS)}")
    if item.group != item.group.strip():
        faults.append(f"group {item.group!r} begins or ends with a blank")
    return faults


def _refuse_other_than_one_class(table: Table, rows: Sequence[Row], roles: Roles) -> None:
    """Refuses rows of columns of 0 and 1 in which not exactly one is 1."""
    if roles.label is not None:
        return
    marked = {
        row.line: [table.header[p].strip() for p in roles.classes if columns.is_one(row.cells[p])] for row in rows
    }
    counts = Counter("none" if not names else "one" if len(names) == 1 else "several" for names in marked.values())
    if counts["none"] or counts["several"]:
        line, names = next((line, names) for line, names in marked.items() if len(names) != 1)
        raise UserError(
            f"{table.file}: {counts['several']:,} row(s) have several classes and {counts['none']:,} have none, of "
            f"{len(marked):,}, such as line {line} ({' and '.join(map(repr, names)) or 'none'}). A classifier gives an "
            "image one class: keep one 1 in each row, and remove the rows without a class."
        )


def _mixed_split_faults(complete: Sequence[Row], roles: Roles) -> list[str]:
    if roles.split is None:
        return []
    without = [row.line for row in complete if not row.cells[roles.split]]
    if not 0 < len(without) < len(complete):
        return []
    return [f"line {without[0]}: no split, as in {len(without)} rows; give a split in all rows, or in none"]


def _split_notes(rows: Sequence[Row], roles: Roles) -> list[str]:
    """What was recognized where the values are not the documented ones."""
    if roles.split is None:
        return []
    values = sorted({row.cells[roles.split] for row in rows} - {*SPLITS, "val", ""})
    read = ", ".join(f"{value} -> {split_names.of_value(value)}" for value in values)
    return [f"Splits recognized: {read}."] if read else []


def _label_notes(rows: Sequence[Row], roles: Roles) -> list[str]:
    """Labels that are one class, in two Unicode forms."""
    if roles.label is None:
        return []
    counts = Counter(class_names.normalize(label) for label in {row.cells[roles.label] for row in rows})
    return [
        f"The label {name!r} is written in {count} Unicode forms (NFC, NFD); it is one class."
        for name, count in counts.items()
        if count > 1
    ]
