"""Tests of keras_transfer.evaluation.verdict: what the metrics of a report mean in words."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from keras_transfer.evaluation import metrics, verdict
from small_report import GOOD, NAMES, column, make_report, other_export, own_test, probe


def said(the_report):
    """Title -> sentence of what speaks against it and of what else must not be overlooked."""
    judged = verdict.judge(the_report)
    told = [*judged.reasons, *judged.warnings]
    assert len(dict(told)) == len(told)  # nothing is said twice
    return dict(told)


def warning_titles(the_report):
    return list(said(the_report))


def next_steps(the_report):
    return " ".join(verdict.judge(the_report).next_steps)


def test_a_good_report_has_no_warnings():
    assert warning_titles(make_report()) == []


def test_random_weights_are_said_loudly_with_the_reason():
    (warning,) = said(make_report(weights="random", weights_note="There was no network.")).items()
    assert warning == ("Random weights", "There was no network.")
    assert said(make_report(weights="random"))["Random weights"]


@pytest.mark.parametrize(("split", "warns"), [("validation", True), ("train", True), ("test", False), ("all", False)])
def test_a_missing_test_split_is_said_loudly(split, warns):
    the_report = make_report(split=split)
    assert ("No test split" in warning_titles(the_report)) == warns
    assert ("a test/ folder" in next_steps(the_report)) == warns


def test_images_with_two_labels_are_said_loudly():
    assert warning_titles(make_report(label_conflicts=2)) == ["Two labels for one image"]


def test_seen_images_are_said_loudly():
    (text,) = said(make_report(split="all", seen={"train": 120, "validation": 20})).values()
    for words in ("140 of the 200 images", "120 in its train split", "20 in its validation split"):
        assert words in text


@pytest.mark.parametrize(("examples", "warns"), [(99, True), (100, False)])
def test_fewer_than_a_hundred_images_are_said_loudly(examples, warns):
    the_report = make_report([[examples - 50, 0], [0, 50]])
    assert ("Few images" in warning_titles(the_report)) == warns
    assert ("several hundred" in next_steps(the_report)) == warns


def test_few_images_are_counted():
    (text,) = said(make_report([[20, 0], [0, 20]])).values()
    assert "40 test images" in text
    assert "2.5 points" in text


def test_few_images_are_said_once_whatever_else_follows_from_them():
    judged = verdict.judge(make_report([[4, 0], [0, 4]]))
    assert [title for title, _ in judged.reasons] == ["Few images"]
    assert judged.warnings == ()
    assert "few" not in judged.how_sure + judged.how_good + judged.decision


def test_classes_without_images_are_named():
    the_report = make_report([[60, 0, 0], [0, 60, 0], [0, 0, 0]], ("ants", "bees", "wasps"))
    (warning,) = said(the_report).items()
    assert warning == (
        "Classes not measured",
        "There are no test images of “wasps”, so nothing is known about 1 of 3 classes.",
    )
    assert "Add test images of “wasps”." in next_steps(the_report)


@pytest.mark.parametrize(("images", "warns"), [(9, True), (10, False)])
def test_classes_with_few_images_are_named(images, warns):
    the_report = make_report([[150, 0], [0, images]])
    text = "Fewer than 10 test images of “bees”: how well it does on them is hardly known."
    assert (("Few images of a class", text) in verdict.judge(the_report).warnings) == warns
    assert ("Add test images of “bees”: at least 10 of each." in next_steps(the_report)) == warns


def test_a_long_list_of_classes_is_cut_with_its_rest_counted():
    counts = np.diag([100, 100, *[0] * 8])
    names = [f"c{number}" for number in range(10)]
    text = said(make_report(counts, names))["Classes not measured"]
    assert "“c2”, “c3”, “c4”, “c5”, “c6” and 3 more" in text


@pytest.mark.parametrize(
    ("counts", "warns"),
    [
        ([[90, 10], [90, 10]], True),
        ([[80, 20], [20, 80]], False),
        ([[930, 50], [2, 18]], False),  # right less often than always "ants", and yet of great use
        ([[980, 0], [20, 0]], True),
    ],
)
def test_being_no_better_than_the_most_common_class_is_said_loudly(counts, warns):
    assert ("Not shown to be better than guessing" in warning_titles(make_report(counts))) == warns


def test_how_good_sets_the_accuracy_against_the_most_common_class():
    assert verdict.judge(make_report([[130, 20], [5, 45]])).how_good == (
        "87.5% of the test images are classified correctly (175 of 200), "
        "where always answering “ants” would reach 75.0%."
    )


def test_how_good_says_where_rare_classes_do_worse():
    how_good = verdict.judge(make_report([[180, 0], [10, 10]])).how_good
    assert how_good.endswith("; rare classes do worse: with every class counting the same it is 75.0%.")


def test_how_sure_names_the_interval_of_wilson():
    expected = scipy.stats.binomtest(175, 200).proportion_ci(confidence_level=0.95, method="wilson")
    how_sure = verdict.judge(make_report([[130, 20], [5, 45]])).how_sure
    assert f"expect between {expected.low:.1%} and {expected.high:.1%} (95% interval" in how_sure


@pytest.mark.parametrize(
    ("scale", "words"), [(1, "a rough estimate"), (3, "a fairly precise estimate"), (30, "a precise estimate")]
)
def test_more_images_make_a_more_precise_estimate(scale, words):
    the_report = make_report([[45 * scale, 5 * scale], [5 * scale, 45 * scale]])
    assert f"(95% interval, {words});" in verdict.judge(the_report).how_sure


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (0.95, "; its confidence is well calibrated (calibration error 0.000)."),
        (0.999, "; its confidence is well calibrated (calibration error 0.049)."),
        (0.7, "; it is underconfident: on average it claims 70.0% and reaches 95.0% (calibration error 0.250)."),
    ],
)
def test_confidence_is_judged_by_the_calibration_error(confidence, words):
    assert verdict.judge(make_report(confidence=confidence)).how_sure.endswith(words)


def test_overconfidence_is_named():
    how_sure = verdict.judge(make_report([[80, 20], [20, 80]], confidence=0.99)).how_sure
    assert how_sure.endswith(
        "it is overconfident: on average it claims 99.0% and reaches 80.0% (calibration error 0.190)."
    )


def test_confidence_that_is_right_only_on_average_is_named():
    label_ids = np.zeros(200, int)
    probabilities = np.repeat(np.array([[0.6, 0.4], [0.9, 0.1], [0.1, 0.9]], np.float32), [100, 50, 50], axis=0)
    measured = metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=NAMES)
    # All of the 0.6 are right, half of the 0.9: claimed 0.75, reached 0.75, off by 0.4 everywhere.
    assert "too high in places and too low in others" in verdict.judge(make_report(metrics={"test": measured})).how_sure


def test_an_error_that_chance_explains_is_not_held_against_the_confidence():
    """In each of seven bins 15 images; by their confidence there should be 1.5 fewer or more of them right."""
    confidences = np.repeat((np.arange(8, 15) + 0.5) / 15, 15).astype(np.float32)
    right_in_bin = np.arange(8, 15) + [2, -1, 2, -1, 2, -1, -1]
    is_right = np.tile(np.arange(15), 7) < np.repeat(right_in_bin, 15)
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    measured = metrics.measure(label_ids=np.where(is_right, 0, 1), probabilities=probabilities, class_names=NAMES)
    assert measured.ece == pytest.approx(1.5 / 15)
    assert measured.ece < measured.ece_by_chance
    assert verdict.judge(make_report(metrics={"test": measured})).how_sure.endswith(
        f"; its calibration error of {measured.ece:.3f} is within what chance explains on so few "
        f"(up to {measured.ece_by_chance:.3f})."
    )


def test_confidence_that_is_too_high_throughout_is_named_although_its_error_may_be_chance():
    """150 images at ten confidences, all of them 9 points too high, which in no bin is more than chance."""
    confidences = np.repeat(np.linspace(0.54, 0.99, 10), 15).astype(np.float32)
    is_right = np.tile(np.arange(15), 10) < np.repeat(np.round(15 * (np.linspace(0.54, 0.99, 10) - 0.09)), 15)
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    measured = metrics.measure(label_ids=np.where(is_right, 0, 1), probabilities=probabilities, class_names=NAMES)
    assert measured.ece < measured.ece_by_chance
    assert "it is overconfident" in verdict.judge(make_report(metrics={"test": measured})).how_sure


def test_confidence_is_not_judged_on_few_images():
    assert "calibra" not in verdict.judge(make_report([[20, 0], [0, 20]])).how_sure


@pytest.mark.parametrize(
    ("counts", "settings", "level", "reasons"),
    [
        (GOOD, {}, "go", []),
        (GOOD, {"weights": "random"}, "stop", ["Random weights"]),
        ([[90, 10], [90, 10]], {}, "stop", ["Not shown to be better than guessing", "Missed classes"]),
        (GOOD, {"split": "validation"}, "wait", ["No test split"]),
        (GOOD, {"split": "all", "seen": {"train": 120, "validation": 20}}, "wait", ["Seen in training"]),
        ([[20, 0], [0, 20]], {}, "wait", ["Few images"]),
        (
            [[190, 10, 0], [60, 20, 0], [0, 0, 0]],
            {"class_names": ("ants", "bees", "wasps")},
            "wait",
            ["Classes not measured", "Missed classes"],
        ),
        (GOOD, {"slices": [column(phone=True)]}, "wait", ["Worse for some"]),
        (GOOD, {"slices": [column(phone=False)]}, "go", []),
        (GOOD, {"baselines": probe("worse")}, "wait", ["Training did harm"]),
        (GOOD, {"comparison": other_export("worse")}, "wait", ["Worse than the other export"]),
        (GOOD, {"label_conflicts": 2}, "go", []),
    ],
)
def test_whether_to_deploy_follows_from_the_metrics(counts, settings, level, reasons):
    judged = verdict.judge(make_report(counts, **settings))
    assert judged.level == level
    assert [title for title, _ in judged.reasons] == reasons
    assert judged.decision.startswith("Deploy it") == (level == "go")


def test_a_promise_is_made_for_the_worse_end_of_the_interval():
    assert " 9 wrong answers in 100" in verdict.judge(make_report(GOOD)).decision  # Wilson's begins at 0.9104


def test_a_class_missed_by_chance_is_not_called_missed():
    counts = [[97, 3, 0], [3, 97, 0], [1, 2, 2]]  # 2 of 5: anything from 12% to 77%
    judged = verdict.judge(make_report(counts, (*NAMES, "wasps")))
    assert judged.level == "go"


@pytest.mark.parametrize(
    ("settings", "title", "step"),
    [
        ({"slices": [column(phone=True)]}, "Worse for some", "Add training images where “camera = phone”."),
        ({"baselines": probe("worse")}, "Training did harm", "Train less"),
        ({"comparison": other_export("worse")}, "Worse than the other export", "Deploy cars/1 rather than this one."),
    ],
)
def test_what_is_worse_than_it_could_be_is_said_loudly(settings, title, step):
    assert warning_titles(make_report(**settings)) == [title]
    assert step in next_steps(make_report(**settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"slices": [column(phone=False)]},
        *({"baselines": probe(each)} for each in ("better", "no difference", None)),
        *({"comparison": other_export(each)} for each in ("better", "no difference")),
    ],
)
def test_what_is_no_worse_is_not_mentioned(settings):
    assert warning_titles(make_report(**settings)) == []


@pytest.mark.parametrize(("counts", "level"), [([[70, 30], [30, 70]], "wait"), ([[50, 50], [50, 50]], "stop")])
def test_photos_that_differ_from_the_own_test_are_said_with_both_numbers(counts, level):
    here = (counts[0][0] + counts[1][1]) / 200
    judged = verdict.judge(make_report(counts, own_test=own_test(0.967, here)))
    assert judged.level == level
    (reason,) = [text for _, text in judged.reasons if "0.967" in text]
    assert f"{here:.3f}" in reason
