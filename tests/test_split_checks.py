"""Tests of keras_transfer.inspection.split_checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from keras_transfer.data.examples import Examples
from keras_transfer.inspection import split_checks


def examples(counts: Mapping[str, tuple[int, ...]], groups: tuple[str, ...] = ()) -> Examples:
    """Split -> images of each class."""
    rows = [(split, label) for split, row in counts.items() for label, count in enumerate(row) for _ in range(count)]
    splits, labels = zip(*rows, strict=True)
    names = tuple("abc"[: len(next(iter(counts.values())))])
    paths = tuple(f"{place}.jpg" for place in range(len(rows)))
    return Examples(names, paths, np.array(labels, np.int32), splits, groups or ("",) * len(rows))


@pytest.mark.parametrize(
    ("counts", "kinds"),
    [
        ({"train": (50, 50), "test": (1, 1)}, []),
        ({"train": (45, 9), "test": (1, 1)}, ["tiny_class"]),
        ({"train": (50, 10), "test": (1, 1)}, []),
        ({"train": (51, 10), "test": (1, 1)}, ["imbalance"]),
        ({"": (91, 9)}, ["tiny_class", "imbalance"]),
        ({"": (5,)}, []),
    ],
)
def test_classes_that_are_tiny_or_rare_in_training_are_found(counts, kinds):
    assert [item.kind for item in split_checks.check_classes(examples(counts))] == kinds


def test_a_group_in_two_splits_is_found_with_its_files():
    groups = ("x", "y", "", "x", "y", "")
    found = split_checks.check_groups(examples({"train": (3, 0), "test": (1, 0), "validation": (2, 0)}, groups))
    assert [(item.kind, item.files) for item in found] == [
        ("group_split_apart", ("0.jpg", "3.jpg")),
        ("group_split_apart", ("1.jpg", "4.jpg")),
    ]
    assert "in train and test" in found[0].why
    assert "in train and validation" in found[1].why


def test_groups_without_splits_are_not_split_apart():
    assert split_checks.check_groups(examples({"": (2, 2)}, ("x", "x", "x", "x"))) == []


def test_other_shares_of_classes_are_found_with_scipy_s_p_value():
    (found,) = split_checks.check_balance(examples({"train": (80, 20), "validation": (40, 10), "test": (20, 30)}))
    expected = stats.chi2_contingency([[80, 20], [20, 30]]).pvalue
    assert found.kind == "class_balance"
    assert "in test than in train" in found.why
    assert f"p = {expected:.1g}" in found.why


@pytest.mark.parametrize("test", [(40, 10), (3, 3), (5, 0)])
def test_the_same_shares_and_too_few_images_are_no_finding(test):
    assert split_checks.check_balance(examples({"train": (80, 20), "test": test})) == []


def test_a_class_without_images_in_either_split_does_no_harm():
    assert split_checks.check_balance(examples({"train": (80, 20, 0), "test": (40, 10, 0)})) == []


def test_a_split_from_elsewhere_is_told_apart_and_one_of_the_same_kind_is_not():
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (300, 8)).astype(np.float32)
    features[200:, 0] += 2  # the test
    drifts = split_checks.measure_drift(
        features, examples({"train": (50, 50), "validation": (50, 50), "test": (50, 50)})
    )
    assert [item.split for item in drifts] == ["validation", "test"]
    assert 0.35 < drifts[0].area < 0.65
    # Two normal distributions 2 apart: the area is the normal distribution function at 2 / sqrt(2).
    assert drifts[1].area == pytest.approx(stats.norm.cdf(2 / np.sqrt(2)), abs=0.05)
    (found,) = split_checks.drift_findings(drifts)
    assert "tells test from train" in found.why
    assert split_checks.describe(drifts)[1] == {
        "split": "test",
        "area_under_roc": drifts[1].area,
        "p_value": drifts[1].p_value,
    }


def test_a_split_of_few_images_is_not_judged():
    assert split_checks.measure_drift(np.zeros((14, 2), np.float32), examples({"train": (5, 5), "test": (2, 2)})) == []


def test_large_splits_are_judged_on_a_part(monkeypatch):
    monkeypatch.setattr(split_checks, "_MOST_EXAMPLES", 20)
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (400, 4)).astype(np.float32)
    features[200:, 0] += 9
    (drift,) = split_checks.measure_drift(features, examples({"train": (100, 100), "test": (100, 100)}))
    assert drift.area == 1
    assert drift.p_value == pytest.approx(
        stats.mannwhitneyu(np.arange(20) + 20, np.arange(20), alternative="greater").pvalue, rel=0.5
    )
