"""Config fields -> absl flags -> config, and the way a command meets its user. The only module that imports absl."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from absl import flags

from keras_transfer import terminal
from keras_transfer.errors import ConfigError, UserError
from keras_transfer.settings import effects
from keras_transfer.settings.config import (
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    PredictConfig,
    TrainConfig,
    advise,
    from_flat,
    groups_of,
    helps_of,
    settings_of,
)

Config = TypeVar("Config")
Result = TypeVar("Result")

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_WRONG_USAGE = 2  # the shell's convention
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention
EXIT_PIPE_CLOSED = 141  # 128 + SIGPIPE, the shell's convention
# What a config file may hold: that of a run names the settings of training, and other commands take theirs from it.
_COMMANDS = (TrainConfig, EvaluateConfig, PredictConfig, ExportConfig, InspectConfig)
# Settings that say where the results of the run lie that wrote the file, so another command does not take them.
_OF_THE_RUN_ONLY = ("export_version",)
_HELP_OF_FILES = {
    "flagfile": "Text file of flags, one a line, such as those in configs/ or a run's flags.txt; # begins a comment. "
    "Flags after it win over those in it.",
    "config": "JSON file of settings, such as a run's config.json. Of a run's settings a command takes those that it "
    "has. All flags win over it.",
}
_WIDEST_HELP = 100
HELP_FLAGS = ("--help", "-help", "-h", "--helpshort")
_FULL_HELP_FLAGS = ("--helpfull", "-helpfull")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_WRONG_PLACE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)


def run(
    config_class: type[Config],
    command: Callable[[Config], Result],
    argv: Sequence[str] | None = None,
    *,
    exit_code_of: Callable[[Result], int] = lambda _: EXIT_OK,
) -> int:
    """Parses the command line, runs the command, and turns a person's mistakes into messages.

    Args:
      config_class: what the command takes; its fields become the flags.
      command: `verb(config)`.
      argv: program name and arguments; `sys.argv` where None.
      exit_code_of: what a result that was reached means to the shell.

    Returns:
      The exit code: 0, 1 (it failed), 2 (wrong usage), 130 or 143 (interrupted), 141 (nobody reads what it prints any
      more, as in `... | head`).
    """
    return answer(lambda: _run(config_class, command, list(sys.argv if argv is None else argv), exit_code_of))


def answer(work: Callable[[], int]) -> int:
    """Does work that prints, whatever the terminal can show and whether anybody reads it.

    Args:
      work: gives the exit code.

    Returns:
      That, or 141 where nobody reads what it prints any more.
    """
    terminal.accept_any_text()
    try:
        return work()
    except BrokenPipeError:
        return EXIT_PIPE_CLOSED
    finally:
        terminal.drop_what_cannot_be_printed()


def _run(
    config_class: type[Config],
    command: Callable[[Config], Result],
    arguments: Sequence[str],
    exit_code_of: Callable[[Result], int],
) -> int:
    try:
        for flags_of_help, is_full in ((_FULL_HELP_FLAGS, True), (HELP_FLAGS, False)):
            if any(argument in flags_of_help for argument in arguments[1:]):
                terminal.say(help_text(config_class, is_full=is_full))
                return EXIT_OK
        return exit_code_of(carry_out(parse(config_class, arguments), command))
    except ConfigError as error:
        return fail([*error.faults, "Run with --helpfull for all settings."], EXIT_WRONG_USAGE)
    except UserError as error:
        return fail([str(error)], EXIT_FAILED)
    except KeyboardInterrupt as error:  # which says what is kept, where anything is
        return fail([str(error) or "Interrupted."], getattr(error, "exit_code", EXIT_INTERRUPTED))
    except Exception as error:  # of printing the help
        message = _message_for_machine_fault(error)
        if message is None:
            raise
        return fail([message], EXIT_FAILED)


def carry_out(config: Config, command: Callable[[Config], Result]) -> Result:
    """Runs a command, for the command line and for the Python API alike.

    Raises:
      UserError: of the command, and for faults of the machine, such as a full disk.
    """
    for sentence in effects.without_effect(config):
        terminal.warn(sentence)
    return guard(lambda: command(config))


def guard(work: Callable[[], Result]) -> Result:
    """Does what needs TensorFlow.

    Raises:
      UserError: of the work, and for faults of the machine, such as a full disk.
    """
    _prepare_tensorflow()
    try:
        return work()
    except UserError:
        raise
    except Exception as error:
        message = _message_for_machine_fault(error)
        if message is None:
            raise
        raise UserError(message) from error


def parse(config_class: type[Config], argv: Sequence[str]) -> Config:
    """The configuration of a command line: defaults, then `--config`, then `--flagfile` and flags.

    Of the settings in the file of `--config` those of other commands are left out, so that a run's config.json serves
    every command; a name that no command knows is refused.

    Raises:
      ConfigError: all faults together.
    """
    values = flags.FlagValues()
    values.set_gnu_getopt(True)  # a stray word does not hide the flags after it
    _define_flags(config_class, values)
    try:
        rest = values(list(argv), known_only=True)[1:]
    except UnicodeDecodeError as error:
        raise ConfigError([f"A file of --flagfile is no text ({error}). Give a file of flags, one a line."]) from error
    except (flags.Error, ValueError) as error:  # absl raises both for a flag it cannot read
        raise ConfigError([str(error).removeprefix("ERROR:: ")]) from error
    _refuse_unknown(rest, config_class)
    given = _settings_of_file(values["config"].value, config_class) if values["config"].value else {}
    given.update({name: values[name].value for name in helps_of(config_class) if values[name].present})
    return from_flat(config_class, given)


def help_text(config_class: type[Any], *, is_full: bool = False) -> str:
    """The answer to `--help`: the flags that people start with; or to `--helpfull`: every flag by theme."""
    lines = [inspect.cleandoc(config_class.__doc__ or "")]
    if is_full:
        lines += ["", "Files of settings."]
        for name, text in _HELP_OF_FILES.items():
            lines += _described(f"--{name}=FILE", text)
    left_out = len(_HELP_OF_FILES)
    for group in groups_of(config_class).values():
        settings = settings_of(group)
        shown = {name: each for name, each in settings.items() if is_full or each[0].metadata["is_starter"]}
        left_out += len(settings) - len(shown)
        if shown:
            lines += ["", (group.__doc__ or "").strip()]
        for name, (item, kind) in shown.items():
            lines += _described_setting(name, item, kind)
    if not is_full:
        lines += ["", f"Further flags ({left_out}), and files of settings: --helpfull."]
    return "\n".join(lines)


def _described_setting(name: str, item: dataclasses.Field[Any], kind: Any) -> list[str]:
    default = f"{_as_text(item.default)}" if item.default not in ("", ()) else "''"
    choices = f" One of {', '.join(item.metadata['choices'])}." if item.metadata["choices"] else ""
    flag = f"--{'[no]' if kind is bool else ''}{name} (default {default})"
    return _described(flag, item.metadata["help"] + choices)


def _described(flag: str, text: str) -> list[str]:
    width, indent = min(_WIDEST_HELP, terminal.width() or _WIDEST_HELP), " " * 6
    return [f"  {flag}", *textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)]


class _LenientParser(flags.ArgumentParser[Any]):
    """Turns text into the field's type where it can, and leaves it to the config to refuse the rest.

    So a wrong number is reported together with all other faults, not alone and first.
    """

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def parse(self, argument: Any) -> Any:
        if not isinstance(argument, str):
            return argument
        with contextlib.suppress(ValueError):
            if self.kind is bool:
                return flags.BooleanParser().parse(argument)
            if self.kind in (int, float, str):
                return self.kind(argument)
            of_each = str.strip if self.kind == tuple[str, ...] else int
            return tuple(of_each(part) for part in argument.split(",")) if argument.strip() else ()
        return argument


def _define_flags(config_class: type[Any], values: flags.FlagValues) -> None:
    flags.DEFINE_string("config", "", _HELP_OF_FILES["config"], flag_values=values)
    for group in groups_of(config_class).values():
        for name, (item, kind) in settings_of(group).items():
            if kind is bool:
                flag = flags.BooleanFlag(name, item.default, item.metadata["help"])
                flag.parser = _LenientParser(kind)
                flags.DEFINE_flag(flag, values)
            else:
                flags.DEFINE(_LenientParser(kind), name, item.default, item.metadata["help"], flag_values=values)


def _refuse_unknown(rest: Sequence[str], config_class: type[Any]) -> None:
    known = {**helps_of(config_class), **_HELP_OF_FILES}
    faults = []
    for before, argument in zip(("", *rest), rest, strict=False):
        name = argument.lstrip("-").split("=")[0]
        if argument.startswith("-"):
            faults.append(f"There is no flag --{name}{advise(name, known)}")
        elif not before.startswith("-") or "=" in before:  # else it is the value of the unknown flag before it
            faults.append(f"Settings are given as --name=value. Received: {argument!r}")
    if faults:
        raise ConfigError(faults)


def _settings_of_file(path: str, config_class: type[Any]) -> dict[str, Any]:
    """What a file of settings holds for a command, and what no command knows."""
    own = set(helps_of(config_class))
    others = {name for command in _COMMANDS for name in helps_of(command)} - own
    if config_class is not TrainConfig:
        others.update(_OF_THE_RUN_ONLY)
    return {name: value for name, value in _read_config_file(path).items() if name not in others}


def _read_config_file(path: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).expanduser().read_text("utf-8"))
    except (OSError, ValueError, RecursionError, RuntimeError) as error:  # the last: no such home folder
        raise ConfigError([f"--config={path} cannot be read as JSON ({error}). Give a run's config.json."]) from error
    if not isinstance(content, dict):
        raise ConfigError([f"--config={path} must hold one JSON object. Received: {type(content).__name__}"])
    return content


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _prepare_tensorflow() -> None:
    """Silences TensorFlow's start-up chatter and settles the backend, before anything imports it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(
            f"KERAS_BACKEND is {backend!r}, but this package runs on the TensorFlow backend. Unset it and run again."
        )


def _message_for_machine_fault(error: Exception) -> str | None:
    """What to say of a full disk, a forbidden or an impossible path; None for anything else, which is our defect."""
    number = error.errno if isinstance(error, OSError) else None
    # TensorFlow and h5py report a full disk by its text only.
    if number in _DISK_FULL or "No space left on device" in str(error):
        return f"The disk is full: {error}. Free some space, or choose another folder, and run again."
    if number in _NOT_ALLOWED:
        return f"Not allowed: {error}. Choose a folder you may write to, or change its permissions."
    if number in _WRONG_PLACE:
        return f"Not possible: {error}. Choose another path, or move away what is there."
    return None


def fail(lines: Sequence[str], exit_code: int) -> int:
    """Prints what is wrong to stderr; returns the exit code."""
    for line in lines:
        print(f"ERROR: {line}", file=sys.stderr)
    return exit_code
