"""What comes between the start and the end of a run: Ctrl-C, photos that change or go, banks that stay open."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from keras_transfer import run_lock, terminal
from keras_transfer.feature_bank import features
from keras_transfer.pipelines import fit, prepare, publish, publishing_gates, stored_features
from small_training import open_locks, run_command, small_run_flags, write_photos


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """15 training, 6 validation and 9 test photos, which a test may change."""
    write_photos(tmp_path / "photos")
    return tmp_path / "photos"


def frozen_passes(capsys: pytest.CaptureFixture[str], flags: list[str]) -> int:
    """That a dry run plans."""
    capsys.readouterr()
    assert run_command("train", *flags, "--dry_run") == 0
    found = re.search(r"with the bank +([\d,]+) frozen passes", capsys.readouterr().out)
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list open files")
def test_a_dry_run_on_a_filled_bank_does_not_leave_it_open(small_run):
    flags = small_run_flags(small_run.photos, small_run.path.parent)
    assert run_command("train", *flags, "--run_dir=", "--dry_run") == 0
    assert open_locks(small_run.path.parent) == []


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_while_the_bank_is_filled_says_what_is_kept_and_the_next_run_goes_on_there(
    photos, tmp_path, monkeypatch, capsys, number, exit_code
):
    @contextlib.contextmanager
    def bar(*, unit: str, **_: object) -> Iterator[Callable[[int], None]]:
        yield lambda count: signal.raise_signal(number) if count and unit == "view" else None

    monkeypatch.setattr(features, "COMPUTE_BATCH", 2)
    flags = small_run_flags(photos, tmp_path)
    all_of_them = frozen_passes(capsys, flags)
    assert all_of_them == 15 * 2 + 6
    with monkeypatch.context() as once:
        once.setattr(terminal, "progress_bar", bar)
        once.setattr(signal, "raise_signal", send_once(signal.raise_signal))
        assert run_command("train", *flags) == exit_code
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    (message,) = re.findall(r"ERROR: .*", printed)
    (kept,) = re.findall(rf"([\d,]+) of {all_of_them} views", message)
    assert 0 < int(kept) < all_of_them
    shutil.rmtree(tmp_path / "run")
    assert frozen_passes(capsys, flags) == all_of_them - int(kept)


def send_once(send: Callable[[int], None]) -> Callable[[int], None]:
    sent: list[int] = []

    def once(number: int) -> None:
        if not sent:
            sent.append(number)
            send(number)

    return once


@pytest.mark.parametrize(
    ("module", "step", "folder", "kept", "number", "exit_code"),
    [
        (prepare, "read", "run", False, signal.SIGINT, 130),
        (prepare, "read", "", False, signal.SIGTERM, 143),
        (fit, "_measure_baselines", "run", True, signal.SIGTERM, 143),
        pytest.param(fit, "_calibrate", "", True, signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(publishing_gates, "ask", "", True, signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_a_signal_in_any_step_ends_the_run_with_its_exit_code_and_says_how_it_goes_on(
    photos, tmp_path, monkeypatch, capsys, module, step, folder, kept, number, exit_code
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, step, lambda *_, **__: signal.raise_signal(number))
    flags = [*small_run_flags(photos, tmp_path), "--head_epochs=1", f"--run_dir={folder}"]
    assert run_command("train", *flags) == exit_code
    printed = capsys.readouterr().err
    (message,) = re.findall(r"ERROR: .*", printed)
    assert "Traceback" not in printed
    assert ("is kept. Run the same command again." in message) is kept
    assert open_locks(tmp_path) == []
    runs = [path.parent.relative_to(tmp_path) for path in tmp_path.rglob("config.json")]
    assert len(runs) == kept
    assert kept or not (tmp_path / "run").exists()
    assert not kept or (f"--run_dir={runs[0]}" in message) is not folder


def test_an_unfinished_run_of_the_same_settings_is_named_and_left_alone(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit, "_measure_baselines", lambda *_: signal.raise_signal(signal.SIGINT))
    flags = [*small_run_flags(photos, tmp_path), "--run_dir="]
    assert run_command("train", *flags) == 130
    (first,) = (tmp_path / "runs").iterdir()
    before = [path.stat().st_mtime_ns for path in first.rglob("*")]
    capsys.readouterr()
    assert run_command("train", *flags, "--head_epochs=3") == 130
    assert first.name not in capsys.readouterr().out
    assert run_command("train", *flags) == 130
    assert f"--run_dir={first.relative_to(tmp_path)} goes on with it" in capsys.readouterr().out
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert [path.stat().st_mtime_ns for path in first.rglob("*")] == before


def test_a_second_process_is_refused_while_the_first_works(photos, tmp_path, monkeypatch, capsys):
    flags = small_run_flags(photos, tmp_path)
    answers: list[int] = []

    def second(*_: object) -> None:
        answers.append(run_command("train", *flags))
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "_measure_baselines", second)
    assert run_command("train", *flags) == 130
    assert answers == [1]
    assert f"process {os.getpid()} " in capsys.readouterr().err
    assert not (tmp_path / "run" / run_lock.LOCK_FILE).exists()


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_an_export_that_is_interrupted_does_not_wait_for_the_process_that_checks_it(tmp_path, monkeypatch, fault):
    def fail(_: object) -> None:
        raise fault

    monkeypatch.setattr(publish.checks, "check_parity", lambda process, *_, **__: process.wait())
    monkeypatch.setattr(publish.checks, "check_parameters", lambda *_: 1)
    monkeypatch.setattr(publish.warmup, "play_back", fail)
    export, candidate = mock.Mock(path=tmp_path), mock.Mock(samples=())
    with subprocess.Popen(["sleep", "60"], text=True) as process:
        started = time.monotonic()
        with pytest.raises(fault):
            publish._prove(export, candidate, process)
        assert time.monotonic() - started < 30
        assert process.wait() == -signal.SIGKILL


def change(path: Path) -> None:
    shutil.copyfile(path.parent / "1.jpg", path)


@pytest.mark.parametrize(
    ("split", "flag", "harm"),
    [
        pytest.param("train", "--feature_cache=on", Path.unlink, marks=pytest.mark.slow),
        ("train", "--feature_cache=off", change),
        ("validation", "--feature_cache=on", change),
        pytest.param("validation", "--feature_cache=off", Path.unlink, marks=pytest.mark.slow),
        ("test", "--feature_cache=on", change),
    ],
)
def test_a_photo_that_changes_or_goes_after_it_was_read_is_one_error_that_names_it(
    photos, tmp_path, monkeypatch, capsys, harm, flag, split
):
    """The test split is read for the baselines."""
    path = photos / split / "red" / "0.jpg"
    show = prepare.show

    def show_and_harm(prepared: prepare.Prepared) -> None:
        show(prepared)
        harm(path)

    monkeypatch.setattr(prepare, "show", show_and_harm)
    assert run_command("train", *small_run_flags(photos, tmp_path), "--head_epochs=1", flag) == 1
    printed = capsys.readouterr().err
    (message,) = re.findall(r"ERROR: .*", printed)
    assert str(path) in message
    assert "Traceback" not in printed


@pytest.mark.parametrize("harm", [Path.unlink, pytest.param(change, marks=pytest.mark.slow)])
def test_a_photo_that_changes_or_goes_while_it_is_inspected_is_one_error_that_names_it(
    photos, tmp_path, monkeypatch, capsys, harm
):
    path = photos / "train" / "red" / "0.jpg"
    collect = stored_features.collect

    def harm_and_collect(*arguments: object, **named: object) -> object:
        harm(path)
        return collect(*arguments, **named)

    monkeypatch.setattr(stored_features, "collect", harm_and_collect)
    flags = [f"--image_dir={photos}", f"--output={tmp_path / 'inspection'}", "--backbone=mobilenetv2"]
    flags += ["--weights=random", "--image_size=32", f"--feature_cache_dir={tmp_path / 'cache'}"]
    assert run_command("inspect_data", *flags) == 1
    printed = capsys.readouterr().err
    (message,) = re.findall(r"ERROR: .*", printed)
    assert str(path) in message
    assert "Traceback" not in printed
    assert open_locks(tmp_path) == []
