"""A run as one HTML page for people: plots and style inside, no network, no JavaScript."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure

from keras_transfer import atomic_files
from keras_transfer.evaluation import confusion, plots, report_tables, verdict
from keras_transfer.evaluation.galleries import Gallery

_HEADLINE_SPLITS = ("test", "all", "validation", "train")  # the most telling first
_TEMPLATE = "report.html.jinja"
_MAX_LEFT_OUT = 1000  # keeps the page light; the page says how many more there are
_CSS_PIXELS_PER_INCH = 96  # CSS Values and Units Module Level 3, "Absolute Lengths"
_CARDS = (
    ("accuracy", "Accuracy", "{:.1%}"),
    ("balanced_accuracy", "Balanced accuracy", "{:.1%}"),
    ("macro_f1", "Macro F1", "{:.3f}"),
    ("log_loss", "Log loss", "{:.3f}"),
    ("ece", "Calibration error", "{:.3f}"),
)
_HALF_PAGE = 520  # half of the page's 68 rem, in CSS pixels
_LEAST_SCALE = 0.7  # shrunk further, a plot's text is too small to read; it scrolls instead


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a report shows.

    Attributes:
      title: heading of the page.
      class_names: in the order of the label ids.
      metrics: split ("test", "validation", "train", or "all" for images without splits) -> what `metrics.measure`
        returned, or None where there is no such split. At least one must be there.
      weights: of the base: imagenet, random, or a file; "" where it is not known.
      weights_note: why the weights are not the ones asked for; shown with the warning about random weights.
      history: phases in order: `phase` ("head" or "fine_tune"), `best_epoch` (from 1; 0 is none) and `epochs` (rows
        with epoch, loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds). Empty where nothing
        was trained.
      kept_phase: name of the phase whose weights were kept; "" where nothing was trained.
      kept_reason: a sentence saying why.
      seconds: stage -> seconds.
      examples: split -> class name -> number of examples; a class that is not named has none.
      left_out: (path, reason) of each file that was left out.
      leaked: split -> how many of these were in it and, byte for byte, in a split that is learned from.
      label_conflicts: number of files with the same bytes as one of another class.
      seen: split of training -> how many of the measured images were in it.
      configuration: setting -> value.
      paths: what -> where it lies.
      slices: of the headline split, from `slices.measure`.
      calibration: from `temperature.describe`; empty where nothing was fitted.
      baselines: for metrics.json, with `head_against_probe`; empty where there are none.
      comparison: with another export, see `evaluate`; empty where there is none.
      own_test: how that compares with the export's own test split, from `comparison.with_own_test`; empty where that is
        not known.
      galleries: of pictures.
    """

    title: str
    class_names: Sequence[str]
    metrics: Mapping[str, Mapping[str, Any] | None]
    weights: str
    weights_note: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    kept_phase: str = ""
    kept_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    examples: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: Sequence[tuple[str, str]] = ()
    leaked: Mapping[str, int] = field(default_factory=dict)
    label_conflicts: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    slices: Sequence[Mapping[str, Any]] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Any] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)
    own_test: Mapping[str, Any] = field(default_factory=dict)
    galleries: Sequence[Gallery] = ()

    def __post_init__(self) -> None:
        if not any(self.metrics.get(split) for split in _HEADLINE_SPLITS):
            raise ValueError(
                f"metrics must hold figures of one of {', '.join(_HEADLINE_SPLITS)}. Received: {list(self.metrics)}"
            )

    @property
    def headline_split(self) -> str:
        """The split whose figures say most: test where there is one."""
        return next(split for split in _HEADLINE_SPLITS if self.metrics.get(split))

    @property
    def headline(self) -> Mapping[str, Any]:
        """The figures of `headline_split`."""
        return self.metrics[self.headline_split] or {}


