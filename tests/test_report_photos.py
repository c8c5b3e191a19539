"""Tests of keras_transfer.pipelines.report_photos."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_transfer.evaluation.galleries import Classified
from keras_transfer.model import classifier as classifiers
from keras_transfer.pipelines import report_photos
from keras_transfer.settings.config import ImageConfig, ModelConfig

COLOURS = [(220, 50, 40), (40, 60, 220), (230, 60, 50), (50, 70, 230)]
IMAGE = ImageConfig(image_size=64)


@pytest.fixture(name="images")
def fixture_images(tmp_path: Path) -> Classified:
    """Two red photos and two blue ones, the first and the last right; green frames that the crop takes away."""
    for number, colour in enumerate(COLOURS):
        picture = Image.new("RGB", (300, 200), (0, 255, 0))
        picture.paste(colour, (55, 5, 245, 195))
        picture.save(tmp_path / f"{number}.png")
    probabilities = np.array([[0.1, 0.9], [0.3, 0.7], [0.8, 0.2], [0.6, 0.4]], np.float32)
    paths = [str(tmp_path / f"{number}.png") for number in range(4)]
    return Classified(paths, np.array([1, 0, 1, 0]), probabilities, ("blue", "red"))


def shown(data: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))), float)


def galleries_of(images: Classified, *, backbone: str = ""):
    classifier = None
    if backbone:
        config = ModelConfig(backbone=backbone, weights="random")
        classifier = classifiers.build(config, class_count=2, image_size=64, seed=0)
    made = report_photos.make_galleries(images, image=IMAGE, max_pixels=10**6, classifier=classifier)
    return {gallery.title: gallery for gallery in made}


def test_pictures_show_what_the_classifier_sees(images):
    made = galleries_of(images)
    assert list(made) == ["Most confident mistakes", "Least certain", "Examples of each class"]
    (first, second) = made["Most confident mistakes"].photos
    assert first.caption == "red, taken for blue, 80% sure"
    assert second.caption == "blue, taken for red, 70% sure"
    pixels = shown(first.data)
    assert pixels.shape == (240, 240, 3)  # large enough to judge the label, though the network sees 64 pixels
    np.testing.assert_allclose(pixels.mean(axis=(0, 1)), COLOURS[2], atol=4)  # no green: the middle of the crop


def test_with_the_classifier_at_hand_heat_stands_beside_the_picture(images):
    made = galleries_of(images, backbone="mobilenet")
    assert list(made)[2] == "Where it looks"
    photos = made["Where it looks"].photos
    assert [photo.file.rpartition("/")[2] for photo in photos][:2] == ["2.png", "1.png"]  # mistakes first
    assert len(photos) == 4
    pixels = shown(photos[0].data)
    assert pixels.shape == (64, 128, 3)
    np.testing.assert_allclose(pixels[:, :62].mean(axis=(0, 1)), COLOURS[2], atol=5)
    assert np.abs(pixels[:, 66:].mean(axis=(0, 1)) - COLOURS[2]).max() > 30


def test_a_file_that_is_gone_or_changed_is_not_shown_and_nothing_breaks(images):
    Path(images.paths[2]).unlink()
    Path(images.paths[0]).write_bytes(b"no image")
    made = galleries_of(images, backbone="mobilenet")
    assert {photo.file.rpartition("/")[2] for gallery in made.values() for photo in gallery.photos} == {
        "1.png",
        "3.png",
    }


def test_without_a_readable_file_there_are_no_galleries(images):
    for path in images.paths:
        Path(path).unlink()
    assert galleries_of(images, backbone="mobilenet") == {}
