"""Image-classification data sets of TensorFlow Datasets (TFDS), prepared on this machine or downloaded if allowed."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_transfer import terminal
from keras_transfer.data import tfds_images
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.settings.config import DRAWN_VEHICLES, nearest


def load(name: str, *, dataset_dir: str, allow_download: bool) -> Examples:
    """A data set of TFDS as files of encoded images.

    What is prepared already is found by its files alone, so that it needs neither a network nor the code that made it.

    Args:
      name: a name of TFDS, with config and version if wanted: `cats_vs_dogs`, `imagenette/160px:1.0.0`.
      dataset_dir: see `folder_of`.
      allow_download: whether to download and prepare what is not prepared yet.

    Returns:
      Examples sorted by path, without groups; without splits where the data set has only one with labels. Splits other
      than train, validation and test, and examples without labels, are in `left_out`.

    Raises:
      UserError: an unknown name, config or version; not prepared and no download allowed; a failed download; a data
        set without exactly one image and one label; an unwritable folder.
    """
    folder = folder_of(dataset_dir)
    dataset_name = _dataset_name(name)
    terminal.import_tensorflow_quietly()
    with _warnings_of_absl_held_back():
        builder = _from_files(name, folder) or _from_code(name, dataset_name, folder)
        if not builder.is_prepared():
            if not allow_download:
                raise UserError(_not_prepared(name, dataset_name, folder))
            _download(builder, _elsewhere(name, dataset_name, folder))
        return tfds_images.load(builder, images_folder(dataset_dir))


def folder_of(dataset_dir: str) -> Path:
    """Where data sets are kept: `dataset_dir`, or else $TFDS_DATA_DIR, or else ~/tensorflow_datasets as in TFDS."""
    return Path(dataset_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def images_folder(dataset_dir: str) -> Path:
    """Where the images of data sets are kept as files."""
    return folder_of(dataset_dir) / "keras_transfer_images"


def _dataset_name(name: str) -> str:
    """The first part of a name, such as imagenette of imagenette/160px:1.0.0."""
    from tensorflow_datasets.core import naming

    try:
        parsed, settings = naming.parse_builder_name_kwargs(name)
    except ValueError as error:
        raise UserError(
            f"--dataset={name!r} is no name of a TensorFlow Datasets set. Give NAME, NAME/CONFIG or "
            "NAME/CONFIG:VERSION such as imagenette/160px:1.0.0; for a folder or a CSV file give --image_dir or "
            "--image_csv instead."
        ) from error
    if parsed.namespace or set(settings) - {"config", "version"}:
        raise UserError(
            f"--dataset={name!r}: names with a namespace (x:name) or with arguments (name/x=1) are not taken, because "
            "they run code from elsewhere. Save the images in class folders and give --image_dir."
        )
    return str(parsed.name)


def _from_files(name: str, folder: Path) -> Any | None:
    from tensorflow_datasets.core import read_only_builder, registered

    try:
        return read_only_builder.builder_from_files(name, data_dir=str(folder))
    except registered.DatasetNotFoundError:
        return None


def _from_code(name: str, dataset_name: str, folder: Path) -> Any:
    import tensorflow_datasets as tfds

    # Without the community's data sets, whose list would be fetched from the network.
    known = tfds.list_builders(with_community_datasets=False)
    if dataset_name not in known:
        raise UserError(
            f"--dataset={name!r}: TensorFlow Datasets {tfds.__version__} knows no {dataset_name!r}, and none is "
            f"prepared in {folder}.{nearest(dataset_name, [*known, DRAWN_VEHICLES])} All names are on "
            "https://www.tensorflow.org/datasets/catalog/overview"
        )
    try:
        return tfds.builder(name, data_dir=str(folder), try_gcs=False)
    # An unknown config is a ValueError, an unknown version an AssertionError, a package that is missing an ImportError.
    except (ValueError, AssertionError, ImportError) as error:
        raise UserError(
            f"--dataset={name!r} cannot be used: {str(error).strip()} Its configs and versions are on "
            f"https://www.tensorflow.org/datasets/catalog/{dataset_name}"
        ) from error


def _not_prepared(name: str, dataset_name: str, folder: Path) -> str:
    return (
        f"The data set {name!r} is not prepared in {folder}, and downloading is not allowed. Give --allow_download; "
        f"give --dataset_dir, if it is prepared elsewhere; or {_elsewhere(name, dataset_name, folder)}"
    )


def _elsewhere(name: str, dataset_name: str, folder: Path) -> str:
    """How to get a data set onto a machine without network, as the end of a sentence."""
    return (
        "prepare it on a machine with network by\n"
        '  python -c "import tensorflow_datasets as tfds; '
        f"tfds.builder('{name}', data_dir='data_sets').download_and_prepare()\"\n"
        f"and copy the folder data_sets/{dataset_name} to {folder / dataset_name}."
    )


def _download(builder: Any, elsewhere: str) -> None:
    """Downloads behind the progress bars of TFDS, the only ones that know how much there is."""
    full_name = builder.info.full_name
    terminal.say(f"Downloading and preparing {full_name} in {builder.data_dir}")
    try:
        builder.download_and_prepare()
    except ImportError as error:
        raise UserError(
            f"Preparing the data set {full_name!r} needs a package that is not installed: {error}. Install it with pip."
        ) from error
    except Exception as error:  # whatever the code of one of several hundred data sets raises
        raise UserError(
            f"The data set {full_name!r} could not be downloaded and prepared: {type(error).__name__}: {error}\n"
            f"Check the network and the free space of the disk and try again; or {elsewhere}"
        ) from error


@contextlib.contextmanager
def _warnings_of_absl_held_back() -> Iterator[None]:
    """TFDS warns of data sets that are not prepared yet, said in plain words here, and of its own outdated calls."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
