"""Disk space of the feature banks: how much they take, and which go first where there is a limit."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from keras_transfer import terminal
from keras_transfer.config import UserError
from keras_transfer.training import feature_bank


def default_cache_dir() -> Path:
    """$XDG_CACHE_HOME/keras_transfer, or ~/.cache/keras_transfer (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_transfer"


def size_bytes(cache_dir: Path) -> int:
    """Bytes that all banks take."""
    return sum(_folder_bytes(column) for column in _columns(cache_dir))


def make_room(cache_dir: Path, *, needed_bytes: int, max_bytes: int) -> None:
    """Removes the least recently used columns until `needed_bytes` more fit, both under the limit and on the disk.

    A column that a run has open is never removed, so where nothing is to be written more may stay than the limit.

    Args:
      cache_dir: shared by all runs.
      needed_bytes: that are about to be written; 0 only holds what there is to the limit.
      max_bytes: limit of all banks together; 0 is none.

    Raises:
      UserError: it does not fit even so; names the bytes needed.
    """
    over = size_bytes(cache_dir) + needed_bytes - max_bytes if max_bytes else 0
    for column in sorted(_columns(cache_dir), key=_last_used):
        if over <= 0:
            break
        freed = _folder_bytes(column)
        if _remove_unless_open(column):
            terminal.say(f"feature bank: removed {column} ({freed:,} bytes), not used for the longest time")
            over -= freed
    if over > 0 and not needed_bytes:
        terminal.warn(f"feature bank: {over:,} bytes over --feature_cache_max_bytes={max_bytes:,}, all of it in use")
    elif over > 0:
        raise UserError(
            f"The feature bank needs {needed_bytes:,} bytes more, {over:,} over "
            f"--feature_cache_max_bytes={max_bytes:,}. Raise that limit, take fewer --augmented_views, or "
            "run with --feature_cache=off."
        )
    free = free_bytes(cache_dir)
    if needed_bytes > free:
        raise UserError(
            f"The feature bank needs {needed_bytes:,} bytes and the disk of {cache_dir} has {free:,} free. Free some "
            "space, choose another --feature_cache_dir, take fewer --augmented_views, or run with --feature_cache=off."
        )


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk of a folder, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _columns(cache_dir: Path) -> list[Path]:
    folder = feature_bank.banks_folder(cache_dir)
    return [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


def _folder_bytes(folder: Path) -> int:
    return sum(_file_bytes(file) for file in folder.iterdir()) if folder.is_dir() else 0


def _file_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # another run renamed or removed it just now
        return 0


def _last_used(column: Path) -> float:
    try:
        return (column / feature_bank.LOCK_FILE).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove_unless_open(column: Path) -> bool:
    try:
        lock = os.open(column / feature_bank.LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(column)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
