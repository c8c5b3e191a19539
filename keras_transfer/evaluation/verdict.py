"""What the metrics of a report mean in words: how good, how sure, what to do next, and what must not be overlooked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_transfer.evaluation import calibration, next_steps, weak_points, wording
from keras_transfer.evaluation.metrics import Metrics

if TYPE_CHECKING:
    from keras_transfer.evaluation.report_data import Report
    from keras_transfer.evaluation.unpaired import OwnTest

# House choices, in fractions of all examples: what counts as precise, as well calibrated, as a gap worth a word.
_PRECISE_WIDTH, _FAIRLY_PRECISE_WIDTH = 0.04, 0.10
_GOOD_CALIBRATION_ERROR = 0.05
_CLASS_GAP = 0.05


@dataclass(frozen=True)
class Verdict:
    """A report in words; each thing is said in one place.

    Attributes:
      level: go, wait or stop.
      decision: whether to deploy.
      reasons: (title, sentence) of what speaks against it; none where it may be deployed.
      how_good: a sentence: accuracy against the simplest guess.
      how_sure: a sentence: what the number of examples allows to say, and whether confidence can be trusted.
      next_steps: sentences, the most useful first; never empty.
      warnings: (title, sentence) of what else must not be overlooked.
    """

    level: str
    decision: str
    reasons: tuple[tuple[str, str], ...]
    how_good: str
    how_sure: str
    next_steps: tuple[str, ...]
    warnings: tuple[tuple[str, str], ...]


def judge(report: Report) -> Verdict:
    """Puts the metrics of the report's headline split into words."""
    never, not_yet = _reasons_against(report), _reasons_to_wait(report)
    level, decision = "wait", "Do not deploy it yet."
    if never:
        level, decision = "stop", "Do not deploy it."
    elif not not_yet:
        # The worse end of the interval, because a promise should hold.
        wrong = math.ceil(100 * (1 - report.headline.accuracy_interval()[0]))
        level, decision = "go", f"Deploy it, if up to {wrong} wrong answers in 100 are acceptable."
    return Verdict(
        level=level,
        decision=decision,
        reasons=(*never, *not_yet),
        how_good=_how_good(report),
        how_sure=_how_sure(report),
        next_steps=next_steps.find(report),
        warnings=tuple(_warnings(report)),
    )


def _reasons_against(report: Report) -> list[tuple[str, str]]:
    """What more images or a closer look cannot change."""
    found = []
    if report.weights == "random":
        text = "Its base was never trained, so its metrics do not show what transfer learning reaches on these images."
        found.append(("Random weights", report.weights_note or text))
    if weak_points.is_no_better_than_guessing(report):
        text = "As far as these images can tell, always giving the most common class would do as well."
        found.append(("Not shown to be better than guessing", text))
    return found


def _reasons_to_wait(report: Report) -> list[tuple[str, str]]:
    return [*_reasons_of_measuring(report), *_reasons_of_results(report)]


def _reasons_of_measuring(report: Report) -> list[tuple[str, str]]:
    """What is not known yet, because of the images that it was measured on."""
    images, examples, found = wording.images(report), report.headline.examples, []
    if weak_points.has_no_test(report):
        text = f"It was measured on {images}, which were used for training: new images usually do worse."
        found.append(("No test split", text))
    seen = weak_points.seen_images(report)
    if seen:
        told = " and ".join(f"{count:,} in its {split} split" for split, count in report.seen.items())
        text = f"{seen:,} of the {examples:,} images were used for its training ({told}): new images usually do worse."
        found.append(("Seen in training", text))
    if examples < weak_points.FEW_EXAMPLES:
        text = (
            f"{examples:,} {images} are too few to judge it by: one of them is {100 / examples:.1f} points of accuracy."
        )
        found.append(("Few images", text))
    unmeasured = weak_points.unmeasured_classes(report)
    if unmeasured:
        text = f"There are no {images} of {wording.name_list(unmeasured)}, so nothing is known about"
        found.append(("Classes not measured", f"{text} {len(unmeasured):,} of {len(report.class_names):,} classes."))
    return found


