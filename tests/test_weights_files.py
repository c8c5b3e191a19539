"""Tests of keras_transfer.model.weights_files: what is told of a file before TensorFlow is imported."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from keras_transfer.errors import UserError
from keras_transfer.model import bases, weights_files
from keras_transfer.settings.backbones import BACKBONES, BACKBONES_WITH_TOP, Backbone

# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
BOTH: Mapping[str, Mapping[str, Backbone]] = {
    "without top": BACKBONES,
    "with top": BACKBONES_WITH_TOP,
}


@pytest.mark.parametrize(("top", "name"), [(top, name) for top, table in BOTH.items() for name in table])
def test_the_table_holds_the_values_and_a_kernel_of_each_network(top, name):
    backbone = BOTH[top][name]
    with keras.StatelessScope():  # so that no values are made for 140 million weights
        network = bases.build_network(backbone, image_size=bases.IMAGENET_IMAGE_SIZE)
    assert network.count_params() == backbone.weights_file.value_count
    assert backbone.weights_file.kernel_shape in [tuple(weight.shape) for weight in network.weights]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[str, Path]:
    """Weights of two small networks in Keras's two formats, and of a narrower one."""
    folder = tmp_path_factory.mktemp("weights")
    files = {}
    for name in ("mobilenetv2", "mobilenetv3small"):
        network = bases.build_network(BACKBONES[name], image_size=32)
        files[f"{name}.weights.h5"] = folder / f"{name}.weights.h5"
        network.save_weights(files[f"{name}.weights.h5"])
        files[f"{name}.keras"] = folder / f"{name}.keras"
        network.save(files[f"{name}.keras"])
    narrow = bases.build_network(BACKBONES["mobilenetv2"], image_size=32, alpha=0.35)
    files["narrow.weights.h5"] = folder / "narrow.weights.h5"
    narrow.save_weights(files["narrow.weights.h5"])
    return files


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv3small"])
def test_a_file_of_the_network_is_taken(saved, name, ending):
    weights_files.check(str(saved[name + ending]), backbone=name)


@pytest.mark.parametrize(
    ("file", "backbone"),
    [
        ("mobilenetv2.weights.h5", "vgg16"),  # smaller
        ("mobilenetv2.weights.h5", "mobilenetv3small"),  # larger
        ("mobilenetv2.keras", "mobilenetv3small"),
        ("mobilenetv3small.weights.h5", "mobilenetv2"),
        ("narrow.weights.h5", "mobilenetv2"),
    ],
)
def test_a_file_of_another_network_is_refused_by_both_names(saved, file, backbone):
    with pytest.raises(UserError) as refused:
        weights_files.check(str(saved[file]), backbone=backbone)
    assert f"does not fit {backbone}" in str(refused.value)
    assert str(saved[file]) in str(refused.value)


def test_a_head_on_a_dense_layer_of_imagenet_s_needs_the_file_with_the_top(saved):
    with pytest.raises(UserError, match="vgg16 with top"):
        weights_files.check(str(saved["mobilenetv2.weights.h5"]), backbone="vgg16", feature_layers=["fc2"])


@pytest.mark.parametrize("name", ["mobilenetv2.weights.h5", "mobilenetv2.keras"])
def test_a_file_cut_short_is_called_damaged(saved, name, tmp_path):
    content = saved[name].read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        weights_files.check(str(tmp_path / name), backbone="mobilenetv2")


def test_an_archive_without_weights_is_called_damaged(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(UserError, match="damaged"):
        weights_files.check(str(tmp_path / "a.keras"), backbone="mobilenetv2")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.weights.h5", None, "There is no weights file"),
        ("folder.h5", "folder", "There is no weights file"),
        ("empty.weights.h5", b"", "is empty"),
        ("page.h5", b"<html>not found</html>", "not HDF5"),
        ("lfs.h5", b"version https://git-lfs.github.com/spec/v1\n", "not HDF5"),
        ("text.keras", b"no archive", "not a .keras archive"),
        ("torch.pt", b"no weights", "unknown ending"),
    ],
)
def test_what_is_no_weights_file_is_refused_by_its_path(tmp_path, name, content, words):
    if content == "folder":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as refused:
        weights_files.check(str(tmp_path / name), backbone="vgg16")
    assert words in str(refused.value)
    assert str(tmp_path / name) in str(refused.value)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_imagenet_weights_that_are_not_there_are_refused_with_what_was_not_given(cache):
    with pytest.raises(UserError) as refused:
        weights_files.check("imagenet", backbone="vgg16")
    for words in (str(cache), BACKBONES["vgg16"].weights_file.name, "--allow_download", "--allow_random_weights"):
        assert words in str(refused.value)


@pytest.mark.parametrize("leave", ["allow_download", "allow_random_weights"])
def test_imagenet_weights_that_are_not_there_pass_where_something_may_take_their_place(cache, leave):
    weights_files.check("imagenet", backbone="vgg16", **{leave: True})


def test_random_weights_need_no_file(cache):
    weights_files.check("random", backbone="vgg16")


def test_a_file_in_the_cache_is_held_to_its_digest(cache, saved, monkeypatch):
    backbone = BACKBONES["mobilenetv3small"]
    file = backbone.weights_file
    shutil.copy(saved["mobilenetv3small.weights.h5"], cache / file.name)
    with pytest.raises(UserError, match="damaged or incomplete"):
        weights_files.check("imagenet", backbone="mobilenetv3small", allow_random_weights=True)
    digest = hashlib.sha256((cache / file.name).read_bytes()).hexdigest()
    monkeypatch.setitem(BACKBONES, backbone.name, replace(backbone, weights_file=replace(file, digest=digest)))
    weights_files.check("imagenet", backbone="mobilenetv3small")
