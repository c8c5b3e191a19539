"""Tests of keras_transfer.evaluation.predictions."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from keras_transfer.evaluation.predictions import Prediction, write

# All the names that columns have, and such as would clash with a prefix that is not before every class.
NAMES = ("accepted", "error", "label", "path", "probability_label", "score", "true_label")


@pytest.mark.parametrize("further", [[], ["true_label"], ["error"], ["accepted", "error"]])
def test_no_class_name_clashes_with_a_column(tmp_path, further):
    row = np.arange(1, len(NAMES) + 1, dtype=np.float32) / 28
    write(tmp_path / "p.csv", [Prediction("1.jpg", row, "error", True)], class_names=NAMES, further=further)
    with (tmp_path / "p.csv").open(newline="") as file:
        header, cells = csv.reader(file)
    assert len(set(header)) == len(header) == 3 + len(further) + len(NAMES)
    assert header[:1] == ["path"]
    by_column = dict(zip(header, cells, strict=True))
    assert (by_column["label"], by_column.get("true_label", "error")) == ("true_label", "error")
    assert [float(by_column[f"probability_{name}"]) for name in NAMES] == pytest.approx(row.tolist())
    assert float(by_column["score"]) == pytest.approx(0.25)
    assert by_column.get("accepted", "true") == "true"


def test_a_file_that_cannot_be_read_has_its_reason_only(tmp_path):
    write(tmp_path / "p.csv", [Prediction("1.jpg", None, error="cut off")], class_names=("a", "b"), further=["error"])
    assert (tmp_path / "p.csv").read_text().splitlines()[1] == "1.jpg,,,,,cut off"
