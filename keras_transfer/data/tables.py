"""Tables of images as text: CSV with commas, semicolons or tabs, and JSON lines; every row knows its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_transfer.errors import UserError

JSON_LINES = (".jsonl", ".ndjson")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_FAULTS_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """The cells of one row, and the line on which it begins."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table as it stands in its file.

    Attributes:
      file: the table.
      header: the names of the columns.
      rows: below the header; a row may have too many or too few cells.
      notes: how the file was understood, a sentence each.
    """

    file: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def read(file: Path) -> Table:
    """The table in a UTF-8 file.

    Raises:
      UserError: it can't be opened or decoded, is empty, or is not well formed.
    """
    text = _read_text(file)
    if file.suffix.lower() in JSON_LINES:
        header, rows = _parse_json_lines(file, text)
        notes: tuple[str, ...] = ()
    else:
        separator = _separator_of(text)
        header, rows = _parse_csv(file, text, separator)
        notes = () if separator == "," else (f"The columns of {file.name} are separated by {_SEPARATORS[separator]}.",)
    if not rows:
        raise UserError(f"{file} names no images: it has a header and nothing below. Add a line for each image.")
    return Table(file, tuple(header), tuple(rows), notes)


def is_list(cell: str) -> bool:
    """Whether a cell holds several values, as JSON writes them; a text such as [unknown] is one."""
    if not cell.startswith(("[", "{")):
        return False
    try:
        return isinstance(json.loads(cell), (list, dict))
    except ValueError:
        return False


def refuse(file: Path, faults: Sequence[str]) -> None:
    """Raises UserError with the first faults of a table, if there are any."""
    if faults:
        more = [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []
        raise UserError("\n  ".join([f"{file} has faults. Fix these lines:", *faults[:_FAULTS_SHOWN], *more]))


def _read_text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"The table {file} cannot be opened: {error.strerror}. Check the path.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{file}: line {line} is not UTF-8 (byte 0x{content[error.start]:02x}). Save the file as 'CSV UTF-8'."
        ) from error
    if not text.strip():
        raise UserError(f"{file} is empty. It needs a line path,label and a line for each image.")
    return text


def _separator_of(text: str) -> str:
    """A comma, unless the header has none and something else instead."""
    header = text.lstrip().partition("\n")[0]
    return next((separator for separator in _SEPARATORS if separator in header), ",")


def _parse_csv(file: Path, text: str, separator: str) -> tuple[Sequence[str], list[Row]]:
    try:
        header, *rows = _csv_rows(text, separator)
    except csv.Error as error:
        raise UserError(f"{file} is not a well-formed CSV file: {error}. Check its quotes.") from error
    return header.cells, rows


def _csv_rows(text: str, separator: str) -> Iterator[Row]:
    """The rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    line = 1
    for cells in reader:
        if cells:
            yield Row(line, cells)
        line = reader.line_num + 1


def _parse_json_lines(file: Path, text: str) -> tuple[Sequence[str], list[Row]]:
    """The keys of all lines as the header; what a line does not have is empty."""
    records = []
    for line, one in enumerate(text.split("\n"), start=1):
        if one.strip():
            records.append((line, _json_object(file, line, one)))
    header = list(dict.fromkeys(key for _, record in records for key in record))
    return header, [Row(line, [_cell(record.get(key)) for key in header]) for line, record in records]


def _json_object(file: Path, line: int, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise UserError(f"{file}: line {line} is not JSON ({error}). Each line must be one JSON object.") from error
    if not isinstance(record, dict):
        raise UserError(f'{file}: line {line} is no JSON object such as {{"file_name": "1.jpg", "label": "cat"}}.')
    return record


def _cell(value: Any) -> str:
    """Text as it is; nothing as empty; anything else as JSON, so that a list of labels is seen as such."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
