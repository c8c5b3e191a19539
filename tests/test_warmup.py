"""Tests of keras_transfer.saved_model.warmup, read by TensorFlow Serving's own messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_transfer.saved_model import reader, warmup, writer
from keras_transfer.settings.config import ServingConfig
from small_export import make_export_spec

SIGNATURES = ("serving_default", "image_tensor", "classify", "embed")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> reader.Export:
    folder = tmp_path_factory.mktemp("exports") / "cars"
    with writer.staging(make_export_spec(), folder=folder, version=1):
        pass
    return reader.read(folder / "1")


@pytest.fixture
def kept_requests(export) -> Any:
    """Lets a test write other requests into the export."""
    path = export.path / warmup.WARMUP_FILE
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def logs(version_dir: Path) -> list[prediction_log_pb2.PredictionLog]:
    records = tf.data.TFRecordDataset(str(version_dir / warmup.WARMUP_FILE)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


def sizes(log: prediction_log_pb2.PredictionLog) -> tuple[str, int]:
    """The signature of a request and the number of its images."""
    if log.WhichOneof("log_type") == "classify_log":
        request = log.classify_log.request
        return request.model_spec.signature_name, len(request.input.example_list.examples)
    request = log.predict_log.request
    (tensor,) = request.inputs.values()
    return request.model_spec.signature_name, tensor.tensor_shape.dim[0].size


def written_sizes(folder: Path, batch_size: int) -> list[tuple[str, int]]:
    """Signature and number of images of each request that an export with this batch size gets."""
    (folder / "assets.extra").mkdir()
    warmup.write(folder, model_name="cars", serving=ServingConfig(serving_batch_size=batch_size))
    return [sizes(log) for log in logs(folder)]


@pytest.mark.parametrize(("batch_size", "expected"), [(4, {1, 2, 4}), (6, {1, 2, 4, 6})])
def test_with_batching_there_is_a_request_for_each_signature_and_batch_size(tmp_path, batch_size, expected):
    written = written_sizes(tmp_path, batch_size)
    assert len(written) == len(set(written))
    assert set(written) == {(signature, size) for signature in SIGNATURES for size in expected}


def test_without_batching_every_signature_is_asked_and_one_of_them_for_several_images(tmp_path):
    assert sorted(written_sizes(tmp_path, 0)) == sorted(
        [(signature, 1) for signature in SIGNATURES] + [("serving_default", 8)]
    )


def test_requests_name_the_served_model(export):
    for log in logs(export.path):
        request = getattr(log, log.WhichOneof("log_type")).request
        assert request.model_spec.name == "cars"


def test_an_export_answers_its_own_requests(export):
    assert set(warmup.play_back(export)) == set(SIGNATURES)


def test_a_signature_without_a_request_is_noticed(export, kept_requests):
    only = [log for log in logs(export.path) if log.WhichOneof("log_type") == "predict_log"]
    with tf.io.TFRecordWriter(str(kept_requests)) as file:
        for log in only:
            file.write(log.SerializeToString())
    with pytest.raises(RuntimeError, match="no request for classify"):
        warmup.play_back(export)


def test_a_damaged_file_is_noticed(export, kept_requests):
    content = bytearray(kept_requests.read_bytes())
    content[100] ^= 255
    kept_requests.write_bytes(bytes(content))
    with pytest.raises(tf.errors.DataLossError):
        warmup.play_back(export)


def test_a_request_that_the_export_refuses_is_noticed(export, kept_requests):
    log = logs(export.path)[0]
    log.predict_log.request.inputs["image_bytes"].string_val[0] = b"no image"
    with tf.io.TFRecordWriter(str(kept_requests)) as file:
        file.write(log.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError):
        warmup.play_back(export)
