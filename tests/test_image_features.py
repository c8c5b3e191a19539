"""Tests of keras_transfer.feature_bank.image_features, against the activations of Keras's own model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from keras_transfer.errors import ConfigError, UserError
from keras_transfer.feature_bank import features
from keras_transfer.feature_bank.image_features import FeatureBank
from keras_transfer.model import random_weights
from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import ImageConfig
from small_pictures import picture
from small_training import make_config

# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SIDE = 32
CUT = "block_13_expand_relu"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """With random weights whose activations neither vanish nor grow, as those of Keras would."""
    network = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    network.set_weights(random_weights.draw(BACKBONES["mobilenetv2"], image_size=SIDE))
    return network


@pytest.fixture(scope="module")
def weights(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.weights.h5"
    network.save_weights(path)
    return Path(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Photos of the network's size, so that nothing is resized."""
    paths = [tmp_path_factory.mktemp("photos") / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        picture(number, SIDE, SIDE).save(path)
    return paths


@pytest.fixture(scope="module")
def opened(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureBank]:
    """An empty bank, for tests that store nothing."""
    with open_bank(tmp_path_factory.mktemp("cache"), weights, cut=CUT) as bank:
        yield bank
        assert not list(bank._bank.folder.rglob("*.records"))


def open_bank(folder: Path, weights: Path, **settings: Any) -> FeatureBank:
    fixed = {"image_size": SIDE, "resize_mode": "squash", "precision": "float32"}
    values = {"backbone": "mobilenetv2", "weights": str(weights), "feature_cache_dir": str(folder), **fixed, **settings}
    return FeatureBank.open(**values)


@pytest.mark.parametrize(
    ("cut", "precision", "tolerance"),
    [
        ("", "float32", 1e-3),
        (CUT, "float32", 1e-3),
        pytest.param(CUT, "float16", 0.02, marks=pytest.mark.slow),
        (CUT, "bfloat16", 0.15),
    ],
)
def test_the_features_are_the_activations_of_keras_s_own_model(
    network, weights, photos, tmp_path, cut, precision, tolerance
):
    """To the rounding of the arithmetic, which grows from layer to layer."""
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB"), np.float32) for path in photos])
    output = network.get_layer(cut or "out_relu").output
    expected = keras.Model(network.input, output)(keras.applications.mobilenet_v2.preprocess_input(pixels)).numpy()
    if not cut:
        expected = expected.mean(axis=(1, 2))
    with open_bank(tmp_path, weights, cut=cut, precision=precision) as bank:
        found = bank.features(photos)
        assert (bank.shape, bank.precision) == (expected.shape[1:], precision)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert 0.1 < expected.max() < 100
    assert np.linalg.norm(found - expected) < tolerance * np.linalg.norm(expected)


def test_what_was_computed_once_is_read_in_any_order_and_only_the_rest_is_computed(
    weights, photos, tmp_path, monkeypatch
):
    with open_bank(tmp_path, weights) as bank:
        first = bank.features(photos[:2])
    with open_bank(tmp_path, weights) as bank, monkeypatch.context() as patched:
        patched.setattr(features, "make_frozen_function", lambda *_, **__: pytest.fail("computed again"))
        patched.setattr(FeatureBank, "_refuse_unreadable", no_photo)
        again = bank.features([photos[1], str(photos[0]), photos[1]])
    np.testing.assert_array_equal(again, first[[1, 0, 1]])
    with open_bank(tmp_path, weights) as bank:
        np.testing.assert_array_equal(bank.features(photos)[:2], first)


def no_photo(_: FeatureBank, paths: object) -> None:
    assert not paths


def test_no_photos_give_no_features(opened):
    assert opened.features([]).shape == (0, *opened.shape)


@pytest.mark.slow
def test_a_training_run_finds_what_was_stored_here(photos, tmp_path):
    settings = {"backbone": "mobilenetv2", "weights": "random", "image_size": SIDE, "resize_mode": "squash"}
    with open_bank(tmp_path / "cache", Path("random")) as bank:
        stored = bank.features(photos)
    with FeatureBank(make_config(tmp_path, **settings)) as bank:
        assert bank.cut == "head_pooling"
        np.testing.assert_array_equal(bank.features(photos), stored)
    assert len(list((tmp_path / "cache" / "feature_bank").iterdir())) == 1


@pytest.mark.parametrize("content", [b"dear diary", b"", None], ids=["no image", "empty", "missing"])
def test_a_file_that_is_no_image_is_named_and_nothing_is_stored(opened, photos, tmp_path, content):
    path = tmp_path / "diary.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(path))):
        opened.features([photos[0], path])


@pytest.mark.parametrize("paths", ["a.jpg", Path("a.jpg")])
def test_one_path_is_no_list(opened, paths):
    with pytest.raises(UserError, match=r"\['a.jpg'\]"):
        opened.features(paths)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"backbone": "mobilenetv4"}, ConfigError, "mobilenetv2"),
        ({"image_size": 4}, ConfigError, "--image_size"),
        ({"cut": "block_13_expand_relux"}, UserError, CUT),
        ({"cut": "block_2_expand"}, UserError, "residual"),
        ({"head_epochs": 3}, UserError, "head_epochs"),
        ({"image_sise": 64}, UserError, "image_size"),
        ({"weights": "gone.h5"}, UserError, "gone.h5"),
    ],
)
def test_a_wrong_setting_is_one_error_that_names_it(weights, tmp_path, settings, error, words):
    with pytest.raises(error, match=words):
        open_bank(tmp_path, **{"weights": weights, **settings})


def test_it_shows_what_it_is(opened, weights):
    for word in ("mobilenetv2", str(weights), CUT, str(opened.shape)):
        assert word in repr(opened)


def test_every_setting_of_images_counts():
    fields = set(ImageConfig.__dataclass_fields__)
    assert fields <= set(re.findall(r"\w+", FeatureBank.open.__doc__ or ""))
