"""The feature bank: activations at a cut, stored once for each view of each image, and shared by all runs.

A record is found by the sha256 of the image's bytes and the number of the view, so a bank grows with new photos and
never goes stale. How it lies on the disk is known in this room only: a bank is a set of columns, one for each view, and
a column is a folder named by `Recipe.key`.

A column holds shards: `NAME.records`, fixed-length little-endian float16 records (for `numpy.memmap` or
`tf.data.FixedLengthRecordDataset`), and `NAME.json`, their index, which is written last and makes the shard valid.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, terminal
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import column_lock
from keras_transfer.feature_bank.recipe import RECORD_DTYPE, Recipe

_STRAY_SECONDS = 3600  # far longer than it takes to write a shard


@dataclass(frozen=True, slots=True)  # one for every record: slots spare a third of its memory
class _Place:
    """Where a record lies: `row` of the shard file `records`."""

    records: Path
    row: int


class _Column:
    """One view of every image at one cut: a folder of shards. Keeps the folder from eviction until it is closed."""

    def __init__(self, folder: Path, contents: Mapping[str, Any]) -> None:
        """Opens a column and checks every shard; changes nothing on the disk. `add` makes the folder of a new one.

        Args:
          folder: of the column.
          contents: from `Recipe.contents`; written beside the shards for people to read.
        """
        self.folder = folder
        self.key = folder.name
        self.record_shape = tuple(contents["record_shape"])
        self.record_bytes = math.prod(self.record_shape) * RECORD_DTYPE.itemsize
        self._contents = dict(contents)
        self._is_written = self._is_touched = False
        self.places: dict[str, _Place] = {}
        self._damaged: list[Path] = []
        self._lock = column_lock.hold(folder)
        if self._lock is not None:
            try:
                self._open_shards()
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> _Column:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def touch(self) -> None:
        """Marks the column as used now, once: those not used for the longest time are evicted first."""
        if not self._is_touched:
            self._is_touched = True
            column_lock.touch(self.folder)

    def add(self, digests: Sequence[str], records: NDArray[np.float16]) -> None:
        """Stores a shard; it counts from the moment its index appears.

        Args:
          digests: sha256 of each image, none of them stored yet.
          records: float16, shape (images, *record_shape).

        Raises:
          OSError: unwritable folder, full disk. Nothing half-written counts.
        """
        self._prepare_to_write()
        content = np.ascontiguousarray(records, RECORD_DTYPE).tobytes()
        # Two runs that store the same images write the same name with the same bytes.
        name = hashlib.sha256("".join(digests).encode()).hexdigest()[:32]
        atomic_files.write_bytes(self.folder / f"{name}.records", content)
        index = {
            "column": self.key,
            "record_shape": list(self.record_shape),
            "dtype": RECORD_DTYPE.str,
            "images": list(digests),
            "records_sha256": hashlib.sha256(content).hexdigest(),
        }
        atomic_files.write_json(self.folder / f"{name}.json", index)
        self._add_places(self.folder / f"{name}.records", digests)

    def _prepare_to_write(self) -> None:
        """Once: makes and holds the folder, and removes what does not count, since its images are computed again."""
        if self._is_written:
            return
        if self._lock is None:
            self._lock = column_lock.make_and_hold(self.folder)
        self.touch()
        if not (self.folder / "column.json").exists():
            atomic_files.write_json(self.folder / "column.json", self._contents)
        for index in self._damaged:
            if isinstance(self._read_shard(index), str):  # still: another run may have stored it again
                index.unlink(missing_ok=True)  # first, so that the records without it no longer count
                index.with_suffix(".records").unlink(missing_ok=True)
        for file in self.folder.iterdir():
            if _is_stray(file):
                file.unlink(missing_ok=True)
        self._is_written = True

    def _open_shards(self) -> None:
        for index in sorted(self.folder.glob("[!.]*.json")):  # temporary files begin with a dot
            if index.name == "column.json":
                continue
            found = self._read_shard(index)
            if isinstance(found, str):
                self._damaged.append(index)
                terminal.warn(f"feature bank: shard {index.with_suffix('')} {found}; its images are computed again")
            else:
                self._add_places(index.with_suffix(".records"), found)

    def _read_shard(self, index: Path) -> list[str] | str:
        """The digests of a shard's images, or what is wrong with it."""
        records = index.with_suffix(".records")
        try:
            content = json.loads(index.read_text("utf-8"))
            expected = (self.key, list(self.record_shape), RECORD_DTYPE.str)
            if (content["column"], content["record_shape"], content["dtype"]) != expected:
                return "belongs to another bank"
            images = [str(digest) for digest in content["images"]]
            if records.stat().st_size != len(images) * self.record_bytes:
                return "is truncated"
            return images if _sha256(records) == content["records_sha256"] else "was altered"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        except (ValueError, KeyError, TypeError):
            return "has a damaged index"

    def _add_places(self, records: Path, digests: Sequence[str]) -> None:
        for row, digest in enumerate(digests):
            self.places[digest] = _Place(records, row)


