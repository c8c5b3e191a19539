"""Weights of the base: what is loaded, and that nothing is half-loaded or fetched without leave."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from keras_transfer.errors import UserError
from keras_transfer.model import random_weights, weights
from keras_transfer.model.bases import (
    IMAGENET_STANDARD_DEVIATION,
    build_network,
)
from keras_transfer.settings.backbones import BACKBONES, BACKBONES_WITH_TOP, Backbone
from keras_transfer.settings.config import ModelConfig

# 2025-11: Keras 3.15 converts variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SMALL = BACKBONES["mobilenetv3small"]


def numbered_network(backbone: Backbone, **arguments: Any) -> keras.Model:
    """The network with every float weight filled with its place, counted from 1."""
    network = build_network(backbone, image_size=64, **arguments)
    for place, weight in enumerate(network.weights, start=1):
        weight.assign(np.full(weight.shape, place).astype(weight.dtype))
    return network


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Saves the numbered network under a name whose ending chooses the format."""
    folder = tmp_path_factory.mktemp("saved")
    network = numbered_network(SMALL)

    def save(name: str) -> Path:
        path = folder / name
        if path.suffix == ".keras":
            network.save(path)
        elif name.endswith(".weights.h5"):
            network.save_weights(path)
        else:
            save_as_keras_2_did(network, path)
        return path

    return save


