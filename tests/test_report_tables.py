"""Tests of keras_transfer.evaluation.report_tables."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import report_tables, thresholds
from small_report import GOOD, NAMES, make_metrics


def test_a_metric_that_no_split_has_is_left_out():
    table = report_tables.of_splits({"test": make_metrics(GOOD, NAMES)}, 2)
    names = [cells[0] for cells in table.rows]
    assert "Top-5 accuracy" not in names  # there are only two classes
    assert {"Accuracy", "ROC AUC", "Brier score"} < set(names)


def test_a_metric_that_one_split_lacks_has_a_dash_there():
    measured = {"validation": make_metrics([[5, 0], [0, 0]], NAMES), "test": make_metrics(GOOD, NAMES)}
    (cells,) = [cells for cells in report_tables.of_splits(measured, 2).rows if cells[0] == "ROC AUC"]
    assert cells[1] == "–"
    assert float(cells[2]) > 0.5


def test_the_cost_of_guessing_evenly_is_told():
    definitions = dict(report_tables.of_splits({"test": make_metrics(GOOD, NAMES)}, 2).definitions)
    assert "0.693" in definitions["Log loss"]


def test_only_the_terms_of_a_table_are_defined():
    table = report_tables.of_splits({"test": make_metrics(GOOD, NAMES)}, 2)
    terms = [term for term, _ in table.definitions]
    assert "Top-5 accuracy" not in terms
    assert {"Accuracy", "Calibration error"} < set(terms)


def test_the_weakest_classes_come_first_and_a_limit_is_told():
    names = [f"c{number}" for number in range(101)]
    counts = np.diag([10] * 101)
    counts[50, 50:52] = 4, 6
    table = report_tables.of_classes(make_metrics(counts, names), names, "test")
    assert table.rows[0][:3] == ["c50", "50", "10"]
    assert len(table.rows) == 100
    assert "101" in table.note
    assert report_tables.of_classes(make_metrics(GOOD, NAMES), NAMES, "test").note == ""


def test_images_are_counted_with_a_total_and_of_many_classes_the_smallest_are_shown():
    names = [f"c{number}" for number in range(150)]
    examples = {"train": {name: 150 - number for number, name in enumerate(names)}}
    table = report_tables.of_images(examples, names)
    assert table.rows[0] == ["c149", "1"]
    assert table.rows[-1] == ["All", f"{150 * 151 // 2:,}"]
    assert table.has_total
    assert "150" in table.note


def test_the_most_frequent_mistakes_are_listed_by_pairs_of_classes():
    table = report_tables.of_confusions(
        make_metrics([[6, 1, 3], [0, 10, 0], [2, 0, 8]], ("a", "b", "c")), ("a", "b", "c")
    )
    assert table.rows == [["a → c", "3", "30.0%"], ["c → a", "2", "20.0%"], ["a → b", "1", "10.0%"]]


def test_thresholds_tell_coverage_and_accuracy():
    label_ids = np.zeros(10, int)
    probabilities = np.array([[0.95, 0.05]] * 6 + [[0.3, 0.7]] * 4, np.float32)
    table = report_tables.of_thresholds(thresholds.table(label_ids, probabilities), "test", abstain_below=0.0)
    rows = table.rows
    assert rows[0][:3] == ["none", "100.0%", "10"]
    assert rows[0][3].startswith("60.0% (")
    by_threshold = {cells[0]: cells for cells in rows}
    assert by_threshold["0.8"][1:3] == ["60.0%", "6"]
    assert by_threshold["0.8"][3].startswith("100.0% (")
    assert by_threshold["0.99"][1:] == ["0.0%", "0", "–"]


@pytest.mark.parametrize(("abstain_below", "words"), [(0.0, "--abstain_below adds"), (0.75, "is at least 0.75.")])
def test_an_export_that_abstains_already_is_not_told_to(abstain_below, words):
    rows = thresholds.table(np.array([0]), np.array([[0.9, 0.1]], np.float32))
    note = report_tables.of_thresholds(rows, "test", abstain_below=abstain_below).note
    assert words in note
    assert ("--abstain_below" in note) == (abstain_below == 0)
