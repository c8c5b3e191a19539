"""Weights of the base: Keras's ImageNet file from its cache, a file of the user's, or random ones."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_transfer.errors import UserError
from keras_transfer.model import random_weights, weights_files
from keras_transfer.model.bases import (
    IMAGENET_IMAGE_SIZE,
    IMAGENET_STANDARD_DEVIATION,
    build_network,
)
from keras_transfer.settings.backbones import Backbone
from keras_transfer.settings.config import ModelConfig

# Where the files of keras.applications lie.
_SERVER = "https://storage.googleapis.com/"
# How long the server may take to answer anything at all: name, connection, first bytes, whatever way they fail.
_ANSWER_SECONDS = 8.0
# How long a download may stand still. A slow one goes on for as long as it takes.
_STANDSTILL_SECONDS = 60.0


@dataclass(frozen=True)
class BaseWeights:
    """Weights for a base, and where they come from.

    Attributes:
      values: in the order of `bases.build_base(...).weights`.
      source: imagenet, random, or the path of the file.
      note: a sentence for the user where random weights took the place of ImageNet's; else "".
    """

    values: list[NDArray[Any]]
    source: str
    note: str = ""


def find(backbone: Backbone, config: ModelConfig, *, image_size: int, allow_download: bool) -> BaseWeights:
    """The weights that a configuration asks for. Without `allow_download` no network access is attempted.

    Args:
      backbone: which network.
      config: `weights` and `allow_random_weights`.
      image_size: side in pixels; only a top's weights depend on it.
      allow_download: whether Keras may fetch the ImageNet file.

    Raises:
      UserError: no such file, or it is damaged, or it holds the weights of something else.
    """
    if config.weights == "random":
        return BaseWeights(random_weights.draw(backbone, image_size=image_size), "random")
    if config.weights != "imagenet":
        return BaseWeights(read(Path(config.weights), backbone, image_size=image_size), config.weights)
    _refuse_other_size_with_top(backbone, image_size)
    values, reason = _imagenet(backbone, allow_download=allow_download)
    if values:
        return BaseWeights(values, "imagenet")
    if not config.allow_random_weights:
        raise weights_files.not_available(backbone.name, reason, allow_download=allow_download)
    note = (
        f"RANDOM WEIGHTS instead of ImageNet's: {reason}. The classifier works, but its accuracy says nothing about "
        "transfer learning."
    )
    return BaseWeights(random_weights.draw(backbone, image_size=image_size), "random", note)


def _refuse_other_size_with_top(backbone: Backbone, image_size: int) -> None:
    if backbone.include_top and image_size != IMAGENET_IMAGE_SIZE:
        raise UserError(
            f"The ImageNet weights of {backbone.name}'s dense layers fit images of {IMAGENET_IMAGE_SIZE} pixels only. "
            f"Set --image_size={IMAGENET_IMAGE_SIZE}, or leave --feature_layers at the base's output. Received: "
            f"{image_size}"
        )


def _imagenet(backbone: Backbone, *, allow_download: bool) -> tuple[list[NDArray[Any]], str]:
    """Keras's ImageNet weights, or none and the reason why they are not available."""
    file = backbone.weights_file
    cached = weights_files.cache_folder() / file.name
    if cached.is_file():
        if weights_files.is_whole(cached, file):
            return read(cached, backbone, image_size=IMAGENET_IMAGE_SIZE), ""
        if not allow_download:
            raise weights_files.damaged_in_cache(cached, file)
    if not allow_download:
        return [], weights_files.missing_from_cache(cached)
    try:
        _refuse_silent_server()
        with _ended_by_standstill():
            return _download(backbone), ""
    except Exception as error:  # Keras raises bare exceptions for what goes wrong on the way
        return [], f"{file.name} is not whole in {cached.parent}, and downloading it failed: {error}"


def read(path: Path, backbone: Backbone, *, image_size: int) -> list[NDArray[Any]]:
    """The weights of a file, every one of them.

    Args:
      path: HDF5 of `model.save_weights` or of older Keras versions (.weights.h5, .h5, .hdf5), or a .keras model, from
        which only the weights are read and no code is run. A head that a Keras 3 file holds beside the base is ignored.
      backbone: which network the weights are for.
      image_size: side in pixels; only a top's weights depend on it.

    Returns:
      The weights in the order of `bases.build_base(backbone, ...).weights`.

    Raises:
      UserError: missing, empty, damaged, or the weights of something else.
    """
    weights_files.refuse_unreadable(path)
    network = build_network(backbone, image_size=image_size if backbone.include_top else IMAGENET_IMAGE_SIZE)
    for weight in network.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(np.full(weight.shape, np.nan))  # whatever is not loaded stays visible
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of layers that the file lacks: they are found below
            network.load_weights(path)
    except ValueError as error:
        raise weights_files.does_not_fit(path, backbone, _reason(error)) from error
    except Exception as error:  # a damaged file can fail anywhere in HDF5 or zip
        raise UserError(f"The weights file {path} is damaged: {_first_line(error)}. Fetch or save it again.") from error
    values = list(network.get_weights())
    for weight, value in zip(network.weights, values, strict=True):
        if not np.all(np.isfinite(value)):
            reason = f"no finite values for {weight.path}, shape {tuple(weight.shape)}"
            raise weights_files.does_not_fit(path, backbone, reason)
    return _with_true_variance(network, values)


def _reason(error: ValueError) -> str:
    """Keras's message on one line, without the variable's values and the list of all layers that failed."""
    first = re.split("Target variable:|List of objects", str(error))[0]
    return " ".join(first.split()).rstrip(".")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _refuse_silent_server() -> None:
    """Asks the server for anything, because Keras waits for minutes where a network swallows what is sent.

    The question has a thread of its own: neither the look-up of a name nor the attempts at one address after another
    can be given a limit together.

    Raises:
      OSError: with the reason.
    """
    faults: list[str] = [f"no answer from {_SERVER} within {_ANSWER_SECONDS:g} s"]

    def ask() -> None:
        try:
            request = urllib.request.Request(_SERVER, method="HEAD")
            with contextlib.suppress(urllib.error.HTTPError):  # any answer will do
                urllib.request.urlopen(request, timeout=_ANSWER_SECONDS).close()
            faults.clear()
        except Exception as error:
            faults[:] = [f"{_SERVER} cannot be reached: {getattr(error, 'reason', error)}"]

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    if faults:
        raise OSError(faults[0])


@contextlib.contextmanager
def _ended_by_standstill() -> Iterator[None]:
    """Ends a download in the block that receives nothing for a while; Keras itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STANDSTILL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _download(backbone: Backbone) -> list[NDArray[Any]]:
    """Lets Keras fetch its file, check its digest, keep it in its cache and load it."""
    network = build_network(backbone, image_size=IMAGENET_IMAGE_SIZE, weights="imagenet")
    return _with_true_variance(network, list(network.get_weights()))


def _with_true_variance(network: keras.Model, values: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Puts the variance where Keras's EfficientNet file holds the standard deviation.

    With weights="imagenet" Keras makes up for it with one more layer, which it leaves out for a file of one's own:
    https://github.com/tensorflow/tensorflow/issues/49930
    """
    deviation = np.asarray(IMAGENET_STANDARD_DEVIATION, np.float32)

    def fixed(name: str, value: NDArray[Any]) -> NDArray[Any]:
        is_deviation = (
            name == "variance" and value.shape == deviation.shape and np.allclose(value, deviation, atol=1e-3)
        )
        return value * deviation if is_deviation else value

    return [fixed(weight.name, value) for weight, value in zip(network.weights, values, strict=True)]
