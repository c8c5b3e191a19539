"""Tests of keras_transfer.__main__: the one door to all commands, and how soon --help is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import keras_transfer
from keras_transfer import __main__ as door

COMMANDS = ("train", "evaluate", "predict", "export", "inspect_data")
LONGEST_HELP_SECONDS = 0.5
CONSOLE = [str(Path(sys.executable).with_name("keras-transfer"))]
MODULE = [sys.executable, "-m", "keras_transfer"]


def ask(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["keras-transfer", *arguments])
    return door.main()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(monkeypatch, capsys, arguments):
    assert ask(monkeypatch, *arguments) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in COMMANDS)


def test_version(monkeypatch, capsys):
    assert ask(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{keras_transfer.__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("trian", "train"), ("inspect", "inspect_data"), ("qwertz", "--help")])
def test_an_unknown_command_is_wrong_usage(monkeypatch, capsys, typed, meant):
    assert ask(monkeypatch, typed) == 2
    error = capsys.readouterr().err
    assert typed in error
    assert meant in error


@pytest.mark.parametrize("name", ["predict", "inspect-data"])
def test_a_command_gets_its_own_flags_and_its_exit_code_is_kept(monkeypatch, capsys, name):
    assert ask(monkeypatch, name, "--nonsense=1") == 2
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--help", "--helpfull"])
@pytest.mark.parametrize(
    "command", [[*CONSOLE, "train"], [*MODULE, "train"], [sys.executable, "-m", "keras_transfer.train"]]
)
def test_help_is_there_at_once_however_a_command_is_started(command, flag, tmp_path):
    seconds = []
    for _ in range(5):  # the best of five, because the machine may be busy with something else
        started = time.perf_counter()
        ended = subprocess.run([*command, flag], check=False, capture_output=True, text=True, cwd=tmp_path)
        seconds.append(time.perf_counter() - started)
        assert ended.returncode == 0, ended.stderr
        assert "--image_dir" in ended.stdout
        if seconds[-1] < LONGEST_HELP_SECONDS:
            break
    assert min(seconds) < LONGEST_HELP_SECONDS
