"""The final metrics and pictures as TensorBoard summaries, beside the curves that training wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from keras_transfer.evaluation.metrics import Metrics


def write(folder: Path, measured: Mapping[str, Metrics | None], pictures: Mapping[str, bytes]) -> None:
    """Writes every metric that is one number, as "split/metric", and the pictures, all at step 0.

    Args:
      folder: of TensorBoard's run; made where it is missing.
      measured: split -> metrics; None where there is no such split.
      pictures: name -> PNG file.
    """
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=0):
        for split, metrics in measured.items():
            for name, value in (vars(metrics) if metrics else {}).items():
                if isinstance(value, float):
                    tf.summary.scalar(f"{split}/{name}", value)
        for name, png in pictures.items():
            tf.summary.image(name, tf.io.decode_png(png, channels=3)[tf.newaxis])
    writer.close()
