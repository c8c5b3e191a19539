"""One publisher at a time in a served model's folder, so that what a killed one left can be told and removed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = ".publishing.lock"  # no number: servers pass over it

# What a killed publisher leaves: a copy that has no number yet, or an old version that was to go.
_LEFT_OVER = re.compile(r"\.(\d+-\w+|removed-\d+)")

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})


@contextlib.contextmanager
def publishing_alone(model_folder: Path) -> Iterator[None]:
    """Waits until no other publisher is at work in the folder, removes what killed ones left, and keeps others waiting.

    The system releases the lock of a process that ends, however it ends. Where the file system knows no locks, nothing
    is removed, and the rename alone decides between two publishers.

    Args:
      model_folder: of the served model.

    Raises:
      OSError: the folder can't be written.
    """
    handle = os.open(model_folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if _lock(handle, model_folder):
            _remove_left_over(model_folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, model_folder: Path) -> bool:
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting    another one publishes to {model_folder}", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _remove_left_over(model_folder: Path) -> None:
    for path in model_folder.iterdir():
        if _LEFT_OVER.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
