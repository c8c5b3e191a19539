"""A run as one HTML page for people: plots and style inside, no network, no JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_transfer import atomic_files, html_pages
from keras_transfer.evaluation import comparison_tables, report_plots, report_tables, verdict
from keras_transfer.evaluation.report_data import Report

_TEMPLATE = Path(__file__).parent / "report.html.jinja"
_MOST_CLASSES_AS_TABLE = 12  # of the confusion matrix; more do not fit beside each other
_MAX_LEFT_OUT = 1000  # keeps the page light; the page says how many more there are
_CARDS = (
    ("accuracy", "Accuracy", "{:.1%}"),
    ("balanced_accuracy", "Balanced accuracy", "{:.1%}"),
    ("macro_f1", "Macro F1", "{:.3f}"),
    ("log_loss", "Log loss", "{:.3f}"),
    ("ece", "Calibration error", "{:.3f}"),
)


def write(path: str | Path, report: Report) -> dict[str, bytes]:
    """Writes the report as one self-contained HTML file, whole or not at all.

    Args:
      path: of the file; an existing one is replaced.
      report: what to show.

    Returns:
      Name -> PNG file of each plot in the page.

    Raises:
      OSError: unwritable folder, full disk.
    """
    pictures = report_plots.draw(report)
    # A file name that is not UTF-8 reached Python as surrogates, which no HTML file can hold: they become "?".
    atomic_files.write_bytes(path, _render(report, pictures).encode("utf-8", "replace"))
    return {picture.name: picture.png for picture in pictures}


def _render(report: Report, pictures: Sequence[report_plots.Picture]) -> str:
    folder = html_pages.source_folder(report.configuration)
    values = {
        "report": report,
        "verdict": verdict.judge(report),
        "subtitle": _subtitle(report, folder),
        "folder": folder,
        "relative": html_pages.relative,
        "cards": _cards(report),
        "matrix": _matrix(report),
        "confusions": None if _matrix(report) else report_tables.of_confusions(report.headline, report.class_names),
        "classes": report_tables.of_classes(report.headline, report.class_names, report.headline_split),
        "tables": _tables(report),
        "images": report_tables.of_images(report.examples, report.class_names) if report.examples else None,
        "pictures": [picture for picture in pictures if picture.name != "confusion_matrix" or not _matrix(report)],
        "left_out": report.left_out[:_MAX_LEFT_OUT],
        "details": _details(report),
    }
    return html_pages.render(_TEMPLATE, values)


def _subtitle(report: Report, folder: str) -> str:
    """How many classes, whose weights, and whose images: all other paths on the page begin there."""
    parts = [f"{len(report.class_names):,} classes"]
    if report.weights and report.weights != "random":  # of random ones the verdict tells
        parts.append(f"{Path(report.weights).name} weights")
    if folder:
        parts.append(f"images from {folder}")
    return ", ".join(parts)


def _cards(report: Report) -> list[tuple[str, str, str]]:
    """(name, value, how sure it is or "") of the metrics that stand on top."""
    metrics = report.headline
    cards = []
    for name, title, form in _CARDS:
        value = getattr(metrics, name)
        if value is None:  # such as the F1 of images of one class
            continue
        low_high = metrics.intervals.get(name)
        sureness = f"{form.format(low_high[0])} to {form.format(low_high[1])}" if low_high else ""
        if name == "ece":
            sureness = f"by chance up to {form.format(metrics.ece_by_chance)}"
        cards.append((title, form.format(value), sureness))
    return cards


def _matrix(report: Report) -> list[tuple[str, list[tuple[int, str, bool]]]]:
    """(true class, cells of count, share of the row, and whether it is right); empty where a plot shows it better."""
    if len(report.class_names) > _MOST_CLASSES_AS_TABLE:
        return []
    rows = []
    for label_id, (name, counts) in enumerate(zip(report.class_names, report.headline.matrix().tolist(), strict=True)):
        total = sum(counts)
        cells = [(count, f"{count / total:.0%}" if total else "", at == label_id) for at, count in enumerate(counts)]
        rows.append((name, cells))
    return rows


def _tables(report: Report) -> list[report_tables.Table]:
    """The tables of metrics, those that a decision rests on first."""
    found = [report_tables.of_splits(report.measured, len(report.class_names))]
    if report.comparison:
        found.append(comparison_tables.of_comparison(report.comparison, report.headline))
    if report.baselines:
        found.append(comparison_tables.of_baselines(report.baselines, report.measured))
    if report.backbones_tried:
        found.append(comparison_tables.of_backbones(report.backbones_tried))
    if report.choice.get("tried"):
        found.append(comparison_tables.of_choice(report.choice, report.no_fine_tuning))
    if report.fine_tuning:
        found.append(comparison_tables.of_fine_tuning(report.fine_tuning))
    found += comparison_tables.of_slices(report.slices)
    abstain_below = report.configuration.get("abstain_below", 0.0)
    rows = report.headline.thresholds
    return [*found, report_tables.of_thresholds(rows, report.headline_split, abstain_below=abstain_below)]


def _details(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, rows of name and value) of the tables at the end of the page."""
    return [
        ("Time", [(stage.replace("_", "-"), _duration(seconds)) for stage, seconds in report.seconds.items()]),
        ("Files", list(report.paths.items())),
        ("Configuration", [(name, _setting(value)) for name, value in report.configuration.items()]),
    ]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
