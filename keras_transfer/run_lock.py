"""Two processes never work in one run directory: who works in it holds its lock, which goes with the process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from keras_transfer.errors import UserError

LOCK_FILE = ".in_use"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the lock of a run directory for a `with` block.

    Its file says who holds it. One that a killed process left behind is locked by nobody, and is taken over.

    Raises:
      UserError: another process holds it.
    """
    lock = _take(folder)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()} on {platform.node()}".encode(), 0)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            (folder / LOCK_FILE).unlink()
        os.close(lock)


def is_held(folder: Path) -> bool:
    """Whether a process works in a run directory."""
    try:
        lock = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _take(folder: Path) -> int:
    while True:
        lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between these two steps the one who held it may have removed the file, and a third one made it anew.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(folder / LOCK_FILE)):
                    return lock
        except BlockingIOError as error:
            holder = os.pread(lock, 200, 0).decode("utf-8", "replace")
            os.close(lock)
            raise UserError(
                f"--run_dir={folder} is in use: process {holder or 'unknown'} works in it. Wait until that ends, or "
                "choose another folder."
            ) from error
        os.close(lock)
