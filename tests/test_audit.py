"""Tests of keras_transfer.data.audit."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_transfer.data import audit
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.errors import UserError
from keras_transfer.images import looks
from keras_transfer.settings.config import ImageConfig, SourceConfig
from small_pictures import picture


def save(path: Path, height: int = 30, width: int = 40) -> Path:
    pixels = np.random.default_rng(len(str(path))).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def examples_of(paths: list[Path], labels: list[int]) -> Examples:
    empty = ("",) * len(paths)
    return Examples(("a", "b"), tuple(map(str, paths)), np.array(labels, np.int32), splits=empty, groups=empty)


def read(examples: Examples, **settings: object) -> Examples:
    return audit.read_all(examples, source=SourceConfig(image_dir="x", **settings), image=ImageConfig())[0]


def test_every_file_gets_the_digest_of_its_bytes(tmp_path):
    paths = [save(tmp_path / f"{name}.png") for name in "ab"]
    kept = read(examples_of(paths, [0, 1]))
    assert kept.sha256 == tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert kept.left_out == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"this is no image", "a text file"),
        (b"\xff\xd8\xff\xe0 a JPEG that ends here", ""),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x27\x10\x08\2\0\0\0" + bytes(40), "20000 x 10000 pixels"),
    ],
)
def test_an_unreadable_file_is_left_out_with_its_reason(tmp_path, content, words):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(content)
    paths = [save(tmp_path / "a.png"), bad, save(tmp_path / "b.png")]
    kept = read(examples_of(paths, [0, 0, 1]), max_unreadable_fraction=0.5)
    assert kept.paths == (str(paths[0]), str(paths[2]))
    assert kept.label_ids.tolist() == [0, 1]
    (left_out,) = kept.left_out
    assert left_out.path == str(bad)
    assert left_out.is_unreadable
    assert left_out.reason
    assert words in left_out.reason
    assert "{{" not in left_out.reason
    assert "\n" not in left_out.reason


def test_twelve_bits_in_sixteen_are_warned_of_once(tmp_path, capsys):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        Image.fromarray(np.linspace(0, 4095, 1200).astype(np.uint16).reshape(30, 40)).save(path)
    read(examples_of(paths, [0, 0, 1]))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("WARNING: ")]
    assert "3 of 3" in line
    assert str(paths[0]) in line


def test_a_truncated_jpeg_is_found_although_it_is_decoded_small(tmp_path):
    path = tmp_path / "large.jpg"
    save(path, 600, 800)
    path.write_bytes(path.read_bytes()[:-5000])
    kept = read(
        examples_of([path, save(tmp_path / "a.png"), save(tmp_path / "b.png")], [0, 0, 1]), max_unreadable_fraction=1
    )
    assert [item.path for item in kept.left_out] == [str(path)]


def test_a_file_that_cannot_be_opened_is_left_out(tmp_path):
    paths = [save(tmp_path / "a.png"), tmp_path / "gone.png", save(tmp_path / "b.png")]
    kept = read(examples_of(paths, [0, 0, 1]), max_unreadable_fraction=0.5)
    assert "cannot be opened" in kept.left_out[0].reason


def test_too_many_unreadable_files_stop_the_run_and_one_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    paths = [save(tmp_path / "a.png"), tmp_path / "bad.jpg", save(tmp_path / "b.png")]
    with pytest.raises(UserError, match=r"1 of 3 files .*max_unreadable_fraction=0.3.*bad\.jpg"):
        read(examples_of(paths, [0, 0, 1]), max_unreadable_fraction=0.3)


def test_exactly_the_allowed_fraction_is_allowed(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    paths = [save(tmp_path / "a.png"), tmp_path / "bad.jpg", save(tmp_path / "b.png"), save(tmp_path / "c.png")]
    assert len(read(examples_of(paths, [0, 0, 1, 1]), max_unreadable_fraction=0.25)) == 3


def test_a_class_that_lost_all_its_images_stops_the_run(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    paths = [save(tmp_path / "a.png"), tmp_path / "bad.jpg"]
    with pytest.raises(UserError, match="class 'b'"):
        read(examples_of(paths, [0, 1]), max_unreadable_fraction=1)


def test_left_out_files_are_named_on_the_terminal(tmp_path, capsys):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    paths = [save(tmp_path / "a.png"), tmp_path / "bad.jpg", save(tmp_path / "b.png")]
    read(examples_of(paths, [0, 0, 1]), max_unreadable_fraction=1)
    assert "bad.jpg" in capsys.readouterr().err


def test_what_a_source_left_out_is_named_without_calling_it_a_file(tmp_path, capsys):
    left_out = (
        LeftOut("cats:1.0.0 split unlabelled", "9 examples: only train is used", is_unreadable=False),
        LeftOut("cats:1.0.0 class lynx", "has no example", is_unreadable=False),
    )
    examples = examples_of([save(tmp_path / "a.png"), save(tmp_path / "b.png")], [0, 1])
    read(dataclasses.replace(examples, left_out=left_out))
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("WARNING: ")]
    assert warnings == [
        "WARNING: left out of the examples (2):",
        "WARNING:   cats:1.0.0 split unlabelled: 9 examples: only train is used",
        "WARNING:   cats:1.0.0 class lynx: has no example",
    ]


def test_each_readable_file_has_the_look_of_its_picture(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    paths = [tmp_path / "a.png", tmp_path / "bad.jpg", *(tmp_path / f"{seed}.png" for seed in range(1, 70))]
    for seed, path in enumerate(paths):
        if path.name != "bad.jpg":
            picture(seed).save(path)
    examples = examples_of(paths, [0, 0, *[1] * 69])
    kept, seen = audit.read_all(examples, source=SourceConfig(image_dir="x"), image=ImageConfig())
    expected = looks.describe([looks.shrink(np.asarray(Image.open(path))) for path in kept.paths])
    assert len(kept) == len(seen) == 70
    np.testing.assert_array_equal(seen.hashes, expected.hashes)


def test_a_large_jpeg_is_decoded_small_and_still_has_nearly_the_look_of_the_whole(tmp_path):
    for seed, path in enumerate(paths := [tmp_path / f"{seed}.jpg" for seed in range(6)]):
        picture(seed, 1200, 900).save(path)
    kept, seen = audit.read_all(examples_of(paths, [0, 1] * 3), source=SourceConfig(image_dir="x"), image=ImageConfig())
    whole = looks.describe([looks.shrink(np.asarray(Image.open(path))) for path in kept.paths])
    assert np.bitwise_count(seen.hashes ^ whole.hashes).sum(axis=1).max() <= 12
