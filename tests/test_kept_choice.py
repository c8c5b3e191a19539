"""Tests of keras_transfer.training.kept_choice."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_transfer.model.classifier import Tap
from keras_transfer.training import choice, kept_choice
from keras_transfer.training.choice import Choice
from keras_transfer.training.learning_curve import LearningCurve
from keras_transfer.training.training_images import TrainingImages

TAPS = (Tap("high", "avg", 4, "avg_high"), Tap("high", "max", 4, "max_high"))


def images(count: int = 60, *, seed: int = 0) -> TrainingImages:
    """One feature tells the class, with mistakes."""
    label_ids = np.arange(count) % 2
    features = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    features[:, 0] += 2 * label_ids
    return TrainingImages([features], label_ids, np.arange(count), np.ones(2, np.float32), 0.0)


def choose(path: Path, given: TrainingImages, *, seed: int = 0) -> tuple[Choice, LearningCurve | None]:
    return kept_choice.choose(given, TAPS, path, seed=seed, total=len(given.label_ids))


def plain(found: tuple[Choice, LearningCurve | None]) -> dict[str, Any]:
    """All of it, arrays as lists, so that two can be compared; NaN as a word, because it is never equal."""
    fields = {**dataclasses.asdict(found[0]), "curve": found[1]}
    return {name: value.tolist() if isinstance(value, np.ndarray) else repr(value) for name, value in fields.items()}


@pytest.mark.parametrize("count", [60, 2])  # with 2 there is no cross-validation
def test_it_is_made_once_and_then_read_bit_for_bit(tmp_path, monkeypatch, count):
    path = tmp_path / "checkpoints" / "choice.npz"
    first = choose(path, images(count))
    assert (first[1] is None) is (count == 2)
    monkeypatch.setattr(choice, "choose", lambda *_, **__: pytest.fail("it was chosen again"))
    again = choose(path, images(count))
    assert plain(again) == plain(first)
    assert again[0].logits.dtype == first[0].logits.dtype


@pytest.mark.parametrize("change", [{"given": images(seed=1)}, {"given": images(), "seed": 1}])
def test_that_of_other_images_or_another_seed_is_made_anew(tmp_path, capsys, change):
    path = tmp_path / "choice.npz"
    choose(path, images())
    found = {**plain(choose(path, **change)), "seconds": 0}
    assert found == {**plain(choose(tmp_path / "new.npz", **change)), "seconds": 0}
    assert "left aside" in capsys.readouterr().err
