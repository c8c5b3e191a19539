"""Plots of a training run: history, confusion matrix, reliability; without pyplot's state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps, font_manager, ft2font
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from PIL import Image

from keras_transfer.evaluation.calibration import ReliabilityBin

DOTS_PER_INCH = 150
# Okabe and Ito's colours, which people with colour blindness can tell apart: https://jfly.uni-koeln.de/color/
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#777777"
_RING: dict[str, Any] = {
    "color": _ORANGE,
    "marker": "o",
    "markersize": 11,
    "markerfacecolor": "none",
    "linestyle": "none",
}
_MAX_NAME_LENGTH = 24
_MAX_CLASSES_WITH_COUNTS = 30  # beyond it the counts no longer fit into their cells
_MAX_CLASSES_WITH_NAMES = 100


def training_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws loss and accuracy of training and validation over the epochs of all phases, one after the other.

    Args:
      history: phases in order, each with `phase` (its name), `epochs` (rows with loss, accuracy, validation_loss and
        validation_accuracy, accuracies in [0, 1]) and `best_epoch` (from 1; 0 is none, and is not marked).

    Raises:
      ValueError: there is no epoch at all.
    """
    if not any(phase["epochs"] for phase in history):
        raise ValueError(f"There is no epoch to draw. Received: {history!r}")
    figure = Figure(figsize=(4.6, 5.8), layout="constrained")  # as wide as a panel of the reliability diagram
    loss_axes, accuracy_axes = figure.subplots(2, 1)
    _draw_history(loss_axes, history, "loss")
    _draw_history(accuracy_axes, history, "accuracy")
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(1))
    loss_axes.legend(frameon=False)
    return figure


def learning_curve(curve: Mapping[str, Any]) -> Figure:
    """Draws accuracy over the number of training images, and the forecast for twice as many with its interval.

    Args:
      curve: images, accuracy and accuracy_error (a number for each point, accuracies in [0, 1]), forecast_images,
        forecast, low and high.
    """
    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(
        curve["images"], curve["accuracy"], yerr=curve["accuracy_error"], color=_BLUE, marker=".", label="measured"
    )
    below, above = curve["forecast"] - curve["low"], curve["high"] - curve["forecast"]
    axes.errorbar(
        [curve["forecast_images"]],
        [curve["forecast"]],
        yerr=[[max(below, 0)], [max(above, 0)]],
        color=_GREY,
        marker="o",
        linestyle="none",
        label="forecast",
    )
    axes.set_xlabel("training images")
    axes.set_ylabel("accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, loc="lower right")
    return figure


def confusion_matrix(counts: Sequence[Sequence[int]] | NDArray[np.integer], class_names: Sequence[str]) -> Figure:
    """Draws a confusion matrix: rows are true classes, colours fractions of the row, rows without examples grey.

    Up to 30 classes the cells show their counts; up to 100 the rows and columns show names, beyond that label ids.
    A name with characters that matplotlib's font lacks (emoji, CJK) is replaced by its label id.

    Args:
      counts: examples of each true class (row) by predicted class (column).
      class_names: in the order of the label ids.

    Raises:
      ValueError: the matrix is not square, or not of that many classes.
    """
    matrix = np.asarray(counts)
    if matrix.shape != (len(class_names), len(class_names)):
        raise ValueError(
            f"counts must have a row and a column for each of {len(class_names)} classes. Received: {matrix.shape}"
        )
    side = _matrix_inches(len(class_names))
    figure = Figure(figsize=(side + 2.2, side + 1.6), layout="constrained")
    axes = figure.subplots()
    totals = matrix.sum(axis=1, keepdims=True)
    fractions = np.divide(matrix, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)
    axes.set_facecolor("lightgrey")  # shows where a row has no fractions
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, fraction=0.04, format=PercentFormatter(1), label="share of the true class")
    if len(class_names) <= _MAX_CLASSES_WITH_COUNTS:
        _write_counts(axes, matrix, fractions)
    _name_classes(axes, class_names)
    axes.set(xlabel="predicted class", ylabel="true class")
    return figure


def reliability_diagram(panels: Mapping[str, Sequence[ReliabilityBin]]) -> Figure:
    """Draws accuracy against confidence, and how many examples have that confidence, in panels beside each other.

    After Guo et al. 2017, https://arxiv.org/abs/1706.04599, figure 1. Points below the diagonal are overconfident.

    Args:
      panels: title ("" for none) -> bins from `calibration.reliability_bins`; at least one.
    """
    figure = Figure(figsize=(0.6 + 4 * len(panels), 4.8), layout="constrained")
    columns = figure.subplots(2, len(panels), sharex=True, squeeze=False, height_ratios=(3, 1)).T
    for (title, bins), (upper, lower) in zip(panels.items(), columns, strict=True):
        filled = [each for each in bins if each.examples]
        _draw_gaps(upper, filled)
        upper.set_title(title, pad=22)  # clear of the legend
        _draw_bin_sizes(lower, filled)
    return figure


