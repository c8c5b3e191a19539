"""The pictures in a report: reads the chosen images as serving does, and makes them small. Shared by commands."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.evaluation import galleries, plots
from keras_transfer.evaluation.galleries import Classified, Gallery
from keras_transfer.images import resizing, thumbnails
from keras_transfer.model import grad_cam
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import ImageConfig

_READERS = 2  # threads: one decodes while another waits for the disk

Read = Callable[[Sequence[int]], Mapping[int, NDArray[np.float32]]]


def make_galleries(
    images: Classified, *, image: ImageConfig, max_pixels: int, classifier: Classifier | None
) -> list[Gallery]:
    """The galleries of a report.

    Args:
      images: that were measured.
      image: how serving prepares an image; the pictures show what comes of it.
      max_pixels: see `decoding.decode`.
      classifier: to ask where it looks; None where only its export is there, of which no gradients can be taken.
    """
    read = _make_reader(images.paths, image=image, max_pixels=max_pixels)
    # The same crop, large enough to judge a label by where the network sees less.
    larger = dataclasses.replace(image, image_size=max(image.image_size, thumbnails.SIDE))
    read_large = _make_reader(images.paths, image=larger, max_pixels=max_pixels)
    explained = _explain(classifier, images, read) if classifier else []
    found = galleries.of_results(
        images, lambda positions: {position: _small(pixels) for position, pixels in read_large(positions).items()}
    )
    return [*found[:2], *explained, *found[2:]]


def _make_reader(paths: Sequence[str], *, image: ImageConfig, max_pixels: int) -> Read:
    """A function from positions to what the classifier sees of those files that can be read, each read once."""

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
    def load(path: tf.Tensor) -> tf.Tensor:
        return resizing.clean_view(tf.io.read_file(path), image=image, max_pixels=max_pixels)

    held: dict[int, NDArray[np.float32]] = {}

    def load_one(position: int) -> None:
        # A file that changed since it was measured is only not shown: the metrics stand.
        with contextlib.suppress(tf.errors.OpError):
            held[position] = load(tf.constant(paths[position])).numpy()

    def read(positions: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(load_one, [position for position in dict.fromkeys(positions) if position not in held]))
        return {position: held[position] for position in positions if position in held}

    return read


def _explain(classifier: Classifier, images: Classified, read: Read) -> list[Gallery]:
    """Where the classifier looks in some wrong and some right images, as pairs of the image and its heat."""
    seen = read(galleries.to_explain(images))
    if not seen:
        return []
    heat = grad_cam.heat_maps(classifier, np.stack(list(seen.values())), images.predicted_ids[list(seen)])
    if heat is None:
        return []
    pairs = {position: _pair(pixels, own_heat) for (position, pixels), own_heat in zip(seen.items(), heat, strict=True)}
    return galleries.of_explanations(images, list(pairs), lambda _: pairs)


def _pair(pixels: NDArray[np.float32], heat: NDArray[np.float32]) -> str:
    plain = _whole_numbers(pixels)
    both = np.concatenate([plain, plots.heat_overlay(plain, heat)], axis=1)
    return thumbnails.data_uri(both, longest_side=2 * thumbnails.SIDE)


def _small(pixels: NDArray[np.float32]) -> str:
    return thumbnails.data_uri(_whole_numbers(pixels))


def _whole_numbers(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(pixels).astype(np.uint8)
