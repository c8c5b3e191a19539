"""Files that hold where a training stood: NumPy arrays and JSON in one file, which appears whole or not at all."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, terminal

_KEPT = 2  # the last, and the one before it, should the last be damaged
_FINISHED = "finished"
_REST = "rest"  # all of a file but its arrays, as JSON
# What reading a file that was cut off, or is no file of ours, may raise.
_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training.

    Attributes:
      folder: that they lie in.
      name: of the training; begins the names of its files.
      belongs_to: all that the training depends on, JSON-ready; a checkpoint of another one is not taken.
    """

    folder: Path
    name: str
    belongs_to: Mapping[str, Any]

    def write(self, content: Mapping[str, Any], *, is_finished: bool = False) -> None:
        """Writes a checkpoint and removes those that it makes superfluous.

        Args:
          content: see `write`.
          is_finished: whether the training ended, so that no other checkpoint is needed.
        """
        earlier = self._numbered()
        number = max(earlier, default=0) + 1
        path = self.folder / f"{self.name}-{_FINISHED if is_finished else f'{number:06}'}.npz"
        write(path, {"belongs_to": self.belongs_to, "content": content})
        for old in sorted(earlier)[: None if is_finished else 1 - _KEPT]:
            earlier[old].unlink(missing_ok=True)

    def latest(self) -> tuple[dict[str, Any], bool] | None:
        """The content of the latest checkpoint that is whole and of this training, and whether that is finished."""
        finished, numbered = self.folder / f"{self.name}-{_FINISHED}.npz", self._numbered()
        paths = [numbered[number] for number in sorted(numbered, reverse=True)]
        for path in [finished, *paths] if finished.exists() else paths:
            content = read(path, belongs_to=self.belongs_to)
            if content is not None:
                return content, path == finished
        return None

    def _numbered(self) -> dict[int, Path]:
        paths = self.folder.glob("*.npz") if self.folder.is_dir() else ()
        matches = ((re.fullmatch(re.escape(self.name) + r"-(\d+)\.npz", path.name), path) for path in paths)
        return {int(match[1]): path for match, path in matches if match}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Writes one file.

    Args:
      path: of the file, ending in .npz.
      content: nested dictionaries and lists of NumPy arrays and what JSON has; numbers are kept bit for bit.
    """
    arrays: dict[str, NDArray[Any]] = {}

    def without_arrays(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays[f"array{len(arrays)}"] = value
            return {"array": len(arrays) - 1}
        if isinstance(value, Mapping):
            return {"fields": {name: without_arrays(item) for name, item in value.items()}}
        return [without_arrays(item) for item in value] if isinstance(value, (list, tuple)) else value

    rest = json.dumps(without_arrays(content)).encode()
    with atomic_files.whole_file(path) as temporary:
        np.savez(temporary, **{_REST: np.frombuffer(rest, np.uint8)}, **arrays)  # type: ignore[arg-type]


def read(path: Path, *, belongs_to: Mapping[str, Any]) -> dict[str, Any] | None:
    """The "content" of a file; None, with a warning, where it is damaged or its "belongs_to" is another."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            found = _with_arrays(json.loads(file[_REST].tobytes()), file)
            owner, content = found["belongs_to"], found["content"]
    except _DAMAGE as error:
        terminal.warn(f"{path} is damaged ({error}) and is left aside.")
        return None
    if owner != json.loads(json.dumps(belongs_to)):
        terminal.warn(f"{path} was made from other data or settings, or by other releases, and is left aside.")
        return None
    return dict(content)


def _with_arrays(value: Any, file: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_with_arrays(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return file[f"array{value['array']}"]
    return {name: _with_arrays(item, file) for name, item in value["fields"].items()}
