"""Places that a command will write to, checked before it does its work. Nothing is made there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from keras_transfer.errors import UserError


def check_folder(path: str | Path, *, flag: str) -> None:
    """Refuses a folder that cannot be made, or cannot be written.

    Args:
      path: of the folder, which may be missing as well as folders above it.
      flag: that changes it.

    Raises:
      UserError: with the flag and what stands in the way.
    """
    _check(Path(path), Path(path), flag)


def check_file(path: str | Path, *, flag: str) -> None:
    """Refuses a file that cannot be written; see `check_folder`."""
    if Path(path).is_dir():
        raise UserError(f"--{flag}={path} is a folder. Give the path of a file.")
    _check(Path(path), Path(path).parent, flag)


def _check(path: Path, folder: Path, flag: str) -> None:
    there = folder
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            above = "" if there == path else f" cannot be written: {there}"
            raise UserError(f"--{flag}={path}{above} is no folder. Give another place.")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise UserError(
            f"--{flag}={path} cannot be written ({there}: {error.strerror}). Give another place."
        ) from error
