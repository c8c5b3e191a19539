"""What the figures of a report mean in words: how good, how sure, what to do next, and what must not be overlooked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_transfer.evaluation import calibration, confusion, next_steps, weak_points, wording

if TYPE_CHECKING:
    from keras_transfer.evaluation.report import Report

# House choices, in fractions of all examples: what counts as firm, as well calibrated, as a gap worth a word.
_FIRM_WIDTH, _FAIRLY_FIRM_WIDTH = 0.04, 0.10
_GOOD_CALIBRATION_ERROR = 0.05
_CLASS_GAP = 0.05


@dataclass(frozen=True)
class Verdict:
    """A report in words.

    Attributes:
      level: go, wait or stop.
      decision: whether to deploy, and why not or under which condition.
      how_good: a sentence: accuracy against the simplest guess.
      how_sure: a sentence: what the number of examples allows to say, and whether confidence can be trusted.
      next_steps: sentences, the most useful first; never empty.
      warnings: (title, sentence) of what must not be overlooked.
    """

    level: str
    decision: str
    how_good: str
    how_sure: str
    next_steps: tuple[str, ...]
    warnings: tuple[tuple[str, str], ...]


def judge(report: Report) -> Verdict:
    """Puts the figures of the report's headline split into words."""
    level, decision = _decision(report)
    return Verdict(level, decision, _how_good(report), _how_sure(report), next_steps.find(report), _warnings(report))


def _decision(report: Report) -> tuple[str, str]:
    """The level, and whether to deploy in words."""
    never, differing = _reasons_against(report), _differing_photos(report)
    if never:
        never += differing
        return "stop", f"Do not deploy it: {' and '.join(never)}."
    not_yet = _reasons_to_wait(report)
    if not_yet:
        return "wait", f"Do not deploy it yet: {'; '.join(not_yet)}."
    # The worse end of the interval, because a promise should hold.
    wrong = math.ceil(100 * (1 - report.headline["intervals"]["accuracy"][0]))
    return "go", f"Deploy it, if up to {wrong} wrong answers in 100 are acceptable."


def _reasons_against(report: Report) -> list[str]:
    found = []
    if report.weights == "random":
        found.append("its base was never trained")
    if weak_points.is_no_better_than_guessing(report):
        found.append("it is not shown to be better than guessing")
    return found


def _reasons_to_wait(report: Report) -> list[str]:
    examples, found = report.headline["examples"], []
    if weak_points.has_no_test(report):
        found.append("it was measured only on images that had a part in training")
    seen = weak_points.seen_images(report)
    if seen:
        found.append(f"{seen:,} of the {examples:,} images that it was measured on had a part in its training")
    if examples < weak_points.FEW_EXAMPLES:
        found.append(f"{examples:,} {wording.images(report)} are too few to judge it by")
    unmeasured = weak_points.unmeasured_classes(report)
    if unmeasured:
        found.append(f"nothing is known about {wording.name_list(unmeasured)}")
    missed = weak_points.missed_classes(report)
    if missed:
        found.append(f"it misses most images of {wording.name_list(missed)}")
    worse = weak_points.flagged_slices(report)
    if worse:
        found.append(f"it is clearly worse where {wording.name_list(worse)}")
    if weak_points.is_worse_than_probe(report):
        found.append("logistic regression on the same features is better")
    if weak_points.is_worse_than_other(report):
        found.append("the export that it was compared with is better")
    return found + _differing_photos(report)


def _differing_photos(report: Report) -> list[str]:
    if not weak_points.is_worse_than_own_test(report):
        return []
    return [f"these photos differ from those it was trained on ({_both_accuracies(report)})"]


def _both_accuracies(report: Report) -> str:
    own = report.own_test
    return f"accuracy {own['accuracy']:.3f} there, {own['measured_accuracy']:.3f} here"


