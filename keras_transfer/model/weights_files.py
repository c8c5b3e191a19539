"""Files of weights, as far as they can be judged without TensorFlow: whether one is there, and what is wrong with it.

So a missing or wrong file is told before anything slow is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_transfer.errors import UserError
from keras_transfer.settings import backbones
from keras_transfer.settings.backbones import Backbone, WeightsFile

if TYPE_CHECKING:
    import h5py

HDF5_ENDINGS, KERAS_ENDING = (".h5", ".hdf5"), ".keras"
_WEIGHTS_IN_ARCHIVE = "model.weights.h5"  # of a .keras file
_MD5_DIGITS = 32
_CHUNK_BYTES = 1 << 20
# A file may lack a few counters that Keras itself made up for over the years, and hold more, such as a head.
_LEAST_SHARE_OF_VALUES = 0.99


def check(
    weights: str,
    *,
    backbone: str,
    feature_layers: Sequence[str] = (),
    allow_download: bool = False,
    allow_random_weights: bool = False,
) -> None:
    """Refuses weights that `weights.find` would refuse too, as far as that can be told in a second.

    Args:
      weights: imagenet, random, or the path of a file.
      backbone: name of the network.
      feature_layers: layers that the head stands on; none is the base's output.
      allow_download: whether Keras may fetch the ImageNet file.
      allow_random_weights: whether random weights may take the place of the ImageNet file.

    Raises:
      UserError: no such file, or it is damaged, or it holds the weights of something else.
    """
    network = backbones.choose(backbone, feature_layers)
    if weights == "random":
        return
    if weights != "imagenet":
        refuse_unreadable(Path(weights))
        _refuse_other_network(Path(weights), network)
        return
    file = network.weights_file
    cached = cache_folder() / file.name
    is_there = cached.is_file()
    if is_there and not allow_download and not is_whole(cached, file):
        raise damaged_in_cache(cached, file)
    if not is_there and not allow_download and not allow_random_weights:
        raise not_available(backbone, missing_from_cache(cached), allow_download=False)


def not_available(backbone: str, reason: str, *, allow_download: bool) -> UserError:
    """Says why there are no ImageNet weights, and what to do that was not done yet."""
    download = "check the network, " if allow_download else "use --allow_download, "
    return UserError(
        f"The ImageNet weights of {backbone} are not available: {reason}. To go on, {download}put the file there, name "
        "another with --weights=FILE, or try things out with --allow_random_weights."
    )


def missing_from_cache(cached: Path) -> str:
    """Why there are no ImageNet weights where nothing may be downloaded."""
    return f"{cached.name} is not in {cached.parent}, and nothing is downloaded without --allow_download"


def damaged_in_cache(cached: Path, file: WeightsFile) -> UserError:
    """Says that a file in the cache is not the one that Keras published."""
    return UserError(
        f"The weights file {cached} in Keras's cache is damaged or incomplete: its digest is not {file.digest}. "
        "Delete it and fetch it again, for instance with --allow_download."
    )


def cache_folder() -> Path:
    """Where Keras keeps the weights of its applications: $KERAS_HOME/models or ~/.keras/models."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def is_whole(path: Path, file: WeightsFile) -> bool:
    """Whether a file has the digest of the one that Keras published; true where Keras knows none."""
    if not file.digest:
        return True
    digest = hashlib.md5(usedforsecurity=False) if len(file.digest) == _MD5_DIGITS else hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == file.digest


def refuse_unreadable(path: Path) -> None:
    """Refuses a file that holds no weights at all.

    Raises:
      UserError: missing, forbidden, empty, or neither HDF5 nor a .keras archive.
    """
    if not path.is_file():
        raise UserError(
            f"There is no weights file {path}. Give --weights the path of a {', '.join(HDF5_ENDINGS)} or "
            f"{KERAS_ENDING} file, or imagenet or random."
        )
    if path.suffix not in (*HDF5_ENDINGS, KERAS_ENDING):
        raise UserError(
            f"The weights file {path} has an unknown ending. Keras weights end in .weights.h5, .h5, .hdf5 or .keras; "
            "rename or convert it."
        )
    if not path.stat().st_size:
        raise UserError(f"The weights file {path} is empty. Fetch or save it again.")
    try:
        is_right = zipfile.is_zipfile(path) if path.suffix == KERAS_ENDING else _is_hdf5(path)
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"The weights file {path} cannot be read: {error.strerror}. Check who may read it.") from error
    if not is_right:
        kind = "a .keras archive" if path.suffix == KERAS_ENDING else "HDF5"
        raise UserError(
            f"The weights file {path} is damaged or something else: it is not {kind}. Fetch or save it again."
        )


def does_not_fit(path: Path, network: Backbone, reason: str) -> UserError:
    """Says that a file holds the weights of another network."""
    return UserError(
        f"The weights file {path} does not fit {network}: {reason}. Choose the --backbone that it was made for, or "
        "another file."
    )


def _is_hdf5(path: Path) -> bool:
    import h5py  # late, because it takes a while and --help needs none of it

    return bool(h5py.is_hdf5(path))


def _refuse_other_network(path: Path, network: Backbone) -> None:
    file = network.weights_file
    try:
        with _hdf5_of(path) as content:
            shapes = _shapes(content)
    except Exception as error:  # a damaged file can fail anywhere in HDF5 or zip
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(f"The weights file {path} is damaged: {reason}. Fetch or save it again.") from error
    count = sum(math.prod(shape) for shape in shapes)
    if count < _LEAST_SHARE_OF_VALUES * file.value_count:
        raise does_not_fit(path, network, f"it holds {count:,} values, and the network {file.value_count:,}")
    if file.kernel_shape not in shapes:
        raise does_not_fit(path, network, f"it has no kernel of the shape {file.kernel_shape}")


@contextlib.contextmanager
def _hdf5_of(path: Path) -> Iterator[h5py.File]:
    import h5py

    if path.suffix != KERAS_ENDING:
        with h5py.File(path, "r") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(_WEIGHTS_IN_ARCHIVE) as member, h5py.File(member, "r") as file:
        yield file


def _shapes(file: h5py.File) -> list[tuple[int, ...]]:
    """Shapes of all arrays, without reading one."""
    import h5py

    shapes = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            shapes.append(tuple(item.shape))

    file.visititems(note)
    return shapes
