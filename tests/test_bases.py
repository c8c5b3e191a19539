"""Tests of keras_transfer.settings.backbones and keras_transfer.model.bases, against `keras.applications`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from keras_transfer.model.bases import build_base, build_network, preprocess
from keras_transfer.settings.backbones import BACKBONES, BACKBONES_WITH_TOP, Backbone

ALL = tuple(BACKBONES.values())
# The module of keras.applications that holds each one's preprocess_input.
MODULES = {
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "resnet50": "resnet",
    "resnet50v2": "resnet_v2",
    "mobilenet": "mobilenet",
    "mobilenetv2": "mobilenet_v2",
    "mobilenetv3small": "mobilenet_v3",
    "mobilenetv3large": "mobilenet_v3",
    "efficientnetb0": "efficientnet",
    "efficientnetv2b0": "efficientnet_v2",
    "densenet121": "densenet",
    "inceptionv3": "inception_v3",
    "xception": "xception",
    "convnexttiny": "convnext",
}


def by_name(backbone: Backbone) -> str:
    return backbone.name + ("-with-top" if backbone.include_top else "")


def pixels(side: int, count: int = 2) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(0, 255, (count, side, side, 3)).astype(np.float32)


@pytest.mark.parametrize("backbone", ALL, ids=by_name)
def test_keras_refuses_an_image_smaller_than_the_configured_smallest(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match=f"at least {backbone.smallest_image_size}x"):
        build_network(backbone, image_size=backbone.smallest_image_size - 1)


@pytest.mark.parametrize("backbone", ALL, ids=by_name)
def test_preprocessing_in_the_graph_equals_that_of_keras(backbone: Backbone) -> None:
    image = keras.Input((5, 5, 3))
    computed = keras.Model(image, preprocess(backbone, image))(pixels(5)).numpy()
    expected = getattr(keras.applications, MODULES[backbone.name]).preprocess_input(pixels(5))
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("backbone", [*ALL, *BACKBONES_WITH_TOP.values()], ids=by_name)
def test_the_weights_file_is_the_one_that_keras_asks_for(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    class AskedError(Exception):
        pass

    def get_file(fname: str, origin: str, *, cache_subdir: str, file_hash: str | None = None) -> None:
        raise AskedError(fname, file_hash, cache_subdir)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(AskedError) as asked:
        build_network(backbone, image_size=224, weights="imagenet")
    assert asked.value.args == (backbone.weights_file.name, backbone.weights_file.digest or None, "models")


@pytest.mark.parametrize("name", ["mobilenetv3small", "inceptionv3", "xception", "densenet121"])
def test_layer_names_do_not_depend_on_what_was_built_before(name: str) -> None:
    first, second = (build_base(BACKBONES[name], image_size=96) for _ in range(2))
    assert [operation.name for operation in first.operations] == [operation.name for operation in second.operations]


def test_numbered_layers_are_counted_within_the_network() -> None:
    base = build_base(BACKBONES["xception"], image_size=96)
    adds = [layer.name for layer in base.layers if isinstance(layer, keras.layers.Add)]
    assert adds == [f"xception_add_{number}" for number in range(1, 13)]


def test_names_that_the_network_gives_are_kept() -> None:
    names = [layer.name for layer in build_base(BACKBONES["vgg16"], image_size=32).layers]
    assert names[-4:] == ["block5_conv1", "block5_conv2", "block5_conv3", "block5_pool"]


def test_dropout_inside_the_base_is_off_so_that_frozen_layers_are_a_fixed_function() -> None:
    base = build_base(BACKBONES["efficientnetb0"], image_size=32)
    rates = [layer.rate for layer in base.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(rates) == 9
    assert set(rates) == {0.0}


def test_the_base_is_flat() -> None:
    base = build_base(BACKBONES["densenet121"], image_size=32)
    assert not any(isinstance(layer, keras.Model) for layer in base.layers)


# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
SAVING_WARNS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def save_and_run(name: str, folder: Path) -> Any:
    base = build_base(BACKBONES[name], image_size=32)
    base.save(folder / f"{name}.keras")
    return base(pixels(32), training=False).numpy()


def run_elsewhere(folder: Path, names: Sequence[str]) -> None:
    program = """
import sys
import keras, numpy as np
for name in sys.argv[1:]:
    model = keras.saving.load_model(f"{name}.keras", safe_mode=True)
    np.save(f"{name}.npy", model(np.load("pixels.npy"), training=False).numpy())
assert not any(name.startswith("keras_transfer") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, *names], cwd=folder, check=True, capture_output=True, timeout=300)


# One of each kind of preprocessing, and ConvNeXt for its layer that is no public one of Keras.
@SAVING_WARNS
@pytest.mark.parametrize(
    "names",
    [
        ("vgg16", "mobilenet", "convnexttiny"),
        pytest.param(("densenet121", "mobilenetv3small"), marks=pytest.mark.slow),
    ],
)
def test_saved_bases_compute_the_same_in_a_process_without_this_package(names: tuple[str, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", pixels(32))
    here = {name: save_and_run(name, tmp_path) for name in names}
    run_elsewhere(tmp_path, names)
    for name in names:
        assert np.ptp(here[name]) > 0
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), here[name], rtol=1e-5, atol=1e-6, err_msg=name)
