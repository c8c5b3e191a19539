"""Disk space of the feature banks: how much they take, and which go first where there is a limit."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import column_lock, store
from keras_transfer.settings.config import TrainingConfig


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


@dataclass(frozen=True)
class Cache:
    """The folder that the banks of all runs share, and how much they may take together.

    Attributes:
      folder: need not exist.
      max_bytes: limit of all banks together; 0 is none.
    """

    folder: Path
    max_bytes: int = 0

    def size_bytes(self) -> int:
        """Bytes that all banks take."""
        return sum(_folder_bytes(column) for column in _columns(self.folder))

    def shortage(self, needed_bytes: int) -> str:
        """Why so many bytes more do not fit, whatever is evicted; '' where they do. Changes nothing on the disk.

        Args:
          needed_bytes: that are about to be written. Nothing always fits, even where more is stored than the limit.

        Returns:
          A clause with the bytes needed, about the feature bank as "it".
        """
        if not needed_bytes:
            return ""
        if self.max_bytes:
            in_use = sum(_folder_bytes(column) for column in _columns(self.folder) if column_lock.is_held(column))
            if in_use + needed_bytes > self.max_bytes:
                stored = f"with {in_use:,} stored bytes that are in use " if in_use else ""
                limit = f"--feature_cache_max_bytes={self.max_bytes:,}"
                return f"it needs {needed_bytes:,} bytes more, {stored}over {limit}"
        free = free_bytes(self.folder) + sum(size for _, size in self._to_evict(needed_bytes))
        if needed_bytes > free:
            return f"it needs {needed_bytes:,} bytes more, and the disk of {self.folder} has {free:,} free"
        return ""

    def make_room(self, needed_bytes: int) -> None:
        """Removes the least recently used columns until so many bytes more fit under the limit.

        A column that a run has open is never removed, so where nothing is to be written more may stay than the limit.

        Args:
          needed_bytes: that are about to be written; 0 only holds what there is to the limit.

        Raises:
          UserError: it does not fit even so; see `shortage`.
        """
        reason = self.shortage(needed_bytes)
        if reason:
            raise too_large(reason)
        column_lock.finish_evictions(store.banks_folder(self.folder))
        for column, size in self._to_evict(needed_bytes):
            if column_lock.evict(column):
                terminal.say(f"feature bank: removed {column} ({size:,} bytes), not used for the longest time")
        over = self._over(needed_bytes)
        if over > 0:
            limit = f"--feature_cache_max_bytes={self.max_bytes:,}"
            terminal.warn(f"feature bank: {over:,} bytes over {limit}, all of it in use")

    def _over(self, needed_bytes: int) -> int:
        """Bytes over the limit once so many more are written; 0 or less where there is room or no limit."""
        return self.size_bytes() + needed_bytes - self.max_bytes if self.max_bytes else 0

    def _to_evict(self, needed_bytes: int) -> list[tuple[Path, int]]:
        """Columns that no run has open, the least recently used first, as many as the limit asks for; their bytes."""
        over = self._over(needed_bytes)
        found = []
        for column in sorted(_columns(self.folder), key=column_lock.last_used):
            if over > 0 and not column_lock.is_held(column):
                found.append((column, _folder_bytes(column)))
                over -= found[-1][1]
        return found


def cache_of(training: TrainingConfig) -> Cache:
    """The cache that a configuration names."""
    return Cache(folder_of(training.feature_cache_dir), training.feature_cache_max_bytes)


def too_large(shortage_reason: str) -> UserError:
    """The error where there is a `shortage`."""
    return UserError(
        f"The feature bank does not fit: {shortage_reason}. Free some space or raise the limit, take fewer "
        "--augmented_views, choose another --feature_cache_dir, or run with --feature_cache=off."
    )


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
