"""Files and folders that appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`, with the same ending; renames it to `path` if the block succeeds.

    The data is on the disk before the name is, so that a power cut leaves the old file or the new one.

    Raises:
      IsADirectoryError: `path` is a folder, which is found before the block does its work.
      OSError: unwritable folder, full disk. Nothing is left behind.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=f"-{path.name[-100:]}", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files only their owner can read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Gives a temporary folder beside `path`; renames it to `path` if the block succeeds.

    Raises:
      FileExistsError: `path` exists already.
      OSError: unwritable folder, full disk. Nothing is left behind.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name starts with a dot and is no integer, so TensorFlow Serving never takes it for a version.
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}-", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def make_new_folder(path: str | Path) -> Path:
    """Makes a folder that nobody else has: `path`, or `path-2`, `path-3` and so on where that exists.

    Raises:
      OSError: unwritable folder, full disk.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError("never reached")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Writes a whole file of bytes."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Writes a whole file of UTF-8 text."""
    write_bytes(path, content.encode("utf-8", "surrogateescape"))


def write_json(path: str | Path, content: Any) -> None:
    """Writes a whole JSON file, see `json_text`."""
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Content as JSON, a dataclass as its fields in their order; NaN is refused, because JSON has none."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_fields) + "\n"


def _fields(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"JSON has no {type(value).__name__}. Received: {value!r}")
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