def _warnings(report: Report) -> tuple[tuple[str, str], ...]:
    images, figures = wording.images(report), report.headline
    found = []
    if report.weights == "random":
        text = "The base was never trained, so these figures do not show what transfer learning reaches on these images"
        found.append(("Random weights", f"{text}. {report.weights_note}".strip()))
    if weak_points.has_no_test(report):
        text = f"All figures are of the {images}, which had a part in training, so new images usually do worse."
        found.append(("No test split", text))
    if weak_points.seen_images(report):
        told = " and ".join(f"{count:,} were in its {split} split" for split, count in report.seen.items())
        found.append(("Seen in training", f"Of these images {told}, so new images usually do worse."))
    leaks = [f"{count:,} {split} images" for split, count in report.leaked.items() if count]
    if leaks:
        text = f"{' and '.join(leaks)} stand byte for byte in another split too: they were left out of all figures."
        found.append(("Leaked images", f"{text} Those that look alike without being equal were not searched for."))
    if report.label_conflicts:
        text = f"{report.label_conflicts:,} files have the same bytes as a file of another class: one label is wrong."
        found.append(("Two labels for one image", text))
    if figures["examples"] < weak_points.FEW_EXAMPLES:
        points = 100 / figures["examples"]
        count = f"{figures['examples']:,} {images}"
        text = f"Only {count} were measured: one of them moves the accuracy by {points:.1f} points."
        found.append(("Few images", text))
    unmeasured = weak_points.unmeasured_classes(report)
    if unmeasured:
        text = f"There are no {images} of {wording.name_list(unmeasured)}, so nothing is known about"
        found.append(("Classes not measured", f"{text} {len(unmeasured):,} of {len(report.class_names):,} classes."))
    barely = weak_points.barely_measured_classes(report)
    if barely:
        least = weak_points.LEAST_IMAGES_A_CLASS
        text = f"Fewer than {least} {images} of {wording.name_list(barely)}: how well it does on them is hardly known."
        found.append(("Few images of a class", text))
    missed = weak_points.missed_classes(report)
    if missed:
        text = f"It finds fewer than half of the {images} of {wording.name_list(missed)}."
        found.append(("Missed classes", text))
    worse = weak_points.flagged_slices(report)
    if worse:
        text = f"It is right clearly less often where {wording.name_list(worse)}, by more than chance explains."
        found.append(("Worse for some", text))
    if weak_points.is_worse_than_probe(report):
        text = "Logistic regression on the base's features is right more often than this trained classifier."
        found.append(("Training did harm", text))
    if weak_points.is_worse_than_other(report):
        text = f"{report.comparison['export']} is right on more of the same images, by more than chance explains."
        found.append(("Worse than the other export", text))
    if weak_points.differs_from_own_test(report):
        low, high = report.own_test["interval"]
        text = f"These photos differ from those it was trained on, by more than chance: {_both_accuracies(report)}"
        found.append(("Other photos", f"{text} (95% interval there: {low:.3f} to {high:.3f})."))
    if weak_points.is_no_better_than_guessing(report):
        text = "Always giving the most common class would do as well, as far as these images can tell."
        found.append(("Not shown to be better than guessing", text))
    return tuple(found)


def _how_good(report: Report) -> str:
    figures = report.headline
    right, examples = _right_and_examples(figures)
    name, share = weak_points.commonest_class(report)
    text = (
        f"{figures['accuracy']:.1%} of the {wording.images(report)} are classified correctly "
        f"({right:,} of {examples:,}), where always answering “{name}” would reach {share:.1%}"
    )
    if figures["accuracy"] - figures["balanced_accuracy"] > _CLASS_GAP:
        text += f"; rare classes do worse: with every class counting the same it is {figures['balanced_accuracy']:.1%}"
    return f"{text}."


def _how_sure(report: Report) -> str:
    low, high = report.headline["intervals"]["accuracy"]
    firmness = "a rough figure"
    if high - low <= _FAIRLY_FIRM_WIDTH:
        firmness = "a firm figure" if high - low <= _FIRM_WIDTH else "a fairly firm figure"
    return (
        f"On many more images of the same kind expect between {low:.1%} and {high:.1%} (95% interval, {firmness}); "
        f"{_confidence_in_words(report.headline)}."
    )


def _confidence_in_words(figures: Mapping[str, Any]) -> str:
    if figures["examples"] < weak_points.FEW_EXAMPLES:
        return f"{figures['examples']:,} are too few to tell whether its confidence can be trusted"
    error, claimed, reached = figures["ece"], calibration.mean_confidence(figures["reliability"]), figures["accuracy"]
    if error <= _GOOD_CALIBRATION_ERROR:
        return f"its confidence can be taken at its word (calibration error {error:.3f})"
    by_chance, (low, high) = figures["ece_by_chance"], figures["intervals"]["accuracy"]
    if error <= by_chance and low <= claimed <= high:
        return f"its calibration error of {error:.3f} is within what chance explains on so few (up to {by_chance:.3f})"
    claim = f"on average it claims {claimed:.1%} and reaches {reached:.1%}"
    claim += f" (calibration error {error:.3f})" if error > by_chance else ", more than chance explains"
    if abs(claimed - reached) <= _GOOD_CALIBRATION_ERROR:
        return f"its confidence is too high in places and too low in others: {claim}"
    return f"it is {'over' if claimed > reached else 'under'}confident: {claim}"


def _right_and_examples(figures: Mapping[str, Any]) -> tuple[int, int]:
    return int(np.trace(confusion.matrix(figures))), figures["examples"]
