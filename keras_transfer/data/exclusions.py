"""Lists of files to leave out: a text file of paths, written by an inspection or by hand, and read by every source."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_transfer import atomic_files, terminal
from keras_transfer.data import class_names
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.errors import UserError

_COMMENT = "#"
_HEAD = (
    "# Files to leave out, for --exclude_list of train and evaluate: one path a line, relative to this file's folder.",
    "# A line that begins with # is a comment: remove the # to leave that file out too, or add one to keep a file.",
)


@dataclass(frozen=True)
class Exclusion:
    """A file that a list names.

    Attributes:
      path: of the file, as the current folder sees it.
      reason: why.
      is_active: False for a mere suggestion, which is written as a comment.
    """

    path: str
    reason: str
    is_active: bool


def leave_out(examples: Examples, list_path: str) -> Examples:
    """The examples without the files that a list names; these are in `left_out`.

    Args:
      examples: of a source.
      list_path: a UTF-8 text file of paths, absolute or relative to its folder; lines that begin with # are comments.

    Returns:
      The other examples, in the same order.

    Raises:
      UserError: the list can't be read, names no file of the source, or leaves a class without examples.
    """
    places = [os.path.abspath(path) for path in examples.paths]
    listed = _in_forms_of(places, read(Path(list_path)))
    kept = [index for index, place in enumerate(places) if place not in listed]
    found = set(places) & listed
    if listed and not found:
        raise UserError(
            f"--exclude_list={list_path} names {len(listed)} file(s), and none of them is among the images, such as "
            f"{min(listed)}. Its paths are relative to the list's own folder: check where it lies."
        )
    if len(found) < len(listed):
        terminal.warn(f"--exclude_list={list_path} names {len(listed) - len(found)} file(s) that are not there.")
    reason = f"is named by --exclude_list={list_path}"
    left_out = [LeftOut(examples.paths[i], reason, is_unreadable=False) for i, p in enumerate(places) if p in found]
    remaining = dataclasses.replace(examples.select(kept), left_out=(*examples.left_out, *left_out))
    _refuse_emptied_classes(remaining, list_path)
    return remaining


def write(list_path: str | Path, exclusions: Sequence[Exclusion]) -> None:
    """Writes a list that `leave_out` reads, whole or not at all.

    A path that no line can hold, because of a line break in it, is told in a comment instead. A list that stands there
    already with other lines may hold a person's work, so it is kept under another name.
    """
    folder = os.path.dirname(os.path.abspath(list_path))
    lines = [*_HEAD, ""]
    for item in exclusions:
        path = os.path.relpath(item.path, folder)
        line = f"./{path}" if path.startswith(_COMMENT) else path
        lines.append(f"{_COMMENT} {item.reason}")
        if "\n" in line or "\r" in line:
            lines.append(f"{_COMMENT} {line!r} cannot be listed, because its name holds a line break. Rename it.")
        else:
            lines.append(line if item.is_active else f"{_COMMENT}{line}")
    text = "\n".join(lines) + "\n"
    _keep_other_list(Path(list_path), text)
    atomic_files.write_text(list_path, text)


def _in_forms_of(places: Sequence[str], listed: set[str]) -> set[str]:
    """The listed paths, each in the Unicode form of the file that is there."""
    there = set(places)
    by_name = {class_names.normalize(place): place for place in places}
    return {path if path in there else by_name.get(class_names.normalize(path), path) for path in listed}


def _keep_other_list(list_path: Path, text: str) -> None:
    # Bytes, because the name of a file need not be UTF-8.
    if not list_path.exists() or list_path.read_bytes() == text.encode("utf-8", "surrogateescape"):
        return
    names = (list_path.with_name(f"{list_path.stem}-{number}{list_path.suffix}") for number in itertools.count(1))
    kept = next(name for name in names if not name.exists())
    list_path.rename(kept)
    terminal.warn(f"{list_path} was there already, with other lines; it is now {kept}")


def read(list_path: Path) -> set[str]:
    """The files that a list leaves out, as absolute paths.

    Raises:
      UserError: it cannot be opened.
    """
    try:
        text = list_path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UserError(f"--exclude_list={list_path} cannot be opened: {error.strerror}. Check the path.") from error
    folder = os.path.abspath(list_path.parent)
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    return {os.path.abspath(os.path.join(folder, line)) for line in lines if not line.startswith(_COMMENT)}


def _refuse_emptied_classes(remaining: Examples, list_path: str) -> None:
    counts = zip(remaining.class_names, remaining.class_counts(), strict=True)
    empty = [name for name, count in counts if not count]
    if empty:
        raise UserError(
            f"--exclude_list={list_path} leaves no image of class {', '.join(map(repr, empty))}. Take some of its "
            "lines out, or remove the class."
        )
