"""Every format and variant of an image file that is accepted, against Pillow: here, and in an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import image_variants
from keras_transfer.images import resizing
from keras_transfer.saved_model import reader, writer
from keras_transfer.settings.config import ImageConfig
from small_export import SIDE, make_export_spec

IMAGE = ImageConfig(image_size=SIDE, resize_mode="squash")
LARGEST_DIFFERENCE = 2.0  # of 255 levels, on average; what we see is below 0.5
RANDOM_FILES, RANDOM_PARTS = 300, 10


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _ours(encoded: tf.Tensor) -> tf.Tensor:
    return resizing.clean_view(encoded, image=IMAGE, max_pixels=1_000_000)


@tf.function(input_signature=[tf.TensorSpec((None, None, 3), tf.uint8)], autograph=False)
def _resized(pixels: tf.Tensor) -> tf.Tensor:
    return resizing.resize(pixels, image=IMAGE)


def difference(name: str, seed: int, height: int, width: int) -> float:
    encoded, expected = image_variants.make(name, seed, height, width)
    return float(np.abs(_ours(tf.constant(encoded)).numpy() - _resized(expected).numpy()).mean())


@pytest.mark.parametrize("name", image_variants.ACCEPTED)
def test_a_variant_is_decoded_as_pillow_decodes_it(name):
    assert difference(name, seed=1, height=37, width=45) < LARGEST_DIFFERENCE


@pytest.mark.parametrize("part", range(RANDOM_PARTS))
def test_random_files_of_all_variants_are_decoded_as_pillow_decodes_them(part):
    rng = np.random.default_rng(part)
    names = rng.choice(list(image_variants.ACCEPTED), RANDOM_FILES // RANDOM_PARTS)
    files = [(str(name), int(rng.integers(10**6)), *rng.integers(1, 90, 2).tolist()) for name in names]
    found = {file: difference(*file) for file in files}
    assert {file: value for file, value in found.items() if value >= LARGEST_DIFFERENCE} == {}


def test_an_export_decodes_every_variant_as_pillow_does(tmp_path: Path):
    with writer.staging(make_export_spec(image=IMAGE), folder=tmp_path / "cars", version=1):
        pass
    signatures = reader.read(tmp_path / "cars" / "1").loaded.signatures
    made = [image_variants.make(name, 1, 37, 45) for name in image_variants.ACCEPTED]
    answers = signatures["serving_default"](image_bytes=tf.constant([encoded for encoded, _ in made]))
    expected = [signatures["image_tensor"](images=tf.constant(pixels[np.newaxis])) for _, pixels in made]
    right = np.concatenate([each["probabilities"] for each in expected])
    differences = np.abs(answers["probabilities"] - right).max(axis=1)
    wrong = {name: value for name, value in zip(image_variants.ACCEPTED, differences, strict=True) if value > 0.02}
    assert wrong == {}
