"""Tests of keras_transfer.saved_model.digests: no change of an export gets past serving/publish.py."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import pytest

import export_folder
import publish
from arguments import RefusalError
from keras_transfer.errors import UserError
from keras_transfer.saved_model import digests, writer
from small_export import METADATA, make_export_spec


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small export, to be copied and not changed; its metadata tells of digests, as publishing writes it."""
    folder = tmp_path_factory.mktemp("exports") / "cars"
    with writer.staging(make_export_spec(), folder=folder, version=3) as staged:
        writer.write_metadata(staged, {**METADATA, "digests": "assets.extra/SHA256SUMS"})
    return folder / "3"


def test_each_line_is_a_digest_and_a_path_in_order(tmp_path):
    for name in ("b.txt", "assets.extra/a.txt", "a/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    digests.write(tmp_path)
    names = ["a/b.txt", "assets.extra/a.txt", "b.txt"]
    expected = "".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names)
    assert (tmp_path / "assets.extra" / "SHA256SUMS").read_text() == expected


def test_the_same_files_give_the_same_digests_also_again(export, tmp_path):
    copy = Path(shutil.copytree(export, tmp_path / "copy"))
    digests.write(copy)
    assert (copy / digests.DIGESTS_FILE).read_bytes() == (export / digests.DIGESTS_FILE).read_bytes()


def test_a_name_that_the_format_would_escape_is_refused(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "a\\b").touch()
    with pytest.raises(UserError, match="name"):
        digests.write(tmp_path)


def test_an_export_is_published_as_it_was_written(export, tmp_path):
    published = publish.publish(export, tmp_path / "cars", version=3)
    assert export_folder.check_export(published).has_digests


def change(folder: Path, seed: int) -> str:
    """Flips a bit, cuts, removes or adds a file, drawn by the seed; returns what it did."""
    chance = random.Random(seed)
    path = chance.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    content = bytearray(path.read_bytes())
    kind = ("flipped", "cut", "missing", "added")[seed % 4]
    if kind == "flipped":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    elif kind == "cut":
        path.write_bytes(content[: chance.randrange(len(content))])
    elif kind == "missing":
        path.unlink()
    else:
        path.with_name(f"{path.name}{seed}").write_bytes(chance.randbytes(8))
    return f"{kind}: {path.name}"


@pytest.mark.parametrize("seed", [*range(32), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(32, 200))])
def test_an_export_with_any_one_change_is_not_published(export, tmp_path, seed):
    changed = Path(shutil.copytree(export, tmp_path / "3"))
    told = change(changed, seed)
    with pytest.raises(RefusalError):
        publish.publish(changed, tmp_path / "cars", version=3)
    assert not (tmp_path / "cars" / "3").exists(), told
