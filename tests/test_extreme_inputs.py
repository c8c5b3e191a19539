"""Everything that is computed of a finished run copes with tiny, constant, one-sided and many-class inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_transfer import atomic_files
from keras_transfer.evaluation import baselines, metrics, paired, report, slices, temperature, verdict
from keras_transfer.evaluation.report_data import Report

CLASSES = (2, 3, 6, 150)
EXAMPLES = (1, 2, 3, 12)
KINDS = ("random", "all right", "none right", "one true class", "one answer", "certain", "all equal")


def draw(kind: str, examples: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Label ids and probabilities of a kind: int32, shape (examples,), and float32, shape (examples, classes)."""
    random = np.random.default_rng(seed)
    label_ids = random.integers(0, classes, examples).astype(np.int32)
    probabilities = random.dirichlet(np.ones(classes), examples)
    if kind == "one true class":
        label_ids[:] = label_ids[0]
    if kind == "all equal":
        probabilities[:] = 1 / classes
    best: dict[str, np.ndarray] = {
        "all right": label_ids,
        "certain": random.integers(0, classes, examples),
        "one answer": 0 * label_ids,
    }
    best["none right"] = (label_ids + 1) % classes
    if kind in best:
        probabilities = np.eye(classes)[best[kind]]
        if kind != "certain":
            probabilities = 0.9 * probabilities + 0.1 / classes
    return label_ids, probabilities.astype(np.float32)


def names(classes: int) -> list[str]:
    return [f"class {number}" for number in range(classes)]


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("kind", KINDS)
def test_metrics_and_words_come_of_any_predictions(kind, examples, classes):
    label_ids, probabilities = draw(kind, examples, classes, seed=examples * classes)

    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=names(classes))
    judged = verdict.judge(Report(title="", class_names=names(classes), metrics={"test": measured}, weights="imagenet"))

    assert json.loads(atomic_files.json_text(measured))["examples"] == examples
    assert measured.accuracy == pytest.approx(np.mean(probabilities.argmax(axis=1) == label_ids))
    for name, interval in measured.intervals.items():
        low, high = interval or (getattr(measured, name),) * 2
        assert -1e-9 <= low <= high
    for row in measured.per_class.values():
        assert isinstance(row.support, int)
        assert (row.recall is None) == (row.support == 0)
    assert judged.decision
    assert judged.how_good
    assert judged.how_sure


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("kind", KINDS)
def test_slices_comparisons_and_calibration_come_of_any_predictions(kind, examples, classes):
    label_ids, probabilities = draw(kind, examples, classes, seed=examples + classes)
    _, others = draw("random", examples, classes, seed=1)
    logits = np.log(probabilities + np.float32(1e-6))
    columns = {"camera": ["a", "b"] * 6, "place": ["x"] * 12}

    fitted = temperature.fit(label_ids, logits)
    found = [
        slices.measure(
            label_ids=label_ids,
            probabilities=probabilities,
            columns={name: values[:examples] for name, values in columns.items()},
        ),
        paired.differences(label_ids=label_ids, probabilities=probabilities, other_probabilities=others),
        temperature.describe(label_ids, logits, fitted),
    ]

    assert len(json.loads(atomic_files.json_text(found))) == 3
    assert fitted.value == 1  # so few examples say nothing


@pytest.mark.parametrize("features", ["random", "constant"])
@pytest.mark.parametrize(
    ("train_ids", "test_ids"),
    [
        ([0, 1], [0, 1]),
        ([0, 1], [1]),
        ([0, 0, 0], [0, 1]),
        ([0], []),
        ([0, 1, 2, 0, 1, 2, 0, 1, 2], [3, 4]),
        (list(range(40)), list(range(40))),
    ],
)
def test_baselines_come_of_any_labels(train_ids, test_ids, features):
    random = np.random.default_rng(0)

    def drawn(label_ids):
        values = random.normal(size=(len(label_ids), 4)) if features == "random" else np.ones((len(label_ids), 4))
        return baselines.Features(values, np.array(label_ids, np.int32))

    found = baselines.measure(drawn(train_ids), {"test": drawn(test_ids)}, training_examples=len(train_ids))
    against = baselines.against_head(found, {"test": np.zeros(len(test_ids), np.bool_)})

    assert len(json.loads(atomic_files.json_text([found.results, against]))) == 2


@pytest.mark.parametrize(
    ("kind", "examples", "classes"),
    [("none right", 4, 2), ("all right", 3, 2), ("one true class", 1, 3), ("random", 300, 1000)],
)
def test_a_page_comes_of_any_predictions(tmp_path, kind, examples, classes):
    label_ids, probabilities = draw(kind, examples, classes, seed=0)
    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=names(classes))

    report.write(
        tmp_path / "report.html",
        Report(title="", class_names=names(classes), metrics={"test": measured}, weights="imagenet"),
    )

    assert (tmp_path / "report.html").stat().st_size > 1000


def test_the_metrics_of_a_thousand_classes_take_little_room():
    label_ids, probabilities = draw("random", 300, 1000, seed=0)
    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=names(1000))
    assert len(atomic_files.json_text(measured)) < 500_000
