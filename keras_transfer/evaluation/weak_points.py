"""What the metrics of a report say against the classifier; `verdict` puts it into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_transfer.evaluation import intervals

if TYPE_CHECKING:
    from keras_transfer.evaluation.report_data import Report

# At 100 the 95% interval is up to 19 points wide already, and 15 calibration bins hold fewer than 7 examples each.
FEW_EXAMPLES = 100
_LEAST_RECALL = 0.5  # a house choice: who finds fewer than half of a class misses it
# With 9 images even a recall of all of them has a 95% interval from 70% on, and intervals of means over the classes are
# too narrow (benchmarks/intervals.py).
LEAST_IMAGES_A_CLASS = 10


def is_no_better_than_guessing(report: Report) -> bool:
    """Neither by accuracy, nor with every class counting the same: where one class is rare, the first says little."""
    metrics = report.headline
    measured_classes = len(report.class_names) - len(unmeasured_classes(report))
    if measured_classes == 1:  # guessing that class is always right, which says nothing
        return False
    balanced, _ = metrics.intervals["balanced_accuracy"] or (metrics.balanced_accuracy,) * 2
    return bool(metrics.accuracy_interval()[0] <= commonest_class(report)[1] and balanced <= 1 / measured_classes)


def missed_classes(report: Report) -> list[str]:
    """Classes of which fewer than half the images are found, where that is more than chance."""
    found = []
    for name in report.class_names:
        metrics = report.headline.per_class[name]
        if metrics.recall is not None:
            _, high = intervals.of_fraction(round(metrics.recall * metrics.support), metrics.support)
            if high < _LEAST_RECALL:
                found.append(name)
    return found


def flagged_slices(report: Report) -> list[str]:
    """“column = value” of the slices that are clearly worse."""
    return [f"{column.column} = {each.value}" for column in report.slices for each in column.values if each.is_flagged]


def is_worse_than_probe(report: Report) -> bool:
    """Whether logistic regression on the same features is right more often, by more than chance."""
    compared = report.baselines.head_against_probe if report.baselines else None
    return compared is not None and compared.verdict == "worse"


def is_worse_than_other(report: Report) -> bool:
    """Whether the export that it is compared with is right more often, by more than chance."""
    return report.comparison is not None and report.comparison.paired.verdict == "worse"


def differs_from_own_test(report: Report) -> bool:
    """Whether it is right more or less often than on its own test split, by more than chance.

    More often is no wonder where it has seen some of the images in training.
    """
    own = report.own_test
    if not own or not own.differs:
        return False
    has_seen = has_no_test(report) or bool(sum(report.seen.values()))
    return own.measured_accuracy < own.accuracy or not has_seen


def is_worse_than_own_test(report: Report) -> bool:
    """Whether it is right less often than on its own test split, by more than chance."""
    own = report.own_test
    return own is not None and differs_from_own_test(report) and own.measured_accuracy < own.accuracy


def has_no_test(report: Report) -> bool:
    """Whether the metrics are of images that were used for training."""
    return report.headline_split in ("validation", "train")


def seen_images(report: Report) -> int:
    """How many of the measured images were used for training, where that is not said by their split already."""
    return 0 if has_no_test(report) else sum(report.seen.values())


def commonest_class(report: Report) -> tuple[str, float]:
    """Its name and its share of the measured images: what guessing would reach."""
    totals = report.headline.matrix().sum(axis=1)
    return report.class_names[totals.argmax()], float(totals.max() / totals.sum())


def unmeasured_classes(report: Report) -> list[str]:
    """Classes without a measured image."""
    per_class = report.headline.per_class
    return [name for name in report.class_names if not per_class[name].support]


def barely_measured_classes(report: Report) -> list[str]:
    """Classes with some measured images, but fewer than `LEAST_IMAGES_A_CLASS`."""
    per_class = report.headline.per_class
    return [name for name in report.class_names if 0 < per_class[name].support < LEAST_IMAGES_A_CLASS]
