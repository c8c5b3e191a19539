"""Tests of keras_transfer.training.plan."""

from __future__ import annotations

import contextlib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import disk_space, filling
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import fine_tuning, phases, plan
from keras_transfer.training.plan import Plan
from small_training import TRAIN, VALIDATION, make_classifier, make_config, make_examples

# VGG16 at 32 pixels, by hand: output positions x kernel sizes of its 13 convolutions.
CONVOLUTIONS = (
    (32**2, 3 * 3 * 3 * 64),
    (32**2, 3 * 3 * 64 * 64),
    (16**2, 3 * 3 * 64 * 128),
    (16**2, 3 * 3 * 128 * 128),
    (8**2, 3 * 3 * 128 * 256),
    (8**2, 3 * 3 * 256 * 256),
    (8**2, 3 * 3 * 256 * 256),
    (4**2, 3 * 3 * 256 * 512),
    (4**2, 3 * 3 * 512 * 512),
    (4**2, 3 * 3 * 512 * 512),
    (2**2, 3 * 3 * 512 * 512),
    (2**2, 3 * 3 * 512 * 512),
    (2**2, 3 * 3 * 512 * 512),
)
BASE = sum(positions * size for positions, size in CONVOLUTIONS)
BLOCK5 = sum(positions * size for positions, size in CONVOLUTIONS[-3:])
HEAD = 512 * 2


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return make_examples(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The one of every configuration here. Planning and filling a bank leave it as it is."""
    return make_classifier(make_config(tmp_path_factory.mktemp("unused")))


@pytest.fixture
def make(classifier: Classifier, examples: Examples) -> Callable[[TrainConfig], Plan]:
    """A function that plans training on the examples."""
    return lambda config: plan.make(classifier, phases.plan(classifier, config.training), examples, config=config)


def test_the_cost_of_the_head_phase_is_counted_by_hand(make, tmp_path):
    planned = make(make_config(tmp_path, augmented_views=2, head_epochs=5))
    views = TRAIN * 3 + VALIDATION
    head_work = 5 * (TRAIN * 3 + VALIDATION) * HEAD  # a training step is three passes, a validation step one
    assert planned.bank is not None
    assert planned.bank.frozen_images == views
    assert planned.bank.multiply_accumulates == views * BASE + head_work
    assert planned.online.frozen_images == 5 * (TRAIN + VALIDATION)
    assert planned.online.multiply_accumulates == 5 * (TRAIN + VALIDATION) * BASE + head_work
    assert planned.bank_bytes == views * 512 * 2
    assert planned.bank.seconds > 0


def test_two_phases_share_one_pass_through_the_frozen_part(make, tmp_path):
    planned = make(make_config(tmp_path, augmented_views=0, head_epochs=2, fine_tune_epochs=3))
    images = TRAIN + VALIDATION
    passes = TRAIN * 3 + VALIDATION
    trained = 2 * passes * HEAD + 3 * passes * (BLOCK5 + HEAD)
    assert planned.bank is not None
    assert planned.bank.multiply_accumulates == images * BASE + trained
    assert planned.online.multiply_accumulates == 2 * images * BASE + 3 * images * (BASE - BLOCK5) + trained
    assert planned.bank_bytes == images * (512 + 2 * 2 * 512) * 2


@pytest.mark.parametrize(
    ("values", "uses_bank"),
    [
        ({"augmented_views": 0, "head_epochs": 5}, True),
        ({"augmented_views": 9, "head_epochs": 2}, False),
        ({"augmented_views": 9, "head_epochs": 2, "feature_cache": "on"}, True),
        ({"augmented_views": 0, "head_epochs": 5, "feature_cache": "off"}, False),
        ({"augmented_views": 0, "head_epochs": 5, "feature_cache_max_bytes": 100}, False),
    ],
)
def test_auto_takes_what_is_cheaper_and_fits(make, tmp_path, values, uses_bank):
    assert make(make_config(tmp_path, **values)).uses_bank is uses_bank


@pytest.mark.parametrize("feature_cache", ["auto", "on"])
def test_records_in_use_count_towards_the_limit_before_any_work(make, classifier, tmp_path, feature_cache):
    """The clean views are stored, and the augmented ones fit only without them."""
    stored = make_config(tmp_path, augmented_views=0)
    with_clean = make(stored)
    filling.fill(classifier, with_clean.banks, with_clean.missing, config=stored)
    with_clean.close()
    limit = {"head_epochs": 5, "augmented_views": 1, "feature_cache_max_bytes": TRAIN * 512 * 2 + 1000}
    config = make_config(tmp_path, feature_cache=feature_cache, **limit)
    if feature_cache == "on":
        with pytest.raises(UserError, match="--feature_cache_max_bytes"):
            make(config)
    else:
        planned = make(config)
        assert not planned.uses_bank
        assert "in use" in planned.reason


def test_switched_off_the_bank_needs_no_folder_and_opens_none(make, tmp_path, monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    planned = make(make_config(tmp_path, feature_cache="off", feature_cache_dir=""))
    assert not planned.uses_bank
    assert planned.banks == ()
    assert planned.online.seconds > 0
    assert dict(plan.rows(planned))["without it"]


def test_a_disk_without_room_turns_the_bank_off(make, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda folder: usage(100, 40, 60))
    planned = make(make_config(tmp_path, head_epochs=5))
    assert not planned.uses_bank
    assert "60 free" in planned.reason
    with pytest.raises(UserError, match="60 free"):
        make(make_config(tmp_path, head_epochs=5, feature_cache="on"))


def test_what_is_stored_already_does_not_change_the_choice_and_so_the_arithmetic(make, classifier, tmp_path):
    """Two epochs over ten views: cheaper without the bank, as long as it is empty."""
    choices = {}
    for feature_cache in ("auto", "on", "auto again"):
        config = make_config(tmp_path, augmented_views=9, head_epochs=2, feature_cache=feature_cache.split()[0])
        planned = make(config)
        choices[feature_cache] = (planned.uses_bank, planned.precision)
        if planned.uses_bank:
            filling.fill(classifier, planned.banks, planned.missing, config=config)
        planned.close()
    assert choices["auto"] == choices["auto again"] == (False, "float32")


def test_a_filled_bank_costs_nothing_more(make, classifier, tmp_path):
    config = make_config(tmp_path)
    first = make(config)
    filling.fill(classifier, first.banks, first.missing, config=config)
    second = make(config)
    assert second.missing == ()
    assert second.bank is not None
    assert (second.bank.frozen_images, second.bank_bytes) == (0, 0)
    assert second.stored_bytes > first.bank_bytes


def test_planning_writes_nothing(make, tmp_path):
    make(make_config(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_rows_name_images_work_seconds_and_bytes(make, tmp_path):
    text = " ".join(" ".join(row) for row in plan.rows(make(make_config(tmp_path))))
    for word in ("frozen passes", "GMAC", "about", "bytes to write", str(Path(tmp_path / "cache"))):
        assert word in text


def test_the_plan_tells_what_fine_tuning_takes_where_the_head_is_chosen(classifier, examples, tmp_path):
    config = make_config(tmp_path, fine_tune="on")
    solved = phases.plan(classifier, config.training, is_solved=True)
    tuned = (*solved, fine_tuning.phase(classifier, config.training))
    for planned, expected in ((solved, False), (tuned, True)):
        with contextlib.closing(plan.make(classifier, planned, examples, config=config)) as made:
            assert (made.fine_tune_seconds is not None) == expected
            assert any("minutes" in text for _, text in plan.rows(made)) == expected
