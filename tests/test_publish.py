"""Tests of serving/publish.py and of its checks of an export, on small folders that look like one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import export_files
import export_folder
import publish
import publishing_lock
import tf_record
from arguments import RefusalError
from export_files import TWO_RECORDS

CONFIG = """
model_config_list { config {
  name: "vehicles" base_path: "/models/vehicles" model_platform: "tensorflow"
  model_version_policy { specific { versions: 2 versions: 3 } }
  version_labels { key: "stable" value: 1 }
  version_labels { key: "canary" value: 3 }
} }
"""


@pytest.fixture
def export(tmp_path) -> Path:
    """A whole export, version 3 of a run."""
    return export_files.write(tmp_path / "run" / "3")


@pytest.fixture
def old_export(export) -> Path:
    """Likewise, of a release that wrote no digests: its form alone is checked."""
    return export_files.without_digests(export)


@pytest.fixture
def model_folder(tmp_path) -> Path:
    """Where a server looks, with versions 1 and 2."""
    for version in ("1", "2"):
        (tmp_path / "served" / "vehicles" / version).mkdir(parents=True)
    return tmp_path / "served" / "vehicles"


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != publishing_lock.LOCK_FILE)


def test_a_whole_export_is_described(export):
    contents = export_folder.check_export(export)
    assert contents.class_names == ("bus", "vélo")
    assert contents.warmup_records == 2
    assert contents.has_digests
    assert contents.file_count == 8
    # 7 + 5 + 5 + 6 bytes, "bus\nvélo\n" with é in two, the metadata, the records: 16 bytes around 7 and 9; and in the
    # list of digests 64 hexadecimal digits, two spaces and a line's end around each of the 7 names.
    assert contents.size_bytes == 23 + 10 + 38 + 48 + 7 * 67 + sum(map(len, export_files.FILES))


def test_an_export_without_warm_up_requests_is_whole(old_export):
    (old_export / export_folder.WARMUP_FILE).unlink()
    assert export_folder.check_export(old_export).warmup_records == 0


@pytest.mark.parametrize(
    "name",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00001-of-00002",
        "assets.extra/labels.txt",
        "assets.extra/metadata.json",
    ],
)
def test_an_export_that_lacks_a_file_is_refused(old_export, name):
    (old_export / name).unlink()
    with pytest.raises(RefusalError, match=Path(name).parts[0]):
        export_folder.check_export(old_export)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("saved_model.pb", b""),
        ("assets.extra/labels.txt", b""),
        ("assets.extra/labels.txt", b"bus\n\ncar\n"),
        ("assets.extra/labels.txt", b"bus\nbus\n"),
        ("assets.extra/labels.txt", b"\xff\xfe"),
        ("assets.extra/metadata.json", b'{"version": '),
        ("assets.extra/metadata.json", b"[]"),
        ("assets.extra/tf_serving_warmup_requests", b""),
        ("assets.extra/tf_serving_warmup_requests", TWO_RECORDS[:-1]),
        ("assets.extra/tf_serving_warmup_requests", TWO_RECORDS.replace(b"warm", b"cold")),
        ("assets.extra/tf_serving_warmup_requests", TWO_RECORDS[16:] * 1001),
    ],
)
def test_an_export_with_a_damaged_file_is_refused(old_export, name, content):
    (old_export / name).write_bytes(content)
    with pytest.raises(RefusalError, match=Path(name).name):
        export_folder.check_export(old_export)


def test_the_parent_of_versions_is_no_export_and_the_version_is_named(export):
    with pytest.raises(RefusalError, match=f"Did you mean {export}"):
        export_folder.check_export(export.parent)


def test_versions_are_numbers_as_the_server_reads_them(tmp_path):
    for name in ("10", "9", "007", ".8-copy", "1a", "²", "-3"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").touch()  # a file
    assert list(export_folder.versions(tmp_path)) == [7, 9, 10]


# The check value of CRC-32C (https://reveng.sourceforge.io/crc-catalogue, CRC-32/ISCSI) is 0xE3069283; TensorFlow's
# mask rotates it right by 15 bits and adds 0xA282EAD8.
def test_the_checksum_is_the_masked_one_of_the_castagnoli_polynomial():
    rotated = (0xE3069283 >> 15) | (0xE3069283 << 17) & 0xFFFFFFFF
    assert tf_record.masked_crc32c(b"123456789") == (rotated + 0xA282EAD8) % 2**32


@pytest.mark.parametrize("at", range(0, len(TWO_RECORDS), 5))
def test_a_flipped_bit_anywhere_in_a_record_file_is_found(tmp_path, at):
    damaged = bytearray(TWO_RECORDS)
    damaged[at] ^= 4
    (tmp_path / "records").write_bytes(damaged)
    with pytest.raises(tf_record.DamagedRecordError):
        tf_record.count_records(tmp_path / "records")


def test_a_published_version_is_the_same_to_the_byte(export, model_folder):
    published = publish.publish(export, model_folder, version=3)
    assert published == model_folder / "3"
    assert content_of(published) == content_of(export)
    assert names_in(model_folder) == ["1", "2", "3"]


def test_the_first_version_makes_the_model_folder(export, tmp_path):
    assert publish.publish(export, tmp_path / "new", version=1) == tmp_path / "new" / "1"


def test_a_server_can_read_what_was_published(export, model_folder):
    assert publish.publish(export, model_folder, version=3).stat().st_mode & 0o777 == export.stat().st_mode & 0o777


@pytest.mark.parametrize("taken", ["3", "003"])
def test_a_version_that_exists_is_refused_with_the_next_free_one(export, model_folder, taken):
    (model_folder / taken).mkdir()
    with pytest.raises(RefusalError, match="--version=4"):
        publish.publish(export, model_folder, version=3)


def test_while_it_is_copied_a_version_has_no_number(export, model_folder, monkeypatch):
    copy, seen = shutil.copytree, []

    def copy_and_look(*arguments, **named):
        result = copy(*arguments, **named)
        seen.append(list(export_folder.versions(model_folder)))
        return result

    monkeypatch.setattr(publish.shutil, "copytree", copy_and_look)
    publish.publish(export, model_folder, version=3)
    assert seen  # one for each folder of the export, because copytree calls itself
    assert all(versions == [1, 2] for versions in seen)


def test_a_failed_copy_leaves_nothing(export, model_folder, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish.shutil, "copytree", fail)
    with pytest.raises(RefusalError, match="No space left"):
        publish.publish(export, model_folder, version=3)
    assert names_in(model_folder) == ["1", "2"]


def test_an_export_that_changes_under_the_copy_is_not_published(export, model_folder, monkeypatch):
    copy = shutil.copytree

    def copy_and_lose_a_file(source, target, *arguments, **named):
        result = copy(source, target, *arguments, **named)
        Path(target, "variables.data-00001-of-00002").unlink(missing_ok=True)
        return result

    monkeypatch.setattr(publish.shutil, "copytree", copy_and_lose_a_file)
    with pytest.raises(RefusalError, match=r"variables\.data"):
        publish.publish(export, model_folder, version=3)
    assert names_in(model_folder) == ["1", "2"]


def test_everything_is_on_the_disk_before_the_version_has_its_name(export, model_folder, monkeypatch):
    synced = []
    monkeypatch.setattr(publish.whole_files, "sync", lambda path: synced.append((path, (model_folder / "3").exists())))
    publish.publish(export, model_folder, version=3)
    before = {path.name for path, is_published in synced if not is_published}
    assert {path.name for path in export.rglob("*")} <= before
    assert synced[-1] == (model_folder, True)


def test_old_versions_go_and_the_newest_stay(model_folder):
    for version in (3, 10):
        (model_folder / str(version)).mkdir()
    assert publish.remove_old_versions(model_folder, keep_last=2, in_use={}) == [1, 2]
    assert names_in(model_folder) == ["10", "3"]


def test_versions_in_use_stay_whatever_their_age(model_folder):
    (model_folder / "3").mkdir()
    assert publish.remove_old_versions(model_folder, keep_last=1, in_use={1: "label stable"}) == [2]


def run(export: Path, model_folder: Path, *flags: str) -> int:
    return publish.main([f"--export={export}", f"--model_folder={model_folder}", *flags])


def test_the_program_publishes_under_the_exports_number_and_tells_what_it_did(export, model_folder, capsys):
    assert run(export, model_folder, "--keep_last=2") == 0
    assert names_in(model_folder) == ["2", "3"]
    assert capsys.readouterr().out.splitlines() == [
        f"checked    {export}: 8 files, 0.0 MB, 2 classes, 2 warm-up requests",
        f"published  {model_folder / '3'}",
        "removed    version 1",
    ]


def test_the_program_removes_nothing_unless_told(export, model_folder):
    assert run(export, model_folder, "--version=7") == 0
    assert names_in(model_folder) == ["1", "2", "7"]


def test_the_program_spares_what_the_servers_configuration_names(export, model_folder, tmp_path, capsys):
    config = tmp_path / "models.config"
    config.write_text(CONFIG)
    (model_folder / "0").mkdir()
    assert run(export, model_folder, "--version=4", "--keep_last=1", f"--config={config}") == 0
    assert names_in(model_folder) == ["1", "2", "4"]
    assert capsys.readouterr().out.splitlines()[2:] == [
        "removed    version 0",
        "in use     version 1: label stable",
        "in use     version 2: named in the version policy",
        "in use     version 3: named in the version policy, label canary",
    ]


def test_the_program_never_removes_what_it_has_just_published(export, model_folder, capsys):
    (model_folder / "9").mkdir()
    assert run(export, model_folder, "--keep_last=1") == 0
    assert names_in(model_folder) == ["3", "9"]
    assert "version 9 is newer" in capsys.readouterr().out


def test_a_refused_export_changes_nothing(export, model_folder, capsys):
    (export / "saved_model.pb").unlink()
    assert run(export, model_folder, "--keep_last=1") == 1
    assert names_in(model_folder) == ["1", "2"]
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read"),
        ("nonsense {", "no ModelServerConfig"),
        (CONFIG.replace("vehicles", "birds"), "Its models: birds"),
    ],
)
def test_a_configuration_that_does_not_help_is_refused_before_anything_changes(
    export, model_folder, tmp_path, capsys, content, message
):
    config = tmp_path / "models.config"
    if content is not None:
        config.write_text(content)
    assert run(export, model_folder, "--keep_last=1", f"--config={config}") == 1
    assert names_in(model_folder) == ["1", "2"]
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--version=-1"], ["--version=1.5"], ["--keep_last=0"], ["--nope"]])
def test_wrong_use_ends_with_2(export, model_folder, flags):
    with pytest.raises(SystemExit) as ended:
        run(export, model_folder, *flags)
    assert ended.value.code == 2
    assert names_in(model_folder) == ["1", "2"]


def test_an_export_whose_folder_is_no_number_needs_a_version(export, model_folder, capsys):
    renamed = export.rename(export.parent / "latest")
    with pytest.raises(SystemExit):
        run(renamed, model_folder)
    assert "give --version" in capsys.readouterr().err
    assert run(renamed, model_folder, "--version=5") == 0


def test_a_model_folder_that_is_a_file_is_named(export, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(export, tmp_path / "file") == 1
    assert "can't be written: File exists" in capsys.readouterr().err


def test_a_model_folder_without_a_parent_is_named(export, tmp_path, capsys):
    assert run(export, tmp_path / "no" / "such") == 1
    assert f"--model_folder={tmp_path / 'no' / 'such'} can't be written: No such file" in capsys.readouterr().err
