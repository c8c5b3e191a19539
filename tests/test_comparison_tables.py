"""Tests of keras_transfer.evaluation.comparison_tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_transfer.evaluation import comparison_tables, paired, slices
from keras_transfer.evaluation.baselines import Baseline, BaselineMetrics
from small_report import GOOD, NAMES, make_metrics, other_export, probe


def baselines(verdict, reason=""):
    accuracies = {"majority class": 0.5, "linear probe": 0.955}
    rows = [
        Baseline(name, "C = 0.1", test=BaselineMetrics(200, accuracy, accuracy, accuracy))
        for name, accuracy in accuracies.items()
    ]
    return probe(verdict, rows, reason)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("better", "is better than the linear probe: on"),
        ("worse", "is worse than the linear probe: on"),
        ("no difference", "is not shown to differ from the linear probe: on"),
    ],
)
def test_the_trained_classifier_is_set_against_the_probe(verdict, words):
    table = comparison_tables.of_baselines(baselines(verdict), {"test": make_metrics(GOOD, NAMES)})
    assert table.rows == [
        ["this classifier", "95.0%"],
        ["majority class (C = 0.1)", "50.0%"],
        ["linear probe (C = 0.1)", "95.5%"],
    ]
    assert f"{words} 200 test images it alone is right on 3, the probe alone on 12 (p = 0.0352)." in table.note


def test_without_a_probe_the_reason_is_told():
    table = comparison_tables.of_baselines(baselines(None, "No others: because."), {"test": make_metrics(GOOD, NAMES)})
    assert table.note == "No others: because."


def test_a_slice_that_is_clearly_worse_is_flagged():
    label_ids = np.zeros(300, int)
    predicted = np.where(np.arange(300) < 40, 1, 0)  # the first 40 of the 100 "phone" images are wrong
    probabilities = np.eye(2, dtype=np.float32)[predicted] * 0.8 + 0.1
    columns = {"camera": ["phone"] * 100 + ["canon"] * 195 + ["rare"] * 5}
    (column,) = slices.measure(label_ids=label_ids, probabilities=probabilities, columns=columns)
    (table,) = comparison_tables.of_slices([column])
    assert table.title == "By camera"
    by_value = {cells[0]: cells for cells in table.rows}
    assert by_value["phone"][:3] == ["phone", "100", "60.0%"]
    assert by_value["phone"][3].startswith("-40.0 (-")
    assert by_value["canon"][4] == f"{column.values[0].adjusted_p_value:.3f}"
    assert (by_value["phone"][5], by_value["canon"][5]) == ("worse", "")
    assert [table.rows[place][0] for place in table.flagged] == ["phone"]
    assert "1 values are not shown" in table.note


def test_a_slice_without_a_value_has_a_name():
    label_ids, probabilities = np.zeros(40, int), np.full((40, 2), 0.5, np.float32)
    columns = {"camera": [""] * 20 + ["phone"] * 20}
    measured = slices.measure(label_ids=label_ids, probabilities=probabilities, columns=columns)
    assert [cells[0] for cells in comparison_tables.of_slices(measured)[0].rows] == ["(empty)", "phone"]


def test_two_exports_stand_side_by_side():
    label_ids = np.zeros(100, int)
    one = np.array([[0.9, 0.1]] * 90 + [[0.2, 0.8]] * 10, np.float32)
    other = np.array([[0.9, 0.1]] * 60 + [[0.2, 0.8]] * 40, np.float32)
    compared = dataclasses.replace(
        other_export(""),
        evaluation=make_metrics([[60, 40], [0, 0]], NAMES),
        paired=paired.compare(new_is_right=one[:, 0] > 0.5, earlier_is_right=other[:, 0] > 0.5),
        differences=paired.differences(label_ids=label_ids, probabilities=one, other_probabilities=other),
    )
    table = comparison_tables.of_comparison(compared, make_metrics([[90, 10], [0, 0]], NAMES))
    (cells,) = [cells for cells in table.rows if cells[0] == "Accuracy"]
    assert cells[1:3] == ["90.0%", "60.0%"]
    assert cells[3].startswith("+30.0% (+")
    assert table.note.startswith("This export is better than the other: it alone is right on 30 of 100 images")
    assert table.note.endswith("The other is cars/1.")


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
    table = comparison_tables.of_choice({**values, "gain": 0.1, "gain_error": 0.03}, "")
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


def test_the_backbones_that_were_tried_stand_in_a_table_the_best_first():
    trial = {"accuracy": 0.9, "log_loss_error": 0.01, "multiply_accumulates": 15_300_000_000}
    trials = [
        {**trial, "backbone": "vgg16", "log_loss": 0.31, "is_taken": False},
        {**trial, "backbone": "mobilenetv2", "log_loss": 0.30, "is_taken": True},
    ]
    rows = comparison_tables.of_backbones(trials).rows
    assert rows[0][0] == "mobilenetv2 (taken)"
    assert rows[1] == ["vgg16", "0.3100 ± 0.0100", "90.0%", "15.30"]


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_fine_tuning_tried_stands_in_a_table_with_what_it_won(is_kept):
    trial = {"blocks": 1, "learning_rate": 1e-4, "epoch": 0, "factor": 0.5, "accuracy": 0.9}
    trials = [{**trial, "log_loss": 0.4}, {**trial, "log_loss": 0.3, "epoch": 3, "factor": 1.0}]
    found = {"trials": trials, "seconds": 90.0, "gain": 0.02, "gain_error": 0.01, "is_kept": is_kept}
    table = comparison_tables.of_fine_tuning(found)
    assert table.rows[0] == ["1", "0.0001", "epoch 3", "100%", "0.3000", "90.0%"]
    assert "0.0200 ± 0.0100" in table.note
    assert "1.5 minutes" in table.note
    assert ("not kept" in table.note) != is_kept


def test_a_head_that_was_not_fine_tuned_says_why():
    tried = [candidate("block5_pool")]
    values = {"tried": tried, "chosen": tried, "averaged": tried[0], "plain": tried[0], "folds": 5, "images": 500}
    assert "too few" in comparison_tables.of_choice({**values, "gain": 0.1, "gain_error": 0.03}, "too few").note
