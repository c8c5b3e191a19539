"""The files that a table names, where paths are not quite those of the files: found, and told."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from keras_transfer.data import class_names, image_files

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # http://, gs://, s3://
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # C:\


class ListedFiles:
    """Finds the files that a table names, below the table's folder.

    A path is taken as it is where such a file exists. Else it is looked for with slashes for backslashes, in the other
    Unicode form, with an image's ending, and in the folders beside the table; `notes` says what was needed how often.
    """

    def __init__(self, folder: Path) -> None:
        """Lists no folder before it is needed."""
        self._folder = str(folder)
        self._subfolders: list[str] | None = None
        self._names: dict[str, dict[str, list[str]]] = {}
        self._needed: Counter[str] = Counter()

    @property
    def notes(self) -> list[str]:
        """How paths differed from the files, a sentence each."""
        return [f"{count:,} path(s) were found {how}." for how, count in self._needed.items()]

    def find(self, typed: str) -> tuple[str, str]:
        """The path of a file that can be opened, and a fault, of which one is ''."""
        if not typed.strip():
            return "", "the path is empty"
        direct = str(Path(self._folder) / typed)
        if os.path.isfile(direct):
            return direct, ""
        if _ADDRESS.match(typed):
            return "", f"{typed!r} is an address on a network; download the files and give their paths"
        found, how = self._search(typed)
        if len(found) > 1:
            return "", f"{typed!r} may be {' or '.join(map(repr, sorted(found)[:3]))}; give the whole path"
        if not found:
            return "", self._missing(typed, direct)
        self._needed.update(how)
        return found[0], ""

    def _search(self, typed: str) -> tuple[list[str], list[str]]:
        """The files of the first way that finds any, and what was needed for it."""
        relative = typed.replace("\\", "/")
        slashes = ["with / for \\"] if relative != typed else []
        for ending in ([], ["by adding the ending"]):
            found = self._matches(self._folder, relative, by_stem=bool(ending))
            if found:
                how = slashes + ending
                return found, how or ["in the other Unicode form (NFC or NFD)"]
        if os.path.isabs(relative):
            return [], []
        for ending in ([], ["by adding the ending"]):
            below = {
                path: folder
                for folder in self._folders_beside()
                for path in self._matches(folder, relative, by_stem=bool(ending))
            }
            if below:
                place = os.path.basename(next(iter(below.values())))
                return list(below), [*slashes, *ending, f"in the folder {place}"]
        return [], []

    def _matches(self, folder: str, relative: str, *, by_stem: bool) -> list[str]:
        """Files of that name below a folder, in any Unicode form; `by_stem` leaves an image's ending open."""
        *parents, name = [part for part in relative.split("/") if part not in ("", ".")] or [""]
        places = ["/" if os.path.isabs(relative) else folder]
        for part in parents:
            places = [path for place in places for path in self._named(place, part) if os.path.isdir(path)]
        return [
            path
            for place in places
            for path in (self._with_any_ending(place, name) if by_stem else self._named(place, name))
            if os.path.isfile(path)
        ]

    def _named(self, folder: str, name: str) -> list[str]:
        if name == "..":
            return [os.path.join(folder, name)]
        listed = self._listing(folder).get(class_names.normalize(name), [])
        return [os.path.join(folder, item) for item in ([name] if name in listed else listed)]

    def _with_any_ending(self, folder: str, stem: str) -> Iterator[str]:
        for ending in image_files.READABLE_ENDINGS:
            for written in (ending, ending.upper()):
                yield from self._named(folder, stem + written)

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """Name in NFC -> names as they are on the disk."""
        if folder not in self._names:
            names: dict[str, list[str]] = {}
            try:
                listed = os.listdir(folder)
            except OSError:  # no such folder, or none that may be listed: nothing is found there
                listed = []
            for name in listed:
                names.setdefault(class_names.normalize(name), []).append(name)
            self._names[folder] = names
        return self._names[folder]

    def _folders_beside(self) -> list[str]:
        if self._subfolders is None:
            self._subfolders = image_files.list_folder(self._folder or ".")[0]
        return self._subfolders

    def _missing(self, typed: str, direct: str) -> str:
        if _DRIVE.match(typed):
            return f"{typed!r} is a path of a Windows machine; make it relative to the table's folder"
        folder, name = os.path.split(direct)
        alike = [other for names in self._listing(folder).values() for other in names if other.lower() == name.lower()]
        return f"there is no file {direct!r}" + (f", but there is {alike[0]!r}" if alike else "")
