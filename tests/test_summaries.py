"""Tests of keras_transfer.evaluation.summaries: what TensorBoard itself reads from the files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from keras_transfer.evaluation import plots, summaries
from small_report import GOOD, NAMES, make_metrics


def test_tensorboard_reads_every_single_number_and_the_pictures(tmp_path):
    measured = make_metrics(GOOD, NAMES)
    summaries.write(
        tmp_path, {"test": measured, "validation": None}, {"matrix": plots.png(plots.confusion_matrix(GOOD, NAMES))}
    )

    found = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    found.Reload()

    numbers = {name for name, value in vars(measured).items() if isinstance(value, float)}
    assert {"accuracy", "macro_f1", "ece", "log_loss"} < numbers
    assert set(found.Tags()["tensors"]) == {f"test/{name}" for name in numbers} | {"matrix"}
    (event,) = found.Tensors("test/accuracy")
    assert event.step == 0
    assert float(tensor_util.make_ndarray(event.tensor_proto)) == pytest.approx(0.95)
    width, height, png = tensor_util.make_ndarray(found.Tensors("matrix")[0].tensor_proto)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (int(width), int(height))
        assert np.asarray(picture).std() > 10
