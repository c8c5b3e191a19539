"""Tests of keras_transfer.saved_model.reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.config import UserError
from keras_transfer.saved_model import reader, writer
from keras_transfer.saved_model.signatures import Blueprint
from small_export import CLASS_NAMES, ask, make_blueprint, noise, png


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return make_blueprint()


@pytest.fixture(scope="module")
def version_dir(tmp_path_factory: pytest.TempPathFactory, blueprint) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "cars"
    with writer.staging(blueprint, folder=folder, version=7):
        pass
    return folder / "7"


@pytest.fixture(scope="module")
def export(version_dir) -> reader.Export:
    return reader.read(version_dir)


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Seven photos, of which the third is no image and the sixth is missing."""
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path, pixels in zip(paths, noise(7), strict=True):
        path.write_bytes(png(pixels))
    paths[2].write_text("no image")
    paths[5].unlink()
    return [str(path) for path in paths]


def test_an_export_is_read_with_its_class_names(export, blueprint):
    assert export.class_names == CLASS_NAMES
    pixels = noise(2)
    answer = export.probabilities([png(each) for each in pixels])
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, ask(blueprint.model, pixels), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_files_are_answered_in_order_past_those_that_cannot_be_read(export, blueprint, files, batch_size):
    answers = list(export.answers_of_files(files, batch_size=batch_size))
    assert [answer.path for answer in answers] == files
    assert [place for place, answer in enumerate(answers) if answer.probabilities is None] == [2, 5]
    expected = ask(blueprint.model, noise(7))
    for answer, right in zip(answers, expected, strict=True):
        if answer.probabilities is not None:
            np.testing.assert_allclose(answer.probabilities, right, atol=1e-6)
            assert answer.reason == ""
    assert "a text file" in answers[2].reason
    assert "No such file" in answers[5].reason
    assert not export.abstains
    assert {answer.is_accepted for answer in answers} == {None}


def test_measured_files_keep_their_positions(export, files):
    probabilities, positions, unreadable = export.measure_files(files, batch_size=2, title="")
    assert probabilities.shape == (5, 3)
    assert positions == [0, 1, 3, 4, 6]
    assert [path for path, _ in unreadable] == [files[2], files[5]]


def test_no_file_at_all_gives_no_row(export):
    probabilities, positions, unreadable = export.measure_files([], batch_size=2, title="")
    assert (probabilities.shape, positions, unreadable) == ((0, 3), [], [])


def test_a_bad_image_in_a_batch_is_an_invalid_argument(export):
    with pytest.raises(tf.errors.InvalidArgumentError):
        export.probabilities([png(noise(1)[0]), b"no image"])


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_export_is_refused_by_name(tmp_path, version_dir, name):
    shutil.copytree(version_dir, tmp_path / "1")
    (tmp_path / "1" / name).write_bytes(b"damaged")
    with pytest.raises(UserError, match="/1 cannot be loaded"):
        reader.read(tmp_path / "1")
