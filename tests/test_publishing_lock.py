"""Tests of publishers that are killed, and of two at once: serving/publishing_lock.py and publish.py together."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import export_files
import publish
import publishing_lock
from arguments import RefusalError

SLOW = pytest.mark.slow
FILES, FOLDERS = len(export_files.FILES) + 1, 3  # the list of digests; the version's own folder and two in it
SERVING = Path(__file__).parent.parent / "serving"

# Publishes, and kills itself in the given call of what copies a file, once a part is written, or of what syncs one.
KILLED = """
import os, shutil, signal, sys
sys.path.insert(0, sys.argv[1])
import publish, whole_files
from pathlib import Path
left, part = [int(sys.argv[5])], float(sys.argv[6])
def copy_part(source, target, **named):
    content = open(source, "rb").read()
    open(target, "wb").write(content[: int(part * len(content))])
def dying(work, begin):
    def call(*arguments, **named):
        left[0] -= 1
        if left[0] < 0:
            begin(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **named)
    return call
if sys.argv[4] == "copy":
    shutil.copytree.__defaults__ = (False, None, dying(shutil.copy2, copy_part), False, False)
else:
    whole_files.sync = dying(whole_files.sync, lambda path: None)
publish.publish(Path(sys.argv[2]), Path(sys.argv[3]), version=3)
"""


@pytest.fixture
def export(tmp_path) -> Path:
    return export_files.write(tmp_path / "run" / "3")


@pytest.fixture
def model_folder(tmp_path) -> Path:
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != publishing_lock.LOCK_FILE)


def publish_and_die(export: Path, model_folder: Path, at: str, call: int, part: float) -> None:
    folders = [str(SERVING), str(export), str(model_folder)]
    command = [sys.executable, "-c", KILLED, *folders, at, str(call), str(part)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("at", "call", "part"),
    [
        *(("copy", call, part) for call, part in ((0, 0), (3, 0.5), (7, 1))),
        ("sync", 5, 0),
        *(pytest.param("copy", call, part, marks=SLOW) for call in range(FILES) for part in (0, 0.1, 0.5, 0.9, 1)),
        *(pytest.param("sync", call, 0, marks=SLOW) for call in range(FILES + FOLDERS)),
    ],
)
def test_a_publisher_killed_at_work_leaves_no_version_and_the_next_one_clears_up(export, model_folder, at, call, part):
    publish_and_die(export, model_folder, at, call, part)
    assert [name for name in names_in(model_folder) if name.isdecimal()] == []
    assert names_in(model_folder)  # what it left
    publish.publish(export, model_folder, version=3)
    assert names_in(model_folder) == ["3"]


def test_an_old_version_whose_removal_was_killed_goes_and_other_folders_stay(export, model_folder):
    for name in (".removed-1", ".3-ab_c1", ".snapshot", "2", ".cache-3"):
        (model_folder / name).mkdir()
    (model_folder / ".removed-1" / "saved_model.pb").touch()
    publish.publish(export, model_folder, version=3)
    assert names_in(model_folder) == [".cache-3", ".snapshot", "2", "3"]


def test_of_two_publishers_one_wins_and_the_other_is_told_that_the_version_exists(export, model_folder, capsys):
    results: list[str] = []

    def run() -> None:
        try:
            results.append(str(publish.publish(export, model_folder, version=3)))
        except RefusalError as error:
            results.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(2)]
    with publishing_lock.publishing_alone(model_folder):  # both begin while a third is at work
        for thread in threads:
            thread.start()
        threads[0].join(0.2)
        assert names_in(model_folder) == []
    for thread in threads:
        thread.join()
    assert names_in(model_folder) == ["3"]
    assert sorted("exists already" in result for result in results) == [False, True]
    assert "waiting" in capsys.readouterr().err


def test_without_locks_the_rename_decides_between_two(export, model_folder, monkeypatch):
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def be_quicker(temporary: Path, target: Path) -> Path:
        (model_folder / "3").mkdir()
        (model_folder / "3" / "saved_model.pb").write_text("another one's")
        return temporary.rename(target)

    monkeypatch.setattr(publishing_lock.fcntl, "flock", no_locks)
    monkeypatch.setattr(publish, "_rename_durably", be_quicker)
    (model_folder / ".3-abc").mkdir()  # perhaps of one that is at work
    with pytest.raises(RefusalError, match="exists already"):
        publish.publish(export, model_folder, version=3)
    assert names_in(model_folder) == [".3-abc", "3"]
    assert (model_folder / "3" / "saved_model.pb").read_text() == "another one's"