def save_as_keras_2_did(network: keras.Model, path: Path) -> None:
    """The layout of the files of keras.applications: groups named in the attribute layer_names."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            own = [*layer.trainable_weights, *layer.non_trainable_weights]
            group.attrs["weight_names"] = [f"{place}:0" for place in range(len(own))]
            for place, weight in enumerate(own):
                group[f"{place}:0"] = weight.numpy()


def config(**settings: Any) -> ModelConfig:
    return ModelConfig(backbone="mobilenetv3small", **settings)


def find(backbone: Backbone = SMALL, *, allow_download: bool = False, **settings: Any) -> weights.BaseWeights:
    return weights.find(backbone, config(**settings), image_size=64, allow_download=allow_download)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's folder of weights, empty, on a machine without network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def refuse(*arguments: Any) -> None:
        raise AssertionError("network access")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def failing_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(fname: str, origin: str, **settings: Any) -> None:
        raise Exception(f"URL fetch failure on {origin}: None -- no route to host")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr(weights, "_refuse_silent_server", lambda: None)


@pytest.mark.parametrize("name", ["own.weights.h5", "own.h5", "own.hdf5", "own.keras"])
def test_every_weight_of_a_file_is_loaded_in_its_place(name: str, saved: Callable[[str], Path]) -> None:
    values = find(weights=str(saved(name))).values
    assert [float(value.flat[0]) for value in values] == list(range(1, len(values) + 1))


def test_the_source_is_the_path_that_was_loaded(saved: Callable[[str], Path]) -> None:
    path = str(saved("own.weights.h5"))
    assert find(weights=path).source == path


@pytest.mark.parametrize("name", ["own.weights.h5", "own.h5", "own.keras"])
def test_a_file_of_another_network_is_refused_by_name(name: str, saved: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="does not fit mobilenetv3large without top"):
        weights.read(saved(name), BACKBONES["mobilenetv3large"], image_size=64)


def test_a_refusal_is_one_line_however_many_layers_differ(saved: Callable[[str], Path]) -> None:
    with pytest.raises(UserError) as refused:
        weights.read(saved("own.weights.h5"), BACKBONES["mobilenetv3large"], image_size=64)
    assert "\n" not in str(refused.value)
    assert "nan" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_network_of_another_width_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "narrow.weights.h5"
    build_network(SMALL, image_size=64, alpha=0.5).save_weights(path)
    with pytest.raises(UserError, match="does not fit mobilenetv3small"):
        find(weights=str(path))


def test_a_file_without_a_layer_is_refused(saved: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "less.weights.h5"
    path.write_bytes(saved("own.weights.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file["layers/conv2d_3"]
    with pytest.raises(UserError, match="does not fit mobilenetv3small"):
        find(weights=str(path))


def test_a_file_with_a_value_that_is_no_number_is_refused_with_the_weight_s_name(tmp_path: Path) -> None:
    network = numbered_network(SMALL)
    kernel = network.get_layer("expanded_conv_3_expand").kernel
    kernel.assign(np.where(np.arange(kernel.shape[-1]) == 5, np.inf, kernel.numpy()))
    path = tmp_path / "infinite.weights.h5"
    network.save_weights(path)
    with pytest.raises(UserError, match="no finite values for expanded_conv_3_expand/kernel"):
        find(weights=str(path))


@pytest.mark.parametrize("name", ["own.weights.h5", "own.h5", "own.keras"])
def test_a_file_cut_short_is_called_damaged(name: str, saved: Callable[[str], Path], tmp_path: Path) -> None:
    content = saved(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        find(weights=str(path))


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no weights file .*nowhere\.h5"):
        find(weights=str(tmp_path / "nowhere.h5"))


def test_random_weights_are_those_of_every_run() -> None:
    found = find(weights="random")
    drawn = random_weights.draw(SMALL, image_size=64)
    assert all(np.array_equal(*pair) for pair in zip(found.values, drawn, strict=True))
    assert (found.source, found.note) == ("random", "")


def test_without_leave_nothing_is_downloaded_and_the_error_says_what_to_do(cache: Path) -> None:
    with pytest.raises(UserError) as refused:
        find(weights="imagenet")
    for word in (SMALL.weights_file.name, str(cache), "--allow_download", "--weights=FILE", "--allow_random_weights"):
        assert word in str(refused.value)


def test_random_weights_in_place_of_imagenet_s_come_with_a_loud_note(cache: Path) -> None:
    found = find(weights="imagenet", allow_random_weights=True)
    assert found.source == "random"
    assert found.note.startswith("RANDOM WEIGHTS")
    assert SMALL.weights_file.name in found.note


@pytest.mark.usefixtures("failing_download")
def test_a_failed_download_is_the_user_s_error_with_its_reason(cache: Path) -> None:
    with pytest.raises(UserError, match=r"downloading it failed: URL fetch failure .*no route to host"):
        find(weights="imagenet", allow_download=True)


@pytest.mark.usefixtures("failing_download")
def test_after_a_failed_download_random_weights_are_used_where_allowed(cache: Path) -> None:
    assert find(weights="imagenet", allow_download=True, allow_random_weights=True).source == "random"


@pytest.mark.usefixtures("failing_download")
def test_after_a_failed_download_the_flag_that_was_given_is_not_advised(cache: Path) -> None:
    with pytest.raises(UserError) as refused:
        find(weights="imagenet", allow_download=True)
    assert "--allow_download" not in str(refused.value)
    assert "--allow_random_weights" in str(refused.value)


@contextlib.contextmanager
def server(answer: bytes) -> Iterator[str]:
    """The address of a server that takes one connection, and answers it unless the answer is empty."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        if answer:
            thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        if answer:
            thread.join()


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "404 Not Found"])
def test_a_server_that_answers_anything_is_there(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as address:
        monkeypatch.setattr(weights, "_SERVER", address)
        weights._refuse_silent_server()


def test_a_network_that_swallows_everything_is_given_up_within_a_bounded_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # of the fixture's refusal to connect: this server is on this machine
    monkeypatch.setenv("KERAS_HOME", str(cache.parent))
    monkeypatch.setattr(weights, "_ANSWER_SECONDS", 0.3)
    with server(b"") as address:
        monkeypatch.setattr(weights, "_SERVER", address)
        started = time.perf_counter()
        found = find(weights="imagenet", allow_download=True, allow_random_weights=True)
    assert "no answer" in found.note or "cannot be reached" in found.note
    assert time.perf_counter() - started < 30  # Keras would wait for ever


def test_without_a_network_the_reason_stands_in_the_note(cache: Path) -> None:
    assert "cannot be reached" in find(weights="imagenet", allow_download=True, allow_random_weights=True).note


def with_digest_of(path: Path, backbone: Backbone, hasher: Callable[[bytes], Any]) -> Backbone:
    file = replace(backbone.weights_file, name=path.name, digest=hasher(path.read_bytes()).hexdigest())
    return replace(backbone, weights_file=file)


@pytest.mark.parametrize("hasher", [hashlib.md5, hashlib.sha256])
def test_a_whole_file_in_the_cache_is_loaded(
    hasher: Callable[[bytes], Any], cache: Path, saved: Callable[[str], Path]
) -> None:
    path = cache / "published.h5"
    path.write_bytes(saved("own.h5").read_bytes())
    found = find(with_digest_of(path, SMALL, hasher), weights="imagenet")
    assert found.source == "imagenet"
    assert float(found.values[-1].flat[0]) == len(found.values)


def test_a_file_in_the_cache_with_another_digest_is_damaged(cache: Path, saved: Callable[[str], Path]) -> None:
    path = cache / SMALL.weights_file.name
    path.write_bytes(saved("own.h5").read_bytes())
    with pytest.raises(UserError, match="damaged or incomplete: its digest is not d3e8ec802a04aa4fc771ee12a9a9b836"):
        find(weights="imagenet", allow_random_weights=True)


@pytest.mark.usefixtures("failing_download")
def test_a_damaged_file_in_the_cache_is_fetched_again_where_allowed(cache: Path) -> None:
    (cache / SMALL.weights_file.name).write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"is not whole in .* and downloading it failed"):
        find(weights="imagenet", allow_download=True)


def test_a_downloaded_file_is_loaded(
    cache: Path, saved: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(saved("own.h5"))
    monkeypatch.setattr(weights, "_refuse_silent_server", lambda: None)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *arguments, **settings: path)
    found = find(weights="imagenet", allow_download=True)
    assert found.source == "imagenet"
    assert [float(value.flat[0]) for value in found.values] == list(range(1, len(found.values) + 1))


def test_imagenet_s_dense_layers_are_refused_at_another_image_size(cache: Path) -> None:
    with pytest.raises(UserError, match=r"--image_size=224.*Received: 64"):
        find(BACKBONES_WITH_TOP["vgg16"], weights="imagenet")


def test_the_variance_in_efficientnet_s_file_is_fixed(tmp_path: Path) -> None:
    backbone = BACKBONES["efficientnetb0"]
    network = build_network(backbone, image_size=64)
    normalization = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
    normalization.adapt_variance.assign(IMAGENET_STANDARD_DEVIATION)
    path = tmp_path / "published.weights.h5"
    network.save_weights(path)
    values = weights.read(path, backbone, image_size=64)
    np.testing.assert_allclose(values[1], [0.229**2, 0.224**2, 0.225**2], rtol=1e-6)
