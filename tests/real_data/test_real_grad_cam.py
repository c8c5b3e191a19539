"""Grad-CAM of a trained classifier looks at the vehicle: measured with the drawings' own masks.

At 320 pixels the maps have 10 x 10 places. At 224 they have 7 x 7, so coarse that the heat of a vehicle's edge spills
over it; docs/measurements.md has the metrics of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from keras_transfer.drawn_vehicles import drawing
from keras_transfer.images.resizing import resize
from keras_transfer.model import classifier as classifiers
from keras_transfer.model import grad_cam
from keras_transfer.settings.config import ImageConfig, TrainConfig, from_flat
from keras_transfer.train import train

SHARED = Path(__file__).parents[3] / "shared"
WEIGHTS = SHARED / "weights" / "mobilenet_v2_1.0_224_notop.weights.h5"
FIRST_SEED, A_CLASS = 10**6, 12  # drawings that no training set holds
IMAGE = ImageConfig(image_size=320)


def prepared(values: NDArray[Any]) -> NDArray[np.float32]:
    """What the classifier's resizing makes of an image, shape (height, width, 3)."""
    return np.asarray(resize(tf.constant(values), image=IMAGE))


def share_on_vehicle(heat: NDArray[np.float32], mask: NDArray[np.float32]) -> float:
    """The part of the heat that lies on the vehicle."""
    wide = np.asarray(Image.fromarray(heat).resize(mask.shape[::-1], Image.Resampling.BILINEAR))
    return float((wide * mask).sum() / wide.sum())


@pytest.mark.slow
def test_most_of_the_heat_of_a_trained_classifier_lies_on_the_vehicle(tmp_path):
    if not WEIGHTS.is_file():
        pytest.skip(f"{WEIGHTS} is not on this machine")
    settings = {
        "dataset": "drawn_vehicles",
        "dataset_dir": str(tmp_path / "data"),
        "drawn_images_per_class": 100,
        "image_size": IMAGE.image_size,
        "backbone": "mobilenetv2",
        "weights": str(WEIGHTS),
        "augmented_views": 1,
        "feature_cache_dir": str(tmp_path / "cache"),
        "run_dir": str(tmp_path / "run"),
    }
    config = from_flat(TrainConfig, settings)
    assert train(config) is not None
    classifier = classifiers.build(config.model, class_count=5, image_size=IMAGE.image_size, seed=0)
    classifier.model.load_weights(tmp_path / "run" / "classifier.keras")
    names = [name for name in drawing.CLASS_NAMES for _ in range(A_CLASS)]
    drawings = [drawing.draw(name, seed=FIRST_SEED + number) for number, name in enumerate(names)]
    images = np.stack([prepared(drawing.image) for drawing in drawings])
    masks = [prepared(np.repeat(drawing.mask[..., None], 3, axis=2).astype(np.float32))[..., 0] for drawing in drawings]

    heat = grad_cam.heat_maps(classifier, images, classifier.model.predict(images, verbose=0).argmax(axis=1))

    assert heat is not None
    shares = [share_on_vehicle(each, mask) for each, mask in zip(heat, masks, strict=True) if each.any()]
    areas = [mask.mean() for mask in masks]
    print(f"on the vehicle: {np.mean(shares):.3f} of the heat, {np.mean(areas):.3f} of the image")
    assert len(shares) >= 0.9 * len(drawings)
    assert np.mean(shares) > 0.5  # most of it
    assert np.mean(shares) > np.mean(areas) + 0.1  # and not because vehicles are large
