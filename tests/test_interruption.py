"""Tests of keras_transfer.interruption, and of what an interruption leaves of a bank that is filled."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from keras_transfer import interruption, terminal
from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import features
from keras_transfer.model.classifier import Classifier
from small_bank import contents, fill
from small_training import TRAIN, VALIDATION, make_classifier, make_config, make_examples


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


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("becomes", [None, ImportError])
def test_stopping_at_once_ends_the_block_with_the_signal_s_exit_code_and_what_is_kept(number, exit_code, becomes):
    with (
        pytest.raises(interruption.Interrupted, match="Half of it") as caught,
        interruption.StoppingAtOnce() as signals,
    ):
        signals.kept = "Half of it is kept."
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as error:  # as extension modules do it while they are imported
            if becomes:
                raise becomes from error
            raise
    assert caught.value.exit_code == exit_code
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_interruption_that_is_lost_is_raised_again_but_not_while_the_block_cleans_up():
    before, cleaned = signal.getsignal(signal.SIGALRM), False
    started = time.monotonic()
    with pytest.raises(interruption.Interrupted) as caught, interruption.StoppingAtOnce():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        try:
            time.sleep(60)
        finally:
            time.sleep(3 * interruption._AGAIN_SECONDS)
            cleaned = True
    assert caught.value.exit_code == 143
    assert cleaned
    assert time.monotonic() - started < 30
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_without_a_signal_a_block_that_stops_at_once_changes_no_error():
    with pytest.raises(ValueError, match="mine"), interruption.StoppingAtOnce():
        raise ValueError("mine")


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


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return make_examples(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return make_classifier(make_config(tmp_path_factory.mktemp("unused")))


def interrupt(monkeypatch: pytest.MonkeyPatch, *, after_batches: int, number: int = signal.SIGINT) -> None:
    """Sends this process a signal once so many batches are computed."""
    batches = []

    @contextlib.contextmanager
    def bar(**_: object) -> Iterator[Callable[[int], None]]:
        def advance(count: int) -> None:
            batches.append(count)
            if len(batches) == after_batches:
                signal.raise_signal(number)

        yield advance

    monkeypatch.setattr(terminal, "progress_bar", bar)


@pytest.fixture(scope="module")
def undisturbed(classifier, examples, tmp_path_factory):
    """The records of a bank that nothing came between."""
    folder = tmp_path_factory.mktemp("undisturbed")
    fill(classifier, examples, make_config(folder))
    return contents(folder)


@pytest.mark.parametrize(
    ("batch", "after_batches", "number", "exit_code"),
    [
        pytest.param(1, 5, signal.SIGINT, 130, marks=pytest.mark.slow),  # fewer than an image's views
        (2, 4, signal.SIGINT, 130),  # not a multiple of them
        pytest.param(3, 1, signal.SIGINT, 130, marks=pytest.mark.slow),
        (6, 1, signal.SIGTERM, 143),
    ],
)
def test_an_interruption_keeps_what_was_finished_says_how_much_and_changes_no_record(
    classifier, examples, undisturbed, tmp_path, monkeypatch, capsys, batch, after_batches, number, exit_code
):
    monkeypatch.setattr(features, "COMPUTE_BATCH", batch)
    total = TRAIN * 3 + VALIDATION
    config = make_config(tmp_path)
    with monkeypatch.context() as once:
        interrupt(once, after_batches=after_batches, number=number)
        with pytest.raises(interruption.Interrupted) as caught:
            fill(classifier, examples, config)
    assert caught.value.exit_code == exit_code
    assert "Stopping" in capsys.readouterr().err
    kept = contents(tmp_path)
    assert f"{len(kept)} of {total} views" in str(caught.value)
    assert 0 < len(kept) < total
    fill(classifier, examples, config)
    assert contents(tmp_path) == undisturbed
    assert kept.items() <= undisturbed.items()


def test_an_interruption_at_the_very_end_is_one_too(classifier, examples, tmp_path, monkeypatch):
    interrupt(monkeypatch, after_batches=2)
    total = TRAIN * 3 + VALIDATION
    with pytest.raises(KeyboardInterrupt, match=f"{total} of {total} views"):
        fill(classifier, examples, make_config(tmp_path))
