"""Whether the files of an export are those that were exported, by the digests in it. Standard library only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from arguments import RefusalError

DIGESTS_FILE = Path("assets.extra", "SHA256SUMS")

_LINE = re.compile(r"([0-9a-f]{64})  ([^\\]+)")  # as sha256sum writes it
_MOST_TOLD = 3  # of each kind of fault


def check(folder: Path) -> bool:
    """Compares every file of a version folder with its digest.

    Returns:
      Whether the export carries digests; one of an earlier release does not, and can't be checked.

    Raises:
      RefusalError: a file is changed, missing or added, or the list of digests itself is damaged.
    """
    path = folder / DIGESTS_FILE
    if not path.is_file():
        return False
    expected, found = _read(path), _digests_of(folder)
    faults = {
        "changed": [name for name in expected if name in found and found[name] != expected[name]],
        "missing": [name for name in expected if name not in found],
        "added": [name for name in found if name not in expected],
    }
    told = "; ".join(f"{kind}: {_listed(names)}" for kind, names in faults.items() if names)
    if told:
        raise RefusalError(f"{folder} is not what was exported ({told}). Copy it again, or export the run again.")
    return True


def _read(path: Path) -> Mapping[str, str]:
    try:
        *lines, end = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"{path} can't be read ({error}): the export is not whole.") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    digests = {match.group(2): match.group(1) for match in matches if match}
    if end or not digests or len(digests) != len(lines):
        raise RefusalError(f"{path} is damaged. Copy the export again, or export the run again.")
    return digests


def _digests_of(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
    own = folder / DIGESTS_FILE
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files if path != own}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:  # a link to nothing, too
        raise RefusalError(f"{path} can't be read: {error.strerror}.") from error


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(names[:_MOST_TOLD]) + more
