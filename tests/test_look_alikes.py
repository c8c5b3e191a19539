"""Tests of keras_transfer.data.look_alikes, and of what the plan of a training run says of them."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_transfer.data import audit, look_alikes, near_copies, sources, splits
from keras_transfer.data.examples import Examples
from keras_transfer.data.look_alikes import LookAlikes
from keras_transfer.drawn_vehicles import drawing
from keras_transfer.settings.config import ImageConfig, SourceConfig
from small_pictures import picture
from small_training import run_command, small_run_flags


def examples_of(labels: str, digests: str, split: str = "") -> Examples:
    """An example for each letter: of its class, its bytes, and the split by the first letter of its name."""
    names = tuple(sorted(set(labels)))
    ids = np.array([names.index(label) for label in labels], np.int32)
    words = {"t": "train", "v": "validation", "e": "test"}
    given = tuple(words[letter] for letter in split) or ("",) * len(labels)
    paths = tuple(f"{place}.jpg" for place in range(len(labels)))
    return Examples(names, paths, ids, given, ("",) * len(labels), sha256=tuple(digests))


def test_links_are_those_with_both_files_among_the_indices():
    found = LookAlikes((("x", "y"), ("y", "z"), ("q", "x")))
    examples = examples_of("aaaaa", "xyzxw")
    assert found.links(examples, range(5)) == [(0, 1), (1, 2)]
    assert found.links(examples, [4, 3, 1]) == [(3, 1)]
    assert found.links(examples, []) == []


def test_groups_hold_exact_copies_and_come_largest_first():
    found = LookAlikes((("x", "y"), ("p", "q"), ("q", "r")))
    assert look_alikes.groups(examples_of("aaaaaaaa", "xypqrxww"), found) == [[0, 1, 5], [2, 3, 4]]


def test_without_pairs_nothing_is_said():
    assert look_alikes.notes(examples_of("ab", "xy", "tt"), look_alikes.NONE, carved=("train", "test")) == []


def test_the_note_counts_images_and_groups_and_names_a_pair():
    examples = examples_of("a" * 8 + "b" * 8, "abcdefghijklmnop", "tttvvee" + "tttvvee" + "tt")
    (note,) = look_alikes.notes(examples, LookAlikes((("a", "b"), ("h", "o"))), carved=("train", "validation", "test"))
    assert "4 images" in note
    assert "0.jpg and 1.jpg" in note


@pytest.mark.parametrize(
    ("split", "words"),
    [("tttttvve", "5 of them one and the same"), ("tttttttt", "none in validation and test")],
)
def test_a_class_that_is_mostly_one_picture_is_named(split, words):
    pairs = (("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"))
    examples = examples_of("k" * 8 + "m" * 3, "abcdefghijk", split + "tve")
    _, note = look_alikes.notes(examples, LookAlikes(pairs), carved=("train", "validation", "test"))
    assert "'k'" in note
    assert "only 4 different pictures" in note
    assert words in note


def test_what_was_not_compared_is_said():
    found = LookAlikes(is_complete=False)
    (note,) = look_alikes.notes(examples_of("ab", "xy", "tt"), found, carved=("train",))
    assert f"{near_copies.MOST_COMPARED_WITH_ALL:,}" in note


Change = Callable[[Image.Image], bytes]


def encoded(image: Image.Image, kind: str = "JPEG", **options: int) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, kind, **options)
    return file.getvalue()


def noisy(image: Image.Image) -> Image.Image:
    """The next shot of a burst: moved by a pixel or two, with other noise and slightly other light."""
    moved = np.asarray(image.crop((2, 1, image.width, image.height)), np.float32) * 1.04
    return Image.fromarray(np.clip(moved + np.random.default_rng(5).normal(0, 6, moved.shape), 0, 255).astype(np.uint8))


KINDS: dict[str, Change] = {
    "a thumbnail": lambda image: encoded(image.resize((80, 80 * image.height // image.width))),
    "encoded again": lambda image: encoded(image, quality=35),
    "as a PNG": lambda image: encoded(image, "PNG"),
    "mirrored": lambda image: encoded(ImageOps.mirror(image)),
    "slightly cropped": lambda image: encoded(image.crop((8, 4, image.width - 6, image.height - 8))),
    "of the same burst": lambda image: encoded(noisy(image)),
    "darker": lambda image: encoded(image.point(lambda value: value * 0.75)),
    "in grey": lambda image: encoded(image.convert("L")),
}


COUNT = 14  # of each class the half, which is enough for three splits


def originals(count: int) -> list[Image.Image]:
    """Photos of blots, and drawn vehicles."""
    blots = [picture(seed, 320, 240) for seed in range(count // 2)]
    names = drawing.CLASS_NAMES
    drawn = [drawing.draw(names[seed % len(names)], seed=seed).image for seed in range(count - count // 2)]
    return [*blots, *map(Image.fromarray, drawn)]


def write(folder: Path, images: list[Image.Image], **changes: Change) -> Path:
    """Photos in two classes, each with its copies lying beside it."""
    for number, image in enumerate(images):
        place = folder / ("ants" if number % 2 else "bees")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.jpg").write_bytes(encoded(image, quality=92))
        for name, change in changes.items():
            (place / f"{number}-{name}.jpg").write_bytes(change(image))
    return folder


def look_through(folder: Path) -> tuple[Examples, LookAlikes]:
    source = SourceConfig(image_dir=str(folder))
    examples, seen = audit.read_all(sources.load(source), source=source, image=ImageConfig())
    return examples, look_alikes.find(examples, seen, image=ImageConfig(), max_pixels=10**7)


def names_of(examples: Examples, found: LookAlikes) -> list[list[str]]:
    return [
        sorted(Path(examples.paths[index]).stem for index in group) for group in look_alikes.groups(examples, found)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_copy_is_with_its_original_in_one_split_whatever_the_seed(tmp_path, kind):
    examples, found = look_through(write(tmp_path, originals(COUNT), copy=KINDS[kind]))
    assert sorted(names_of(examples, found)) == sorted(sorted([str(n), f"{n}-copy"]) for n in range(COUNT))
    for seed in range(5):
        after = splits.assign(examples, validation_fraction=0.15, test_fraction=0.15, seed=seed, look_alikes=found)
        splits_of = defaultdict(set)
        for path, split in zip(after.paths, after.splits, strict=True):
            splits_of[Path(path).stem.partition("-")[0]].add(split)
        assert all(len(found_in) == 1 for found_in in splits_of.values())
        assert all(after.in_split(split).class_counts().min() >= 2 for split in ("train", "validation", "test"))


def test_different_pictures_are_no_look_alikes(tmp_path):
    examples, found = look_through(write(tmp_path, originals(60)))
    assert found == look_alikes.NONE
    assert look_alikes.notes(examples, found, carved=("train",)) == []


def test_plain_pictures_are_no_look_alikes(tmp_path):
    colours = [(grey, grey, 255 - grey) for grey in range(0, 250, 25)]
    _, found = look_through(write(tmp_path, [Image.new("RGB", (60, 40), colour) for colour in colours]))
    assert found.pairs == ()


def plan_of(photos: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    exit_code = run_command("train", *small_run_flags(photos, folder), "--dry_run")
    printed = capsys.readouterr()
    return exit_code, printed.out, printed.err


def test_the_plan_counts_thumbnails_that_lie_beside_their_photos(tmp_path, capsys):
    write(tmp_path / "photos", originals(14), small=KINDS["a thumbnail"], smaller=KINDS["darker"])
    exit_code, plan, _ = plan_of(tmp_path / "photos", tmp_path, capsys)
    assert exit_code == 0
    copies = next(line for line in plan.splitlines() if "near copies" in line)
    assert re.findall(r"\d+", copies)[:2] == ["42", "14"]


def test_copies_across_the_splits_of_a_source_stay_and_are_counted_with_a_pair(tmp_path, capsys):
    images = originals(16)
    write(tmp_path / "photos" / "train", images[:8])
    write(tmp_path / "photos" / "val", images[8:12])
    write(tmp_path / "photos" / "test", [*images[12:], *images[:2]])  # encoded alike: the very same bytes
    (tmp_path / "photos" / "test" / "ants" / "copy.jpg").write_bytes(KINDS["a thumbnail"](images[3]))
    exit_code, plan, warnings = plan_of(tmp_path / "photos", tmp_path, capsys)
    assert exit_code == 0
    assert "near copies" not in plan
    assert "2 test image(s) stand byte for byte" in warnings
    assert "1 of the 5 test images look the same" in warnings
    assert f"{tmp_path / 'photos/test/ants/copy.jpg'} and {tmp_path / 'photos/train/ants/3.jpg'}" in warnings
    assert "inspect_data" in warnings
    assert "validation images look the same" not in warnings


def test_the_error_of_too_few_different_pictures_says_that_they_are_copies(tmp_path, capsys):
    write(tmp_path / "photos", originals(2), a=KINDS["darker"], b=KINDS["a thumbnail"], c=KINDS["mirrored"])
    exit_code, _, errors = plan_of(tmp_path / "photos", tmp_path, capsys)
    assert exit_code != 0
    assert "near copies" in errors
    assert "Traceback" not in errors
