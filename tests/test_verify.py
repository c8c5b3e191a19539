"""Tests of serving/verify.py and of the digests that it and publish.py compare."""

from __future__ import annotations

from pathlib import Path

import pytest

import export_digests
import export_files
import publish
import verify
from arguments import RefusalError


@pytest.fixture
def export(tmp_path) -> Path:
    return export_files.write(tmp_path / "3")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


CHANGES = {
    "saved_model.pb cut": lambda folder: (folder / "saved_model.pb").write_bytes(b"prog"),
    "saved_model.pb empty": lambda folder: (folder / "saved_model.pb").write_bytes(b""),
    "variables.index flipped": lambda folder: flip(folder / "variables" / "variables.index"),
    "data-00001 flipped": lambda folder: flip(folder / "variables" / "variables.data-00001-of-00002"),
    "variables.data missing": lambda folder: (folder / "variables" / "variables.data-00000-of-00002").unlink(),
    "labels.txt flipped": lambda folder: flip(folder / "assets.extra" / "labels.txt"),
    "note.txt added": lambda folder: (folder / "note.txt").touch(),
    "link added": lambda folder: (folder / "link").symlink_to("/no/such/file"),
    "exported SHA256SUMS flipped": lambda folder: flip(folder / "assets.extra" / "SHA256SUMS"),
    "SHA256SUMS empty": lambda folder: (folder / "assets.extra" / "SHA256SUMS").write_text(""),
    "SHA256SUMS missing": lambda folder: (folder / "assets.extra" / "SHA256SUMS").unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_refused_and_its_file_named(export, tmp_path, capsys, what):
    CHANGES[what](export)
    assert verify.main([str(export)]) == 1
    error = capsys.readouterr().err
    assert what.split()[0] in error
    assert error.count("\n") == 1
    with pytest.raises(RefusalError):
        publish.publish(export, tmp_path / "served", version=3)


def test_whole_exports_are_told_and_one_bad_one_fails_them(export, tmp_path, capsys):
    other = export_files.write(tmp_path / "4")
    assert verify.main([str(export), str(other)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok", "ok"]
    flip(export / "saved_model.pb")
    assert verify.main([str(export), str(other)]) == 1
    captured = capsys.readouterr()
    assert str(other) in captured.out
    assert str(export) in captured.err


def test_many_faults_are_counted_and_a_few_named(export):
    for number in range(9):
        (export / f"{number}.txt").touch()
    with pytest.raises(RefusalError, match=r"added: 0\.txt, 1\.txt, 2\.txt and 6 more"):
        export_digests.check(export)


def test_an_export_of_an_earlier_release_cannot_be_verified_but_is_published_with_a_warning(export, tmp_path, capsys):
    export_files.without_digests(export)
    assert verify.main([str(export)]) == 1
    assert "digests" in capsys.readouterr().err
    assert publish.main([f"--export={export}", f"--model_folder={tmp_path / 'served'}"]) == 0
    assert "digests" in capsys.readouterr().err
    assert (tmp_path / "served" / "3").is_dir()


def test_wrong_use_ends_with_2():
    with pytest.raises(SystemExit) as ended:
        verify.main([])
    assert ended.value.code == 2
