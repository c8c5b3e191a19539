"""Features of any images at any cut: what the network gives, kept in the feature bank that training runs share.

    with FeatureBank.open(backbone="mobilenetv2", cut="block_13_expand_relu", image_size=160) as bank:
        activations = bank.features(["a.jpg", "b.jpg"])  # float32, shape (2, 10, 10, 576)

What is stored already is read; the rest is computed once and stored.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data import audit
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import features, filling
from keras_transfer.model import classifier as classifiers
from keras_transfer.model import precision
from keras_transfer.model.classifier import Tap
from keras_transfer.settings.config import ImageConfig, TrainConfig, from_flat, nearest

_SETTINGS = (
    *(item.name for item in dataclasses.fields(ImageConfig)),
    *("backbone", "weights", "allow_download", "allow_random_weights", "feature_layers", "pooling"),
    *("precision", "max_image_pixels", "feature_cache_dir", "feature_cache_max_bytes"),
)


class FeatureBank:
    """A network up to a cut, and the feature bank of that cut. Whoever opens it closes it."""

    def __init__(self, config: TrainConfig, cut: str = "") -> None:
        """Builds the network of a configuration and opens the bank.

        Args:
          config: image, model, and feature bank; as for a training run, which shares what is stored.
          cut: layer whose output is wanted; "" is the pooled features, which the head stands on.

        Raises:
          UserError: weights that are not available, an image too small for the network, or no valid cut.
        """
        self._config = dataclasses.replace(config, views=dataclasses.replace(config.views, augmented_views=0))
        self._classifier = classifiers.build(
            config.model,
            class_count=2,  # of a head that is never run
            image_size=config.image.image_size,
            seed=config.training.seed,
            allow_download=config.source.allow_download,
        )
        (self._bank,) = filling.open_banks(
            self._classifier,
            [cut or self._classifier.head_cut],
            config=self._config,
            precision_name=precision.resolve(config.training.precision),
        )

    @classmethod
    def open(cls, cut: str = "", **settings: Any) -> FeatureBank:
        """Opens the bank for images at a cut.

        Args:
          cut: layer whose output is wanted; "" is the pooled features, which a classifier's head stands on.
          **settings: as in training, with the same defaults: backbone, weights, allow_download, allow_random_weights,
            feature_layers, pooling, image_size, resize_mode, apply_exif, precision, max_image_pixels, feature_cache_dir
            and feature_cache_max_bytes.

        Raises:
          ConfigError: a wrong setting.
          UserError: weights that are not available, or no valid cut, with those that are.
        """
        for name in settings:
            if name not in _SETTINGS:
                raise UserError(
                    f"Features depend on no setting {name!r}.{nearest(name, _SETTINGS)} Leave it out. They depend on: "
                    f"{', '.join(_SETTINGS)}."
                )
        # A configuration has a source of images; here they come one call after another.
        opened = cls(from_flat(TrainConfig, {**settings, "image_dir": "."}), cut)
        if opened._classifier.weights_note:
            terminal.warn(opened._classifier.weights_note)
        return opened

    def __enter__(self) -> FeatureBank:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        model = self._config.model
        return f"FeatureBank({model.backbone}, {self.weights} weights, cut={self.cut!r}, shape={self.shape})"

    @property
    def cut(self) -> str:
        """Layer whose output is given."""
        return self._bank.recipe.cut

    @property
    def taps(self) -> tuple[Tap, ...]:
        """What the pooled features are made of, in their order."""
        return self._classifier.taps

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image's features."""
        return self._bank.recipe.record_shape

    @property
    def precision(self) -> str:
        """Arithmetic of the network: float32, bfloat16 or float16."""
        return self._bank.recipe.precision

    @property
    def weights(self) -> str:
        """imagenet, random, or the path of a file: what was really loaded."""
        return self._classifier.weights

    def features(self, paths: Sequence[str | Path]) -> NDArray[np.float32]:
        """What the network gives for image files, as serving sees them.

        Args:
          paths: of the files, in any order, the same one more than once or not.

        Returns:
          float32, shape (images, *shape), in that order. Features are stored, and so rounded, as float16.

        Raises:
          UserError: a file that cannot be read as an image, a full disk, or activations beyond float16.
        """
        if isinstance(paths, (str, Path)):
            raise UserError(f"The paths must be a list. Received: {str(paths)!r}. Write [{str(paths)!r}].")
        examples = _examples_of([str(path) for path in paths])
        self._refuse_unreadable(examples.select(np.flatnonzero(self._is_missing(examples))).paths)
        return self.of(examples)

    def of(self, examples: Examples) -> NDArray[np.float32]:
        """The same for examples that were read.

        Raises:
          UserError: a full disk, activations beyond float16, or a file that changed since it was read.
        """
        missing = filling.find_missing_clean([self._bank], examples)
        filling.fill(self._classifier, [self._bank], missing, config=self._config)
        return features.clean(self._classifier, examples, bank=self._bank, config=self._config)

    def close(self) -> None:
        """Releases the bank, so that it may be evicted where space is limited."""
        self._bank.close()

    def _is_missing(self, examples: Examples) -> NDArray[np.bool_]:
        return self._bank.missing(examples.sha256, [0] * len(examples))

    def _refuse_unreadable(self, paths: Sequence[str]) -> None:
        read = audit.make_reader(image=self._config.image, max_pixels=self._config.source.max_image_pixels)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for path, (_, reason, _) in zip(paths, pool.map(read, paths), strict=True):
                if reason:
                    raise UserError(f"{path}: {reason}. Fix the file, or leave it out.")


def _examples_of(paths: Sequence[str]) -> Examples:
    """Files as examples of no class."""
    empty = ("",) * len(paths)
    digests = tuple(_digest_of(path) for path in paths)
    return Examples(("",), tuple(paths), np.zeros(len(paths), np.int32), empty, empty, sha256=digests)


def _digest_of(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror}. Check the path, or leave it out.") from error
