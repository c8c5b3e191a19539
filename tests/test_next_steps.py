"""Tests of keras_transfer.evaluation.next_steps."""

from __future__ import annotations

from typing import Any

import pytest

from keras_transfer.evaluation import next_steps
from small_report import GOOD, NAMES, make_metrics, make_report, phase, probe


def steps_of(the_report):
    return " ".join(next_steps.find(the_report))


@pytest.mark.parametrize(("fraction", "named"), [(0.0, True), (0.15, False)])
def test_the_flag_that_makes_a_test_split_is_named_where_it_was_turned_off(fraction, named):
    steps = steps_of(make_report(split="validation", configuration={"test_fraction": fraction}))
    assert ("--test_fraction=0.15" in steps) == named
    assert "a test/ folder" in steps


@pytest.mark.parametrize(
    ("name", "best_epoch", "flag"),
    [("head", 3, "--head_epochs"), ("fine_tune", 3, "--fine_tune_epochs"), ("head", 2, None), ("fine_tune", 0, None)],
)
def test_a_best_epoch_that_was_the_last_asks_for_more_epochs(name, best_epoch, flag):
    steps = steps_of(make_report(history=[phase(name, best_epoch=best_epoch)], kept_phase=name))
    assert ("Train longer" in steps) == (flag is not None)
    assert (flag or "") in steps


@pytest.mark.parametrize(("validation_accuracy", "says_so"), [(0.85, True), (0.95, False)])
def test_learning_by_heart_is_named_with_its_remedies(validation_accuracy, says_so):
    history = [phase(accuracy=0.99, validation_accuracy=validation_accuracy)]
    words = "does better on its training images (99.0%) than in validation (85.0%): add images, or raise"
    assert (words in steps_of(make_report(history=history, kept_phase="head"))) == says_so


@pytest.mark.parametrize(("count", "says_so"), [(20, False), (50, True)])
def test_what_may_be_chance_among_few_validation_images_is_not_called_learning_by_heart(count, says_so):
    """Wilson's interval of 80% ends at 91.9% for 20 images, and at 88.8% for 50."""
    split = [[count * 2 // 5, count // 10], [count // 10, count * 2 // 5]]
    history = [phase(accuracy=0.905, validation_accuracy=0.8)]
    metrics_of = {"validation": make_metrics(split, NAMES), "test": make_metrics(GOOD, NAMES)}
    steps = steps_of(make_report(metrics=metrics_of, history=history, kept_phase="head"))
    assert ("does better on its training images" in steps) == says_so


def test_training_that_did_harm_is_not_told_to_go_on_less_and_longer():
    """What is worse than the probe because it was stopped early needs more training, not less."""
    stopped_early = [phase(epochs=2, best_epoch=2, accuracy=0.8, validation_accuracy=0.8)]
    steps = steps_of(make_report(baselines=probe("worse"), history=stopped_early, kept_phase="head"))
    assert "Train longer" in steps
    assert "Train less" not in steps


@pytest.mark.parametrize(
    ("configuration", "ways"),
    [
        ({"fine_tune_epochs": 0, "head_units": ()}, "Train less: a lower --head_learning_rate."),
        (
            {"fine_tune_epochs": 3, "head_units": (64,)},
            "Train less: fewer --fine_tune_epochs, no --head_units, a lower --head_learning_rate.",
        ),
    ],
)
def test_only_settings_that_were_used_are_advised_against(configuration, ways):
    steps = steps_of(
        make_report(baselines=probe("worse"), configuration=configuration, history=[phase()], kept_phase="head")
    )
    assert ways in steps


def test_only_the_kept_phase_is_judged():
    history = [phase(best_epoch=2), phase("fine_tune", best_epoch=3)]
    assert "Train longer" not in steps_of(make_report(history=history, kept_phase="head"))


def test_the_most_frequent_mistake_is_named():
    counts = [[50, 0, 3], [0, 40, 1], [2, 9, 60]]
    assert "Look first at “wasps”: 9 of its 71 test images are taken for “bees”" in steps_of(
        make_report(counts, ("ants", "bees", "wasps"))
    )


def test_files_that_were_left_out_are_something_to_do():
    assert "left out" in steps_of(make_report(left_out=[("a.jpg", "It is empty.")]))


def test_a_faultless_report_still_says_what_to_do():
    (step,) = next_steps.find(make_report([[100, 0], [0, 100]]))
    assert step.startswith("Try it on images from where it will be used")


def test_seen_images_ask_for_others():
    with_seen = next_steps.find(make_report(split="all", seen={"train": 3}))
    assert len(with_seen) == 1 + len(next_steps.find(make_report(split="all")))


def test_images_with_two_labels_are_something_to_do():
    assert "inspect_data" in steps_of(make_report(label_conflicts=2))
    assert "inspect_data" not in steps_of(make_report())


def test_advice_on_the_training_images_is_among_the_steps():
    assert "Train with --class_weights=balanced." in next_steps.find(
        make_report(advice=["Train with --class_weights=balanced."])
    )


def test_few_images_without_a_test_split_ask_for_a_test_split_and_nothing_twice():
    (step,) = next_steps.find(make_report([[4, 0], [0, 4]], split="validation"))
    assert "100" in step


def test_a_head_that_was_solved_is_not_told_to_train_less():
    steps = steps_of(make_report(baselines=probe("worse"), choice={"tried": [], "folds": 5}))
    assert "Train less" not in steps


@pytest.mark.parametrize(("more_will_help", "words"), [(True, "Collect more photos"), (False, "will hardly help")])
def test_what_more_photos_would_bring_is_told(more_will_help, words):
    curve: dict[str, Any] = {"forecast_images": 1000, "forecast": 0.921, "low": 0.908, "high": 0.933, "present": 0.9}
    curve |= {"images": [40, 400], "accuracy": [0.8, 0.89], "accuracy_error": [0.02, 0.01], "class_gains": [0.01, 0.04]}
    report = make_report(learning_curve={**curve, "more_will_help": more_will_help})
    steps = steps_of(report)
    assert words in steps
    assert (f"“{report.class_names[1]}” (+4.0 points)" in steps) == more_will_help
    assert "92.1% (90.8% to 93.3%)" in steps
