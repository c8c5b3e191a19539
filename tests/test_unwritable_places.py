"""Places that cannot be written and full disks, through the commands: one clear error, nothing half-written."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from small_training import run_command, small_run_flags

FULL_DEVICE = "/dev/full"  # Linux: every write to it fails as on a full disk


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The only error on stderr."""
    printed = capsys.readouterr().err
    assert printed.count("ERROR: ") == 1
    return printed.partition("ERROR: ")[2]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill_disk(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Makes writing of files with this ending fail as on a full disk, by the operating system itself."""
    make = tempfile.mkstemp

    def make_full(*, prefix: str, suffix: str, dir: Path) -> tuple[int, str]:  # noqa: A002  (tempfile's name)
        handle, name = make(prefix=prefix, suffix=suffix, dir=dir)
        if not suffix.endswith(ending):
            return handle, name
        os.close(handle)
        os.unlink(name)
        os.symlink(FULL_DEVICE, name)
        return os.open(name, os.O_WRONLY), name

    monkeypatch.setattr(tempfile, "mkstemp", make_full)


@pytest.mark.parametrize("flag", ["run_dir", "feature_cache_dir"])
def test_a_folder_of_the_run_below_a_file_is_refused(small_run, tmp_path, capsys, flag):
    (tmp_path / "file").write_text("x")
    place = tmp_path / "file" / "below"
    assert run_command("train", *small_run_flags(small_run.photos, tmp_path), f"--{flag}={place}") == 1
    assert str(place) in error_of(capsys)
    assert (tmp_path / "file").read_text() == "x"
    assert not list(tmp_path.rglob("*.keras"))


NO_HOME = """
import pathlib, sys
def no_home():
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = no_home
from keras_transfer.{command} import main
code = main()
assert "tensorflow" not in sys.modules
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("command", "flags", "is_refused"),
    [
        ("train", [], True),
        ("train", ["--feature_cache=on"], True),
        ("train", ["--dry_run"], True),
        ("inspect_data", ["--backbone=vgg16", "--weights=random"], True),
        ("train", ["--feature_cache_dir=file"], True),
        ("inspect_data", ["--backbone=vgg16", "--weights=random", "--feature_cache_dir=file"], True),
        ("train", ["--feature_cache_dir=cache"], False),
        ("train", ["--feature_cache=off"], False),
        ("train", ["--feature_cache=off", "--feature_cache_dir=file"], False),
        ("inspect_data", [], False),
    ],
)
def test_without_a_place_for_the_feature_bank_the_flag_is_named_before_tensorflow_is_imported(
    tmp_path, command, flags, is_refused
):
    """What is not refused goes on to find that there are no photos."""
    (tmp_path / "file").write_text("x")
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    ended = subprocess.run(
        [sys.executable, "-c", NO_HOME.format(command=command), "--image_dir=nowhere", *flags],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("ERROR: ") == 1
    assert "Traceback" not in ended.stderr
    assert ("--feature_cache_dir" in ended.stderr) is is_refused
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("command", "images", "output"),
    [
        ("predict", "images", "file/below.csv"),
        ("predict", "images", "folder"),
        ("evaluate", "image_dir", "file/below"),
        ("evaluate", "image_dir", "file"),
    ],
)
def test_an_output_where_something_else_stands_is_refused(small_run, tmp_path, capsys, command, images, output):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    flags = [f"--export_dir={small_run.export_dir}", f"--{images}={small_run.photos}", f"--output={tmp_path / output}"]
    assert run_command(command, *flags) == 1
    assert f"--output={tmp_path / output}" in error_of(capsys)
    assert files_in(tmp_path) == {"file": b"x"}


def test_an_export_where_something_else_stands_is_refused(small_run, tmp_path, capsys):
    run = Path(shutil.copytree(small_run.path, tmp_path / "run"))
    (run / "export" / "lorries").write_text("x")
    assert run_command("export", f"--run_dir={run}", "--model_name=lorries") == 1
    assert str(run / "export" / "lorries") in error_of(capsys)
    assert (run / "export" / "lorries").read_text() == "x"


@pytest.mark.slow
@pytest.mark.skipif(not Path(FULL_DEVICE).exists(), reason=f"this system has no {FULL_DEVICE}")
def test_a_disk_that_is_full_when_the_classifier_is_saved_ends_the_run_and_the_bank_is_kept(
    small_run, tmp_path, monkeypatch, capsys
):
    flags = small_run_flags(small_run.photos, tmp_path)
    with monkeypatch.context() as full:
        fill_disk(full, "-classifier.keras")
        assert run_command("train", *flags) == 1
    assert "The disk is full" in error_of(capsys)
    left_behind = [path.name for path in (tmp_path / "run").rglob("*")]
    assert not {"classifier.keras", "export", "metrics.json", "report.html"} & set(left_behind)
    assert not [name for name in left_behind if name.startswith(".")]
    assert run_command("train", *flags, "--dry_run") == 0
    assert re.search("bank on disk +0 bytes to write", capsys.readouterr().out)


@pytest.mark.skipif(not Path(FULL_DEVICE).exists(), reason=f"this system has no {FULL_DEVICE}")
@pytest.mark.parametrize(
    ("command", "images", "output", "ending"),
    [
        ("predict", "images", "out/p.csv", "-p.csv"),
        ("evaluate", "image_dir", "out", "-metrics.json"),
        ("evaluate", "image_dir", "out", "-report.html"),
    ],
)
def test_a_full_disk_leaves_the_old_output_as_it_was(
    small_run, tmp_path, monkeypatch, capsys, command, images, output, ending
):
    old = tmp_path / "out" / ending[1:]
    old.parent.mkdir()
    old.write_text("old")
    fill_disk(monkeypatch, ending)
    flags = [f"--export_dir={small_run.export_dir}", f"--{images}={small_run.photos}", f"--output={tmp_path / output}"]
    assert run_command(command, *flags) == 1
    assert "The disk is full" in error_of(capsys)
    assert old.read_text() == "old"
    assert not [path for path in old.parent.iterdir() if path.name.startswith(".")]


def disk_full_for_python(*arguments: Any, **named: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "variables.data")


def disk_full_for_tensorflow(*arguments: Any, **named: Any) -> None:
    raise tf.errors.ResourceExhaustedError(None, None, "variables.data; No space left on device")


@pytest.mark.parametrize("fail", [disk_full_for_python, disk_full_for_tensorflow])
def test_an_export_on_a_full_disk_leaves_no_half_version(small_run, tmp_path, monkeypatch, capsys, fail):
    run = Path(shutil.copytree(small_run.path, tmp_path / "run"))
    before = files_in(run)
    save = tf.saved_model.save

    def save_and_fail(*arguments: Any, **named: Any) -> None:
        save(*arguments, **named)
        fail()

    monkeypatch.setattr(tf.saved_model, "save", save_and_fail)
    assert run_command("export", f"--run_dir={run}", "--export_version=2") == 1
    assert "The disk is full" in error_of(capsys)
    assert files_in(run) == before
    assert [path.name for path in (run / "export" / "cars").iterdir()] == ["1"]
