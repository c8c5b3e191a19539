"""The tables of a report that set a classifier against others, and some of its images against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_transfer.evaluation.baselines import BaselineResults, HeadAgainstProbe
from keras_transfer.evaluation.bootstrap import Interval
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import OtherExport
from keras_transfer.evaluation.report_tables import METRICS, Table, interval_text, percent, signed_text, value_text
from keras_transfer.evaluation.slices import Column

_SLICE_METRICS = ("accuracy", "balanced_accuracy", "log_loss")


def of_baselines(baselines: BaselineResults, measured: Mapping[str, Metrics]) -> Table:
    """Accuracy of simpler classifiers beside that of the trained one."""
    rows = [["this classifier", *(percent(metrics.accuracy) for metrics in measured.values())]]
    for row in baselines.rows:
        of_splits = {"validation": row.validation, "test": row.test}
        cells = [percent(each.accuracy if each else None) for each in map(of_splits.get, measured)]
        rows.append([f"{row.name} ({row.setting})", *cells])
    return Table(
        "Against simpler classifiers",
        ["Accuracy of", *measured],
        rows,
        " ".join(filter(None, [_against_probe(baselines.head_against_probe), baselines.reason])),
        definitions=[
            ("Linear probe", "Logistic regression on the base's features before any training here."),
            ("Nearest neighbours", "A vote of the most similar training images by the same features."),
        ],
    )


def of_backbones(trials: Sequence[Mapping[str, Any]]) -> Table:
    """The backbones that were tried on a sample, the best first."""
    rows = [
        [
            f"{trial['backbone']}{' (taken)' if trial['is_taken'] else ''}",
            f"{trial['log_loss']:.4f} ± {trial['log_loss_error']:.4f}",
            percent(trial["accuracy"]),
            f"{trial['multiply_accumulates'] / 1e9:.2f}",
        ]
        for trial in sorted(trials, key=lambda each: each["log_loss"])
    ]
    return Table(
        "Backbones tried on a sample of the training images",
        ["Backbone", "Log loss", "Accuracy", "GMAC"],
        rows,
        note="Taken is the best, or a cheaper one whose log loss is higher by no more than the standard error of the "
        "difference on the same held-out images.",
        definitions=[("GMAC", "Billions of multiplications for one image: what serving will cost.")],
    )


def of_fine_tuning(fine_tuning: Mapping[str, Any]) -> Table:
    """The weights that fine-tuning tried, the best first."""
    rows = []
    for each in sorted(fine_tuning["trials"], key=lambda trial: trial["log_loss"]):
        weights = f"epoch {each['epoch']}" if each["epoch"] else "mean of the epochs"
        trained = [str(each["blocks"]), f"{each['learning_rate']:g}", weights, f"{each['factor']:.0%}"]
        rows.append([*trained, f"{each['log_loss']:.4f}", percent(each["accuracy"])])
    seconds, gain, error = (fine_tuning[name] for name in ("seconds", "gain", "gain_error"))
    verdict = "kept" if fine_tuning["is_kept"] else "not kept, because that is no more than chance may do"
    return Table(
        "Feature extraction against fine-tuning",
        ["Blocks", "Learning rate", "Weights", "Of the way", "Log loss", "Accuracy"],
        rows,
        note=f"Fine-tuning took {seconds / 60:.1f} minutes. The best of these lowers the log loss of the chosen head "
        f"on the validation images by {gain:.4f} ± {error:.4f}: {verdict}.",
        definitions=[
            ("Of the way", "From the weights before fine-tuning (0%) to those after it (100%)."),
            ("Log loss", "Of the validation images, at the temperature that suits these weights best."),
        ],
    )


def of_choice(choice: Mapping[str, Any], no_fine_tuning: str) -> Table:
    """The heads that were tried by cross-validation, the best first."""
    chosen, rows = choice["chosen"], []
    for each in choice["tried"]:
        views = "clean and augmented" if each["uses_views"] else "clean"
        stands = [" + ".join(each["layers"]), " and ".join(each["poolings"]), views, f"{each['strength']:g}"]
        rows.append([*stands, *_of_held_out(each)])
    rows.append(["Averaged: the head that was taken", "", "", "", *_of_held_out(choice["averaged"])])
    gain = f"Its log loss is {choice['gain']:.4f} ± {choice['gain_error']:.4f} lower than that of the plain head "
    plain = f"(the average of {choice['plain']['layers'][0]}, clean views) on the same images."
    tuned = f" It was not fine-tuned, because {no_fine_tuning}." if no_fine_tuning else ""
    return Table(
        f"Heads tried by {choice['folds']}-fold cross-validation on {choice['images']:,} training images",
        ["Layers", "Pooling", "Views", "C", "Log loss", "Accuracy"],
        rows,
        note=f"The best {len(chosen)}, averaged, make the head. {gain}{plain}{tuned}",
        definitions=[
            ("C", "The inverse of the penalty on large weights; the best of several."),
            ("±", "The standard error: how much chance among the images alone changes it."),
        ],
        has_total=True,
    )


def _of_held_out(candidate: Mapping[str, Any]) -> list[str]:
    return [
        f"{candidate['log_loss']:.4f} ± {candidate['log_loss_error']:.4f}",
        f"{candidate['accuracy']:.1%} ± {candidate['accuracy_error']:.1%}",
    ]


def of_slices(columns: Sequence[Column]) -> list[Table]:
    """For each column, the metrics of each of its values and the gap to all other images."""
    return [_of_slice(column) for column in columns]


def of_comparison(compared: OtherExport, metrics: Metrics) -> Table:
    """Two exports on the same images, with the difference and its interval."""
    other, paired = compared.evaluation, compared.paired
    rows = []
    for name, row in compared.differences.items():
        difference = f"{signed_text(name, row.difference)}{interval_text(name, row.interval, signed=True)}"
        values = [value_text(name, getattr(each, name)) for each in (metrics, other)]
        rows.append([METRICS[name], *values, difference])
    words = {
        "better": "better than the other",
        "worse": "worse than the other",
        "no difference": "not shown to differ from the other",
    }
    note = (
        f"This export is {words[paired.verdict]}: it alone is right on {paired.only_new_right:,} of "
        f"{paired.examples:,} images, the other alone on {paired.only_earlier_right:,} (McNemar's test, "
        f"p = {paired.p_value:.3g}). The other is {compared.export}."
    )
    return Table("Against another export", ["Metric", "This", "The other", "Difference"], rows, note)


def _against_probe(compared: HeadAgainstProbe | None) -> str:
    if compared is None:
        return ""
    counts = (
        f"on {compared.examples:,} {compared.split} images it alone is right on {compared.only_head_right:,}, "
        f"the probe alone on {compared.only_probe_right:,} (p = {compared.p_value:.3g})."
    )
    words = {"better": "better than", "worse": "worse than", "no difference": "not shown to differ from"}
    return f"This classifier is {words[compared.verdict]} the linear probe: {counts}"


def _of_slice(column: Column) -> Table:
    rows = []
    for row in column.values:
        accuracy, *others = (value_text(name, row.metrics[name]) for name in _SLICE_METRICS)
        gap = f"{_points(row.gaps['accuracy'])}{_points_interval(row.gap_intervals['accuracy'])}"
        flag = "worse" if row.is_flagged else ""
        p_value = f"{row.adjusted_p_value:.3f}"
        rows.append([row.value or "(empty)", f"{row.examples:,}", accuracy, gap, p_value, flag, *others])
    note = f"{column.left_out:,} values are not shown: too few images." if column.left_out else ""
    definitions = [
        ("Gap", "The accuracy minus that of all other images, in percentage points, with its own 95% interval."),
        ("p", "Of Fisher's test for a difference, adjusted for the number of values, some of which differ by chance."),
        ("Worse", "By 5 points or more, with p at most 0.05."),
    ]
    flagged = frozenset(place for place, row in enumerate(column.values) if row.is_flagged)
    accuracy, *others = (METRICS[name] for name in _SLICE_METRICS)
    columns = [column.column, "Images", accuracy, "Gap", "p", "Verdict", *others]
    return Table(f"By {column.column}", columns, rows, note, definitions, flagged)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _points_interval(interval: Interval | None) -> str:
    return f" ({_points(interval[0])} to {_points(interval[1])})" if interval else ""
