"""Tests of keras_transfer.settings.command_line."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_transfer.errors import ConfigError, UserError
from keras_transfer.settings import command_line
from keras_transfer.settings.config import (
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    PredictConfig,
    TrainConfig,
    from_flat,
    groups_of,
    helps_of,
    settings_of,
    to_flat,
)


def parse(*arguments: str) -> TrainConfig:
    return command_line.parse(TrainConfig, ["train", "--image_dir=photos", *arguments])


def run(command, *arguments):
    return command_line.run(TrainConfig, command, ["train", "--image_dir=photos", *arguments])


def test_flags_become_settings():
    config = parse("--batch_size=8", "--head_units=512,128", "--noflip_horizontal", "--dropout=0", "--dry_run")
    assert config.training.batch_size == 8
    assert config.model.head_units == (512, 128)
    assert config.views.flip_horizontal is False
    assert config.model.dropout == 0.0
    assert config.output.dry_run is True


def test_a_flag_may_be_followed_by_its_value():
    assert parse("--batch_size", "8").training.batch_size == 8


def test_a_list_may_be_empty():
    assert parse("--head_units=").model.head_units == ()


def test_a_mistyped_flag_gets_a_suggestion():
    with pytest.raises(ConfigError, match=r"no flag --bach_size\. Did you mean 'batch_size'\?"):
        parse("--bach_size=3")


@pytest.mark.parametrize("value", ["--batch_size=8", "--nodry_run=3", "--flagfile"])
def test_a_stray_word_or_value_before_a_flag_hides_neither(value):
    with pytest.raises(ConfigError) as caught:
        parse("stray", value, "--bach_size=3")
    assert "Traceback" not in str(caught.value)
    assert not any("'batch_size'" in fault and "--batch_size." in fault for fault in caught.value.faults)


def test_the_value_after_an_unknown_flag_is_no_fault_of_its_own():
    with pytest.raises(ConfigError) as caught:
        parse("--lr", "0.1", "--batch_size=8")
    (fault,) = caught.value.faults
    assert "--head_learning_rate" in fault


def test_a_stray_word_is_refused():
    with pytest.raises(ConfigError, match="Settings are given as --name=value"):
        parse("batch_size=3")


def test_wrong_numbers_and_wrong_values_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        parse("--batch_size=many", "--head_units=a,b", "--resize_mode=stretch", "--dropout=nan")
    assert len(caught.value.faults) == 4


def test_a_flag_file_is_read_and_flags_after_it_win(tmp_path):
    flag_file = tmp_path / "a.flags"
    flag_file.write_text("# a comment\n--batch_size=4\n--model_name=cars\n")
    config = parse(f"--flagfile={flag_file}", "--batch_size=5")
    assert (config.training.batch_size, config.output.model_name) == (5, "cars")


def test_a_missing_flag_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"^Unable to open flagfile.*nowhere\.flags"):
        parse(f"--flagfile={tmp_path}/nowhere.flags")


def test_a_flag_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ConfigError, match=r"--flagfile is no text .*Give a file of flags"):
        parse(f"--flagfile={tmp_path}/photo.jpg")


def test_a_config_file_is_read_and_flags_win(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"batch_size": 4, "head_units": [3]}))
    config = parse(f"--config={tmp_path}/config.json", "--batch_size=5")
    assert (config.training.batch_size, config.model.head_units) == (5, (3,))


@pytest.mark.parametrize("flag", ["config", "flagfile"])
def test_a_home_folder_is_expanded_in_the_names_of_files_too(tmp_path, monkeypatch, flag):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "settings").write_text({"config": '{"run_dir": "~/run"}', "flagfile": "--run_dir=~/run"}[flag])
    assert parse(f"--{flag}=~/settings").output.run_dir == str(tmp_path / "run")


RUN = to_flat(from_flat(TrainConfig, {"image_dir": "photos", "batch_size": 4, "image_size": 96, "resize_mode": "pad"}))
NEEDED = {
    EvaluateConfig: ["--export_dir=export"],
    PredictConfig: ["--export_dir=export", "--images=photos"],
    ExportConfig: ["--run_dir=run"],
    InspectConfig: [],
}


@pytest.mark.parametrize("config_class", NEEDED)
def test_of_a_run_s_config_another_command_takes_the_settings_that_it_has(tmp_path, config_class):
    (tmp_path / "config.json").write_text(json.dumps(RUN))
    arguments = ["command", *NEEDED[config_class], f"--config={tmp_path}/config.json"]
    taken = to_flat(command_line.parse(config_class, arguments))
    given = {name for name in RUN if name in taken} - {"run_dir", "export_version"}
    assert {name: taken[name] for name in given} == {name: RUN[name] for name in given}
    assert taken.get("export_version", 0) == 0  # that of the run exists already


@pytest.mark.parametrize("config_class", NEEDED)
def test_a_name_in_a_config_file_that_no_command_knows_is_refused(tmp_path, config_class):
    (tmp_path / "config.json").write_text(json.dumps({**RUN, "batch_siz": 3}))
    with pytest.raises(ConfigError, match="batch_siz"):
        command_line.parse(config_class, ["command", *NEEDED[config_class], f"--config={tmp_path}/config.json"])


@pytest.mark.parametrize("content", ["", "[]", "{", '{"batch_siz": 3}', "[" * 100_000, '{"seed": ' + "1" * 5000 + "}"])
def test_a_config_file_with_a_fault_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError):
        parse(f"--config={tmp_path}/config.json")


@pytest.mark.parametrize("reader", ["true", "head -1"])
@pytest.mark.parametrize("flags", ["--help", "--bach_size=3 2>&1", "--image_dir=nowhere 2>&1"])
def test_a_reader_that_goes_away_ends_a_command_quietly(tmp_path, reader, flags):
    command = f"{sys.executable} -m keras_transfer.train {flags} | {reader} > /dev/null; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ended.stderr == ""
    assert int(ended.stdout) in (0, 1, 2, 141)  # the pipe may close before or after all is written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_help_into_a_full_disk_is_an_error_without_a_stack_trace(tmp_path):
    command = f"{sys.executable} -m keras_transfer.train --help > /dev/full"
    ended = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("ERROR: The disk is full")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_names_that_the_terminal_lacks_are_printed_as_escapes(tmp_path, encoding):
    ended = subprocess.run(
        [sys.executable, "-m", "keras_transfer.train", "--image_dir=\u732b"],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert ended.returncode == 1
    assert rb"\u732b" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_setting_without_effect_is_warned_of_before_the_command_runs(capsys):
    assert run(lambda config: print("ran"), "--momentum=0.5") == 0
    printed = capsys.readouterr()
    assert "--momentum" in printed.err
    assert printed.out == "ran\n"


@pytest.mark.parametrize("name", ["config", "flagfile"])
def test_help_explains_the_files_of_settings(name):
    assert f"--{name}=FILE" in command_line.help_text(TrainConfig, is_full=True)


@pytest.mark.parametrize("command", [TrainConfig, EvaluateConfig, PredictConfig, ExportConfig, InspectConfig])
def test_help_names_few_flags_what_else_there_is_and_an_example(command):
    text = command_line.help_text(command)
    names = [line.split()[0] for line in text.splitlines() if line.startswith("  --")]
    further = len(helps_of(command)) + 2 - len(names)  # the two files of settings beside them
    assert 3 <= len(names) <= 15
    assert f"({further})" in text
    assert "--helpfull" in text
    example = next(line for line in text.splitlines() if line.startswith("Example"))
    assert command_line.parse(command, shlex.split(example)[2:])


def test_full_help_names_every_flag_with_its_documentation():
    text = command_line.help_text(TrainConfig, is_full=True)
    for group in groups_of(TrainConfig).values():
        for name, (item, _) in settings_of(group).items():
            assert f"{name} (default" in text
            assert item.metadata["help"].split()[0] in text


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (UserError("no photos"), 1, "no photos"),
        (ConfigError(["first", "second"]), 2, "second"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), 1, "disk is full"),
        (RuntimeError("h5: write failed: No space left on device"), 1, "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 1, "Not allowed"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"),
            1,
            "Not possible: [Errno 20] Not a directory: 'a/b'",
        ),
        (FileExistsError(errno.EEXIST, "File exists", "a/b"), 1, "move away what is there"),
    ],
)
def test_a_person_sees_a_message_and_never_a_stack_trace(capsys, error, exit_code, words):
    def command(config: TrainConfig) -> None:
        raise error

    assert run(command) == exit_code
    printed = capsys.readouterr().err
    assert printed.startswith("ERROR: ")
    assert words in printed


def test_a_defect_of_ours_keeps_its_stack_trace():
    def command(config: TrainConfig) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(command)


def test_another_keras_backend_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert run(lambda config: None) == 1
    assert "KERAS_BACKEND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--helpfull"], 0, "--batch_size"),
        (["--bach_size=3"], 2, "batch_size"),
        (["--image_dir=x", "--batch_size=0"], 2, "at least 1"),
        (["--image_dir=nowhere/at/all"], 1, "nowhere/at/all"),
    ],
)
def test_help_and_mistakes_are_answered_within_a_second_and_without_tensorflow(tmp_path, arguments, exit_code, words):
    program = (
        "import sys\n"
        "from keras_transfer.train import main\n"
        "code = main()\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "sys.exit(code)"
    )
    seconds = []
    for _ in range(3):  # the best of three, because the machine may be busy with something else
        started = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-c", program, *arguments], check=False, capture_output=True, text=True, cwd=tmp_path
        )
        seconds.append(time.perf_counter() - started)
    assert ended.returncode == exit_code, ended.stderr
    assert words in ended.stdout + ended.stderr
    assert min(seconds) < 1.0
