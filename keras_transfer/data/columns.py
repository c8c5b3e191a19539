"""Which columns of a table hold the paths, the labels, the splits and the groups, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_transfer.data import image_files, split_names, tables
from keras_transfer.data.tables import Row
from keras_transfer.errors import UserError

# Role -> names that say it, in ranks: a name of a lower rank counts only where none of a higher one is there. The first
# of each is the documented one. Spelling differs by case, blanks and hyphens.
# fmt: off
_NAMES: Mapping[str, tuple[frozenset[str], ...]] = {
    "path": (
        frozenset({"path"}),
        frozenset({
            "file", "file_name", "file_path", "filename", "filepath", "image", "image_file", "image_filename",
            "image_name", "image_path", "imagename", "imagepath", "img", "img_file", "img_name", "img_path", "photo",
            "picture",
        }),
        frozenset({"file_id", "id", "image_id", "img_id", "imageid", "name"}),
    ),
    "label": (
        frozenset({"label"}),
        frozenset({
            "category", "category_name", "choice", "class", "class_label", "class_name", "classes", "classname",
            "label_name", "labels", "target", "target_name",
        }),
        frozenset({"category_id", "class_id", "class_index", "label_id", "target_id"}),
    ),
    "split": (
        frozenset({"split"}),
        frozenset({"data_split", "dataset", "ml_use", "partition", "phase", "set", "split_name", "subset", "usage"}),
    ),
    "group": (frozenset({"group"}),),
}
# fmt: on
_TABLE_ENDINGS = (".csv", ".tsv", *tables.JSON_LINES)
_TRUE, _FALSE = ("1", "1.0"), ("0", "0.0")


@dataclass(frozen=True)
class Roles:
    """Positions of the columns.

    Attributes:
      path: of the paths.
      label: of the labels; None where there is a column of 0 and 1 for each class.
      classes: positions of the columns of 0 and 1, or none.
      split: of the splits, or None.
      group: of the groups, or None.
      slices: of the further columns.
      notes: what was taken where the names are not the documented ones, a sentence each.
    """

    path: int
    label: int | None
    classes: tuple[int, ...]
    split: int | None
    group: int | None
    slices: tuple[int, ...]
    notes: tuple[str, ...]


def choose(header: Sequence[str], rows: Sequence[Row]) -> tuple[Roles | None, list[str]]:
    """The roles of the columns, or the faults of the header.

    Args:
      header: the names of the columns.
      rows: complete ones, as long as the header.

    Returns:
      The roles and no faults, or None and at least one fault.
    """
    index = _index_column(header, rows)
    faults = _plain_faults(header, index)
    found = {role: _positions(header, role) for role in _NAMES}
    if found["split"] and not _are_splits(header, rows, found["split"]):
        found["split"] = []  # such as a column `set` of something else
    classes: tuple[int, ...] = ()
    if found["path"] and not found["label"]:
        taken = {position for positions in found.values() for position in positions} | {index}
        classes = _class_columns(rows, [place for place in range(len(header)) if place not in taken])
    if not found["path"] and not found["label"] and (fault := _first_line_fault(header)):
        return None, [fault]
    for role, positions in found.items():
        faults += _role_faults(role, positions, header, is_needed=role == "path" or (role == "label" and not classes))
    if faults:
        return None, faults
    chosen = {role: positions[0] if positions else None for role, positions in found.items()}
    others = set(range(len(header))) - set(chosen.values()) - set(classes) - {index}
    path = found["path"][0]
    notes = _notes(header, chosen, classes, index)
    roles = Roles(
        path, chosen["label"], classes, chosen["split"], chosen["group"], tuple(sorted(others - {-1})), tuple(notes)
    )
    return roles, []


def is_one(cell: str) -> bool:
    """Whether a cell of a class's column says that the image is of that class."""
    return cell.strip() in _TRUE


def has_labels(header: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether a table names images and their labels, as the metadata of a folder of images need not."""
    return choose(header, [row for row in rows if len(row.cells) == len(header)])[0] is not None


def find_table(files: Iterable[str]) -> str:
    """The first of the files that is a table with labels; else the first that is a table; '' where none is."""
    found = [file for file in files if file.lower().endswith(_TABLE_ENDINGS)]
    return next(filter(_is_labelled, found), found[0] if found else "")


def _is_labelled(file: str) -> bool:
    try:
        table = tables.read(Path(file))
    except UserError:  # one that can't be read is no help
        return False
    return has_labels(table.header, table.rows)


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def _positions(header: Sequence[str], role: str) -> list[int]:
    """Of the columns of the highest rank that is there."""
    for names in _NAMES[role]:
        if found := [position for position, name in enumerate(header) if _plain(name) in names]:
            return found
    return []


def _index_column(header: Sequence[str], rows: Sequence[Row]) -> int | None:
    """The first column where it has no name and only counts the rows, as pandas writes it."""
    is_index = len(header) > 2 and not header[0].strip() and all(row.cells[0].strip().isdigit() for row in rows)
    return 0 if is_index else None


def _plain_faults(header: Sequence[str], index: int | None) -> list[str]:
    faults = [f"header: there are two columns {name!r}" for name in sorted(set(header)) if header.count(name) > 1]
    nameless = [place for place, name in enumerate(header) if not name.strip() and place != index]
    return faults + ["header: a column has no name" for _ in nameless]


def _first_line_fault(header: Sequence[str]) -> str:
    """What is wrong where the first line holds no names of columns; '' where it seems to."""
    if len(header) == 1:
        return f"header: there is one column, {header[0]!r}; separate the values by commas"
    is_value = any("/" in cell or image_files.is_image_name(cell) for cell in header)
    return "header: the first line holds values, it seems; put a line with path,label above it" if is_value else ""


def _are_splits(header: Sequence[str], rows: Sequence[Row], positions: Sequence[int]) -> bool:
    """The documented name always counts; another one only where its cells are splits, train among them."""
    if _plain(header[positions[0]]) == "split":
        return True
    values = {split_names.of_value(row.cells[positions[0]]) for row in rows}
    return "train" in values and "" not in values


def _class_columns(rows: Sequence[Row], others: Sequence[int]) -> tuple[int, ...]:
    """The other columns, where all of them hold only 0 and 1."""
    are_flags = all(row.cells[place].strip() in (*_TRUE, *_FALSE) for row in rows for place in others)
    return tuple(others) if len(others) > 1 and rows and are_flags else ()


def _role_faults(role: str, positions: Sequence[int], header: Sequence[str], *, is_needed: bool) -> list[str]:
    if len(positions) > 1:
        names = " and ".join(repr(header[position]) for position in positions)
        return [f"header: {names} may both be the {role}; rename the one that is meant to {role}"]
    if positions or not is_needed:
        return []
    columns = ", ".join(map(repr, header))
    return [f"header: there is no column for the {role}; the columns are {columns}: rename the right one to {role}"]


def _notes(
    header: Sequence[str], chosen: Mapping[str, int | None], classes: Sequence[int], index: int | None
) -> list[str]:
    taken = [
        f"{role} from {header[position]!r}"
        for role, position in chosen.items()
        if position is not None and header[position] != role
    ]
    if classes:
        taken.append(f"label from the {len(classes)} columns of 0 and 1")
    notes = [f"Columns taken: {', '.join(taken)}."] if taken else []
    return notes + ["The first column, which only counts the rows, is not used."] * (index is not None)
