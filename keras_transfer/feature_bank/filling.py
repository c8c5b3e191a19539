"""Fills feature banks: decoding, the frozen part and the disk work at the same time, each image decoded once."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import interruption, terminal
from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank.store import FeatureBank
from keras_transfer.model import cut, precision
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig

COMPUTE_BATCH = 32  # views: a CPU's rate hardly rises beyond it (VGG16, bfloat16: 71, 76, 79 a second at 8, 16, 32)
# A shard ends when it is full, or after a few seconds: what is in hand is lost when the process is killed.
_SHARD_BYTES = 16 * 2**20
_SHARD_IMAGES = 256
_SHARD_SECONDS = 5.0
# Two batches at once: while a core of one waits for the other core, which is decoding, it works on the second batch.
# Measured on two cores, VGG16 in bfloat16: 66 instead of 63 views a second, of 74 that the frozen part does alone.
_COMPUTE_STREAMS = 2
_SHARDS_IN_FLIGHT = 2  # written while the next ones are computed; more would only take memory


@dataclass(frozen=True)
class Gap:
    """Images that lack the same views in at least one of the banks.

    Attributes:
      examples: one for each distinct image, sorted by digest, so that shards never depend on names or order of files.
      views: numbers of the missing views.
    """

    examples: Examples
    views: tuple[int, ...]

    @property
    def record_count(self) -> int:
        """Views to compute."""
        return len(self.examples) * len(self.views)


def find_gaps(banks: Sequence[FeatureBank], examples: Examples) -> list[Gap]:
    """What the banks lack: every view of training images, the clean view of those that are validated on.

    Args:
      banks: for all phases, with the same views.
      examples: read and split. The test split is left to the export.
    """
    wanted: dict[str, tuple[int, set[int]]] = {}
    every_view = range(len(banks[0].columns))
    for index, (digest, split) in enumerate(zip(examples.sha256, examples.splits, strict=True)):
        if split != "test":
            views: Iterable[int] = every_view if split == "train" else (0,)
            wanted.setdefault(digest, (index, set()))[1].update(views)
    gaps: dict[tuple[int, ...], list[tuple[str, int]]] = defaultdict(list)
    for digest, (index, views) in wanted.items():
        missing = sorted({view for bank in banks for view in bank.missing_views(digest, sorted(views))})
        if missing:
            gaps[tuple(missing)].append((digest, index))
    return [
        Gap(examples.select([index for _, index in sorted(members)]), views) for views, members in sorted(gaps.items())
    ]


def fill(classifier: Classifier, banks: Sequence[FeatureBank], gaps: Sequence[Gap], *, config: TrainConfig) -> None:
    """Computes and stores what the banks lack; one pass over the images fills all of them.

    Args:
      classifier: whose frozen part is run.
      banks: one for each cut.
      gaps: from `find_gaps`.
      config: image, views and seed.

    Raises:
      UserError: a disk that is full or gone, values beyond float16, or a file that changed since it was read. Finished
        shards stay.
      Interrupted: by Ctrl-C or SIGTERM; every finished view was stored, and it says how many.
    """
    compute = make_frozen_function(classifier, [bank.recipe.cut for bank in banks], banks[0].recipe.precision)
    total, stored = sum(gap.record_count for gap in gaps), 0
    with (
        _faults_told(banks, gaps),
        interruption.Stopping() as stopping,
        terminal.progress_bar(total=total, title="Filling the feature bank", unit="view") as advance,
        ThreadPoolExecutor(max_workers=1) as writer,
    ):
        pending: deque[Future[int]] = deque()
        for gap in gaps:
            if stopping:
                break
            for shard in _shards(gap, banks, compute, config=config, advance=advance, stopping=stopping):
                if len(pending) >= _SHARDS_IN_FLIGHT:
                    stored += pending.popleft().result()
                pending.append(writer.submit(_store, shard, banks))
        stored += sum(future.result() for future in pending)
    if stopping:
        raise interruption.Interrupted(
            f"Interrupted. {stored:,} of {total:,} views are kept. Run the same command again.", stopping.signal_number
        )


@contextlib.contextmanager
def _faults_told(banks: Sequence[FeatureBank], gaps: Sequence[Gap]) -> Iterator[None]:
    """Says in a sentence what the machine or the photos did not let us do."""
    try:
        with input_pipeline.as_user_errors():
            yield
    except OSError as error:
        folder = banks[0].columns[0].folder.parent
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fault = f"The disk is full: the feature bank in {folder} needs {needed_bytes(banks, gaps):,} bytes in all "
            fault += "for this run. Free some space"
        else:
            fault = f"The feature bank in {folder} cannot be written: {error}. Put that right"
        raise UserError(f"{fault} or choose another --feature_cache_dir; what is finished is kept.") from error


def needed_bytes(banks: Sequence[FeatureBank], gaps: Sequence[Gap]) -> int:
    """Bytes of the records that filling will write."""
    return sum(gap.record_count for gap in gaps) * sum(bank.recipe.record_bytes for bank in banks)


def make_frozen_function(classifier: Classifier, cuts: Sequence[str], precision_name: str) -> Callable[..., Any]:
    """The frozen part as a function of images.

    Args:
      classifier: its variables are shared.
      cuts: layers whose outputs are wanted.
      precision_name: float32, bfloat16 or float16.

    Returns:
      A function from float32 images (batch, side, side, 3) in [0, 255] to (float16 activations of each cut, bool
      scalar: all of them are finite in float16).
    """
    frozen = cut.frozen_part(classifier.model, list(cuts))

    def run(images: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        outputs = [tf.cast(output, tf.float16) for output in tf.nest.flatten(frozen(images, training=False))]
        # What is too large for float16 became infinite by the cast.
        return outputs, tf.reduce_all([tf.reduce_all(tf.math.is_finite(output)) for output in outputs])

    with precision.computing_in(frozen, precision_name):
        traced: Callable[..., Any] = tf.function(
            run, input_signature=[tf.TensorSpec((None, *frozen.input_shape[1:]))], autograph=False
        ).get_concrete_function()
    return traced


def _shards(
    gap: Gap,
    banks: Sequence[FeatureBank],
    compute: Callable[..., Any],
    *,
    config: TrainConfig,
    advance: Callable[[int], None],
    stopping: interruption.Stopping,
) -> Iterator[_Shard]:
    images_a_shard, view_count = _images_a_shard(banks), len(gap.views)
    views_of_images = input_pipeline.every_view(
        gap.examples,
        gap.views,
        image=config.image,
        views=config.views,
        max_pixels=config.source.max_image_pixels,
        seed=config.training.seed,
    )
    # A batch of whole images, unless one has more views than a batch: then some of the batches end with an image.
    # Shards end with batches, so that an interruption changes no batch, and with it no bit of any record.
    batch_views = COMPUTE_BATCH // view_count * view_count or COMPUTE_BATCH
    batches = views_of_images.rebatch(batch_views).prefetch(_COMPUTE_STREAMS).with_options(_decoding_options())
    collected: list[list[NDArray[np.float16]]] = []
    first, computed, started = 0, 0, time.monotonic()
    for outputs, is_finite in _in_streams(compute, batches, stopping):
        _refuse_overflow(is_finite, banks)
        collected.append(outputs)
        computed += len(outputs[0])
        advance(len(outputs[0]))
        last, unfinished = divmod(computed, view_count)
        is_due = last - first >= images_a_shard or time.monotonic() - started >= _SHARD_SECONDS
        if not unfinished and (is_due or last == len(gap.examples)):
            yield _shard_of(gap, first, last, collected)
            collected, first, started = [], last, time.monotonic()
    if computed // view_count > first:  # interrupted
        yield _shard_of(gap, first, computed // view_count, collected)


def _shard_of(gap: Gap, first: int, last: int, collected: Sequence[Sequence[NDArray[np.float16]]]) -> _Shard:
    """The images from `first` to before `last`, of what was computed from `first` on."""
    rows = (last - first) * len(gap.views)
    features = [np.concatenate(parts)[:rows] for parts in zip(*collected, strict=True)]
    return _Shard(gap.examples.sha256[first:last], gap.views, features)


def _in_streams(
    compute: Callable[..., Any], batches: tf.data.Dataset, stopping: interruption.Stopping
) -> Iterator[tuple[list[NDArray[np.float16]], bool]]:
    """Computes batches in `_COMPUTE_STREAMS` threads and yields the results in the order of the batches.

    Where it is to stop it begins no further batch, and finishes those that were begun.
    """

    def run(images: tf.Tensor) -> tuple[list[NDArray[np.float16]], bool]:
        outputs, is_finite = compute(images)
        return [output.numpy() for output in outputs], bool(is_finite)

    with ThreadPoolExecutor(_COMPUTE_STREAMS) as streams:
        pending: deque[Future[tuple[list[NDArray[np.float16]], bool]]] = deque()
        for images in () if stopping else batches:
            pending.append(streams.submit(run, images))
            if len(pending) > _COMPUTE_STREAMS:
                yield pending.popleft().result()
            if stopping:
                break
        while pending:
            yield pending.popleft().result()


def _decoding_options() -> tf.data.Options:
    """Threads of their own for decoding, or it would wait in the queue behind the frozen part's operations."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = os.cpu_count() or 1
    return options


