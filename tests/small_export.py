"""A tiny classifier for tests of the export: three classes on the lowest block of VGG16, at 32 pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from keras_transfer.model import classifier as classifiers
from keras_transfer.saved_model.signatures import ExportSpec
from keras_transfer.settings.config import ImageConfig, ModelConfig, ServingConfig

CLASS_NAMES = ("blue", "green sea", "red")
SIDE = 32
FEATURE_LAYER = "block1_pool"
# As publishing writes it, with every part that may be missing.
METADATA: dict[str, Any] = {
    "model_name": "cars",
    "version": 3,
    "created": "2026-11-23T18:00:00+00:00",
    "command": "train --model_name=cars",
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"},
    "class_names": ["blue", "green | <sea>", "red"],
    "base": {"backbone": "vgg16", "weights": "imagenet", "weights_sha256": "ab" * 32},
    "temperature": 1.25,
    "data": {"sha256": "cd" * 32, "examples": {"train": 30, "validation": 6, "test": 20}},
    "preprocessing": {"image_size": 224, "resize_mode": "crop", "apply_exif": False, "max_image_pixels": 50000000},
    "serving": {
        "serving_precision": "bfloat16",
        "abstain_below": 0.7,
        "serving_batch_size": 0,
        "serving_batch_timeout_microseconds": 2000,
    },
    "checks": {"stored_parameters": 14716227, "warmup_requests": 5, "parity_files": 8, "parity": 1e-06},
    "precision_change": {"files": 20, "largest_difference": 0.01234, "changed_labels": 1},
    "test": {
        "examples": 20,
        "accuracy": 0.85,
        "macro_f1": 0.8412,
        "log_loss": 0.5,
        "ece": 0.07,
        "per_class": {
            "blue": {"precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 10},
            "green | <sea>": {"precision": 0.8, "recall": 0.9, "f1": 0.84, "support": 10},
            "red": {"precision": None, "recall": None, "f1": None, "support": 0},
        },
    },
    "test_unreadable": 2,
    "comparison": {
        "compared_with": "version 2",
        "seen_in_training": {"train": 3},
        "examples": 20,
        "only_new_right": 7,
        "only_earlier_right": 0,
        "p_value": 0.015625,
        "verdict": "better",
    },
}


def make_export_spec(*, image: ImageConfig | None = None, **serving: Any) -> ExportSpec:
    """A classifier with random weights, standardized over noise, so that each class is the best one for some of it."""
    model_config = ModelConfig(weights="random", feature_layers=(FEATURE_LAYER,))
    model = classifiers.build(model_config, class_count=len(CLASS_NAMES), image_size=SIDE, seed=0).model
    features = ask(keras.Model(model.inputs[0], model.get_layer("head_pooling").output), noise(50))
    standardization = model.get_layer("head_standardization")
    standardization.moving_mean.assign(features.mean(axis=0))
    standardization.moving_variance.assign(features.var(axis=0))
    return ExportSpec(
        model=model,
        class_names=CLASS_NAMES,
        image=image or ImageConfig(image_size=SIDE, resize_mode="squash"),
        max_pixels=1_000_000,
        serving=ServingConfig(**serving),
    )


def noise(count: int, *, height: int = SIDE, width: int = SIDE) -> NDArray[np.uint8]:
    """Photos of noise around a colour of their own: uint8, shape (count, height, width, 3)."""
    rng = np.random.default_rng(count)
    colours = rng.uniform(40, 215, (count, 1, 1, 3))
    return np.clip(rng.normal(colours, 25, (count, height, width, 3)), 0, 255).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG file, which keeps every pixel."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_photos(folder: Path, count: int = 4) -> list[str]:
    """Files of noise, larger than the classifier's images; returns their paths."""
    paths = []
    for number, pixels in enumerate(noise(count, height=40, width=50)):
        path = folder / f"{number}.png"
        path.write_bytes(png(pixels))
        paths.append(str(path))
    return paths


def ask(model: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A Keras model's own answer to photos of its size."""
    return np.asarray(model(tf.constant(pixels, tf.float32), training=False), np.float32)
