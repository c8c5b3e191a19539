"""Tests of keras_transfer.feature_bank.filling."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import features, filling
from keras_transfer.feature_bank.store import Store
from keras_transfer.images.resizing import clean_view
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import ImageConfig
from small_bank import contents, fill, open_banks
from small_training import TRAIN, VALIDATION, make_classifier, make_config, make_examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return make_examples(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return make_classifier(make_config(tmp_path_factory.mktemp("unused")))


@pytest.fixture(scope="module")
def filled(classifier: Classifier, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The full bank of the head phase, for tests that only read it."""
    (bank,) = fill(classifier, examples, make_config(tmp_path_factory.mktemp("filled")))
    return bank


def missing(bank: Store, examples: Examples, view: int) -> np.ndarray:
    return bank.missing(examples.sha256, [view] * len(examples))


def test_training_images_get_every_view_and_validation_images_the_clean_one(filled, examples):
    stored = [examples.select(np.flatnonzero(~missing(filled, examples, view))).splits for view in range(3)]
    train, validation = ("train",) * TRAIN, ("validation",) * VALIDATION
    assert stored == [train + validation, train, train]
    assert filling.find_missing([filled], examples) == []


def test_the_bank_holds_what_the_network_gives_for_the_very_image_that_serving_sees(classifier, filled, examples):
    part = examples.in_split("validation")
    images = [
        clean_view(tf.constant(Path(path).read_bytes()), image=ImageConfig(image_size=32), max_pixels=10**6)
        for path in part.paths
    ]
    expected = np.asarray(cut.frozen_part(classifier.model, [classifier.head_cut])(tf.stack(images)))
    np.testing.assert_allclose(filled.read(part.sha256, [0] * len(part)), expected, rtol=2e-3, atol=1e-3)


def test_an_augmented_view_in_the_bank_is_that_of_the_pipeline(classifier, filled, examples, tmp_path):
    config = make_config(tmp_path)
    train = examples.in_split("train")
    chosen = tf.data.Dataset.from_tensors((tf.constant(3, tf.int64), tf.constant(2, tf.int64)))
    rows = input_pipeline.chosen_views(
        train, chosen, image=config.image, views=config.views, max_pixels=10**6, seed=config.training.seed
    )
    (image,) = [image for image, _ in rows]
    expected = np.asarray(cut.frozen_part(classifier.model, [classifier.head_cut])(image[tf.newaxis]))[0]
    np.testing.assert_allclose(filled.read([train.sha256[3]], [2])[0], expected, rtol=2e-3, atol=1e-3)


def test_both_cuts_are_filled_in_one_pass(classifier, examples, tmp_path, monkeypatch):
    config = make_config(tmp_path, fine_tune_epochs=1)
    passes = []
    every_view = input_pipeline.every_view

    def count(part, *arguments, **named):
        passes.append(len(part))
        return every_view(part, *arguments, **named)

    monkeypatch.setattr(input_pipeline, "every_view", count)
    head_bank, block_bank = fill(classifier, examples, config)
    assert sum(passes) == TRAIN + VALIDATION  # each image once
    assert head_bank.recipe.record_shape == (512,)
    assert block_bank.recipe.record_shape == (2, 2, 512)  # 32 / 2 ** 4
    above = cut.trainable_part(classifier.model, block_bank.recipe.cut)
    stored = [bank.read([examples.sha256[0]], [1]).astype(np.float32) for bank in (head_bank, block_bank)]
    top = cut.trainable_part(classifier.model, head_bank.recipe.cut)
    np.testing.assert_allclose(top(stored[0]), above(stored[1]), rtol=5e-3, atol=5e-2)


def test_only_what_is_missing_is_computed(classifier, examples, tmp_path):
    config = make_config(tmp_path)
    fill(classifier, examples.select(range(5)), config)
    banks = open_banks(classifier, config)
    lacking = filling.find_missing(banks, examples)
    assert sum(part.record_count for part in lacking) == (TRAIN - 5) * 3 + VALIDATION
    more_views = make_config(tmp_path, augmented_views=3)
    lacking = filling.find_missing(open_banks(classifier, more_views), examples.select(range(5)))
    assert [(part.views, len(part.examples)) for part in lacking] == [((3,), 5)]


def test_the_same_image_twice_is_computed_once(classifier, examples, tmp_path):
    config = make_config(tmp_path)
    banks = open_banks(classifier, config)
    lacking = filling.find_missing(banks, examples.select([0, 0, 1, 0]))
    assert [len(part.examples) for part in lacking] == [2]


def test_an_image_in_train_and_validation_gets_every_view_once(classifier, examples, tmp_path):
    twice = dataclasses.replace(examples.select([0, 0]), splits=("validation", "train"))
    lacking = filling.find_missing(open_banks(classifier, make_config(tmp_path)), twice)
    assert [(part.views, len(part.examples)) for part in lacking] == [((0, 1, 2), 1)]


def test_a_bank_is_the_same_bit_for_bit_whatever_the_order_of_the_files(classifier, filled, examples, tmp_path):
    fill(classifier, examples.select(range(len(examples) - 1, -1, -1)), make_config(tmp_path))
    assert contents(tmp_path) == contents(filled.folder)


def test_many_shards_hold_the_same_records_as_one(classifier, filled, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "COMPUTE_BATCH", 2)
    monkeypatch.setattr(filling, "_SHARD_IMAGES", 2)
    (split,) = fill(classifier, examples, make_config(tmp_path))
    assert len(list(split.folder.rglob("*.records"))) > 2 * 3
    train = examples.in_split("train")
    for view in range(3):
        records = [bank.read(train.sha256, [view] * TRAIN) for bank in (filled, split)]
        np.testing.assert_array_equal(*records)


