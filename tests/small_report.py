"""Reports made from counts by hand, for the tests of the page and of its words."""

from __future__ import annotations

import numpy as np

from keras_transfer.evaluation import metrics
from keras_transfer.evaluation.baselines import BaselineResults, HeadAgainstProbe
from keras_transfer.evaluation.paired import OtherExport, PairedTest
from keras_transfer.evaluation.report_data import Report
from keras_transfer.evaluation.slices import Column, Slice
from keras_transfer.evaluation.unpaired import OwnTest


def make_metrics(counts, class_names, confidence=0.9):
    """Metrics of a confusion matrix, every prediction made with the same confidence."""
    counts = np.asarray(counts)
    label_ids, predicted_ids = (np.repeat(ids.ravel(), counts.ravel()) for ids in np.indices(counts.shape))
    probabilities = np.full((len(label_ids), len(class_names)), (1 - confidence) / (len(class_names) - 1), np.float32)
    probabilities[np.arange(len(label_ids)), predicted_ids] = confidence
    return metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=class_names)


def phase(name="head", *, epochs=3, best_epoch=2, accuracy=0.9, validation_accuracy=0.88):
    row = {
        "loss": 0.3,
        "accuracy": accuracy,
        "validation_loss": 0.4,
        "validation_accuracy": validation_accuracy,
        "learning_rate": 1e-3,
        "seconds": 0.5,
    }
    return {"phase": name, "best_epoch": best_epoch, "epochs": [{"epoch": n + 1, **row} for n in range(epochs)]}


NAMES = ("ants", "bees")
GOOD = [[95, 5], [5, 95]]


def make_report(counts=GOOD, class_names=NAMES, *, split="test", confidence=0.95, **settings):
    values = {
        "title": "Training of insects",
        "class_names": class_names,
        "weights": "imagenet",
        **settings,
    }
    if "metrics" not in values:
        values["metrics"] = {split: make_metrics(counts, class_names, confidence)}
    return Report(**values)


def probe(verdict, rows=(), reason=""):
    """Baselines with the head's verdict against the linear probe, or None where there is no probe."""
    compared = HeadAgainstProbe("test", 200, 3, 12, 0.0352, verdict) if verdict else None
    return BaselineResults(512, 100, reason, rows, compared)


def other_export(verdict):
    """Another export, with the verdict on the measured one."""
    paired = PairedTest(200, 1, 9, 0.02, verdict)
    return OtherExport(
        export="cars/1", seen_in_training={}, evaluation=make_metrics(GOOD, NAMES), paired=paired, differences={}
    )


def column(**is_flagged):
    """The column "camera" with a slice for each name."""
    values = [Slice(name, 50, {}, {}, {}, {}, 0.01, 0.02, is_worse) for name, is_worse in is_flagged.items()]
    return Column("camera", 10, 0, values)


def own_test(there, here, *, differs=True):
    """An export's accuracy on its own test split and on the measured images."""
    return OwnTest(
        accuracy=there, interval=(there, there), examples=300, measured_accuracy=here, p_value=0.01, differs=differs
    )
