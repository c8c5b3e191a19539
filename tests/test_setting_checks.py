"""Tests of keras_transfer.settings.checks: whatever a setting is given, alone or not, is taken or refused."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from keras_transfer.errors import ConfigError
from keras_transfer.settings import command_line, config

REQUIRED: dict[type[Any], dict[str, Any]] = {
    config.TrainConfig: {"image_dir": "photos"},
    config.EvaluateConfig: {"image_dir": "photos", "export_dir": "export"},
    config.PredictConfig: {"images": "photos", "export_dir": "export"},
    config.ExportConfig: {"run_dir": "run"},
    config.InspectConfig: {"image_dir": "photos"},
}
HUGE = 10**400  # no float holds it
# Of every type that JSON and Python have; each setting refuses most of them.
VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "abc", "-1", "~nobody_of_this_name", "a\nb", b"bytes", [], ["a"], [[1]], {}, {"a": 1}),
    *(
        0,
        -1,
        2.5,
        math.nan,
        math.inf,
        -math.inf,
        HUGE,
        -HUGE,
        10**5000,
        2**31,
        2**63,
        2**64,
        1e300,
        [0],
        [10**9],
        [1.5],
    ),
)
TEXTS = (
    "",
    "abc",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "1" * 5000,
    "2.5",
    "1e3",
    "1,2",
    "1,,2",
    ",",
    "\x00",
    "true",
)


def settings_with_kinds(config_class: type[Any]) -> list[tuple[str, Any]]:
    groups = config.groups_of(config_class).values()
    return [(name, kind) for group in groups for name, (_, kind) in config.settings_of(group).items()]


def take_or_refuse(config_class: type[Any], values: dict[str, Any]) -> tuple[str, ...]:
    """The faults of a configuration; anything but a ConfigError is a crash."""
    try:
        config.from_flat(config_class, {**REQUIRED[config_class], **values})
    except ConfigError as error:
        return error.faults
    return ()


def is_of_kind(value: Any, kind: Any) -> bool:
    """What the types say, written down once more."""
    if kind is float:
        return type(value) in (int, float) and -1.8e308 < value < 1.8e308
    if kind in (int, str, bool):
        return type(value) is kind
    of_each = str if kind == tuple[str, ...] else int
    return type(value) is list and all(type(part) is of_each for part in value)


@pytest.mark.parametrize("config_class", REQUIRED)
def test_a_value_of_another_type_is_refused_by_the_setting_s_name_and_in_words(config_class):
    for name, kind in settings_with_kinds(config_class):
        for value in VALUES:
            faults = take_or_refuse(config_class, {name: value})
            if not is_of_kind(value, kind):
                assert len(faults) == 1, (name, value, faults)
                assert f"--{name} must be" in faults[0]
                assert len(faults[0]) < 500
                assert "tuple" not in faults[0]


@pytest.mark.parametrize("config_class", REQUIRED)
def test_two_wrong_values_are_both_told_and_never_crash(config_class):
    wrong: dict[Any, Any] = {int: "abc", float: "abc", bool: 3, str: [1]}
    for (first, first_kind), (second, second_kind) in itertools.combinations(settings_with_kinds(config_class), 2):
        values = {first: wrong.get(first_kind, 7), second: wrong.get(second_kind, "x")}
        faults = take_or_refuse(config_class, values)
        assert [fault.split()[0] for fault in faults] == [f"--{first}", f"--{second}"]


@pytest.mark.parametrize("config_class", REQUIRED)
@pytest.mark.parametrize("wrong", [None, [], HUGE])
def test_a_wrong_value_beside_any_other_is_an_error_and_no_crash(config_class, wrong):
    for (first, kind), (second, _) in itertools.combinations(settings_with_kinds(config_class), 2):
        assert is_of_kind(wrong, kind) or take_or_refuse(config_class, {first: wrong, second: wrong})


def parse_or_refuse(config_class: type[Any], *flags: str) -> str:
    """What is said of a command line; anything but a ConfigError is a crash."""
    try:
        command_line.parse(config_class, ["command", *flags])
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("config_class", REQUIRED)
@pytest.mark.parametrize("text", TEXTS)
def test_any_text_in_all_flags_is_taken_or_refused(config_class, text):
    needed = [f"--{name}={value}" for name, value in REQUIRED[config_class].items()]
    names = [name for name, _ in settings_with_kinds(config_class)]
    assert len(parse_or_refuse(config_class, *(f"--{name}={text}" for name in names))) < 300 * len(names) + 6000
    for name in names:
        parse_or_refuse(config_class, *needed, f"--{name}={text}")


@pytest.mark.parametrize("config_class", REQUIRED)
@pytest.mark.parametrize("text", ["null", "true", "[]", "{}", "-1", "NaN", "Infinity", "1e400", "1" * 400, "[[1]]"])
def test_any_value_in_a_config_file_is_taken_or_refused(config_class, text, tmp_path: Path):
    file = tmp_path / "config.json"
    for name, kind in settings_with_kinds(config_class):
        file.write_text(json.dumps(REQUIRED[config_class])[:-1] + f', "{name}": {text}}}')
        said = parse_or_refuse(config_class, f"--config={file}")
        is_taken = not (config_class is config.ExportConfig and name in command_line._OF_THE_RUN_ONLY)
        assert said or not is_taken or is_of_kind(json.loads(text), kind)


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        ("seed", 2**63 - 1),
        ("split_seed", 2**63 - 1),
        ("export_version", 2**63 - 1),
        ("feature_cache_max_bytes", 2**63 - 1),
        ("batch_size", 2**31 - 1),
        ("head_epochs", 2**31 - 1),
        ("max_image_pixels", 2_000_000_000),
    ],
)
def test_a_whole_number_has_a_largest_value_that_the_libraries_take(name, largest):
    assert take_or_refuse(config.TrainConfig, {name: largest}) == ()
    (fault,) = take_or_refuse(config.TrainConfig, {name: largest + 1})
    assert f"{largest:,}" in fault
    assert str(largest + 1) in fault


def test_a_value_that_is_right_beside_one_of_a_wrong_type_is_still_checked():
    faults = take_or_refuse(
        config.TrainConfig, {"head_epochs": "abc", "validation_fraction": 0.5, "test_fraction": 0.5}
    )
    assert len(faults) == 2
