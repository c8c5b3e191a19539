"""Warm-up: a version answers the requests that it brings with it before any client's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from stand_in import errors, prediction, tensor_protos
from stand_in.loaded_model import LoadedModel

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_MOST_RECORDS = 1000  # servables/tensorflow/saved_model_warmup_util.h, kMaxNumRecords


def load_warm(folder: Path) -> LoadedModel:
    """Loads a version folder and plays its warm-up requests.

    Raises:
      StatusError: it can't be loaded, or a request fails, as one that names a missing signature does.
    """
    model = LoadedModel(folder)
    try:
        play_back(model, folder / WARMUP_FILE)
    except errors.StatusError:
        model.close()
        raise
    return model


def play_back(model: prediction.Model, path: Path) -> None:
    """Asks a model all requests of a file of PredictionLog records; no file is no requests.

    Raises:
      StatusError: the file is damaged, a request fails, or there are too many.
    """
    if not path.is_file():
        return
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            _ask(model, _parse(record, path))
            count += 1
            if count > _MOST_RECORDS:
                raise errors.invalid_argument(
                    f"Number of warmup records exceeds the maximum ({_MOST_RECORDS}) at {path}"
                )
    except tf.errors.DataLossError as error:
        text = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise errors.StatusError(grpc.StatusCode.DATA_LOSS, text) from error


def _parse(record: bytes, path: Path) -> Any:
    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError as error:
        raise errors.invalid_argument(f"Failed to parse warmup record from {path}") from error


def _ask(model: prediction.Model, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        inputs = {name: tensor_protos.from_proto(name, proto) for name, proto in request.inputs.items()}
        prediction.predict(model, request.model_spec.signature_name, inputs=inputs, output_filter=request.output_filter)
    elif kind == "classify_log":
        prediction.classify(model, log.classify_log.request)
    elif kind == "regress_log":
        prediction.regress(model, log.regress_log.request)
    else:
        raise errors.StatusError(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
