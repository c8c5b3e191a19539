"""One setting: its documentation and limits, and what is wrong with a value."""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# More than any count needs, and no library that counts in 32 bits is asked for what it cannot hold.
_LARGEST_WHOLE_NUMBER = 2**31 - 1
# What TensorFlow takes as a seed, TensorFlow Serving as a version and a file system as a size.
LARGEST_64_BIT_NUMBER = 2**63 - 1
_WIDEST_LAYER = 65_536
_SHOWN_CHARACTERS = 200
_WORDS_FOR_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple[int, ...]: "whole numbers separated by commas, such as 512,128, or nothing",
    tuple[str, ...]: "names separated by commas",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A group of settings. A `~` that a path begins with becomes the home folder, here and nowhere else."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.metadata["is_path"] and isinstance(value, str):
                object.__setattr__(self, item.name, os.path.expanduser(value))


def setting(
    default: Any,
    help_text: str,
    *,
    is_path: bool = False,
    is_starter: bool = False,
    takes_several: bool = False,
    choices: Sequence[str] = (),
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> Any:
    """A dataclass field with its documentation and limits, all inspected by `value_faults`.

    `is_starter` is for the dozen settings that people start with: a command's --help tells of no others. The text of
    one that `takes_several` may hold several choices, separated by commas.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    metadata = {
        "help": help_text,
        "is_path": is_path,
        "is_starter": is_starter,
        "takes_several": takes_several,
        "choices": choices,
        "limits": limits,
    }
    return field(default=default, metadata=metadata)


def value_faults(name: str, value: Any, kind: Any, metadata: Mapping[str, Any]) -> list[str]:
    """What is wrong with the value of a setting.

    Args:
      name: of the setting, which is that of its flag.
      value: of any type, because a config file may hold anything.
      kind: the type it must have: bool, int, float, str, tuple[int, ...] or tuple[str, ...].
      metadata: of the dataclass field, as `setting` made it.

    Returns:
      A sentence for each fault.
    """
    if not _has_kind(value, kind):
        return [f"--{name} must be {_WORDS_FOR_KINDS[kind]}. Received: {_shown(value)}"]
    if kind == tuple[int, ...] and not all(1 <= number <= _WIDEST_LAYER for number in value):
        return [f"--{name} must hold numbers from 1 to {_WIDEST_LAYER:,}. Received: {_shown(value)}"]
    if kind == tuple[str, ...]:
        if not value and metadata["choices"]:
            return [f"--{name} must name at least one of {', '.join(metadata['choices'])}. Received: nothing"]
        repeated = [f"--{name} names {_shown(part)} twice." for part in sorted(set(value)) if value.count(part) > 1]
        return [fault for part in value for fault in _text_faults(name, part, metadata)] + repeated
    if kind is str and metadata["takes_several"]:
        return [fault for part in value.split(",") for fault in _text_faults(name, part, metadata)]
    if kind is str:
        return _text_faults(name, value, metadata)
    return _limit_faults(name, value, kind, metadata["limits"]) if kind in (int, float) else []


def _has_kind(value: Any, kind: Any) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, (int, float))
    if kind is int:
        return isinstance(value, int)
    if kind is str:
        return isinstance(value, str)
    of_each = str if kind == tuple[str, ...] else int
    return isinstance(value, tuple) and all(_has_kind(part, of_each) for part in value)


def _text_faults(name: str, value: str, metadata: Mapping[str, Any]) -> list[str]:
    if any(ord(character) < 32 for character in value):
        return [f"--{name} must not hold line breaks or other control characters. Received: {_shown(value)}"]
    if metadata["is_path"] and value.startswith("~"):  # `Settings` has expanded what can be expanded
        user = value.partition("/")[0]
        return [
            f"--{name}={value}: there is no home folder {user} on this machine. Give the whole path, or ./{value} for "
            "a name that begins with ~."
        ]
    if metadata["choices"] and value not in metadata["choices"]:
        choices = ", ".join(metadata["choices"])
        return [f"--{name} must be one of {choices}. Received: {_shown(value)}.{nearest(value, metadata['choices'])}"]
    return []


def _limit_faults(name: str, value: float, kind: type, limits: Mapping[str, float]) -> list[str]:
    if kind is float and not -sys.float_info.max <= value <= sys.float_info.max:
        return [f"--{name} must be a finite number. Received: {_shown(value)}"]
    at_most = limits["at_most"]
    if kind is int and at_most == math.inf:
        at_most = _LARGEST_WHOLE_NUMBER
    checks = (
        (value >= limits["at_least"], f"at least {limits['at_least']:,}"),
        (value > limits["above"] or limits["above"] == -math.inf, f"greater than {limits['above']:,}"),
        (value <= at_most, f"at most {at_most:,}"),
        (value < limits["below"] or limits["below"] == math.inf, f"less than {limits['below']:,}"),
    )
    return [f"--{name} must be {wanted}. Received: {_shown(value)}" for inside, wanted in checks if not inside]


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def nearest(name: str, known: Sequence[str]) -> str:
    """' Did you mean ...?' for a mistyped name, or '' where nothing is near."""
    spelling = {each.lower().replace("-", "_"): each for each in known}
    matches = difflib.get_close_matches(name.lower().replace("-", "_"), list(spelling), n=1)
    return f" Did you mean {spelling[matches[0]]!r}?" if matches else ""
