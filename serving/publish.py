"""Copies a version folder of an export to where a server finds it: whole or not at all.

python serving/publish.py --export=runs/x/export/vehicles/3 --model_folder=/srv/models/vehicles --keep_last=3

Exit code: 0 published, 1 refused (no version has changed, or none but old ones that were to go), 2 wrong use. It needs
nothing but the standard library, but for --config.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import export_folder
import model_config
import publishing_lock
import whole_files
from arguments import OneLineParser, RefusalError


def publish(export: Path, model_folder: Path, *, version: int) -> Path:
    """Checks, copies, checks the copy and renames, so that a server sees no half-copied or altered version.

    What publishers that were killed have left in the folder is removed first.

    Args:
      export: a version folder.
      model_folder: of the served model; made if its parent exists.
      version: a number that the model folder does not hold yet.

    Returns:
      The new version folder.

    Raises:
      RefusalError: the export is not whole, the version exists, or the copy failed. No version has changed.
    """
    export_folder.check_export(export)
    return _copy_in(export, model_folder, version)


def check_version_is_free(model_folder: Path, version: int) -> None:
    """Refuses a version that is published already, because a server keeps the one it has loaded.

    Raises:
      RefusalError: with the next free number.
    """
    taken = export_folder.versions(model_folder)
    if version in taken:
        raise RefusalError(
            f"{taken[version]} exists already, and a published version never changes. Give --version={max(taken) + 1}."
        )


def remove_old_versions(model_folder: Path, *, keep_last: int, in_use: Mapping[int, str]) -> list[int]:
    """Removes all but the newest versions and those in use.

    Args:
      model_folder: of the served model.
      keep_last: how many of the newest stay, at least 1.
      in_use: version -> why it stays whatever its age.

    Returns:
      The versions removed, ascending.

    Raises:
      RefusalError: one can't be removed.
    """
    held = export_folder.versions(model_folder)
    old = [version for version in list(held)[:-keep_last] if version not in in_use]
    for version in old:
        hidden = model_folder / f".removed-{held[version].name}"
        try:
            shutil.rmtree(hidden, ignore_errors=True)  # left by a publisher that was killed
            held[version].rename(hidden)  # first out of the server's sight, so that it sees no half-removed version
            shutil.rmtree(hidden)
        except OSError as error:
            raise RefusalError(f"The old version {version} in {model_folder} can't be removed: {error}.") from error
    return old


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.keep_last is not None and parsed.keep_last < 1:
        parser.error(f"--keep_last must be at least 1, not {parsed.keep_last}")
    version = parsed.version if parsed.version is not None else _number(parser, parsed.export.resolve().name)
    if version < 0:
        parser.error(f"--version must be at least 0, not {version}")
    try:
        _run(parsed, version)
    except RefusalError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


def _run(parsed: argparse.Namespace, version: int) -> None:
    in_use = _versions_in_use(parsed)  # first: a configuration that can't be read must not be found out half-way
    contents = export_folder.check_export(parsed.export)
    print(
        f"checked    {parsed.export}: {contents.file_count} files, {contents.size_bytes / 1e6:,.1f} MB, "
        f"{len(contents.class_names)} classes, {contents.warmup_records} warm-up requests"
    )
    if not contents.has_digests:
        print(f"warning    {parsed.export}: {export_folder.NO_DIGESTS}", file=sys.stderr)
    print(f"published  {_copy_in(parsed.export, parsed.model_folder, version)}", flush=True)
    newest = max(export_folder.versions(parsed.model_folder))
    if version < newest:
        print(f"note       version {newest} is newer: under the default policy a server keeps to that one")
    if parsed.keep_last is not None:
        stays = {version: "just published", **in_use}
        for removed in remove_old_versions(parsed.model_folder, keep_last=parsed.keep_last, in_use=stays):
            print(f"removed    version {removed}")
        for kept, reason in sorted(in_use.items()):
            print(f"in use     version {kept}: {reason}")


def _copy_in(export: Path, model_folder: Path, version: int) -> Path:
    with contextlib.ExitStack() as stack:
        try:
            model_folder.mkdir(exist_ok=True)
            stack.enter_context(publishing_lock.publishing_alone(model_folder))
            check_version_is_free(model_folder, version)
            # A name that is no integer: the server ignores it.
            temporary = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=model_folder))
        except OSError as error:
            raise RefusalError(f"--model_folder={model_folder} can't be written: {error.strerror}.") from error
        stack.callback(shutil.rmtree, temporary, ignore_errors=True)  # of a published one, the name is gone
        try:
            shutil.copytree(export, temporary, dirs_exist_ok=True)
            export_folder.check_export(temporary)  # again: an export that is being written changes under the copy
            return _rename_durably(temporary, model_folder / str(version))
        except (OSError, shutil.Error) as error:
            check_version_is_free(model_folder, version)  # another one was quicker, where the file system has no locks
            raise RefusalError(f"{export} could not be copied to {model_folder}: {error}.") from error


def _versions_in_use(parsed: argparse.Namespace) -> dict[int, str]:
    if parsed.config is None:
        return {}
    name = parsed.model_name or parsed.model_folder.resolve().name
    return model_config.versions_in_use(
        model_config.model_of(model_config.read(parsed.config), name, path=parsed.config)
    )


def _rename_durably(temporary: Path, target: Path) -> Path:
    for path in [temporary, *temporary.rglob("*")]:
        whole_files.sync(path)
    temporary.rename(target)
    whole_files.sync(target.parent)
    return target


def _number(parser: argparse.ArgumentParser, name: str) -> int:
    if not (name.isascii() and name.isdecimal()):
        parser.error(f"--export ends in {name!r}, which is no version number: give --version")
    return int(name)


def _parser() -> OneLineParser:
    parser = OneLineParser(
        description="Copies a version folder of an export to where a server finds it: whole or not at all.",
        epilog="Exit code: 0 published, 1 refused, 2 wrong use.",
    )
    parser.add_argument("--export", type=Path, required=True, help="a version folder, such as runs/x/export/vehicles/3")
    parser.add_argument("--model_folder", type=Path, required=True, help="of the served model; holds its versions")
    parser.add_argument("--version", type=int, help="number to publish it under (default: that of the export)")
    parser.add_argument("--keep_last", type=int, help="remove all but the newest N versions (default: remove none)")
    parser.add_argument(
        "--config", type=Path, help="the server's model configuration: versions that it names are not removed"
    )
    parser.add_argument("--model_name", help="in --config (default: the name of --model_folder)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