def _reasons_of_results(report: Report) -> list[tuple[str, str]]:
    """What it does badly, or worse than something else."""
    found = []
    missed = weak_points.missed_classes(report)
    if missed:
        text = f"It finds fewer than half of the {wording.images(report)} of {wording.name_list(missed)}."
        found.append(("Missed classes", text))
    worse = weak_points.flagged_slices(report)
    if worse:
        text = f"It is right clearly less often where {wording.name_list(worse)}, by more than chance explains."
        found.append(("Worse for some", text))
    if weak_points.is_worse_than_probe(report):
        text = "Logistic regression on the base's features is right more often than this trained classifier."
        found.append(("Training did harm", text))
    if report.comparison and weak_points.is_worse_than_other(report):
        text = f"{report.comparison.export} is right on more of the same images, by more than chance explains."
        found.append(("Worse than the other export", text))
    if report.own_test and weak_points.is_worse_than_own_test(report):
        found.append(_other_photos(report.own_test))
    return found


def _other_photos(own: OwnTest) -> tuple[str, str]:
    low, high = own.interval
    text = (
        "These photos differ from those it was trained on, by more than chance: accuracy "
        f"{own.measured_accuracy:.3f} here, {own.accuracy:.3f} there (95% interval {low:.3f} to {high:.3f})."
    )
    return "Other photos", text


def _warnings(report: Report) -> list[tuple[str, str]]:
    """What does not decide whether to deploy it."""
    found = []
    if report.own_test and weak_points.differs_from_own_test(report) and not weak_points.is_worse_than_own_test(report):
        found.append(_other_photos(report.own_test))
    leaks = [f"{count:,} {split} images" for split, count in report.leaked.items() if count]
    if leaks:
        text = f"{' and '.join(leaks)} stand byte for byte in another split too: they were left out of all metrics."
        found.append(("Leaked images", text))
    if report.label_conflicts:
        text = f"{report.label_conflicts:,} files have the same bytes as a file of another class: one label is wrong."
        found.append(("Two labels for one image", text))
    barely = weak_points.barely_measured_classes(report)
    if barely and report.headline.examples >= weak_points.FEW_EXAMPLES:  # else all are too few, which is said
        least, images = weak_points.LEAST_IMAGES_A_CLASS, wording.images(report)
        text = f"Fewer than {least} {images} of {wording.name_list(barely)}: how well it does on them is hardly known."
        found.append(("Few images of a class", text))
    return found


def _how_good(report: Report) -> str:
    metrics = report.headline
    right = int(np.trace(metrics.matrix()))
    name, share = weak_points.commonest_class(report)
    of_all = f"{metrics.accuracy:.1%} of the {wording.images(report)}"
    text = f"{of_all} are classified correctly ({right:,} of {metrics.examples:,})"
    if share == 1:
        return f"{text}; all are “{name}”, so nothing is known about what is taken for it."
    text += f", where always answering “{name}” would reach {share:.1%}"
    if metrics.accuracy - metrics.balanced_accuracy > _CLASS_GAP:
        text += f"; rare classes do worse: with every class counting the same it is {metrics.balanced_accuracy:.1%}"
    return f"{text}."


def _how_sure(report: Report) -> str:
    low, high = report.headline.accuracy_interval()
    expected = f"On many more images of the same kind expect between {low:.1%} and {high:.1%} (95% interval"
    if report.headline.examples < weak_points.FEW_EXAMPLES:  # that they are too few is said already
        return f"{expected})."
    precision = "a rough estimate"
    if high - low <= _FAIRLY_PRECISE_WIDTH:
        precision = "a precise estimate" if high - low <= _PRECISE_WIDTH else "a fairly precise estimate"
    return f"{expected}, {precision}); {_confidence_in_words(report.headline)}."


def _confidence_in_words(metrics: Metrics) -> str:
    error, claimed, reached = metrics.ece, calibration.mean_confidence(metrics.reliability), metrics.accuracy
    if error <= _GOOD_CALIBRATION_ERROR:
        return f"its confidence is well calibrated (calibration error {error:.3f})"
    by_chance, (low, high) = metrics.ece_by_chance, metrics.accuracy_interval()
    if error <= by_chance and low <= claimed <= high:
        return f"its calibration error of {error:.3f} is within what chance explains on so few (up to {by_chance:.3f})"
    claim = f"on average it claims {claimed:.1%} and reaches {reached:.1%}"
    claim += f" (calibration error {error:.3f})" if error > by_chance else ", more than chance explains"
    if abs(claimed - reached) <= _GOOD_CALIBRATION_ERROR:
        return f"its confidence is too high in places and too low in others: {claim}"
    return f"it is {'over' if claimed > reached else 'under'}confident: {claim}"
