"""Whether a folder is a whole export, and which versions a served model's folder holds. Standard library only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import export_digests
import tf_record
from arguments import RefusalError

LABELS_FILE = Path("assets.extra", "labels.txt")
METADATA_FILE = Path("assets.extra", "metadata.json")
WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")

# TensorFlow Serving refuses to load a version with more (WarmupConsts::kMaxNumRecords).
_MOST_WARMUP_RECORDS = 1000

NO_DIGESTS = "it carries no digests, as exports of earlier releases: only its form can be checked, not its content."

_SHARD = re.compile(r"variables\.data-(\d{5})-of-(\d{5})")


@dataclass(frozen=True)
class ExportContents:
    """What a whole export holds.

    Attributes:
      file_count: of all files.
      size_bytes: of all files together.
      class_names: in the order of the probabilities.
      warmup_records: requests that the server plays to itself before the version becomes AVAILABLE.
      has_digests: whether every file was compared with its SHA-256; not of an export of an earlier release.
    """

    file_count: int
    size_bytes: int
    class_names: tuple[str, ...]
    warmup_records: int
    has_digests: bool


def check_export(folder: Path) -> ExportContents:
    """Reads what can be wrong with a version folder before a server finds it.

    A server reports a folder without `variables/` as AVAILABLE and then fails every request, never loads one with a
    damaged warm-up file, and answers wrongly by variables that were altered.

    Raises:
      RefusalError: with the first fault.
    """
    if not folder.is_dir():
        raise RefusalError(f"{folder} is no folder. Give a version folder such as runs/x/export/vehicles/1.")
    _check_program(folder)
    _check_variables(folder / "variables")
    must_have_digests = _check_metadata(folder / METADATA_FILE)
    class_names, warmup_records = _class_names(folder / LABELS_FILE), _warmup_records(folder / WARMUP_FILE)
    has_digests = export_digests.check(folder)
    if must_have_digests and not has_digests:
        raise RefusalError(f"{folder} lacks {export_digests.DIGESTS_FILE}: the export is not whole.")
    files = [path for path in folder.rglob("*") if path.is_file()]
    return ExportContents(
        file_count=len(files),
        size_bytes=sum(path.stat().st_size for path in files),
        class_names=class_names,
        warmup_records=warmup_records,
        has_digests=has_digests,
    )


def versions(model_folder: Path) -> dict[int, Path]:
    """Version number -> its folder, ascending, as TensorFlow Serving reads the names: 3 and 003 are both version 3."""
    folders = [path for path in model_folder.iterdir() if path.is_dir()]
    numbered = [(int(path.name), path) for path in folders if path.name.isascii() and path.name.isdecimal()]
    return dict(sorted(numbered))


def _check_program(folder: Path) -> None:
    program = folder / "saved_model.pb"
    if program.is_file() and program.stat().st_size:
        return
    inside = [str(path) for path in versions(folder).values() if (path / "saved_model.pb").is_file()]
    hint = f" Did you mean {inside[-1]}?" if inside else " Export the run again."
    raise RefusalError(f"{folder} has no saved_model.pb, or an empty one, so it is no export.{hint}")


def _check_variables(folder: Path) -> None:
    shards = [match for path in folder.glob("variables.data-*") if (match := _SHARD.fullmatch(path.name))]
    if not (folder / "variables.index").is_file() or not shards:
        raise RefusalError(f"{folder} lacks variables.index or variables.data-*: the export is not whole.")
    expected = int(shards[0].group(2))
    if len(shards) != expected:
        raise RefusalError(f"{folder} holds {len(shards)} of {expected} variables.data files: the export is not whole.")


def _class_names(path: Path) -> tuple[str, ...]:
    names = tuple(_text(path).removesuffix("\n").split("\n"))
    if not all(names) or len(set(names)) != len(names):
        raise RefusalError(f"{path} is empty or holds an empty or repeated line; it must hold a class name a line.")
    return names


def _check_metadata(path: Path) -> bool:
    """Whether it says that the export carries digests."""
    text = _text(path)
    try:
        metadata = json.loads(text)
    except json.JSONDecodeError as error:
        raise RefusalError(f"{path} is no JSON ({error}): the export is not whole.") from error
    if not isinstance(metadata, dict):
        raise RefusalError(f"{path} must hold a JSON object, not a {type(metadata).__name__}.")
    return "digests" in metadata


def _warmup_records(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        count = tf_record.count_records(path)
    except (tf_record.DamagedRecordError, OSError) as error:
        raise RefusalError(f"{path}: {error}. A server would not load it; export again.") from error
    if not 1 <= count <= _MOST_WARMUP_RECORDS:
        raise RefusalError(f"{path} holds {count} records, and a server takes 1 to {_MOST_WARMUP_RECORDS}.")
    return count


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"{path} can't be read ({error}): the export is not whole.") from error
