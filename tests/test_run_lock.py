"""Tests of keras_transfer.run_lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keras_transfer import run_lock
from keras_transfer.errors import UserError

HOLD = """
import sys, time
from pathlib import Path
from keras_transfer import run_lock
with run_lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_one_is_refused_and_told_who_works_there(tmp_path):
    with run_lock.held(tmp_path):
        assert run_lock.is_held(tmp_path)
        with pytest.raises(UserError, match=rf"in use: process {os.getpid()} "), run_lock.held(tmp_path):
            pytest.fail("two of them hold it")
        assert run_lock.is_held(tmp_path)


def test_it_is_released_and_leaves_nothing_whatever_happens(tmp_path):
    with pytest.raises(KeyboardInterrupt), run_lock.held(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    assert not run_lock.is_held(tmp_path)
    with run_lock.held(tmp_path):
        pass


def test_that_of_a_process_that_was_killed_is_taken_over(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as printed:
        assert printed.readline() == "held\n"
        with pytest.raises(UserError, match=f"process {process.pid} "), run_lock.held(tmp_path):
            pytest.fail("two of them hold it")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert Path(tmp_path, run_lock.LOCK_FILE).exists()
    assert not run_lock.is_held(tmp_path)
    with run_lock.held(tmp_path):
        assert run_lock.is_held(tmp_path)
