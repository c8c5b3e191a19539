"""Tests of keras_transfer.interruption."""

from __future__ import annotations

import signal
import threading

import pytest

from keras_transfer import interruption


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_told_and_the_second_stops_at_once(capsys, number, exit_code):
    with pytest.raises(interruption.Interrupted) as caught, interruption.Stopping() as stopping:
        assert not stopping
        signal.raise_signal(number)
        assert stopping
        assert "Stopping" in capsys.readouterr().err
        signal.raise_signal(number)
        pytest.fail("the second signal passed unnoticed")
    assert caught.value.exit_code == exit_code
    assert isinstance(caught.value, KeyboardInterrupt)


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruption.Stopping():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch):
    """As in a program that was started with nohup or in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption.Stopping() as stopping:
            signal.raise_signal(signal.SIGINT)
            assert not stopping
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_noted_and_nothing_breaks():
    noted = []

    def work() -> None:
        with interruption.Stopping() as stopping:
            noted.append(bool(stopping))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert noted == [False]