def heat_overlay(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture in grey with heat on it, from black over purple and orange to light yellow.

    The colours of "inferno" get steadily brighter, so those who see no colours can read them, as can a printer.

    Args:
      pixels: RGB, shape (height, width, 3).
      heat: in [0, 1], shape (rows, columns), stretched over the picture.

    Returns:
      RGB, the shape of `pixels`.
    """
    height, width, _ = pixels.shape
    wide = np.asarray(Image.fromarray(heat).resize((width, height), Image.Resampling.BILINEAR))
    colours = colormaps["inferno"](wide)[..., :3] * 255
    mixed: NDArray[np.uint8] = np.rint((pixels.mean(axis=2, keepdims=True) + colours) / 2).astype(np.uint8)
    return mixed


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()


def _draw_history(axes: Axes, history: Sequence[Mapping[str, Any]], figure_name: str) -> None:
    rows = [row for phase in history for row in phase["epochs"]]
    epochs = range(1, len(rows) + 1)
    axes.plot(epochs, [row[figure_name] for row in rows], color=_GREY, marker=".", label="training")
    validation = [row[f"validation_{figure_name}"] for row in rows]
    axes.plot(epochs, validation, color=_BLUE, marker=".", label="validation")
    starts = np.cumsum([0, *(len(phase["epochs"]) for phase in history)])[:-1].tolist()
    best = [start + phase["best_epoch"] for start, phase in zip(starts, history, strict=True) if phase["best_epoch"]]
    axes.plot(best, [validation[epoch - 1] for epoch in best], **_RING, label="best epoch of a phase")
    for start, phase in zip(starts, history, strict=True):
        if start:
            axes.axvline(start + 0.5, color=_GREY, linestyle=":")
        top = axes.get_xaxis_transform()  # epochs across, fractions of the axes up
        axes.text(start + 0.6, 1.02, phase["phase"].replace("_", "-"), color=_GREY, transform=top)
    axes.set(xlabel="epoch", ylabel=figure_name, xlim=(0.5, len(rows) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_gaps(axes: Axes, filled: Sequence[ReliabilityBin]) -> None:
    confidences = np.array([each.confidence for each in filled], np.float64)
    accuracies = np.array([each.accuracy for each in filled], np.float64)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="confidence = accuracy")
    axes.plot(confidences, accuracies, color=_BLUE, marker="o", linestyle="none", label="a bin")
    axes.vlines(confidences, confidences, accuracies, color=_ORANGE, linewidth=2, label="its gap")
    axes.set(ylabel="accuracy", xlim=(0, 1), ylim=(-0.03, 1.03))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    # Above the axes, because points can lie anywhere in them.
    axes.legend(frameon=False, ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1))


def _draw_bin_sizes(axes: Axes, filled: Sequence[ReliabilityBin]) -> None:
    lefts, widths = [each.lower for each in filled], [each.upper - each.lower for each in filled]
    axes.bar(lefts, [each.examples for each in filled], widths, align="edge", color=_BLUE, edgecolor="white")
    axes.set(xlabel="confidence", ylabel="examples")
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _matrix_inches(class_count: int) -> float:
    inches_a_class = 0.4 if class_count <= _MAX_CLASSES_WITH_COUNTS else 0.18
    return max(3.0, inches_a_class * min(class_count, _MAX_CLASSES_WITH_NAMES))


def _write_counts(axes: Axes, matrix: NDArray[np.integer], fractions: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if fractions[row, column] > 0.5 else "black"  # readable on the blue below it
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)


def _name_classes(axes: Axes, class_names: Sequence[str]) -> None:
    if len(class_names) > _MAX_CLASSES_WITH_NAMES:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        return
    # The characters that the font has no glyph for are drawn as boxes, so such a name is replaced as a whole.
    glyphs = ft2font.FT2Font(font_manager.findfont(font_manager.FontProperties())).get_charmap()
    labels = [
        _shorten(name) if all(ord(character) in glyphs for character in name) else f"label id {label_id}"
        for label_id, name in enumerate(class_names)
    ]
    # Without parse_math=False a class name with two dollar signs is set as a formula.
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, fontsize=8, parse_math=False)


def _shorten(name: str) -> str:
    """Cuts the middle out, because names that begin alike are told apart by their ends."""
    half = _MAX_NAME_LENGTH // 2
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[:half]}…{name[1 - half :]}"
