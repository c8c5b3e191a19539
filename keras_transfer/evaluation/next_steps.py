"""What to do next, from the metrics of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_transfer.evaluation import intervals, weak_points, wording

if TYPE_CHECKING:
    from keras_transfer.evaluation.report_data import Report

_OVERFITTING_GAP = 0.10  # house choice, of accuracy


def find(report: Report) -> tuple[str, ...]:
    """What the metrics of a report's headline split ask for: sentences, the most useful first; never empty."""
    steps = [
        *_weights_steps(report),
        *_measuring_steps(report),
        *_comparison_steps(report),
        *report.advice,
        *_training_steps(report),
        *_photo_steps(report),
        *_mistake_steps(report),
        *_file_steps(report),
    ]
    return tuple(steps) or ("Try it on images from where it will be used: nothing in these metrics asks for a change.",)


def _weights_steps(report: Report) -> list[str]:
    if report.weights != "random":
        return []
    return ["Give the base trained weights: --weights=imagenet with --allow_download, or --weights=FILE."]


def _measuring_steps(report: Report) -> list[str]:
    """What it should be measured on."""
    steps, images, examples = [], wording.images(report), report.headline.examples
    if weak_points.has_no_test(report):
        way = "a test/ folder beside train/, or rows with the split “test” in the CSV file"
        if report.configuration.get("test_fraction") == 0:  # else the source has its own splits, which are kept
            way = f"--test_fraction=0.15 or, beside splits that the images bring, {way}"
        number = f"at least {weak_points.FEW_EXAMPLES} " if examples < weak_points.FEW_EXAMPLES else ""
        steps.append(f"Set {number}images apart to test it on: {way}.")
    elif examples < weak_points.FEW_EXAMPLES:
        least = weak_points.FEW_EXAMPLES
        steps.append(f"Measure on more images: {least} at the least, several hundred for a precise estimate.")
    if weak_points.seen_images(report):
        steps.append(
            "Measure it on images that were not used for its training: new ones, or the test split of its run."
        )
    unmeasured, barely = weak_points.unmeasured_classes(report), weak_points.barely_measured_classes(report)
    if unmeasured:
        steps.append(f"Add {images} of {wording.name_list(unmeasured)}.")
    if barely and examples >= weak_points.FEW_EXAMPLES:
        least = weak_points.LEAST_IMAGES_A_CLASS
        steps.append(f"Add {images} of {wording.name_list(barely)}: at least {least} of each.")
    return steps


def _comparison_steps(report: Report) -> list[str]:
    """What to do where it is worse than for other images, or than another classifier."""
    steps = []
    worse = weak_points.flagged_slices(report)
    if worse:
        steps.append(f"Add training images where {wording.name_list(worse)}.")
    is_solved = bool(report.choice)  # has no epochs and no learning rate
    if weak_points.is_worse_than_probe(report) and not is_solved and not _ended_at_its_best(report):
        ways = {"fine_tune_epochs": "fewer --fine_tune_epochs", "head_units": "no --head_units"}
        named = [way for setting, way in ways.items() if report.configuration.get(setting)]
        steps.append(f"Train less: {', '.join([*named, 'a lower --head_learning_rate'])}.")
    if report.comparison and weak_points.is_worse_than_other(report):
        steps.append(f"Deploy {report.comparison.export} rather than this one.")
    return steps


def _file_steps(report: Report) -> list[str]:
    steps = []
    if report.label_conflicts:
        steps.append("Fix the labels of images that have two: python -m keras_transfer.inspect_data lists them.")
    if any(report.leaked.values()):
        steps.append(
            "Look for more leaks, such as the same photo in another size: python -m keras_transfer.inspect_data."
        )
    if report.left_out:
        steps.append("Look at why files were left out: each is listed below with its reason.")
    return steps


def _training_steps(report: Report) -> list[str]:
    phase = _kept_phase(report)
    if phase is None:
        return []
    best = phase["epochs"][phase["best_epoch"] - 1]
    if _learns_by_heart(report, best):
        return [
            f"It does better on its training images ({best['accuracy']:.1%}) than in validation "
            f"({best['validation_accuracy']:.1%}): add images, or raise --augmented_views, --dropout or --l2."
        ]
    if _ended_at_its_best(report):
        flag = f"--{phase['phase']}_epochs"
        return [f"Train longer: epoch {phase['best_epoch']}, the last, was the best. Raise {flag}."]
    return []


def _photo_steps(report: Report) -> list[str]:
    """What more training images would bring."""
    curve = report.learning_curve
    if not curve:
        return []
    expected = f"{curve['forecast']:.1%} ({curve['low']:.1%} to {curve['high']:.1%})"
    if curve["more_will_help"]:
        return [
            f"Collect more photos: with twice as many to train on ({curve['forecast_images']:,}) expect an accuracy of "
            f"{expected} instead of {curve['present']:.1%}, of images like these.{_class_that_gains(report)}"
        ]
    return [
        "More photos of the same kind will hardly help: with twice as many to train on "
        f"({curve['forecast_images']:,}) the accuracy is expected to be {expected}, and is {curve['present']:.1%} now."
    ]


def _class_that_gains(report: Report) -> str:
    gains = report.learning_curve["class_gains"]
    most = max(gains, default=0.0)
    if most <= 0:
        return ""
    return f" Most is gained for “{report.class_names[gains.index(most)]}” (+{100 * most:.1f} points)."


def _kept_phase(report: Report) -> Mapping[str, Any] | None:
    """The phase whose weights were kept; None where nothing was trained, or its start was better than its epochs."""
    phase = next((phase for phase in report.history if phase["phase"] == report.kept_phase), None)
    return phase if phase and phase["best_epoch"] else None


def _ended_at_its_best(report: Report) -> bool:
    phase = _kept_phase(report)
    return phase is not None and phase["best_epoch"] == len(phase["epochs"])


def _learns_by_heart(report: Report, best: Mapping[str, float]) -> bool:
    """Whether training is better than validation by enough to matter, and by more than chance among so few images."""
    validation = report.metrics.get("validation")
    high = best["validation_accuracy"]
    if validation:
        _, high = intervals.of_fraction(round(high * validation.examples), validation.examples)
    return best["accuracy"] > max(high, best["validation_accuracy"] + _OVERFITTING_GAP)


def _mistake_steps(report: Report) -> list[str]:
    mistakes = report.headline.matrix()
    totals = mistakes.sum(axis=1)
    np.fill_diagonal(mistakes, 0)
    if not mistakes.any():
        return []
    true_id, predicted_id = divmod(int(mistakes.argmax()), len(mistakes))
    true_name, predicted_name = report.class_names[true_id], report.class_names[predicted_id]
    share = f"{mistakes[true_id, predicted_id]:,} of its {totals[true_id]:,} {wording.images(report)}"
    mistake = f"Look first at “{true_name}”: {share} are taken for “{predicted_name}”, the most frequent mistake."
    return [f"{mistake} Are their labels right? Add more like them."]
