"""Warm-up requests: the server plays them back when it loads a version, so that no client waits for the first time.

The server reads them as TFRecords of PredictionLog (`assets.extra/tf_serving_warmup_requests`, saved_model_warmup.cc).
A record that names a missing signature keeps it from starting, and a corrupt file is passed over in silence; so they
are read again and played back before an export is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from keras_transfer.saved_model import network
from keras_transfer.saved_model.reader import Export
from keras_transfer.saved_model.signatures import EXAMPLE_FEATURE
from keras_transfer.settings.config import ServingConfig

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
# Without batching inside the export, nothing depends on the batch size but the libraries' choice of an algorithm, which
# signatures share: after one request of 8 the first of 8 to any signature took 0.99 to 1.04 of the median (VGG16).
_UNBATCHED_SIZES = {"serving_default": (1, 8), "image_tensor": (1,), "classify": (1,), "embed": (1,)}
_SIDE = 64  # of the drawn image in pixels; small, because every batch size has its copies in the file


def write(version_dir: Path, *, model_name: str, serving: ServingConfig) -> None:
    """Writes a request for each signature and each batch size that makes a difference to it.

    They hold a drawn image, so that no photo leaves the house.

    Args:
      version_dir: of an export that is not published yet.
      model_name: of the served model.
      serving: decides the batch sizes.
    """
    sizes = _UNBATCHED_SIZES
    if serving.serving_batch_size:
        sizes = dict.fromkeys(_UNBATCHED_SIZES, network.batch_sizes(serving))
    with tf.io.TFRecordWriter(str(version_dir / WARMUP_FILE)) as file:
        for signature, each in sizes.items():
            for size in each:
                file.write(_log(signature, size, model_name).SerializeToString())


def play_back(export: Export) -> list[str]:
    """Reads the requests and asks them of a loaded export, as the server does when it loads a version.

    Returns:
      The signature of each, in order.

    Raises:
      RuntimeError: a signature without a request.
      tf.errors.OpError: a damaged file, or a request that the export refuses.
    """
    asked = []
    for record in tf.data.TFRecordDataset(str(export.path / WARMUP_FILE)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = getattr(log, log.WhichOneof("log_type")).request
        export.loaded.signatures[request.model_spec.signature_name](**_arguments(request))
        asked.append(request.model_spec.signature_name)
    missing = sorted(set(export.loaded.signatures) - set(asked))
    if missing:
        raise RuntimeError(f"{export.path / WARMUP_FILE} holds no request for {', '.join(missing)}.")
    return asked


def _log(signature: str, size: int, model_name: str) -> Any:
    pixels = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    if signature == "image_tensor":
        return _predict_log(signature, {"images": np.stack([pixels] * size)}, model_name)
    encoded = [tf.io.encode_jpeg(pixels).numpy()] * size
    if signature == "classify":
        return _classify_log(encoded, model_name)
    return _predict_log(signature, {"image_bytes": encoded}, model_name)


def _predict_log(signature: str, inputs: dict[str, Any], model_name: str) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model_name, signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def _classify_log(encoded: Sequence[bytes], model_name: str) -> Any:
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = model_name, "classify"
    for content in encoded:
        feature = request.input.example_list.examples.add().features.feature[EXAMPLE_FEATURE]
        feature.bytes_list.value.append(content)
    return prediction_log_pb2.PredictionLog(classify_log=prediction_log_pb2.ClassifyLog(request=request))


def _arguments(request: Any) -> dict[str, tf.Tensor]:
    if isinstance(request, classification_pb2.ClassificationRequest):
        return {"inputs": tf.constant([each.SerializeToString() for each in request.input.example_list.examples])}
    return {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