class Store:
    """Records of one recipe, found by image and view. Whoever opens it closes it."""

    def __init__(self, cache_dir: Path, recipe: Recipe) -> None:
        """Opens the bank of a recipe, new or old; writes nothing.

        Args:
          cache_dir: shared by all runs.
          recipe: what fixes the records.
        """
        self.folder, self.recipe = banks_folder(cache_dir), recipe
        self._columns: list[_Column] = []
        try:
            for view in range(recipe.view_count):
                self._columns.append(_Column(self.folder / recipe.key(view), recipe.contents(view)))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def missing(self, digests: Sequence[str], views: Sequence[int]) -> NDArray[np.bool_]:
        """Which records are not stored.

        Args:
          digests: sha256 of each image.
          views: a view for each of them.

        Returns:
          bool, shape (images,).
        """
        pairs = zip(digests, views, strict=True)
        return np.array([digest not in self._columns[view].places for digest, view in pairs], np.bool_)

    def read(self, digests: Sequence[str], views: Sequence[int]) -> NDArray[np.float16]:
        """Records of images, one view each.

        Memory stays flat however large the bank is: only the records asked for are read.

        Args:
          digests: sha256 of each image.
          views: a view for each of them.

        Returns:
          float16, shape (images, *record_shape).

        Raises:
          KeyError: one is not stored.
          UserError: the folder was removed, or its disk.
        """
        for view in set(views):
            self._columns[view].touch()
        result = np.empty((len(digests), *self.recipe.record_shape), RECORD_DTYPE)
        rows = result.reshape(-1).view(np.uint8).data
        size = self.recipe.record_bytes
        places = [self._columns[view].places[digest] for digest, view in zip(digests, views, strict=True)]
        try:
            for position in sorted(range(len(places)), key=lambda at: (places[at].records, places[at].row)):
                place = places[position]
                # A file descriptor for each shard, or a mapping of it, would run into the limits of the process.
                with place.records.open("rb", buffering=0) as file:
                    file.seek(place.row * size)
                    file.readinto(rows[position * size : (position + 1) * size])
        except OSError as error:
            raise UserError(
                f"The feature bank in {self.folder} cannot be read any more: {error}. Run again: what is gone is "
                "computed again."
            ) from error
        return result

    def add(self, digests: Sequence[str], views: Sequence[int], records: NDArray[np.float16]) -> None:
        """Stores records, those that are stored already excepted; each view's count from the moment all are written.

        Args:
          digests: sha256 of each image.
          views: a view for each of them.
          records: float16, shape (images, *record_shape).

        Raises:
          OSError: unwritable folder, full disk. Nothing half-written counts.
        """
        is_missing, of_view = self.missing(digests, views), np.asarray(views)
        for view in sorted(set(of_view[is_missing].tolist())):
            rows = np.flatnonzero(is_missing & (of_view == view)).tolist()
            self._columns[view].add([digests[row] for row in rows], records[rows])

    def close(self) -> None:
        """Releases the folders."""
        for column in self._columns:
            column.close()


def _is_stray(file: Path) -> bool:
    """Whether a run that was killed left this behind: a temporary file, or records without an index."""
    if not (file.name.startswith(".") or (file.suffix == ".records" and not file.with_suffix(".json").exists())):
        return False
    try:
        return time.time() - file.stat().st_mtime > _STRAY_SECONDS  # younger ones may be in the making
    except FileNotFoundError:
        return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def banks_folder(cache_dir: Path) -> Path:
    """Where the columns of all banks lie."""
    return cache_dir / "feature_bank"
