"""Tests of keras_transfer.evaluation.report: sections that only some reports have, and how large it may get."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_transfer.evaluation import galleries, metrics, paired, slices, temperature
from keras_transfer.evaluation.baselines import Baseline, BaselineMetrics
from keras_transfer.images import thumbnails
from report_page import HOSTILE, read_page
from small_report import make_report, other_export, phase, probe


@pytest.fixture(name="complete", scope="module")
def fixture_complete(tmp_path_factory):
    """A report with everything that only some reports have."""
    rng = np.random.default_rng(0)
    label_ids = rng.integers(0, 2, 200)
    logits = np.eye(2, dtype=np.float32)[np.where(rng.random(200) < 0.9, label_ids, 1 - label_ids)] * 8
    fitted = temperature.fit(label_ids, logits)
    probabilities = temperature.probabilities(logits, fitted.value)
    is_phone = np.arange(200) < 50
    the_report = make_report(
        slices=slices.measure(
            label_ids=label_ids,
            probabilities=probabilities,
            columns={"camera <b>": np.where(is_phone, "phone", HOSTILE).tolist()},
        ),
        calibration=temperature.describe(label_ids, logits, fitted),
        baselines=probe(None, [Baseline("linear probe", "C = 0.1", test=BaselineMetrics(200, 0.9, 0.9, 0.9))]),
        comparison=dataclasses.replace(
            other_export("better"),
            export=f"runs/{HOSTILE}",
            differences=paired.differences(
                label_ids=label_ids, probabilities=probabilities, other_probabilities=probabilities[:, ::-1]
            ),
        ),
        galleries=[
            galleries.Gallery(
                "Mistakes", HOSTILE, (galleries.Photo("data:image/jpeg;base64,AA==", HOSTILE, HOSTILE, HOSTILE),)
            ),
        ],
    )
    return *read_page(tmp_path_factory.mktemp("complete"), the_report), the_report


def test_a_complete_page_is_well_formed_and_shows_every_text_as_it_is(complete):
    text, page, _ = complete
    assert page.faults == []
    assert HOSTILE not in text
    assert page.text.count(HOSTILE) >= 4
    assert "script" not in {tag for tag, _ in page.elements}


@pytest.mark.parametrize(
    "title",
    [
        "Against another export",
        "Against simpler classifiers",
        "By camera <b>",
        "If it may abstain below a confidence (test)",
        "Mistakes",
    ],
)
def test_a_complete_page_has_all_sections(complete, title):
    assert title in complete[1].text


def test_calibration_is_told_before_and_after(complete):
    calibration = complete[2].calibration
    before, after = calibration.before, calibration.after
    assert f"the log loss from {before.log_loss:.3f} to {after.log_loss:.3f}" in complete[1].text
    assert f"the calibration error from {before.ece:.3f} to {after.ece:.3f}." in complete[1].text
    assert calibration.reason in complete[1].text


@pytest.mark.slow
def test_a_report_of_a_thousand_images_of_a_hundred_classes_can_be_mailed(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"class number {number}" for number in range(100)]
    probabilities = rng.dirichlet(np.ones(100), 1000).astype(np.float32)
    label_ids = np.where(rng.random(1000) < 0.7, probabilities.argmax(axis=1), rng.integers(0, 100, 1000))
    images = galleries.Classified([f"{n}.jpg" for n in range(1000)], label_ids, probabilities, names)

    def noise(positions):  # the worst that a photo can be for JPEG
        return {p: thumbnails.data_uri(rng.integers(0, 256, (224, 224, 3)).astype(np.uint8)) for p in positions}

    shown = galleries.of_results(images, noise) + galleries.of_explanations(images, galleries.to_explain(images), noise)
    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=names)
    the_report = make_report(
        None, names, metrics={"validation": measured, "test": measured}, history=[phase()], galleries=shown
    )
    text, page = read_page(tmp_path, the_report)
    assert len(page.attributes("img")) > 90
    assert len(text.encode()) < 5e6
