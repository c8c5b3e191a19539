"""Tests of keras_transfer.data.tfds_dataset, with data sets made here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from keras_transfer.data import tfds_dataset
from keras_transfer.errors import UserError
from small_tfds import TinyConfigs, TinyTrainTest, load, relative


@pytest.mark.parametrize(
    ("name", "full_name"),
    [
        ("tiny_configs", "tiny_configs/full/2.0.0"),
        ("tiny_configs/160px", "tiny_configs/160px/1.0.0"),
        ("tiny_configs/160px:1.0.0", "tiny_configs/160px/1.0.0"),
        ("tiny_configs/160px:1.*.*", "tiny_configs/160px/1.0.0"),
        ("TinyConfigs", "tiny_configs/full/2.0.0"),
    ],
)
def test_names_may_have_a_config_and_a_version(prepare, tmp_path, name, full_name):
    prepare(TinyConfigs, config="full")
    prepare(TinyConfigs, config="160px")
    assert all(path.startswith(f"{full_name}/train/") for path in relative(load(name, tmp_path), tmp_path))


def test_a_prepared_data_set_needs_no_code(prepare, tmp_path, monkeypatch):
    prepare(TinyTrainTest)
    monkeypatch.setattr(tfds, "builder", lambda *_, **__: pytest.fail("the code was asked for"))
    assert len(load("tiny_train_test", tmp_path)) == 3


def test_what_is_not_prepared_is_refused_with_the_folder_the_flag_and_the_way_around(tmp_path):
    with pytest.raises(UserError) as raised:
        load("tiny_configs/160px", tmp_path)
    message = str(raised.value)
    assert f"'tiny_configs/160px' is not prepared in {tmp_path}," in message
    assert "--allow_download" in message
    assert "tfds.builder('tiny_configs/160px', data_dir='data_sets').download_and_prepare()" in message
    assert f"copy the folder data_sets/tiny_configs to {tmp_path / 'tiny_configs'}" in message


def test_what_is_not_prepared_is_prepared_where_that_is_allowed(tmp_path, capfd):
    assert len(load("tiny_train_test", tmp_path, allow_download=True)) == 3
    assert len(load("tiny_train_test", tmp_path)) == 3


def test_a_failed_download_is_told_with_its_reason_and_the_next_step(tmp_path, capfd):
    with pytest.raises(UserError, match=r"ConnectionError: Name or service not known[\s\S]*copy the folder"):
        load("tiny_failing", tmp_path, allow_download=True)


def test_a_package_that_is_missing_is_told(tmp_path, capfd):
    with pytest.raises(UserError, match=r"No module named 'scipy.io'. Install it"):
        load("tiny_needs_package", tmp_path, allow_download=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cats_vs_dog", "Did you mean 'cats_vs_dogs'"),
        ("drawn_vehicle", "Did you mean 'drawn_vehicles'"),
        ("tiny_configs/nope", "BuilderConfig nope not found"),
        ("tiny_configs/160px:9.9.9", "cannot be loaded at version 9.9.9"),
        ("photos/ants and bees", "is no name of a TensorFlow Datasets set.*--image_dir"),
        ("../photos", "is no name of a TensorFlow Datasets set"),
        ("someone:flowers", "namespace"),
        ("tiny_configs/full/size=3", "arguments"),
    ],
)
@pytest.mark.parametrize("allow_download", [False, True])
def test_a_name_that_cannot_be_used_is_refused(tmp_path, name, words, allow_download):
    with pytest.raises(UserError, match=words):
        load(name, tmp_path, allow_download=allow_download)
    assert list(tmp_path.iterdir()) == []


def test_the_terminal_shows_only_the_bar_of_writing(prepare, tmp_path):
    prepare(TinyTrainTest)
    # In a process of its own, because TensorFlow and TFDS say most things once a process.
    program = (
        "import sys\n"
        "from keras_transfer.data import tfds_dataset\n"
        "tfds_dataset.load('tiny_train_test', dataset_dir=sys.argv[1], allow_download=False)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    assert finished.stdout == ""
    assert {line[:14] for line in finished.stderr.replace("\r", "\n").splitlines()} <= {"", "Writing images"}


@pytest.mark.parametrize(
    ("dataset_dir", "environment", "expected"),
    [("given", "from_environment", "given"), ("", "from_environment", "from_environment")],
)
def test_the_folder_is_the_one_given_or_that_of_the_environment(monkeypatch, dataset_dir, environment, expected):
    monkeypatch.setenv("TFDS_DATA_DIR", environment)
    assert tfds_dataset.folder_of(dataset_dir) == Path(expected)


def test_the_folder_is_that_of_tfds_where_nothing_is_given(monkeypatch, tmp_path):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tfds_dataset.folder_of("") == tmp_path / "tensorflow_datasets"
