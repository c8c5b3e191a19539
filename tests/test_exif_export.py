"""With --apply_exif an export turns photos as training does; the feature bank keeps turned and unturned ones apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.feature_bank.recipe import Recipe
from keras_transfer.saved_model import signatures
from keras_transfer.settings.config import ImageConfig, ViewsConfig
from planted_faults import encoded
from small_export import make_export_spec
from small_pictures import picture

UPRIGHT = picture(0, 96, 64)


def embedding(folder: Path, content: bytes, *, apply_exif: bool) -> np.ndarray:
    image = ImageConfig(image_size=32, resize_mode="squash", apply_exif=apply_exif)
    module, functions = signatures.build_module(make_export_spec(image=image))
    tf.saved_model.save(module, str(folder), signatures=functions)
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"](image_bytes=tf.constant([content]))
    return np.asarray(answer["probabilities"][0])


@pytest.mark.parametrize("apply_exif", [True, False])
def test_an_export_turns_a_photo_that_lies_on_its_side_only_where_training_did(tmp_path, apply_exif):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its left side: turned a quarter to the right, the photo stands upright
    lying = encoded(UPRIGHT.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)
    of_lying = embedding(tmp_path / "lying", lying, apply_exif=apply_exif)
    of_upright = embedding(tmp_path / "upright", encoded(UPRIGHT, "JPEG", quality=95), apply_exif=apply_exif)
    assert (np.abs(of_lying - of_upright).max() < 0.02) == apply_exif


def test_the_bank_keeps_turned_photos_in_another_column():
    def name(image: ImageConfig) -> str:
        return Recipe("part", "cut", (4,), "float32", image, ViewsConfig(), 0).key(0)

    plain = ImageConfig()
    assert name(plain) != name(dataclasses.replace(plain, apply_exif=True))
