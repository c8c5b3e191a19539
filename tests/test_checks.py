"""Tests of keras_transfer.saved_model.checks and its fresh process."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.saved_model import checks, reader, signatures, writer
from keras_transfer.saved_model.signatures import ExportSpec
from keras_transfer.settings.config import ImageConfig
from small_export import make_export_spec, write_photos


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checks")


@pytest.fixture(scope="module")
def files(folder) -> list[str]:
    return write_photos(folder, 9)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with checks.fresh_process_started() as started:
        yield started


@pytest.fixture(scope="module")
def export(folder, spec) -> reader.Export:
    with writer.staging(spec, folder=folder / "cars", version=1):
        pass
    return reader.read(folder / "cars" / "1")


def test_a_fresh_process_that_imports_only_tensorflow_gives_the_classifier_s_answers(process, export, spec, files):
    assert checks.check_parity(process, export.path, spec, files=files) < 1e-5


def test_an_export_that_sees_other_images_than_the_classifier_is_refused(process, export, spec, files):
    other = dataclasses.replace(spec, image=ImageConfig(image_size=32, resize_mode="crop"))
    with pytest.raises(RuntimeError, match="differ from the classifier's by up to"):
        checks.check_parity(process, export.path, other, files=files)


def test_an_export_that_does_not_load_in_a_fresh_process_is_refused_with_the_reason(process, folder, spec, files):
    with pytest.raises(RuntimeError, match=r"fails in a process of its own(.|\n)*SavedModel"):
        checks.check_parity(process, folder, spec, files=files)


def test_a_fresh_process_that_is_asked_nothing_is_ended():
    with pytest.raises(KeyError), checks.fresh_process_started() as started:
        raise KeyError
    assert started.returncode == -signal.SIGKILL


def test_the_classifier_is_asked_about_every_file_in_order(spec, files):
    together = checks.classifier_probabilities(spec, files, precision_name="float32")
    alone = [checks.classifier_probabilities(spec, [path], precision_name="float32")[0] for path in files[-2:]]
    assert together.shape == (9, 3)
    np.testing.assert_allclose(together[-2:], alone, atol=1e-6)


def test_an_export_in_float32_changes_no_prediction(export, spec, files):
    change = checks.measure_precision_change(export, spec, files=files)
    assert (change.files, change.changed_labels) == (9, 0)
    assert change.largest_difference < 1e-5


def test_changed_labels_are_counted(export, spec, files):
    """In the other classifier the first and the last class have changed places."""
    other = make_export_spec()
    logits = other.model.get_layer("logits")
    logits.set_weights([weight[..., ::-1] for weight in logits.get_weights()])
    exact = checks.classifier_probabilities(spec, files, precision_name="float32")
    change = checks.measure_precision_change(export, other, files=files)
    assert change.changed_labels == int(np.sum(exact.argmax(axis=1) != 1)) > 0
    assert change.largest_difference == pytest.approx(np.abs(exact[:, 0] - exact[:, 2]).max(), abs=1e-5)


def test_stored_parameters_are_the_classifier_s(export, spec):
    # two convolutions of 3x3 from 3 to 64 and 64 to 64 channels, moments of 64 features, 3 classes
    parameters = (9 * 3 * 64 + 64) + (9 * 64 * 64 + 64) + 2 * 64 + (64 * 3 + 3)
    assert checks.check_parameters(export.path, spec) == parameters
    size = (export.path / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert size == pytest.approx(4 * parameters, rel=0.02)


def test_parameters_that_are_stored_twice_are_noticed(tmp_path, spec):
    module, functions = signatures.build_module(spec)
    module.copies = [tf.Variable(variable) for variable in module.model_variables]
    tf.saved_model.save(module, str(tmp_path), signatures=functions)
    with pytest.raises(RuntimeError, match=r"stores 78,086 parameters, but the classifier has 39,043"):
        checks.check_parameters(tmp_path, spec)
