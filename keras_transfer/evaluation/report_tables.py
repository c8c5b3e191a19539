"""The tables of a report: metrics in rows of text, each with the definitions of its terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_transfer.evaluation.bootstrap import Interval
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.thresholds import Threshold

# Names of metrics for people, in the order in which they are shown.
METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "top_k_accuracy": "Top-5 accuracy",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error",
}
_DEFINITIONS = {
    "Accuracy": "The fraction of the images that is classified correctly.",
    "Balanced accuracy": "The same with every class counting the same.",
    "Macro F1": "The mean F1 of the classes that have images; it falls with missed images and with false alarms alike.",
    "Weighted F1": "The mean F1 of the classes, weighted by their size.",
    "Top-5 accuracy": "The fraction whose class is among the five most probable.",
    "ROC AUC": "How well a class's probability ranks its images before the others, mean of the classes; chance: 0.5.",
    "Average precision": "The area under the curve of precision over recall, mean of the classes.",
    "Log loss": "The mean negative logarithm of the true class's probability; 0 is perfect.",
    "Brier score": "The mean squared error of the probabilities, from 0 to 2; 0 is perfect.",
    "Calibration error": "ECE: the mean distance between confidence and accuracy; 0 is perfect. In brackets, what it "
    "stays below in 95 of 100 cases where every confidence is right.",
}
_FRACTIONS = frozenset({"accuracy", "balanced_accuracy", "top_k_accuracy"})


_MOST_CONFUSIONS = 20
_MOST_CLASSES = 100  # in a table: keeps the page light and readable with a thousand classes


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
      title: heading.
      columns: names; that of the first says what a row is.
      rows: as many texts each.
      note: a paragraph below it, of what holds for these rows.
      definitions: (term, what it means) of names in the table.
      flagged: places of rows that need attention.
      bars: places of columns whose percentages are drawn as bars too.
      has_total: whether the last row sums up the others.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    definitions: Sequence[tuple[str, str]] = ()
    flagged: frozenset[int] = frozenset()
    bars: frozenset[int] = frozenset()
    has_total: bool = False


def of_splits(measured: Mapping[str, Metrics], class_count: int) -> Table:
    """Each metric of each split, with its 95% interval where there is one."""
    rows = [["Images", *(f"{metrics.examples:,}" for metrics in measured.values())]]
    for name, title in METRICS.items():
        cells = [_with_sureness(name, metrics) for metrics in measured.values()]
        if any(getattr(metrics, name) is not None for metrics in measured.values()):
            rows.append([title, *cells])
    shown = {row[0] for row in rows}
    guess = f"Always guessing evenly costs {math.log(class_count):.3f}."
    definitions = [
        (term, f"{text} {guess}" if term == "Log loss" else text)
        for term, text in _DEFINITIONS.items()
        if term in shown
    ]
    interval = ("In brackets", "95% interval: what chance among the measured images leaves open.")
    return Table("Metrics of each split", ["Metric", *measured], rows, definitions=[interval, *definitions])


def of_classes(metrics: Metrics, class_names: Sequence[str], split: str) -> Table:
    """Recall, precision and F1 of each class, the lowest F1 first and those without images last; of many the first."""
    per_class = [(label_id, name, metrics.per_class[name]) for label_id, name in enumerate(class_names)]
    per_class.sort(key=lambda row: (row[2].f1 is None, row[2].f1))
    rows = [
        [name, str(label_id), f"{own.support:,}", *map(percent, (own.recall, own.precision, own.f1))]
        for label_id, name, own in per_class[:_MOST_CLASSES]
    ]
    return Table(
        f"Classes, the weakest first ({split})",
        ["Class", "Label id", "Images", "Recall", "Precision", "F1"],
        rows,
        note=_left_off(len(class_names), "weakest", "metrics.json"),
        definitions=[
            ("Recall", "The fraction of the class that is found."),
            ("Precision", "The fraction of the answers with this class that is right."),
            ("F1", "Their harmonic mean."),
            ("–", "There was nothing to measure."),
        ],
        bars=frozenset({3, 4, 5}),
    )


def of_confusions(metrics: Metrics, class_names: Sequence[str]) -> Table:
    """The pairs of classes with most mistakes; for many classes, where a matrix is hard to read."""
    pairs = [
        (count, true_id, predicted_id, sum(row))
        for true_id, row in enumerate(metrics.matrix().tolist())
        for predicted_id, count in enumerate(row)
        if count and true_id != predicted_id
    ]
    pairs.sort(key=lambda pair: -pair[0])
    rows = [
        [f"{class_names[true_id]} → {class_names[predicted_id]}", f"{count:,}", percent(count / total)]
        for count, true_id, predicted_id, total in pairs[:_MOST_CONFUSIONS]
    ]
    note = (
        f"The first {len(rows):,} of {len(pairs):,} pairs of classes with mistakes." if len(rows) < len(pairs) else ""
    )
    return Table("Most frequent mistakes", ["True class → predicted class", "Images", "Share of the class"], rows, note)


def of_images(examples: Mapping[str, Mapping[str, int]], class_names: Sequence[str]) -> Table:
    """The number of images of each class in each split, the fewest first; of many classes the first."""
    fewest = sorted(class_names, key=lambda name: sum(counts.get(name, 0) for counts in examples.values()))
    shown = fewest[:_MOST_CLASSES] if len(class_names) > _MOST_CLASSES else class_names
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in examples.values())] for name in shown]
    rows.append(["All", *(f"{sum(counts.values()):,}" for counts in examples.values())])
    note = _left_off(len(class_names), "smallest", "data.json")
    return Table("Images", ["Class", *examples], rows, note=note, has_total=True)


def _left_off(class_count: int, which: str, file: str) -> str:
    if class_count <= _MOST_CLASSES:
        return ""
    return f"The {_MOST_CLASSES} {which} of {class_count:,} classes; {file} has all."


def of_thresholds(rows: Sequence[Threshold], split: str, *, abstain_below: float) -> Table:
    """How many images are still answered above a confidence, and how many of them right.

    Args:
      rows: from `thresholds.table`.
      split: that they are of.
      abstain_below: the export's own threshold; 0 for none.
    """
    own = "--abstain_below adds an output “accepted” to the export."
    if abstain_below:
        own = f"This export's output “accepted” says whether the confidence is at least {abstain_below:g}."
    return Table(
        f"If it may abstain below a confidence ({split})",
        ["At least", "Answered", "Images", "Accuracy"],
        [
            [
                f"{row.threshold:g}" if row.threshold else "none",
                percent(row.coverage),
                f"{row.examples:,}",
                f"{percent(row.accuracy)}{interval_text('accuracy', row.interval)}",
            ]
            for row in rows
        ],
        f"The accuracy is of what is answered; the rest can go to a person: {own} Choose the threshold on other images "
        "than those that you report its accuracy on.",
    )


def percent(fraction: float | None) -> str:
    """0.5 -> 50.0%; a dash for None."""
    return "–" if fraction is None else f"{fraction:.1%}"


def _with_sureness(name: str, metrics: Metrics) -> str:
    if name == "ece":
        return f"{value_text(name, metrics.ece)} (by chance up to {value_text(name, metrics.ece_by_chance)})"
    return f"{value_text(name, getattr(metrics, name))}{interval_text(name, metrics.intervals.get(name))}"


def value_text(name: str, value: float | None) -> str:
    """A metric's value, a fraction as a percentage; a dash for None."""
    if value is None:
        return "–"
    return percent(value) if name in _FRACTIONS else f"{value:.3f}"


def signed_text(name: str, value: float) -> str:
    """A difference of a metric, with its sign."""
    return f"{value:+.1%}" if name in _FRACTIONS else f"{value:+.3f}"


def interval_text(name: str, interval: Interval | None, *, signed: bool = False) -> str:
    """An interval in brackets; "" for None."""
    if interval is None:
        return ""
    low, high = (signed_text(name, end) if signed else value_text(name, end) for end in interval)
    return f" ({low} to {high})"
