"""Tests of keras_transfer.evaluation.report_tables."""

from __future__ import annotations

import numpy as np
import pytest

from keras_transfer.evaluation import report_tables, side_by_side, slices, thresholds
from small_report import GOOD, NAMES, make_metrics


def row(name, accuracy):
    return {
        "name": name,
        "setting": "C = 0.1",
        "validation": None,
        "test": {"accuracy": accuracy} if accuracy else None,
    }


def baselines(verdict, reason=""):
    compared = {
        "split": "test",
        "examples": 200,
        "only_head_right": 3,
        "only_probe_right": 12,
        "p_value": 0.0352,
        "verdict": verdict,
    }
    rows = [row("majority class", 0.5), row("linear probe", 0.955)]
    return {"rows": rows, "reason": reason, "head_against_probe": compared if verdict else None}


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


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("better", "is better than the linear probe: on"),
        ("worse", "is worse than the linear probe: on"),
        ("no difference", "is not shown to differ from the linear probe: on"),
    ],
)
def test_the_trained_classifier_is_set_against_the_probe(verdict, words):
    table = report_tables.of_baselines(baselines(verdict), {"test": make_metrics(GOOD, NAMES)})
    assert table.rows == [
        ["this classifier", "95.0%"],
        ["majority class (C = 0.1)", "50.0%"],
        ["linear probe (C = 0.1)", "95.5%"],
    ]
    assert f"{words} 200 test images it alone is right on 3, the probe alone on 12 (p = 0.0352)." in table.note


def test_without_a_probe_the_reason_is_told():
    table = report_tables.of_baselines(baselines(None, "No others: because."), {"test": make_metrics(GOOD, NAMES)})
    assert table.note == "No others: because."


def test_a_slice_that_is_clearly_worse_is_flagged():
    label_ids = np.zeros(300, int)
    predicted = np.where(np.arange(300) < 40, 1, 0)  # the first 40 of the 100 "phone" images are wrong
    probabilities = np.eye(2, dtype=np.float32)[predicted] * 0.8 + 0.1
    columns = {"camera": ["phone"] * 100 + ["canon"] * 195 + ["rare"] * 5}
    (column,) = slices.measure(label_ids=label_ids, probabilities=probabilities, columns=columns)
    (table,) = report_tables.of_slices([column])
    assert table.title == "By camera"
    by_value = {cells[0]: cells for cells in table.rows}
    assert by_value["phone"][:3] == ["phone", "100", "60.0%"]
    assert by_value["phone"][3].startswith("-40.0 (-")
    assert by_value["canon"][4] == f"{column['values'][0]['adjusted_p_value']:.3f}"
    assert (by_value["phone"][5], by_value["canon"][5]) == ("worse", "")
    assert [table.rows[place][0] for place in table.flagged] == ["phone"]
    assert "1 values are not shown" in table.note


def test_a_slice_without_a_value_has_a_name():
    label_ids, probabilities = np.zeros(40, int), np.full((40, 2), 0.5, np.float32)
    columns = {"camera": [""] * 20 + ["phone"] * 20}
    measured = slices.measure(label_ids=label_ids, probabilities=probabilities, columns=columns)
    assert [cells[0] for cells in report_tables.of_slices(measured)[0].rows] == ["(empty)", "phone"]


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


def test_two_exports_stand_side_by_side():
    label_ids = np.zeros(100, int)
    one = np.array([[0.9, 0.1]] * 90 + [[0.2, 0.8]] * 10, np.float32)
    other = np.array([[0.9, 0.1]] * 60 + [[0.2, 0.8]] * 40, np.float32)
    compared = side_by_side.measure(label_ids=label_ids, probabilities=one, other_probabilities=other)
    table = report_tables.of_comparison(
        {**compared, "export": "runs/a/1", "evaluation": {**make_metrics([[60, 40], [0, 0]], NAMES)}},
        make_metrics([[90, 10], [0, 0]], NAMES),
    )
    (cells,) = [cells for cells in table.rows if cells[0] == "Accuracy"]
    assert cells[1:3] == ["90.0%", "60.0%"]
    assert cells[3].startswith("+30.0% (+")
    assert table.note.startswith("This export is better than the other: it alone is right on 30 of 100 images")
    assert table.note.endswith("The other is runs/a/1.")


def candidate(*layers, uses_views=False, log_loss=0.3):
    return {
        "layers": list(layers),
        "poolings": ["avg", "max"],
        "uses_views": uses_views,
        "strength": 0.03,
        "log_loss": log_loss,
        "log_loss_error": 0.02,
        "accuracy": 0.9,
        "accuracy_error": 0.01,
    }


def test_the_heads_that_were_tried_stand_in_a_table_with_the_one_that_was_taken_last():
    tried = [candidate("block5_pool", "block4_pool", uses_views=True), candidate("block5_pool", log_loss=0.4)]
    values = {"tried": tried, "chosen": tried[:1], "averaged": tried[0], "plain": tried[1], "folds": 5, "images": 500}
    table = report_tables.of_choice({**values, "gain": 0.1, "gain_error": 0.03})
    assert table.rows[0][:5] == [
        "block5_pool + block4_pool",
        "avg and max",
        "clean and augmented",
        "0.03",
        "0.3000 ± 0.0200",
    ]
    assert table.rows[1][2] == "clean"
    assert table.has_total
    assert "0.1000 ± 0.0300" in table.note
