"""Disk space of the feature banks: how much they take, and which go first where there is a limit."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import column_lock, store


def default_cache_dir() -> Path:
    """$XDG_CACHE_HOME/keras_transfer, or ~/.cache/keras_transfer (XDG Base Directory Specification).

    Raises:
      UserError: there is no home directory.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_transfer"
    except RuntimeError as error:
        raise UserError(
            f"There is no home directory to keep the feature bank in: {error} Give a folder with --feature_cache_dir."
        ) from error


def folder_of(feature_cache_dir: str) -> Path:
    """The folder that the setting names; the default where it is empty."""
    return Path(feature_cache_dir) if feature_cache_dir else default_cache_dir()


def check_usable(feature_cache_dir: str, *, otherwise: str) -> None:
    """Tries whether banks can be written, and leaves nothing behind: to be called before any work, as it is quick.

    Args:
      feature_cache_dir: the setting.
      otherwise: how to do without a bank.

    Raises:
      UserError: they cannot, and why.
    """
    cache_dir = folder_of(feature_cache_dir)
    place = store.banks_folder(cache_dir)
    try:
        while not _exists(place):
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise UserError(
            f"The feature bank cannot be written to {cache_dir}: {error.strerror} at {place}. "
            f"Choose another folder with --feature_cache_dir, or {otherwise}."
        ) from error


def size_bytes(cache_dir: Path) -> int:
    """Bytes that all banks take."""
    return sum(_folder_bytes(column) for column in _columns(cache_dir))


def shortage(cache_dir: Path, *, needed_bytes: int, max_bytes: int) -> str:
    """Why `needed_bytes` more do not fit, whatever is evicted; '' where they do. Changes nothing on the disk.

    Args:
      cache_dir: shared by all runs.
      needed_bytes: that are about to be written. Nothing always fits, even where more is stored than the limit.
      max_bytes: limit of all banks together; 0 is none.

    Returns:
      A clause with the bytes needed, about the feature bank as "it".
    """
    if not needed_bytes:
        return ""
    if max_bytes:
        in_use = sum(_folder_bytes(column) for column in _columns(cache_dir) if column_lock.is_held(column))
        if in_use + needed_bytes > max_bytes:
            stored = f"with {in_use:,} stored bytes that are in use " if in_use else ""
            return f"it needs {needed_bytes:,} bytes more, {stored}over --feature_cache_max_bytes={max_bytes:,}"
    evicted = sum(size for _, size in _to_evict(cache_dir, needed_bytes=needed_bytes, max_bytes=max_bytes))
    free = free_bytes(cache_dir) + evicted
    if needed_bytes > free:
        return f"it needs {needed_bytes:,} bytes more, and the disk of {cache_dir} has {free:,} free"
    return ""


def too_large(shortage_reason: str) -> UserError:
    """The error where there is a `shortage`."""
    return UserError(
        f"The feature bank does not fit: {shortage_reason}. Free some space or raise the limit, take fewer "
        "--augmented_views, choose another --feature_cache_dir, or run with --feature_cache=off."
    )


def make_room(cache_dir: Path, *, needed_bytes: int, max_bytes: int) -> None:
    """Removes the least recently used columns until `needed_bytes` more fit under the limit.

    A column that a run has open is never removed, so where nothing is to be written more may stay than the limit.

    Args:
      cache_dir: shared by all runs.
      needed_bytes: that are about to be written; 0 only holds what there is to the limit.
      max_bytes: limit of all banks together; 0 is none.

    Raises:
      UserError: it does not fit even so; see `shortage`.
    """
    reason = shortage(cache_dir, needed_bytes=needed_bytes, max_bytes=max_bytes)
    if reason:
        raise too_large(reason)
    column_lock.finish_evictions(store.banks_folder(cache_dir))
    for column, size in _to_evict(cache_dir, needed_bytes=needed_bytes, max_bytes=max_bytes):
        if column_lock.evict(column):
            terminal.say(f"feature bank: removed {column} ({size:,} bytes), not used for the longest time")
    over = size_bytes(cache_dir) + needed_bytes - max_bytes
    if max_bytes and over > 0:
        terminal.warn(f"feature bank: {over:,} bytes over --feature_cache_max_bytes={max_bytes:,}, all of it in use")


def _to_evict(cache_dir: Path, *, needed_bytes: int, max_bytes: int) -> list[tuple[Path, int]]:
    """Columns that no run has open, the least recently used first, as many as the limit asks for; with their bytes."""
    over = size_bytes(cache_dir) + needed_bytes - max_bytes if max_bytes else 0
    found = []
    for column in sorted(_columns(cache_dir), key=column_lock.last_used):
        if over > 0 and not column_lock.is_held(column):
            found.append((column, _folder_bytes(column)))
            over -= found[-1][1]
    return found


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk of a folder, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _exists(place: Path) -> bool:
    """Whether something stands there; an error if that cannot be known, or never can, as below a file."""
    try:
        place.lstat()
    except FileNotFoundError:
        return False
    return True


def _columns(cache_dir: Path) -> list[Path]:
    try:
        entries = list(store.banks_folder(cache_dir).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _folder_bytes(folder: Path) -> int:
    try:
        return sum(_file_bytes(file) for file in folder.iterdir())
    except FileNotFoundError:  # another run evicted it just now
        return 0


def _file_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # another run renamed or removed it just now
        return 0
