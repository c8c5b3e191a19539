"""Tests of keras_transfer.evaluation.plots."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

import matplotlib.colors
import numpy as np
import pytest
from PIL import Image

from keras_transfer.evaluation import plots
from keras_transfer.evaluation.calibration import ReliabilityBin


def epochs(count, start=0.0):
    return [
        {
            "epoch": number,
            "loss": start + 1 / number,
            "accuracy": 0.5 + 0.01 * number,
            "validation_loss": start + 2 / number,
            "validation_accuracy": 0.4 + 0.01 * number,
            "learning_rate": 1e-3,
            "seconds": 0.1,
        }
        for number in range(1, count + 1)
    ]


HEAD = {"phase": "head", "epochs": epochs(4), "best_epoch": 3}
FINE_TUNE = {"phase": "fine_tune", "epochs": epochs(2, start=0.1), "best_epoch": 1}


def line(axes, label):
    (found,) = [each for each in axes.get_lines() if each.get_label() == label]
    return found


def drawn_texts(axes):
    return {text.get_text() for text in axes.texts}


def tick_labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def matrix_axes(counts, class_names):
    return plots.confusion_matrix(counts, class_names).axes[0]


def names_of(count):
    return [f"class {number}" for number in range(count)]


def test_the_curves_go_through_the_epochs_of_all_phases_in_order():
    loss_axes, accuracy_axes = plots.training_curves([HEAD, FINE_TUNE]).axes
    assert line(loss_axes, "training").get_xydata() == pytest.approx(
        np.array([[1, 1], [2, 1 / 2], [3, 1 / 3], [4, 1 / 4], [5, 1.1], [6, 0.6]])
    )
    assert line(loss_axes, "validation").get_ydata() == pytest.approx([2, 1, 2 / 3, 1 / 2, 2.1, 1.1])
    assert line(accuracy_axes, "training").get_ydata() == pytest.approx([0.51, 0.52, 0.53, 0.54, 0.51, 0.52])
    assert line(accuracy_axes, "validation").get_ydata() == pytest.approx([0.41, 0.42, 0.43, 0.44, 0.41, 0.42])


def test_the_best_epoch_of_each_phase_is_marked_on_the_validation_curve():
    best = line(plots.training_curves([HEAD, FINE_TUNE]).axes[0], "best epoch of a phase")
    assert best.get_xydata() == pytest.approx(np.array([[3, 2 / 3], [5, 2.1]]))


def test_a_phase_that_was_worse_than_its_start_has_no_mark():
    best = line(plots.training_curves([HEAD, {**FINE_TUNE, "best_epoch": 0}]).axes[0], "best epoch of a phase")
    assert list(best.get_xdata()) == [3]


def test_the_phases_are_named():
    assert drawn_texts(plots.training_curves([HEAD, FINE_TUNE]).axes[0]) == {"head", "fine-tune"}


def test_a_single_epoch_is_drawn_with_a_whole_number_on_its_axis():
    figure = plots.training_curves([{"phase": "head", "epochs": epochs(1), "best_epoch": 1}])
    figure.draw_without_rendering()
    ticks = [tick for tick in figure.axes[0].get_xticks() if 0.5 <= tick <= 1.5]
    assert ticks == [1]


@pytest.mark.parametrize("history", [[], [{"phase": "head", "epochs": [], "best_epoch": 0}]])
def test_a_history_without_epochs_is_refused(history):
    with pytest.raises(ValueError, match="no epoch to draw"):
        plots.training_curves(history)


def test_the_colours_of_the_matrix_are_fractions_of_the_true_class():
    image = matrix_axes([[3, 1], [0, 8]], ["a", "b"]).get_images()[0]
    assert np.ma.getdata(image.get_array()) == pytest.approx(np.array([[0.75, 0.25], [0, 1]]))


def test_a_true_class_without_examples_has_no_colour_of_its_own():
    axes = matrix_axes([[3, 1], [0, 0]], ["a", "b"])
    assert np.ma.getmaskarray(axes.get_images()[0].get_array()).tolist() == [[False, False], [True, True]]
    assert axes.get_facecolor() == matplotlib.colors.to_rgba("lightgrey")


def test_small_matrices_show_every_count_but_zero():
    axes = matrix_axes([[31, 17], [0, 28]], ["a", "b"])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {(0, 0): "31", (1, 0): "17", (1, 1): "28"}


@pytest.mark.parametrize(("classes", "has_counts"), [(30, True), (31, False)])
def test_counts_are_left_out_where_they_would_not_fit(classes, has_counts):
    assert bool(matrix_axes(np.eye(classes, dtype=int).tolist(), names_of(classes)).texts) == has_counts


def test_rows_and_columns_bear_the_class_names():
    axes = matrix_axes([[1, 0], [0, 1]], ["Bäume", "ants"])
    assert tick_labels(axes.xaxis) == tick_labels(axes.yaxis) == ["Bäume", "ants"]


def test_the_names_of_a_hundred_classes_do_not_overlap():
    figure = plots.confusion_matrix(np.eye(100, dtype=int).tolist(), names_of(100))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 100
    assert all(upper.y0 > lower.y1 for upper, lower in itertools.pairwise(boxes))


def test_more_than_a_hundred_classes_are_shown_by_label_id():
    figure = plots.confusion_matrix(np.eye(101, dtype=int).tolist(), names_of(101))
    figure.draw_without_rendering()
    labels = tick_labels(figure.axes[0].yaxis)
    assert len(labels) < 20
    assert all(label.lstrip("−").isdecimal() for label in labels)


@pytest.mark.parametrize("name", ["🚌", "猫", "two\nlines", "\udcff"])
def test_a_name_that_the_font_cannot_draw_is_replaced_by_its_label_id(name):
    assert tick_labels(matrix_axes([[1, 0], [0, 1]], ["a", name]).yaxis) == ["a", "label id 1"]


def test_long_names_are_cut():
    name = tick_labels(matrix_axes([[1, 0], [0, 1]], ["a", "long_names_like_this_one_07"]).yaxis)[1]
    assert len(name) == 24
    assert name.startswith("long_names")
    assert name.endswith("_07")


@pytest.mark.parametrize("name", ["$a$", r"\frac{", "<b>&amp;", "_hidden"])
def test_names_are_drawn_as_they_are(name):
    figure = plots.confusion_matrix([[1, 0], [0, 1]], ["a", name])
    assert tick_labels(figure.axes[0].yaxis)[1] == name
    assert not any(text.get_parse_math() for text in figure.axes[0].get_yticklabels())
    assert plots.png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("counts", [[[1, 0]], [[1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]])
def test_a_matrix_of_other_classes_is_refused(counts):
    with pytest.raises(ValueError, match="a row and a column for each of 2 classes"):
        plots.confusion_matrix(counts, ["a", "b"])


BINS = [
    ReliabilityBin(0.0, 0.5, 0, None, None),
    ReliabilityBin(0.5, 0.75, 4, 0.7, 0.5),
    ReliabilityBin(0.75, 1.0, 6, 0.9, 1.0),
]


def test_the_diagram_shows_the_filled_bins_and_their_examples():
    upper, lower = plots.reliability_diagram({"": BINS}).axes
    assert line(upper, "a bin").get_xydata() == pytest.approx(np.array([[0.7, 0.5], [0.9, 1.0]]))
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in lower.patches]  # type: ignore[attr-defined]
    assert bars == [(0.5, 0.25, 4), (0.75, 0.25, 6)]


def test_panels_of_diagrams_stand_beside_each_other_under_their_titles():
    axes = plots.reliability_diagram({"before": BINS, "after": BINS[:2]}).axes
    assert [each.get_title() for each in axes if each.get_title()] == ["before", "after"]
    sizes = sorted(len(each.patches) for each in axes)
    assert sizes == [0, 0, 1, 2]


def test_heat_lies_over_the_grey_picture_from_dark_to_bright():
    pixels = np.full((40, 60, 3), (90, 120, 150), np.uint8)
    drawn = plots.heat_overlay(pixels, np.array([[0, 0.5, 1]], np.float32))
    assert drawn.shape == (40, 60, 3)
    assert drawn.dtype == np.uint8
    # Half of the grey 120 and half of a colour of "inferno", whose ends are #000004 and #fcffa4.
    np.testing.assert_allclose(drawn[20, 0], (60, 60, 62), atol=1)
    np.testing.assert_allclose(drawn[20, -1], (186, 187.5, 142), atol=1)
    assert (np.diff(drawn[20].sum(axis=1).astype(int)) >= -1).all()


def test_a_figure_becomes_a_readable_png():
    figure = plots.training_curves([HEAD])
    with Image.open(io.BytesIO(plots.png(figure))) as image:
        width, height = figure.get_size_inches() * plots.DOTS_PER_INCH
        assert (image.format, image.size) == ("PNG", (round(width), round(height)))
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_the_same_figure_gives_the_same_bytes():
    first, second = (plots.png(plots.training_curves([HEAD])) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (690, 870)


def test_drawing_needs_no_pyplot():
    code = (
        "import sys; from keras_transfer.evaluation import plots; "
        "plots.png(plots.confusion_matrix([[1, 0], [0, 1]], ['a', 'b'])); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
