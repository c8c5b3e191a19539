"""Versions that the tests publish while the server runs: a whole one, and ones with faults. Needs TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import known_model

_WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")


def write_all(folder: Path, *, template: Path) -> None:
    """Writes each version as a folder of its own.

    Args:
      folder: where.
      template: a version folder.
    """
    spoilers: dict[str, Callable[[Path], None]] = {
        known_model.WHOLE: lambda version: _write_warmup(version, _requests(3)),
        known_model.BROKEN: lambda version: _truncate(version / "saved_model.pb"),
        known_model.MISSING_SIGNATURE: lambda version: _write_warmup(version, _requests(1, signature="nope")),
        known_model.MOST_WARMUP: lambda version: _write_warmup(version, _requests(known_model.MOST_WARMUP_RECORDS)),
        known_model.TOO_MUCH_WARMUP: lambda version: _write_warmup(
            version, _requests(known_model.MOST_WARMUP_RECORDS + 1)
        ),
        known_model.CORRUPT_WARMUP: _write_corrupt_warmup,
        known_model.NO_INDEX: lambda version: (version / "variables" / "variables.index").unlink(),
    }
    for name, spoil in spoilers.items():
        shutil.copytree(template, folder / name)
        spoil(folder / name)


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _requests(count: int, *, signature: str = "image_tensor") -> list[Any]:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = known_model.MODEL, signature
    request.inputs["images"].CopyFrom(tf.make_tensor_proto([[[[255, 0, 0]]]], dtype=tf.uint8))
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    return [log] * count


def _write_warmup(version: Path, logs: list[Any]) -> None:
    import tensorflow as tf

    (version / _WARMUP_FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(version / _WARMUP_FILE)) as file:
        for log in logs:
            file.write(log.SerializeToString())


def _write_corrupt_warmup(version: Path) -> None:
    (version / _WARMUP_FILE).parent.mkdir()
    (version / _WARMUP_FILE).write_bytes(b"These are no TFRecords, but long enough to hold the header of one.")
