"""Files of weights, as far as they can be judged without TensorFlow: which ones Keras publishes, and what is wrong.

So a missing or wrong file is told before anything slow is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_transfer.errors import UserError

if TYPE_CHECKING:
    import h5py

HDF5_ENDINGS, KERAS_ENDING = (".h5", ".hdf5"), ".keras"
_WEIGHTS_IN_ARCHIVE = "model.weights.h5"  # of a .keras file
_MD5_DIGITS = 32
_CHUNK_BYTES = 1 << 20
# A file may lack a few counters that Keras itself made up for over the years, and hold more, such as a head.
_LEAST_SHARE_OF_VALUES = 0.99
# Layers of the dense top of ImageNet's classifier; a head on one of them needs the file with the top.
TOP_LAYERS = ("flatten", "fc1", "fc2")


@dataclass(frozen=True)
class WeightsFile:
    """A file that Keras publishes and keeps in the folder models/ of its cache.

    Attributes:
      name: of the file.
      digest: hexadecimal MD5 or SHA-256 of its bytes; "" where Keras knows none.
      value_count: of the network whose weights it holds.
      kernel_shape: of one of the network's kernels that few other networks have.
    """

    name: str
    digest: str
    value_count: int
    kernel_shape: tuple[int, ...]


_KERNELS = "weights_tf_dim_ordering_tf_kernels"
IMAGENET: Mapping[str, WeightsFile] = {
    "vgg16": WeightsFile(
        f"vgg16_{_KERNELS}_notop.h5", "6d6bbae143d832006294945121d1f1fc", 14_714_688, (3, 3, 512, 512)
    ),
    "vgg19": WeightsFile(
        f"vgg19_{_KERNELS}_notop.h5", "253f8cb515780f3b799900260a226db6", 20_024_384, (3, 3, 512, 512)
    ),
    "resnet50": WeightsFile(
        f"resnet50_{_KERNELS}_notop.h5", "4d473c1dd8becc155b73f8504c6f6626", 23_587_712, (1, 1, 512, 2048)
    ),
    "resnet50v2": WeightsFile(
        f"resnet50v2_{_KERNELS}_notop.h5", "fac2f116257151a9d068a22e544a4917", 23_564_800, (1, 1, 512, 2048)
    ),
    "mobilenet": WeightsFile("mobilenet_1_0_224_tf_no_top.h5", "", 3_228_864, (1, 1, 1024, 1024)),
    "mobilenetv2": WeightsFile(f"mobilenet_v2_{_KERNELS}_1.0_224_no_top.h5", "", 2_257_984, (1, 1, 144, 32)),
    "mobilenetv3small": WeightsFile(
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
        939_120,
        (1, 1, 16, 72),
    ),
    "mobilenetv3large": WeightsFile(
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        "07fb09a5933dd0c8eaafa16978110389",
        2_996_352,
        (1, 1, 24, 72),
    ),
    "efficientnetb0": WeightsFile(
        "efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d", 4_049_571, (1, 1, 96, 4)
    ),
    "efficientnetv2b0": WeightsFile(
        "efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff", 5_919_312, (3, 3, 32, 128)
    ),
    "densenet121": WeightsFile(
        f"densenet121_{_KERNELS}_notop.h5", "30ee3e1110167f948a6b9946edeeb738", 7_037_504, (1, 1, 160, 128)
    ),
    "inceptionv3": WeightsFile(
        f"inception_v3_{_KERNELS}_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63", 21_802_784, (1, 1, 64, 80)
    ),
    "xception": WeightsFile(
        f"xception_{_KERNELS}_notop.h5", "b0042744bf5b25fce3cb969f33bebb97", 20_861_480, (1, 1, 728, 1024)
    ),
    "convnexttiny": WeightsFile(
        "convnext_tiny_notop.h5",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        27_820_128,
        (7, 7, 1, 96),
    ),
}
IMAGENET_WITH_TOP: Mapping[str, WeightsFile] = {
    "vgg16": WeightsFile(f"vgg16_{_KERNELS}.h5", "64373286793e3c8b2b4e3219cbf3544b", 138_357_544, (25_088, 4_096)),
    "vgg19": WeightsFile(f"vgg19_{_KERNELS}.h5", "cbe5617147190e668d6c5d5026f83318", 143_667_240, (25_088, 4_096)),
}


def check(
    weights: str,
    *,
    backbone: str,
    feature_layer: str = "",
    allow_download: bool = False,
    allow_random_weights: bool = False,
) -> None:
    """Refuses weights that `weights.find` would refuse too, as far as that can be told in a second.

    Args:
      weights: imagenet, random, or the path of a file.
      backbone: name of the network.
      feature_layer: layer that the head stands on; "" is the base's output.
      allow_download: whether Keras may fetch the ImageNet file.
      allow_random_weights: whether random weights may take the place of the ImageNet file.

    Raises:
      UserError: no such file, or it is damaged, or it holds the weights of something else.
    """
    with_top = feature_layer in TOP_LAYERS and backbone in IMAGENET_WITH_TOP
    file = (IMAGENET_WITH_TOP if with_top else IMAGENET)[backbone]
    if weights == "random":
        return
    if weights != "imagenet":
        refuse_unreadable(Path(weights))
        _refuse_other_network(Path(weights), file, f"{backbone} {'with' if with_top else 'without'} top")
        return
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


def does_not_fit(path: Path, network: str, reason: str) -> UserError:
    """Says that a file holds the weights of another network than, say, "vgg16 without top"."""
    return UserError(
        f"The weights file {path} does not fit {network}: {reason}. Choose the --backbone that it was made for, or "
        "another file."
    )


def _is_hdf5(path: Path) -> bool:
    import h5py  # late, because it takes a while and --help needs none of it

    return bool(h5py.is_hdf5(path))


def _refuse_other_network(path: Path, file: WeightsFile, network: str) -> None:
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
