"""The plots of a report, with their texts: confusion matrix, reliability, training curves."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from keras_transfer.evaluation import plots

if TYPE_CHECKING:
    from keras_transfer.evaluation.report_data import Report

_CSS_PIXELS_PER_INCH = 96  # CSS Values and Units Module Level 3, "Absolute Lengths"
_HALF_PAGE = 520  # half of the page's 68 rem, in CSS pixels
_LEAST_SCALE = 0.7  # shrunk further, a plot's text is too small to read


@dataclass(frozen=True)
class Image:
    """A plot inside the page; sizes in CSS pixels."""

    alt: str
    png: bytes
    width: int

    @property
    def data(self) -> str:
        """The plot as a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"

    @property
    def least_width(self) -> int:
        """Where there is less room, two plots do not stand beside each other."""
        return round(self.width * _LEAST_SCALE)


@dataclass(frozen=True)
class Picture:
    """Plots under one heading.

    Attributes:
      name: of the file.
      title: the heading.
      caption: what to look for.
      images: one or several, so that they stand below each other on a phone.
      png: all of them as one file.
    """

    name: str
    title: str
    caption: str
    images: tuple[Image, ...]
    png: bytes

    @property
    def is_wide(self) -> bool:
        """Whether two such plots have no room beside each other."""
        return sum(image.width for image in self.images) > _HALF_PAGE


def draw(report: Report) -> list[Picture]:
    """All plots that a report has data for."""
    metrics, split, count = report.headline, report.headline_split, len(report.class_names)
    matrix = _picture(
        "confusion_matrix",
        "Confusion matrix",
        plots.confusion_matrix(metrics.matrix(), report.class_names),
        alt=f"Confusion matrix of {count:,} classes ({split}); the most frequent mistakes are in a table.",
        caption="Rows are the true classes, columns the predicted ones: right answers lie on the diagonal. "
        "Names that cannot be drawn are replaced by their label id from the table of classes.",
    )
    return [matrix, _reliability(report), *_training_pictures(report)]


def _reliability(report: Report) -> Picture:
    metrics, split = report.headline, report.headline_split
    panels = {split: metrics.reliability}
    caption = "On the dashed line confidence equals accuracy; below it the classifier is overconfident, above it under."
    calibration = report.calibration
    if calibration:
        caption += f" {calibration.reason}"
    if calibration and calibration.temperature != 1:
        before, after = calibration.before, calibration.after
        panels = {
            "validation, before": before.reliability,
            "validation, calibrated": after.reliability,
            split: metrics.reliability,
        }
        change = f"On validation this changed the log loss from {before.log_loss:.3f} to {after.log_loss:.3f}"
        caption += f" {change} and the calibration error from {before.ece:.3f} to {after.ece:.3f}."
    each = [
        _image(plots.reliability_diagram({title: bins}), f"Reliability diagram ({title}): accuracy against confidence.")
        for title, bins in panels.items()
    ]
    together = each[0].png if len(each) == 1 else plots.png(plots.reliability_diagram(panels))
    return Picture("reliability", "Can its confidence be trusted?", caption, tuple(each), together)


def _training_pictures(report: Report) -> list[Picture]:
    history = [phase for phase in report.history if phase["epochs"]]  # a head that is solved has none
    found = [_learning_curve(report)] if report.learning_curve else []
    if not history:
        return found
    phases = ", ".join(f"{phase['phase'].replace('_', '-')} ({len(phase['epochs'])} epochs)" for phase in history)
    return [
        *found,
        _picture(
            "training_curves",
            "How training went",
            plots.training_curves(history),
            alt=f"Loss and accuracy of training and validation over the epochs of the phases: {phases}.",
            caption=f"{report.kept_reason} Training metrics are means over an epoch, with dropout and augmented views, "
            "so they can be worse than validation. All losses here are before calibration.",
        ),
    ]


def _learning_curve(report: Report) -> Picture:
    curve = report.learning_curve
    return _picture(
        "learning_curve",
        "Would more photos help?",
        plots.learning_curve(curve),
        alt="Accuracy of held-out training images over the number of images that were trained on, with a forecast.",
        caption="The chosen head on parts of the training images, measured on held-out ones. The forecast for twice as "
        "many is an inverse power law through these points; its bar is an 80% interval.",
    )


def _picture(name: str, title: str, figure: Figure, *, alt: str, caption: str) -> Picture:
    image = _image(figure, alt)
    return Picture(name, title, caption, (image,), image.png)


def _image(figure: Figure, alt: str) -> Image:
    return Image(alt, plots.png(figure), round(figure.get_size_inches()[0] * _CSS_PIXELS_PER_INCH))
