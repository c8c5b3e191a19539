"""Tests of benchmarks/hostile_images.py: a small attack on a small export, and what it would call a fault."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.images import decoding

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def hostile() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import hostile_images

        yield hostile_images


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def _decode(encoded: tf.Tensor) -> tf.Tensor:
    return decoding.decode(encoded, max_pixels=50_000_000)


@pytest.mark.slow
def test_100_hostile_images_harm_nobody():
    command = [sys.executable, str(BENCHMARKS / "hostile_images.py"), "--images=100", "--max_memory_mib=512"]
    ended = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert (result["images"], result["faults"]) == (100, [])
    assert result["good"] > 0


def test_every_seed_is_a_good_image(hostile):
    seeds = hostile.seeds(np.random.default_rng(0))
    for content in seeds.values():
        assert Image.open(io.BytesIO(content)).size == (320, 240)
    assert list(seeds)[-1] == "animated webp"


@pytest.mark.parametrize(
    "kind", ["jpeg", "png", "gif screen", "gif frame", "bmp", "bmp top-down", "webp", "lossless webp", "extended webp"]
)
def test_a_bomb_of_each_format_is_refused_for_its_size(hostile, kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        _decode(tf.constant(hostile.bombs()[kind]))


def test_what_a_gif_declares_behind_its_first_frame_costs_nothing(hostile):
    assert _decode(tf.constant(hostile.bombs()["gif later frames"])).shape == (240, 320, 3)


def test_the_same_seed_sends_the_same_images_and_every_kind_comes(hostile):
    first, second = (list(hostile.hostile_images(25, seed=3)) for _ in range(2))
    assert first == second
    assert {kind for kind, _ in first} == {"truncated", "flipped", "flipped header", "shuffled", "bomb"}


def test_an_attack_that_goes_well_has_no_faults(hostile):
    outcome = hostile.Outcome(Counter({("bomb", "INVALID_ARGUMENT"): 3, ("flipped", "result"): 2}), Counter(right=9))
    assert outcome.faults(max_memory_bytes=0) == []


@pytest.mark.parametrize(
    ("hostile_answers", "good_answers", "memory", "fault"),
    [
        ({("bomb", "InternalError: x"): 1}, {"right": 1}, 0, "1 bomb: InternalError: x"),
        ({}, {"right": 1, "wrong": 2}, 0, "2 good requests: wrong"),
        ({}, {"right": 1, "INVALID_ARGUMENT": 1}, 0, "1 good requests: INVALID_ARGUMENT"),
        ({}, {}, 0, "No good request was answered."),
        ({}, {"right": 1}, 2**21 + 1, "Memory grew by 2 MiB."),
    ],
)
def test_what_must_not_happen_is_a_fault(hostile, hostile_answers, good_answers, memory, fault):
    outcome = hostile.Outcome(Counter(hostile_answers), Counter(good_answers), 0.0, memory)
    assert outcome.faults(max_memory_bytes=2**21) == [fault]
