"""Tests of keras_transfer.terminal."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios

import pytest

from keras_transfer import terminal


def test_a_table_is_aligned(capsys):
    terminal.table([("a", "1"), ("long name", "2")], title="Plan")
    assert capsys.readouterr().out == "\nPlan\n  a          1\n  long name  2\n"


@pytest.mark.parametrize(
    ("running", "known", "expected"),
    [
        ("/venv/bin/python", "/venv/bin/python", "python"),
        ("/venv/bin/python", "/usr/bin/python", "/venv/bin/python"),
        ("/venv/bin/python", None, "/venv/bin/python"),
        ("{here}/my venv/bin/python", "/usr/bin/python", "'my venv/bin/python'"),
    ],
)
def test_the_python_to_type_is_the_one_that_runs(monkeypatch, tmp_path, running, known, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", running.format(here=tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: known)
    assert terminal.python() == expected


def test_a_warning_goes_to_stderr(capsys):
    terminal.warn("look here")
    assert capsys.readouterr() == ("", "WARNING: look here\n")


def test_progress_yields_everything_and_keeps_stdout_clean(capsys):
    assert list(terminal.progress([3, 4], total=2, title="Reading")) == [3, 4]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Reading" in printed.err


def test_a_stage_is_one_line_where_stderr_is_no_terminal(capsys):
    with terminal.progress_bar(total=1280, title="Filling", unit="view") as advance:
        advance(640)
        advance(640)
    assert capsys.readouterr().err == "Filling: 1,280 views, 0 s\n"


def test_a_stage_that_fails_has_no_line_that_says_it_ended(capsys):
    with pytest.raises(ValueError, match="x"), terminal.progress_bar(total=2, title="Filling", unit="view"):
        raise ValueError("x")
    assert capsys.readouterr().err == ""


def on_terminal(program: str, columns: int) -> str:
    """What a program prints on a terminal of so many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    source = f"from keras_transfer import terminal\n{program}"
    ended = subprocess.run(
        [sys.executable, "-c", source], check=True, env=environment, stdout=follower, stderr=follower
    )
    os.close(follower)
    printed = b""
    with contextlib.suppress(OSError):  # Linux: the other end is closed
        while part := os.read(leader, 1 << 16):
            printed += part
    os.close(leader)
    assert ended.returncode == 0
    return printed.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 120])
def test_a_progress_bar_fits_the_terminal(columns):
    program = "list(terminal.progress(range(64), total=64, title='Filling the feature bank', unit='view'))"
    lines = re.split(r"[\r\n]+", on_terminal(program, columns))
    assert "Filling the feature bank" in "".join(lines)
    assert any("100%" in line for line in lines)
    assert max(map(len, lines)) <= columns
    assert "\x1b[3" not in "".join(lines)  # no colours, whatever NO_COLOR says


def test_a_long_value_goes_on_below_its_beginning_and_a_path_is_never_cut():
    path = "/a/long/path-with-hyphens/" + "x" * 40
    printed = on_terminal(f"terminal.table([('classes', 'bus, sedan, ' * 8), ('at', {path!r})])", 40)
    lines = printed.splitlines()
    assert lines[0].startswith("  classes  bus, sedan,")
    assert all(line.startswith(" " * 11 + "bus") or line.startswith(" " * 11 + "sedan") for line in lines[1:-1])
    assert all(len(line) <= 40 for line in lines[:-1])
    assert lines[-1] == f"  at       {path}"


def test_a_value_is_not_wrapped_where_stdout_is_no_terminal(capsys):
    terminal.table([("a", "word " * 60 + "end")])
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_character_can_be_printed_whatever_the_terminal_knows(encoding):
    program = r"terminal.accept_any_text(); terminal.say('m\xf6we \u4e2d \udcff'); terminal.warn('\u4e2d')"
    ended = subprocess.run(
        [sys.executable, "-c", f"from keras_transfer import terminal; {program}"],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert ended.stdout.startswith(b"m")
    assert b"WARNING" in ended.stderr


def test_tensorflow_starts_in_silence():
    program = (
        "from keras_transfer import terminal; terminal.import_tensorflow_quietly(); "
        "import tensorflow as tf; tf.constant(1) + 1"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_what_tensorflow_brings_is_kept_from_garbage_collection_which_goes_on():
    program = (
        "import gc; from keras_transfer import terminal; terminal.import_tensorflow_quietly(); "
        "frozen = gc.get_freeze_count(); terminal.import_tensorflow_quietly(); "
        "print(gc.isenabled(), frozen > 100_000, gc.get_freeze_count() == frozen)"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ended.stdout == "True True True\n"


def test_a_failed_import_shows_what_was_held_back(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # makes the import fail
    with pytest.raises(ImportError):
        terminal.import_tensorflow_quietly()
    assert gc.isenabled()
    print("stderr works again", file=sys.stderr)
    assert "stderr works again" in capfd.readouterr().err
