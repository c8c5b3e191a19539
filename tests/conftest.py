"""Keeps the tests quiet, off the network and out of the home folder."""

from __future__ import annotations

import functools
import ipaddress
import os
import signal
import socket
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from small_training import SmallRun

# Every place where this package or a library keeps files of its own. HOME is behind all that is not named here.
_FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KERAS_HOME", "TFDS_DATA_DIR", "MPLCONFIGDIR")


def pytest_configure(config: pytest.Config) -> None:
    """Sets the environment before any test module imports TensorFlow, Keras or Matplotlib, which read it only then."""
    # A shell ignores Ctrl-C for what it starts in the background, and tests send it to themselves.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = tempfile.TemporaryDirectory(prefix="keras_transfer-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["no_proxy"] = "*"  # a proxy on this machine would be a way out past `_no_network`
    for name in _FOLDERS:
        os.environ[name] = str(Path(folder.name, name.lower()))
        Path(os.environ[name]).mkdir()


@pytest.fixture(scope="module", autouse=True)
def _no_graph_optimizer() -> None:
    """Spares tests a third of their time: TensorFlow optimizes every new graph, and most of theirs run once.

    The processes that tests start, such as the one that proves an export, run with the optimizer.
    """
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="module", autouse=True)
def _random_weights_are_drawn_once() -> Iterator[None]:
    """Spares tests the second that drawing a network's random weights takes each time; they are always the same.

    `test_random_weights` tests that, and asks for them past this.
    """
    if "tensorflow" not in sys.modules:
        yield
        return
    from keras_transfer.model import weights

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "random_weights", types.SimpleNamespace(draw=_draw_once))
        yield


def _draw_once(backbone: Any, *, image_size: int) -> list[Any]:
    return list(_drawn(backbone, image_size if backbone.include_top else 0))


@functools.lru_cache(maxsize=6)
def _drawn(backbone: Any, image_size: int) -> list[Any]:
    from keras_transfer.model import random_weights

    values = random_weights.draw(backbone, image_size=image_size)
    for value in values:
        value.setflags(write=False)
    return values


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of one session have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def small_run(shared_folder: Path) -> SmallRun:
    """A finished run that the tests of the commands look at and never change."""
    import small_training  # not above: it imports TensorFlow, which reads the environment set there

    return small_training.read_run(small_training.made_once(shared_folder / "small_run", small_training.make_run))


@pytest.fixture(scope="session")
def leaky_run(shared_folder: Path) -> Path:
    """The folder of a finished run with leaked photos, slices and an export that abstains, likewise."""
    import small_training

    return small_training.made_once(shared_folder / "leaky_run", small_training.make_leaky_run)


@pytest.fixture
def prepare(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """A function that prepares a set of TensorFlow Datasets in tmp_path, without leaving its bars on the terminal."""

    def run(builder_class: Callable[..., Any], **settings: Any) -> None:
        builder_class(data_dir=tmp_path, **settings).download_and_prepare()
        capfd.readouterr()

    return run


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Fails a test that looks up a name or connects beyond this machine from Python.

    It does so with an exception that `except Exception` lets pass. Subprocesses and gRPC's own sockets are not seen.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _refusing_connect(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _refusing_lookup(socket.getaddrinfo))
        yield


def _refusing_connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connect_on_this_machine(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_beyond_this_machine(address[0])
        return connect(self, address)

    return connect_on_this_machine


def _refusing_lookup(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def look_up_this_machine(host: str | None, *arguments: Any, **named: Any) -> Any:
        _refuse_beyond_this_machine(host)
        return look_up(host, *arguments, **named)

    return look_up_this_machine


def _refuse_beyond_this_machine(host: str | None) -> None:
    if host not in (None, "", "localhost") and not _is_loopback(str(host)):
        pytest.fail(f"A test used the network: {host}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