def test_values_beyond_float16_are_refused_and_nothing_is_stored(examples, tmp_path):
    config = make_config(tmp_path)
    classifier = make_classifier(config)
    kernel = classifier.model.get_layer("block5_conv3").kernel
    kernel.assign(kernel * 1e6)
    with pytest.raises(UserError, match="65504"):
        fill(classifier, examples, config)
    assert not list(tmp_path.rglob("*.records"))


def test_a_full_disk_names_the_bytes_needed_and_leaves_nothing_half_written(
    classifier, examples, tmp_path, monkeypatch
):
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "add", full)
    needed = (TRAIN * 3 + VALIDATION) * 512 * 2
    with pytest.raises(UserError, match=f"needs {needed:,} bytes"):
        fill(classifier, examples, make_config(tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("now", ["nothing", "no image", "another photo"])
def test_a_file_that_changed_meanwhile_is_named_and_nothing_is_stored_under_its_digest(
    classifier, examples, tmp_path, now
):
    path = tmp_path / "photo.png"
    if now == "no image":
        path.write_bytes(b"no image any more")
    if now == "another photo":
        shutil.copyfile(examples.paths[1], path)
    changed = dataclasses.replace(examples, paths=(str(path), *examples.paths[1:]))
    config = make_config(tmp_path)
    with pytest.raises(UserError, match=re.escape(str(path))):
        fill(classifier, changed, config)
    for bank in open_banks(classifier, config):
        assert bank.missing(examples.sha256[:1] * 3, range(3)).all()


def test_a_disk_that_is_gone_is_one_sentence_and_what_was_finished_stays(classifier, examples, tmp_path, monkeypatch):
    def gone(self: Store, *arguments: Any) -> None:
        if contents(self.folder):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self.folder))
        add(self, *arguments)

    add = Store.add
    monkeypatch.setattr(Store, "add", gone)
    monkeypatch.setattr(filling, "_SHARD_IMAGES", 2)
    monkeypatch.setattr(features, "COMPUTE_BATCH", 6)
    config = make_config(tmp_path)
    with pytest.raises(UserError, match="--feature_cache_dir"):
        fill(classifier, examples, config)
    assert len(contents(tmp_path)) > 0


def test_a_shard_ends_when_its_time_is_up(classifier, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(filling, "_SHARD_SECONDS", 0.0)
    monkeypatch.setattr(features, "COMPUTE_BATCH", 3)
    (bank,) = fill(classifier, examples, make_config(tmp_path))
    assert len(list((bank.folder / bank.recipe.key(2)).glob("*.records"))) == TRAIN


BUILD = """
import sys
from pathlib import Path
from keras_transfer import terminal
terminal.import_tensorflow_quietly()
import tensorflow as tf
tf.config.optimizer.set_experimental_options({{"disable_meta_optimizer": True}})  # slow to start, as in conftest
sys.path.insert(0, {tests!r})
from small_bank import open_banks
from small_training import make_classifier, make_config, make_examples
from keras_transfer.feature_bank import features, filling
features.COMPUTE_BATCH = 1
filling._SHARD_IMAGES = 1
small = {{"feature_layers": ("block1_pool",)}}
classifier = make_classifier(make_config(Path(sys.argv[1]), **small))
examples = make_examples(Path(sys.argv[1]))
for line in sys.stdin:
    config = make_config(Path("unused"), feature_cache_dir=line.strip(), **small)
    banks = open_banks(classifier, config)
    print("started", flush=True)
    filling.fill(classifier, banks, filling.find_missing(banks, examples), config=config)
    for bank in banks:
        bank.close()
    print("done", flush=True)
"""


def start_builder(folder: Path) -> subprocess.Popen[str]:
    program = BUILD.format(tests=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def order(builder: subprocess.Popen[str], folder: Path) -> None:
    """Has the builder begin a bank, and returns once it has."""
    assert builder.stdin is not None
    assert builder.stdout is not None
    builder.stdin.write(f"{folder}\n")
    builder.stdin.flush()
    assert builder.stdout.readline() == "started\n"


def kill(builder: subprocess.Popen[str]) -> None:
    os.kill(builder.pid, signal.SIGKILL)
    builder.communicate()


@pytest.mark.parametrize("fraction", [0.3, pytest.param(0.7, marks=pytest.mark.slow)])
def test_a_build_killed_at_any_moment_is_finished_by_the_next_run_to_the_very_same_bank(tmp_path, fraction):
    """benchmarks/kills.py does fifty."""
    photos = tmp_path / "photos"
    photos.mkdir()
    builder = start_builder(photos)
    order(builder, tmp_path / "undisturbed")
    started = time.perf_counter()
    assert builder.stdout is not None
    assert builder.stdout.readline() == "done\n"
    seconds = time.perf_counter() - started
    expected = contents(tmp_path / "undisturbed")
    folder = tmp_path / "killed"
    order(builder, folder)
    time.sleep(seconds * fraction)
    kill(builder)
    finished = {path: path.read_bytes() for path in folder.rglob("[!.]*.json")}
    builder = start_builder(photos)
    order(builder, folder)
    assert builder.stdout is not None
    assert builder.stdout.readline() == "done\n"
    assert contents(folder) == expected
    assert all(path.read_bytes() == content for path, content in finished.items())  # used, not made again
    kill(builder)