@dataclass(frozen=True)
class _Shard:
    """Features of a stretch of a gap: for each bank float16, shape (images * views, *record_shape), image by image."""

    digests: tuple[str, ...]
    views: tuple[int, ...]
    features: list[NDArray[np.float16]]


def _store(shard: _Shard, banks: Sequence[FeatureBank]) -> int:
    """Writes a shard into every column that lacks some of its images; returns the number of its views."""
    for bank, features in zip(banks, shard.features, strict=True):
        by_view = features.reshape(len(shard.digests), len(shard.views), *features.shape[1:])
        for place, view in enumerate(shard.views):
            column = bank.columns[view]
            rows = [row for row, digest in enumerate(shard.digests) if digest not in column.places]
            if rows:
                column.add([shard.digests[row] for row in rows], by_view[rows, place])
    return len(shard.digests) * len(shard.views)


def _images_a_shard(banks: Sequence[FeatureBank]) -> int:
    return max(min(_SHARD_BYTES // max(bank.recipe.record_bytes for bank in banks), _SHARD_IMAGES), 1)


def _refuse_overflow(is_finite: bool, banks: Sequence[FeatureBank]) -> None:
    if not is_finite:
        names = ", ".join(bank.recipe.cut for bank in banks)
        raise UserError(
            f"The activations at {names} are not finite or larger than float16 holds (65504), so the bank cannot "
            "store them. Check the weights file, or run with --feature_cache=off."
        )
