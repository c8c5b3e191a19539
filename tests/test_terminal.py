"""Tests of keras_transfer.terminal."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys

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


def test_a_progress_bar_counts_units(capsys):
    with terminal.progress_bar(total=64, title="Filling", unit="view") as advance:
        advance(32)
        advance(32)
    assert "64/64" in capsys.readouterr().err


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
