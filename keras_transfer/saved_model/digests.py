"""The SHA-256 of every file of an export, inside it, so that whoever copies or serves it can tell that it is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

from keras_transfer.errors import UserError

DIGESTS_FILE = Path("assets.extra") / "SHA256SUMS"


def write(version_dir: Path) -> None:
    """Writes the digests of all other files, as the last thing before an export appears.

    The format is that of `sha256sum`, so that without this package `sha256sum --check assets.extra/SHA256SUMS` in the
    version folder checks it too; the lines are sorted by path, so that the same files give the same bytes.

    Args:
      version_dir: of an export that is not published yet.

    Raises:
      UserError: a file's name can't stand in the list.
    """
    files = sorted(
        path.relative_to(version_dir).as_posix()
        for path in version_dir.rglob("*")
        if path.is_file() and path.relative_to(version_dir) != DIGESTS_FILE
    )
    lines = [f"{_digest(version_dir / name)}  {_checked(name)}\n" for name in files]
    (version_dir / DIGESTS_FILE).write_text("".join(lines), "utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(name: str) -> str:
    if "\n" in name or "\\" in name:
        raise UserError(f"The export holds a file {name!r}, whose name can't stand in {DIGESTS_FILE}.")
    return name
