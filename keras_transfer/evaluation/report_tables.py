"""The tables of a report: figures of metrics.json in rows of text, each with a sentence on how to read it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Names of figures for people, in the order in which they are shown.
_FIGURES = {
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
_SLICE_FIGURES = ("accuracy", "balanced_accuracy", "log_loss")
_FRACTIONS = frozenset({"accuracy", "balanced_accuracy", "top_k_accuracy"})


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
      title: heading.
      columns: names; that of the first says what a row is.
      rows: as many texts each.
      note: a paragraph below it.
      flagged: places of rows that need attention.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    flagged: frozenset[int] = frozenset()


def of_splits(measured: Mapping[str, Mapping[str, Any]], class_count: int) -> Table:
    """Each figure of each split, with its 95% interval where there is one."""
    rows = [["Images", *(f"{figures['examples']:,}" for figures in measured.values())]]
    for name, title in _FIGURES.items():
        cells = [_with_sureness(name, figures) for figures in measured.values()]
        if any(figures.get(name) is not None for figures in measured.values()):
            rows.append([title, *cells])
    note = (
        "In brackets: 95% intervals, what chance among the measured images leaves open. Accuracy: the fraction that is "
        "classified correctly. Balanced accuracy: the same with every class counting the same. Macro F1: the mean F1 "
        "of the classes that have images, weighted F1: that by their size; they fall with missed images and with false "
        "alarms alike. "
        "ROC AUC and average precision: how well the probability of a class ranks its images before the others, mean "
        f"of the classes. Log loss: the mean surprise at the true class; always guessing evenly costs "
        f"{math.log(class_count):.3f}. Brier score: the squared error of the probabilities, from 0 to 2. Calibration "
        "error (ECE): the mean distance between confidence and accuracy; in brackets, what it stays below in 95 of 100 "
        "cases where every confidence is right. Of the last three, 0 is perfect."
    )
    return Table("Figures of each split", ["Figure", *measured], rows, note)


def of_baselines(baselines: Mapping[str, Any], measured: Mapping[str, Mapping[str, Any]]) -> Table:
    """Accuracy of simpler classifiers beside that of the trained one."""
    rows = [["this classifier", *(percent(figures["accuracy"]) for figures in measured.values())]]
    for row in baselines["rows"]:
        cells = [percent(row[split]["accuracy"]) if row.get(split) else "–" for split in measured]
        rows.append([f"{row['name']} ({row['setting']})", *cells])
    return Table(
        "Against simpler classifiers",
        ["Accuracy of", *measured],
        rows,
        " ".join(filter(None, [_against_probe(baselines["head_against_probe"]), baselines["reason"]])),
    )


def of_slices(columns: Sequence[Mapping[str, Any]]) -> list[Table]:
    """For each column, the figures of each of its values and the gap to all other images."""
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
        f"If it may abstain ({split})",
        ["Least confidence", "Answered", "Images", "Accuracy among them"],
        [
            [
                f"{row['threshold']:g}" if row["threshold"] else "none",
                percent(row["coverage"]),
                f"{row['examples']:,}",
                f"{percent(row['accuracy'])}{_interval('accuracy', row['interval'])}",
            ]
            for row in rows
        ],
        f"Answers below a confidence can go to a person instead: {own} Choose the threshold on other images than those "
        "that you report its accuracy on.",
    )


def of_comparison(compared: Mapping[str, Any], figures: Mapping[str, Any]) -> Table:
    """Two exports on the same images, with the difference and its interval."""
    other, paired = compared["evaluation"], compared["paired"]
    rows = []
    for name, row in compared["differences"].items():
        difference = f"{_signed(name, row['difference'])}{_interval(name, row['interval'], signed=True)}"
        rows.append([_FIGURES[name], _value(name, figures[name]), _value(name, other[name]), difference])
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
    return Table("Against another export", ["Figure", "This", "The other", "Difference"], rows, note)


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
    words = {
        "better": "The trained classifier is better than the linear probe",
        "worse": "The trained classifier is worse than the linear probe, so its training did harm",
        "no difference": "The trained classifier is not shown to differ from the linear probe",
    }
    return (
        "The linear probe is logistic regression, the nearest neighbours vote; both work on the base's features "
        f"before any training here. {words[compared['verdict']]}: {counts}"
    )


def _of_slice(column: Mapping[str, Any]) -> Table:
    rows = []
    for row in column["values"]:
        accuracy, *others = (_value(name, row["figures"][name]) for name in _SLICE_FIGURES)
        gap = f"{_points(row['gaps']['accuracy'])}{_points_interval(row['gap_intervals']['accuracy'])}"
        flag = "worse" if row["is_flagged"] else ""
        p_value = f"{row['adjusted_p_value']:.3f}"
        rows.append([row["value"] or "(empty)", f"{row['examples']:,}", accuracy, gap, p_value, flag, *others])
    left_out = f" {column['left_out']:,} values are not shown: too few images." if column["left_out"] else ""
    note = (
        "Gap: the accuracy minus that of all other images, in percentage points, with its own 95% interval. p: of "
        "Fisher's test for a difference, adjusted for the number of slices, among which some differ by chance. "
        f"“worse”: by 5 points or more, with p at most 0.05.{left_out}"
    )
    flagged = frozenset(place for place, row in enumerate(column["values"]) if row["is_flagged"])
    accuracy, *others = (_FIGURES[name] for name in _SLICE_FIGURES)
    columns = [column["column"], "Images", accuracy, "Gap", "p", "", *others]
    return Table(f"By {column['column']}", columns, rows, note, flagged)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _points_interval(interval: Sequence[float] | None) -> str:
    return f" ({_points(interval[0])} to {_points(interval[1])})" if interval else ""


def _with_sureness(name: str, figures: Mapping[str, Any]) -> str:
    if name == "ece":
        return f"{_value(name, figures[name])} (by chance up to {_value(name, figures['ece_by_chance'])})"
    return f"{_value(name, figures.get(name))}{_interval(name, figures['intervals'].get(name))}"


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