@dataclass(frozen=True)
class _Picture:
    """A plot inside the page; sizes in CSS pixels."""

    name: str
    title: str
    alt: str
    caption: str
    png: bytes
    width: int
    least_width: int

    @property
    def data(self) -> str:
        """The plot as a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"

    @property
    def is_wide(self) -> bool:
        """Whether two such plots have no room beside each other."""
        return self.width > _HALF_PAGE


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
    pictures = _pictures(report)
    # A file name that is not UTF-8 reached Python as surrogates, which no HTML file can hold: they become "?".
    atomic_files.write_bytes(path, _render(report, pictures).encode("utf-8", "replace"))
    return {picture.name: picture.png for picture in pictures}


def _render(report: Report, pictures: Sequence[_Picture]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=report_tables.percent)
    return environment.get_template(_TEMPLATE).render(
        report=report,
        verdict=verdict.judge(report),
        weights=f", {Path(report.weights).name} weights" if report.weights else "",
        cards=_cards(report),
        tables=_tables(report),
        thresholds=report_tables.of_thresholds(
            report.headline["thresholds"],
            report.headline_split,
            abstain_below=report.configuration.get("abstain_below", 0.0),
        ),
        weakest_first=_weakest_first(report),
        pictures=pictures,
        left_out=report.left_out[:_MAX_LEFT_OUT],
        details=_details(report),
    )


def _cards(report: Report) -> list[tuple[str, str, str]]:
    """(name, figure, how sure it is or "") of the figures that stand on top."""
    figures = report.headline
    cards = []
    for name, title, form in _CARDS:
        low_high = figures["intervals"].get(name)
        sureness = f"{form.format(low_high[0])} to {form.format(low_high[1])}" if low_high else ""
        if name == "ece":
            sureness = f"by chance up to {form.format(figures['ece_by_chance'])}"
        cards.append((title, form.format(figures[name]), sureness))
    return cards


def _tables(report: Report) -> list[report_tables.Table]:
    """The tables of figures, those that a decision rests on first."""
    measured = {split: figures for split, figures in report.metrics.items() if figures}
    found = [report_tables.of_splits(measured, len(report.class_names))]
    if report.comparison:
        found.append(report_tables.of_comparison(report.comparison, report.headline))
    if report.baselines:
        found.append(report_tables.of_baselines(report.baselines, measured))
    return found + report_tables.of_slices(report.slices)


def _details(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, rows of name and value) of the tables at the end of the page."""
    return [
        ("Time", [(stage.replace("_", "-"), _duration(seconds)) for stage, seconds in report.seconds.items()]),
        ("Files", list(report.paths.items())),
        ("Configuration", [(name, _setting(value)) for name, value in report.configuration.items()]),
    ]


def _weakest_first(report: Report) -> list[tuple[int, str, Mapping[str, Any]]]:
    """(label id, class name, figures) by F1, the classes without examples last."""
    per_class = report.headline["per_class"]
    rows = [(label_id, name, per_class[name]) for label_id, name in enumerate(report.class_names)]
    return sorted(rows, key=lambda row: (row[2]["f1"] is None, row[2]["f1"]))


def _pictures(report: Report) -> list[_Picture]:
    figures, split, count = report.headline, report.headline_split, len(report.class_names)
    matrix = _picture(
        "confusion_matrix",
        "What is taken for what",
        plots.confusion_matrix(confusion.matrix(figures), report.class_names),
        alt=f"Confusion matrix of {count:,} classes ({split}); the figures are in the table of classes.",
        caption="Rows are the true classes, columns the predicted ones: right answers lie on the diagonal. "
        "Names that cannot be drawn are replaced by their label id from the table of classes.",
    )
    return [matrix, _reliability(report), *_training_pictures(report)]


def _reliability(report: Report) -> _Picture:
    figures, split = report.headline, report.headline_split
    panels = {split: figures["reliability"]}
    alt = f"Reliability diagram ({split}): the expected calibration error is {figures['ece']:.3f}."
    caption = (
        "Points on the dashed line mean what they say; below it the classifier claims more than it reaches. "
        "Bins with few images scatter by chance: on so many images the calibration error reaches up to "
        f"{figures['ece_by_chance']:.3f} in 95 of 100 cases where every confidence is right."
    )
    calibration = report.calibration
    if calibration:
        caption += f" {calibration['reason']}"
    if calibration and calibration["temperature"] != 1:
        before, after = calibration["before"], calibration["after"]
        panels = {
            "validation, before": before["reliability"],
            "validation, calibrated": after["reliability"],
            split: figures["reliability"],
        }
        change = f"On validation this changed the log loss from {before['log_loss']:.3f} to {after['log_loss']:.3f}"
        caption += f" {change} and the calibration error from {before['ece']:.3f} to {after['ece']:.3f}."
    return _picture(
        "reliability", "Can its confidence be trusted?", plots.reliability_diagram(panels), alt=alt, caption=caption
    )


def _training_pictures(report: Report) -> list[_Picture]:
    if not report.history:
        return []
    phases = ", ".join(
        f"{phase['phase'].replace('_', '-')} ({len(phase['epochs'])} epochs)" for phase in report.history
    )
    return [
        _picture(
            "training_curves",
            "How training went",
            plots.training_curves(report.history),
            alt=f"Loss and accuracy of training and validation over the epochs of the phases: {phases}.",
            caption=f"{report.kept_reason} Training figures are means over an epoch, with dropout and augmented views, "
            "so they can be worse than validation. All losses here are before calibration.",
        )
    ]


def _picture(name: str, title: str, figure: Figure, *, alt: str, caption: str) -> _Picture:
    width = round(figure.get_size_inches()[0] * _CSS_PIXELS_PER_INCH)
    return _Picture(name, title, alt, caption, plots.png(figure), width, round(width * _LEAST_SCALE))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
