"""The tables of a report: metrics.json in rows of text, each with the definitions of its terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_transfer.evaluation import confusion

# Names of metrics for people, in the order in which they are shown.
_METRICS = {
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
_SLICE_METRICS = ("accuracy", "balanced_accuracy", "log_loss")
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


def of_splits(measured: Mapping[str, Mapping[str, Any]], class_count: int) -> Table:
    """Each metric of each split, with its 95% interval where there is one."""
    rows = [["Images", *(f"{metrics['examples']:,}" for metrics in measured.values())]]
    for name, title in _METRICS.items():
        cells = [_with_sureness(name, metrics) for metrics in measured.values()]
        if any(metrics.get(name) is not None for metrics in measured.values()):
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


def of_classes(metrics: Mapping[str, Any], class_names: Sequence[str], split: str) -> Table:
    """Recall, precision and F1 of each class, the lowest F1 first and those without images last; of many the first."""
    per_class = [(label_id, name, metrics["per_class"][name]) for label_id, name in enumerate(class_names)]
    per_class.sort(key=lambda row: (row[2]["f1"] is None, row[2]["f1"]))
    rows = [
        [name, str(label_id), f"{own['support']:,}", *(percent(own[value]) for value in ("recall", "precision", "f1"))]
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


def of_confusions(metrics: Mapping[str, Any], class_names: Sequence[str]) -> Table:
    """The pairs of classes with most mistakes; for many classes, where a matrix is hard to read."""
    pairs = [
        (count, true_id, predicted_id, sum(row))
        for true_id, row in enumerate(confusion.matrix(metrics).tolist())
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


def of_baselines(baselines: Mapping[str, Any], measured: Mapping[str, Mapping[str, Any]]) -> Table:
    """Accuracy of simpler classifiers beside that of the trained one."""
    rows = [["this classifier", *(percent(metrics["accuracy"]) for metrics in measured.values())]]
    for row in baselines["rows"]:
        cells = [percent(row[split]["accuracy"]) if row.get(split) else "–" for split in measured]
        rows.append([f"{row['name']} ({row['setting']})", *cells])
    return Table(
        "Against simpler classifiers",
        ["Accuracy of", *measured],
        rows,
        " ".join(filter(None, [_against_probe(baselines["head_against_probe"]), baselines["reason"]])),
        definitions=[
            ("Linear probe", "Logistic regression on the base's features before any training here."),
            ("Nearest neighbours", "A vote of the most similar training images by the same features."),
        ],
    )


def of_choice(choice: Mapping[str, Any]) -> Table:
    """The heads that were tried by cross-validation, the best first."""
    chosen, rows = choice["chosen"], []
    for each in choice["tried"]:
        views = "clean and augmented" if each["uses_views"] else "clean"
        stands = [" + ".join(each["layers"]), " and ".join(each["poolings"]), views, f"{each['strength']:g}"]
        rows.append([*stands, *_of_held_out(each)])
    rows.append(["Averaged: the head that was taken", "", "", "", *_of_held_out(choice["averaged"])])
    gain = f"Its log loss is {choice['gain']:.4f} ± {choice['gain_error']:.4f} lower than that of the plain head "
    plain = f"(the average of {choice['plain']['layers'][0]}, clean views) on the same images."
    return Table(
        f"Heads tried by {choice['folds']}-fold cross-validation on {choice['images']:,} training images",
        ["Layers", "Pooling", "Views", "C", "Log loss", "Accuracy"],
        rows,
        note=f"The best {len(chosen)}, averaged, make the head. {gain}{plain}",
        definitions=[
            ("C", "The inverse of the penalty on large weights; the best of several."),
            ("±", "The standard error: how much chance among the images alone changes it."),
        ],
        flagged=frozenset(),
        has_total=True,
    )


def _of_held_out(candidate: Mapping[str, Any]) -> list[str]:
    return [
        f"{candidate['log_loss']:.4f} ± {candidate['log_loss_error']:.4f}",
        f"{candidate['accuracy']:.1%} ± {candidate['accuracy_error']:.1%}",
    ]


def of_slices(columns: Sequence[Mapping[str, Any]]) -> list[Table]:
    """For each column, the metrics of each of its values and the gap to all other images."""
    return [_of_slice(column) for column in columns]


def of_thresholds(rows: Sequence[Mapping[str, Any]], split: str, *, abstain_below: float) -> Table:
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
                f"{row['threshold']:g}" if row["threshold"] else "none",
                percent(row["coverage"]),
                f"{row['examples']:,}",
                f"{percent(row['accuracy'])}{_interval('accuracy', row['interval'])}",
            ]
            for row in rows
        ],
        f"The accuracy is of what is answered; the rest can go to a person: {own} Choose the threshold on other images "
        "than those that you report its accuracy on.",
    )


def of_comparison(compared: Mapping[str, Any], metrics: Mapping[str, Any]) -> Table:
    """Two exports on the same images, with the difference and its interval."""
    other, paired = compared["evaluation"], compared["paired"]
    rows = []
    for name, row in compared["differences"].items():
        difference = f"{_signed(name, row['difference'])}{_interval(name, row['interval'], signed=True)}"
        rows.append([_METRICS[name], _value(name, metrics[name]), _value(name, other[name]), difference])
    words = {
        "better": "better than the other",
        "worse": "worse than the other",
        "no difference": "not shown to differ from the other",
    }
    note = (
        f"This export is {words[paired['verdict']]}: it alone is right on {paired['only_new_right']:,} of "
        f"{paired['examples']:,} images, the other alone on {paired['only_earlier_right']:,} (McNemar's test, "
        f"p = {paired['p_value']:.3g}). The other is {compared['export']}."
    )
    return Table("Against another export", ["Metric", "This", "The other", "Difference"], rows, note)


def percent(fraction: float | None) -> str:
    """0.5 -> 50.0%; a dash for None."""
    return "–" if fraction is None else f"{fraction:.1%}"


def _against_probe(compared: Mapping[str, Any] | None) -> str:
    if compared is None:
        return ""
    counts = (
        f"on {compared['examples']:,} {compared['split']} images it alone is right on {compared['only_head_right']:,}, "
        f"the probe alone on {compared['only_probe_right']:,} (p = {compared['p_value']:.3g})."
    )
    words = {"better": "better than", "worse": "worse than", "no difference": "not shown to differ from"}
    return f"This classifier is {words[compared['verdict']]} the linear probe: {counts}"


def _of_slice(column: Mapping[str, Any]) -> Table:
    rows = []
    for row in column["values"]:
        accuracy, *others = (_value(name, row["figures"][name]) for name in _SLICE_METRICS)
        gap = f"{_points(row['gaps']['accuracy'])}{_points_interval(row['gap_intervals']['accuracy'])}"
        flag = "worse" if row["is_flagged"] else ""
        p_value = f"{row['adjusted_p_value']:.3f}"
        rows.append([row["value"] or "(empty)", f"{row['examples']:,}", accuracy, gap, p_value, flag, *others])
    note = f"{column['left_out']:,} values are not shown: too few images." if column["left_out"] else ""
    definitions = [
        ("Gap", "The accuracy minus that of all other images, in percentage points, with its own 95% interval."),
        ("p", "Of Fisher's test for a difference, adjusted for the number of values, some of which differ by chance."),
        ("Worse", "By 5 points or more, with p at most 0.05."),
    ]
    flagged = frozenset(place for place, row in enumerate(column["values"]) if row["is_flagged"])
    accuracy, *others = (_METRICS[name] for name in _SLICE_METRICS)
    columns = [column["column"], "Images", accuracy, "Gap", "p", "Verdict", *others]
    return Table(f"By {column['column']}", columns, rows, note, definitions, flagged)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _points_interval(interval: Sequence[float] | None) -> str:
    return f" ({_points(interval[0])} to {_points(interval[1])})" if interval else ""


def _with_sureness(name: str, metrics: Mapping[str, Any]) -> str:
    if name == "ece":
        return f"{_value(name, metrics[name])} (by chance up to {_value(name, metrics['ece_by_chance'])})"
    return f"{_value(name, metrics.get(name))}{_interval(name, metrics['intervals'].get(name))}"


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value) if name in _FRACTIONS else f"{value:.3f}"


def _signed(name: str, value: float) -> str:
    return f"{value:+.1%}" if name in _FRACTIONS else f"{value:+.3f}"


def _interval(name: str, interval: Sequence[float] | None, *, signed: bool = False) -> str:
    if interval is None:
        return ""
    low, high = (_signed(name, end) if signed else _value(name, end) for end in interval)
    return f" ({low} to {high})"
