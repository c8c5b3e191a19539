"""Tests of keras_transfer.evaluation.report_plots."""

from __future__ import annotations

import dataclasses
import io

import pytest
from PIL import Image

from keras_transfer.evaluation import report_plots
from keras_transfer.evaluation.temperature import Calibrated, Calibration
from small_report import GOOD, NAMES, make_metrics, make_report, phase

BINS = make_metrics(GOOD, NAMES).reliability
CALIBRATION = Calibration(1.3, "Divided by 1.3.", 200, Calibrated(0.5, 0.2, BINS), Calibrated(0.4, 0.1, BINS))
_PHONE = 400  # CSS pixels


def pictures_of(**settings):
    return {picture.name: picture for picture in report_plots.draw(make_report(**settings))}


@pytest.mark.parametrize(
    ("calibration", "panels"), [(None, 1), (dataclasses.replace(CALIBRATION, temperature=1), 1), (CALIBRATION, 3)]
)
def test_the_panels_of_a_diagram_are_images_of_their_own_and_one_file(calibration, panels):
    picture = pictures_of(calibration=calibration)["reliability"]
    assert len(picture.images) == panels
    assert len({image.alt for image in picture.images}) == panels
    one, together = (Image.open(io.BytesIO(png)).width for png in (picture.images[0].png, picture.png))
    assert (together > 2 * one) == (panels == 3)


def test_diagram_and_curves_can_be_read_on_a_phone():
    pictures = pictures_of(calibration=CALIBRATION, history=[phase()], kept_phase="head")
    for name in ("reliability", "training_curves"):
        assert all(image.least_width < _PHONE for image in pictures[name].images)
    assert pictures["reliability"].is_wide
    assert not pictures["training_curves"].is_wide


def test_what_was_not_trained_has_no_curves():
    assert set(pictures_of()) == {"confusion_matrix", "reliability"}


def test_a_learning_curve_is_drawn_where_there_is_one():
    curve = {"images": [40, 400], "accuracy": [0.8, 0.9], "accuracy_error": [0.02, 0.01], "forecast_images": 1000}
    curve |= {"forecast": 0.92, "low": 0.9, "high": 0.94, "present": 0.9, "more_will_help": True}
    assert "learning_curve" in pictures_of(learning_curve=curve)
    assert "learning_curve" not in pictures_of()
