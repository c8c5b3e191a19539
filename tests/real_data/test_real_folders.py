"""Real photos in folders, read and split; the counts are those of ../shared/data/SOURCES.md."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import os
from collections import defaultdict
from pathlib import Path

import pytest

from keras_transfer.data import image_csv, image_files, image_folder, splits
from keras_transfer.data.examples import Examples

DATA = Path(__file__).parents[3] / "shared" / "data"
COUNTS = {
    "hymenoptera": {"train": {"ants": 123, "bees": 121}, "validation": {"ants": 70, "bees": 83}},
    "covid_xray": {
        "train": {"Covid": 111, "Normal": 70, "Viral Pneumonia": 70},
        "validation": {"Covid": 26, "Normal": 20, "Viral Pneumonia": 20},
    },
    "flowers": {
        split: dict.fromkeys(["daisy", "dandelion", "roses", "sunflowers", "tulips"], count)
        for split, count in {"train": 100, "validation": 30, "test": 30}.items()
    },
}


def load(name: str) -> Examples:
    if not (DATA / name).is_dir():
        pytest.skip(f"the photos of {name} are not on this machine")
    return image_folder.load(DATA / name)


def with_digests(examples: Examples) -> Examples:
    digests = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in examples.paths)
    return dataclasses.replace(examples, sha256=digests)


@pytest.mark.parametrize("name", COUNTS)
def test_every_photo_is_found_in_its_split_and_class(name):
    examples = load(name)
    assert splits.describe(examples) == COUNTS[name]
    assert examples.left_out == ()
    assert examples.paths == tuple(sorted(examples.paths))


@pytest.mark.parametrize("name", COUNTS)
def test_splits_of_the_folders_are_kept(name):
    examples = load(name)
    after = splits.assign(examples, validation_fraction=0.15, test_fraction=0.15, seed=0)
    assert after.splits == examples.splits


def test_repeated_x_rays_stay_together_when_all_are_split_anew():
    examples = load("covid_xray")
    unsplit = dataclasses.replace(with_digests(examples), splits=("",) * len(examples))
    after = splits.assign(unsplit, validation_fraction=0.15, test_fraction=0.15, seed=0)
    splits_of = defaultdict(set)
    for digest, split in zip(after.sha256, after.splits, strict=True):
        splits_of[digest].add(split)
    assert len(after) - len(splits_of) == 10  # the known repetitions
    assert all(len(found) == 1 for found in splits_of.values())
    for split, fraction in (("validation", 0.15), ("test", 0.15)):
        for count, total in zip(after.in_split(split).class_counts(), examples.class_counts(), strict=True):
            assert abs(count - fraction * total) <= 1


def test_a_csv_file_gives_the_same_examples_as_the_folders(tmp_path):
    examples = load("hymenoptera")
    table = tmp_path / "photos.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = zip(examples.paths, examples.label_ids, examples.splits, strict=True)
        written = [(os.path.abspath(path), examples.class_names[label_id], split) for path, label_id, split in rows]
        csv.writer(file).writerows([("path", "label", "split"), *written])
    again = image_csv.load(table)
    assert again.class_names == examples.class_names
    assert again.label_ids.tolist() == examples.label_ids.tolist()
    assert again.splits == examples.splits


def test_the_odd_files_are_images_by_their_names():
    if not (DATA / "odd_files").is_dir():
        pytest.skip("the odd files are not on this machine")
    paths, left_out = image_files.list_images(DATA / "odd_files")
    assert [Path(path).name for path in paths] == ["imageNotFound.gif", "png_named.jpg", "png_named_2.jpg"]
    assert left_out == ()
