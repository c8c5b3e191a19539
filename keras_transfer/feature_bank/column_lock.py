"""Who may remove a bank's column, and when: every run that has it open holds its lock, and eviction needs it alone.

Eviction renames the folder before it deletes, so that a run that opens it meets all of a column or none of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = "in_use.lock"
_EVICTED = ".evicted-"  # begins the name of a folder that is being deleted


def hold(folder: Path) -> int | None:
    """Keeps a column from eviction until the descriptor is closed; None where there is no such column."""
    while True:
        try:
            lock = os.open(folder / LOCK_FILE, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            # While we waited another run may have evicted the folder, and a third one may have made it anew.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(folder / LOCK_FILE)):
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def make_and_hold(folder: Path) -> int:
    """Makes a column's folder where there is none, and holds it."""
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if _is_in_the_way(folder):
                raise
        with contextlib.suppress(FileNotFoundError):  # another run evicted it between these two steps
            (folder / LOCK_FILE).touch()
        lock = hold(folder)
        if lock is not None:
            return lock


def _is_in_the_way(path: Path) -> bool:
    """Whether something that is no folder stands there; looked at once, because an eviction may take it any time."""
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
    return not is_folder and not path.is_dir()  # a link to a folder is one


def touch(folder: Path) -> None:
    """Marks a column as used now."""
    with contextlib.suppress(OSError):  # a cache of somebody else's
        os.utime(folder / LOCK_FILE)


def last_used(folder: Path) -> float:
    """Seconds since the epoch; 0 for a column that no run has held yet."""
    try:
        return (folder / LOCK_FILE).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_held(folder: Path) -> bool:
    """Whether a run has the column open, be it this one or another."""
    with _alone(folder) as is_alone:
        return not is_alone


def evict(folder: Path) -> bool:
    """Deletes a column; False where a run has it open."""
    with _alone(folder) as is_alone:
        if not is_alone:
            return False
        grave = Path(tempfile.mkdtemp(prefix=_EVICTED, dir=folder.parent))
        folder.rename(grave)  # an empty folder is replaced
    shutil.rmtree(grave, ignore_errors=True)
    return True


def finish_evictions(banks: Path) -> None:
    """Deletes what evictions that were killed have left in the folder of all columns."""
    for grave in banks.glob(f"{_EVICTED}*"):
        shutil.rmtree(grave, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether the block has the column for itself."""
    try:
        lock = os.open(folder / LOCK_FILE, os.O_RDWR)
    except (FileNotFoundError, PermissionError):  # evicted, in the making, or somebody else's
        yield False
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_alone = os.path.samestat(os.fstat(lock), os.stat(folder / LOCK_FILE))
        except (BlockingIOError, FileNotFoundError):
            is_alone = False
        yield is_alone
    finally:
        os.close(lock)
