"""Moves a version label, by default back to the next older version, in the file that tells the server its models.

python serving/rollback.py --config=models.config --model_name=vehicles --label=stable

It asks the server first whether the version is AVAILABLE, because a label that moves too early blocks every later
change of the file. Needs tensorflow-serving-api, which brings the file's message, and to ask over REST requests.
Exit code: 0 moved, 1 refused (nothing has changed), 2 wrong use.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import availability
import export_folder
import model_config
from arguments import OneLineParser, RefusalError
from clients import connection
from clients.errors import MissingPackageError
from clients.served_model import ServedModel


@dataclass(frozen=True)
class Move:
    """A label's move.

    Attributes:
      label: that moved.
      old_version: where it pointed.
      new_version: where it points.
      note: what else to tell, or "".
    """

    label: str
    old_version: int
    new_version: int
    note: str


def move_label(
    config: Path,
    *,
    model_name: str,
    label: str,
    to_version: int | None,
    model_folder: Path | None,
    check_version: Callable[[int], None],
) -> Move:
    """Points a label to another version and writes the configuration.

    Args:
      config: a ModelServerConfig in text form.
      model_name: of the model.
      label: that the model has.
      to_version: where it shall point; None for the next older version that the server loads.
      model_folder: where the versions lie on this machine; None for the configuration's base_path.
      check_version: called with the version before anything is written; raises RefusalError where it may not be.

    Raises:
      RefusalError: no such model or label, nothing older, or a version that the server has not loaded. Nothing has
        changed.
    """
    model = model_config.model_of(model_config.read(config), model_name, path=config)
    if label not in model.version_labels:
        labels = ", ".join(sorted(model.version_labels)) or "none"
        raise RefusalError(f"Model {model_name!r} in {config} has no label {label!r}. Its labels: {labels}.")
    current = model.version_labels[label]
    served = _served(model, model_folder)
    target = to_version if to_version is not None else _next_older(served, current, label=label)
    if target == current:
        raise RefusalError(f"Label {label!r} points to version {current} already.")
    if target not in served:
        raise RefusalError(
            f"The server does not load version {target}, so no label can point to it. Under the model's version policy "
            f"it loads {_listed(served)}: publish the version, or change model_version_policy in {config} first."
        )
    check_version(target)
    note = model_config.move_label(config, model_name=model_name, label=label, version=target)
    return Move(label, current, target, note)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parser = _parser()
    parsed = parser.parse_args(arguments)
    connection.check_server_flags(parser, parsed)
    try:
        _run(parsed)
    except MissingPackageError as error:
        parser.error(f"{error} Or give --offline, where no server reads the file yet.")
    except RefusalError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


def _run(parsed: argparse.Namespace) -> None:
    move = move_label(
        parsed.config,
        model_name=parsed.model_name,
        label=parsed.label,
        to_version=parsed.to_version,
        model_folder=parsed.model_folder,
        check_version=functools.partial(_check_version, parsed),
    )
    print(f"{parsed.config}: model {parsed.model_name}: label {move.label}: {move.old_version} -> {move.new_version}")
    if move.note:
        print(move.note)
    print("A server started with --model_config_file_poll_wait_seconds reads it at its next poll; restart any other.")


def _check_version(parsed: argparse.Namespace, version: int) -> None:
    if parsed.offline:
        return
    model = ServedModel(parsed.model_name)
    client = connection.connect_to(model, parsed, protocol=parsed.protocol, retry=connection.waiting_aloud())
    try:
        availability.refuse_unless_available(client, version)
    finally:
        client.close()


def _served(model: Any, model_folder: Path | None) -> list[int]:
    folder = model_folder or Path(model.base_path)
    if not folder.is_dir():
        raise RefusalError(
            f"{folder} is no folder on this machine. Give --model_folder, where the versions of {model.name} lie."
        )
    return model_config.served_versions(model, list(export_folder.versions(folder)))


def _next_older(served: list[int], current: int, *, label: str) -> int:
    older = [version for version in served if version < current]
    if not older:
        raise RefusalError(
            f"Label {label!r} points to version {current}, and the server loads none that is older: it loads "
            f"{_listed(served)}. Let model_version_policy keep an older version loaded, or publish one."
        )
    return older[-1]


def _listed(versions: Sequence[int]) -> str:
    return f"version {', '.join(map(str, versions))}" if versions else "no version"


def _parser() -> OneLineParser:
    parser = OneLineParser(
        description="Moves a version label, by default back, in the file that tells the server its models.",
        epilog="Exit code: 0 moved, 1 refused and nothing changed, 2 wrong use.",
    )
    parser.add_argument("--config", type=Path, required=True, help="the server's model configuration, in text form")
    parser.add_argument("--model_name", required=True, help="in --config")
    parser.add_argument("--label", required=True, help="such as stable")
    parser.add_argument("--to_version", type=int, help="default: the next older version that the server loads")
    parser.add_argument(
        "--model_folder", type=Path, help="where the versions lie on this machine (default: the model's base_path)"
    )
    connection.add_server_flags(parser)
    parser.add_argument(
        "--offline", action="store_true", help="ask no server: for a file that none reads yet (default: ask)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
