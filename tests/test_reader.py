"""Tests of keras_transfer.saved_model.reader."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.errors import UserError
from keras_transfer.saved_model import reader, writer
from keras_transfer.saved_model.signatures import ExportSpec
from small_export import CLASS_NAMES, ask, make_export_spec, noise, png


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def version_dir(tmp_path_factory: pytest.TempPathFactory, spec) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "cars"
    with writer.staging(spec, folder=folder, version=7):
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


def test_an_export_is_read_with_its_class_names(export, spec):
    assert export.class_names == CLASS_NAMES
    pixels = noise(2)
    answer = export.probabilities([png(each) for each in pixels])
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, ask(spec.model, pixels), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_files_are_answered_in_order_past_those_that_cannot_be_read(export, spec, files, batch_size):
    answers = list(export.answers_of_files(files, batch_size=batch_size))
    assert [answer.path for answer in answers] == files
    assert [place for place, answer in enumerate(answers) if answer.probabilities is None] == [2, 5]
    expected = ask(spec.model, noise(7))
    for answer, right in zip(answers, expected, strict=True):
        if answer.probabilities is not None:
            np.testing.assert_allclose(answer.probabilities, right, atol=1e-6)
            assert answer.reason == ""
    assert "a text file" in answers[2].reason
    assert "No such file" in answers[5].reason
    assert not export.abstains
    assert {answer.is_accepted for answer in answers} == {None}


def measure(export: reader.Export, files: list[str], fraction: float = 0.5, sha256: Sequence[str] = ()) -> Any:
    return export.measure_files(files, batch_size=3, title="", max_unreadable_fraction=fraction, sha256=sha256)


def test_measured_files_keep_their_positions(export, files):
    del files[5]
    probabilities, positions, unreadable = measure(export, files)
    assert probabilities.shape == (5, 3)
    assert positions == [0, 1, 3, 4, 5]
    assert [path for path, _ in unreadable] == [files[2]]


def test_more_refused_images_than_allowed_stop_a_measurement(export, files):
    del files[5]
    with pytest.raises(UserError, match=r"1 of 6 .*--max_unreadable_fraction=0\.1 .*2\.png"):
        measure(export, files, fraction=0.1)


def test_a_file_that_is_gone_stops_a_measurement_by_its_name(export, files):
    with pytest.raises(UserError, match=r"5\.png"):
        measure(export, files, fraction=1)


@pytest.mark.parametrize("content", [b"", b"another photo", png(noise(9)[8])])
def test_a_file_that_changed_since_it_was_read_stops_a_measurement_by_its_name(export, files, content):
    files = files[:2]
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in files]
    assert measure(export, files, sha256=digests)[1] == [0, 1]
    Path(files[1]).write_bytes(content)
    with pytest.raises(UserError, match=r"1\.png"):
        measure(export, files, fraction=1, sha256=digests)


def failing(export: reader.Export, error: type[tf.errors.OpError], when: Callable[[int], bool]) -> reader.Export:
    """An export that fails where the number of images in a call is such."""

    def serving_default(image_bytes: Any) -> Any:
        if when(len(image_bytes)):
            raise error(None, None, "the machine is on fire")
        return export.serving_default(image_bytes=image_bytes)

    return dataclasses.replace(export, serving_default=serving_default)


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError,
        tf.errors.InternalError,
        tf.errors.UnavailableError,
        tf.errors.UnknownError,
        tf.errors.DataLossError,
        tf.errors.AbortedError,
        tf.errors.NotFoundError,
        tf.errors.UnimplementedError,
    ],
)
def test_an_error_of_the_machine_is_no_unreadable_image(export, files, error):
    broken = failing(export, error, lambda _: True)
    with pytest.raises(UserError, match=f"{error.__name__}.*the machine is on fire"):
        measure(broken, files[:2], fraction=1)
    with pytest.raises(UserError, match="the machine is on fire"):
        list(broken.answers_of_files(files[:2], batch_size=2))


def test_a_batch_that_the_memory_has_no_room_for_is_asked_in_smaller_ones(export, files):
    narrow = failing(export, tf.errors.ResourceExhaustedError, lambda images: images > 1)
    probabilities, positions, unreadable = measure(narrow, files[:2])
    assert (positions, unreadable) == ([0, 1], [])
    np.testing.assert_allclose(probabilities, measure(export, files[:2])[0], atol=1e-6)


def test_no_file_at_all_gives_no_row(export):
    probabilities, positions, unreadable = measure(export, [])
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
