"""`keras-transfer COMMAND ...` and `python -m keras_transfer COMMAND ...`: one door to all commands."""

from __future__ import annotations

import importlib
import sys

from keras_transfer import __version__, terminal
from keras_transfer.settings import command_line
from keras_transfer.settings.checks import nearest

_COMMANDS = {
    "train": "labelled images -> a trained classifier, its export and report",
    "evaluate": "an export and labelled images -> metrics and a report",
    "predict": "an export and images -> a CSV of labels and scores",
    "export": "a run -> another version of its export",
    "inspect_data": "labelled images -> what is wrong with them",
}
_EXAMPLE = "keras-transfer train --image_dir=photos --backbone=mobilenetv2 --allow_download"


def main() -> int:
    """Runs the command that the first argument names; returns its exit code."""
    return command_line.answer(_answer)


def _answer() -> int:
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("--version", "version"):
        terminal.say(__version__)
        return command_line.EXIT_OK
    if name in (*command_line.HELP_FLAGS, "help"):
        terminal.say(_help_text())
        return command_line.EXIT_OK
    command = name.replace("-", "_")
    if command not in _COMMANDS:
        hint = nearest(command, tuple(_COMMANDS)) or " keras-transfer --help lists the commands."
        return command_line.fail([f"There is no command {name!r}.{hint}"], command_line.EXIT_WRONG_USAGE)
    sys.argv = [f"{sys.argv[0]} {name}", *rest]
    exit_code: int = importlib.import_module(f"keras_transfer.{command}").main()
    return exit_code


def _help_text() -> str:
    width = max(map(len, _COMMANDS))
    return "\n".join(
        [
            "Labelled photos -> a served classifier, by transfer learning.",
            "",
            *(f"  keras-transfer {name:<{width}}  {what}" for name, what in _COMMANDS.items()),
            "",
            f"Example: {_EXAMPLE}",
            "`keras-transfer COMMAND --help` shows the flags that people start with, --helpfull all of them.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
