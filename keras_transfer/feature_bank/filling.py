"""Fills feature banks: decoding, the frozen part and the disk work at the same time, each image decoded once."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import interruption, terminal
from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import disk_space, features
from keras_transfer.feature_bank.recipe import Recipe
from keras_transfer.feature_bank.store import Store
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig

# A shard ends when it is full, or after a few seconds: what is in hand is lost when the process is killed.
_SHARD_BYTES = 16 * 2**20
_SHARD_IMAGES = 256
_SHARD_SECONDS = 5.0
# Two batches at once: while a core of one waits for the other core, which is decoding, it works on the second batch.
# Measured on two cores, VGG16 in bfloat16: 66 instead of 63 views a second, of 74 that the frozen part does alone.
_COMPUTE_STREAMS = 2
_SHARDS_IN_FLIGHT = 2  # written while the next ones are computed; more would only take memory

_Compute = Callable[[tf.Tensor], list[NDArray[np.float16]]]


@dataclass(frozen=True)
class MissingFeatures:
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


def open_banks(
    classifier: Classifier, cuts: Sequence[str], *, config: TrainConfig, precision_name: str
) -> tuple[Store, ...]:
    """Opens the bank of each cut; whoever opens them closes them.

    Args:
      classifier: its base as it was loaded.
      cuts: layers whose outputs are stored.
      config: image, views, seed and the folder of all banks.
      precision_name: float32, bfloat16 or float16: the arithmetic of the frozen part.

    Raises:
      UserError: no valid cut, or an unusable folder.
    """
    folder = disk_space.folder_of(config.training.feature_cache_dir)
    with contextlib.ExitStack() as opened:
        banks = []
        for name in cuts:
            recipe = Recipe(
                frozen_part=cut.fingerprint(cut.frozen_part(classifier.model, [name])),
                cut=name,
                record_shape=cut.record_shape(classifier.model, name),
                precision=precision_name,
                image=config.image,
                views=config.views,
                seed=config.training.seed,
            )
            banks.append(opened.enter_context(Store(folder, recipe)))
        opened.pop_all()
    return tuple(banks)


def find_missing(banks: Sequence[Store], examples: Examples) -> list[MissingFeatures]:
    """What a training run lacks: every view of training images, the clean view of those that are validated on.

    Args:
      banks: for all phases, with the same views.
      examples: read and split. The test split is left to the export.
    """
    views = {"train": range(banks[0].recipe.view_count), "validation": range(1)}
    return _find_missing(banks, examples, [views.get(split, range(0)) for split in examples.splits])


def find_missing_clean(banks: Sequence[Store], examples: Examples) -> list[MissingFeatures]:
    """The clean views that the banks lack, whatever the split."""
    return _find_missing(banks, examples, [range(1)] * len(examples))


def _find_missing(banks: Sequence[Store], examples: Examples, wanted: Sequence[range]) -> list[MissingFeatures]:
    index_of = {digest: index for index, digest in reversed(list(enumerate(examples.sha256)))}
    pairs = sorted({(digest, view) for digest, views in zip(examples.sha256, wanted, strict=True) for view in views})
    digests, views = [digest for digest, _ in pairs], [view for _, view in pairs]
    is_missing = np.any([bank.missing(digests, views) for bank in banks], axis=0)
    missing: dict[str, list[int]] = defaultdict(list)
    for (digest, view), lacks in zip(pairs, is_missing, strict=True):
        if lacks:
            missing[digest].append(view)
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for digest, lacking in missing.items():
        alike[tuple(lacking)].append(index_of[digest])
    return [MissingFeatures(examples.select(indices), lacking) for lacking, indices in sorted(alike.items())]


def fill(
    classifier: Classifier,
    banks: Sequence[Store],
    missing: Sequence[MissingFeatures],
    *,
    config: TrainConfig,
) -> None:
    """Makes room for what the banks lack, computes and stores it; one pass over the images fills all of them.

    Args:
      classifier: whose frozen part is run.
      banks: one for each cut.
      missing: what they lack.
      config: image, views, seed and the limit of all banks.

    Raises:
      UserError: too little room, a disk that is full or gone, values beyond float16, or a file that changed since it
        was read. Finished shards stay.
      Interrupted: by Ctrl-C or SIGTERM; every finished view was stored, and it says how many.
    """
    disk_space.cache_of(config.training).make_room(needed_bytes(banks, missing))
    if not missing:
        return
    compute = _make_refusing_function(classifier, banks)
    total, stored = sum(part.record_count for part in missing), 0
    with (
        _faults_told(banks, missing),
        interruption.Stopping() as stopping,
        terminal.progress_bar(total=total, title="Filling the feature bank", unit="view") as advance,
        ThreadPoolExecutor(max_workers=1) as writer,
    ):
        pending: deque[Future[int]] = deque()
        for part in missing:
            if stopping:
                break
            for shard in _shards(part, banks, compute, config=config, advance=advance, stopping=stopping):
                if len(pending) >= _SHARDS_IN_FLIGHT:
                    stored += pending.popleft().result()
                pending.append(writer.submit(_store, shard, banks))
        stored += sum(future.result() for future in pending)
    if stopping:
        raise interruption.Interrupted(
            f"Interrupted. {stored:,} of {total:,} views are kept. Run the same command again.", stopping.signal_number
        )


@contextlib.contextmanager
def _faults_told(banks: Sequence[Store], missing: Sequence[MissingFeatures]) -> Iterator[None]:
    """Says in a sentence what the machine or the photos did not let us do."""
    try:
        with input_pipeline.as_user_errors():
            yield
    except OSError as error:
        folder = banks[0].folder
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fault = (
                f"The disk is full: the feature bank in {folder} needs {needed_bytes(banks, missing):,} bytes in all "
            )
            fault += "for this run. Free some space"
        else:
            fault = f"The feature bank in {folder} cannot be written: {error}. Put that right"
        raise UserError(f"{fault} or choose another --feature_cache_dir; what is finished is kept.") from error


def needed_bytes(banks: Sequence[Store], missing: Sequence[MissingFeatures]) -> int:
    """Bytes of the records that filling will write."""
    return sum(part.record_count for part in missing) * sum(bank.recipe.record_bytes for bank in banks)


def _make_refusing_function(classifier: Classifier, banks: Sequence[Store]) -> _Compute:
    """The frozen part as a function of images, which refuses activations that the banks cannot store."""
    cuts = [bank.recipe.cut for bank in banks]
    frozen = features.make_frozen_function(classifier, cuts, banks[0].recipe.precision)

    def compute(images: tf.Tensor) -> list[NDArray[np.float16]]:
        outputs = [output.numpy() for output in frozen(images)]
        if not all(np.isfinite(output).all() for output in outputs):
            raise UserError(
                f"The activations at {', '.join(cuts)} are not finite or larger than float16 holds (65504), so the "
                "bank cannot store them. Check the weights file, or run with --feature_cache=off."
            )
        return outputs

    return compute


def _shards(
    part: MissingFeatures,
    banks: Sequence[Store],
    compute: _Compute,
    *,
    config: TrainConfig,
    advance: Callable[[int], None],
    stopping: interruption.Stopping,
) -> Iterator[_Shard]:
    images_a_shard, view_count = _images_a_shard(banks), len(part.views)
    views_of_images = input_pipeline.every_view(
        part.examples,
        part.views,
        image=config.image,
        views=config.views,
        max_pixels=config.source.max_image_pixels,
        seed=config.training.seed,
    )
    # A batch of whole images, unless one has more views than a batch: then some of the batches end with an image.
    # Shards end with batches, so that an interruption changes no batch, and with it no bit of any record.
    batch_views = features.COMPUTE_BATCH // view_count * view_count or features.COMPUTE_BATCH
    batches = views_of_images.rebatch(batch_views).prefetch(_COMPUTE_STREAMS).with_options(_decoding_options())
    collected: list[list[NDArray[np.float16]]] = []
    first, computed, started = 0, 0, time.monotonic()
    for outputs in _in_streams(compute, batches, stopping):
        collected.append(outputs)
        computed += len(outputs[0])
        advance(len(outputs[0]))
        last, unfinished = divmod(computed, view_count)
        is_due = last - first >= images_a_shard or time.monotonic() - started >= _SHARD_SECONDS
        if not unfinished and (is_due or last == len(part.examples)):
            yield _shard_of(part, first, last, collected)
            collected, first, started = [], last, time.monotonic()
    if computed // view_count > first:  # interrupted
        yield _shard_of(part, first, computed // view_count, collected)


def _shard_of(
    part: MissingFeatures, first: int, last: int, collected: Sequence[Sequence[NDArray[np.float16]]]
) -> _Shard:
    """The images from `first` to before `last`, of what was computed from `first` on."""
    rows = (last - first) * len(part.views)
    records = [np.concatenate(parts)[:rows] for parts in zip(*collected, strict=True)]
    return _Shard(part.examples.sha256[first:last], part.views, records)


def _in_streams(
    compute: _Compute, batches: tf.data.Dataset, stopping: interruption.Stopping
) -> Iterator[list[NDArray[np.float16]]]:
    """Computes batches in `_COMPUTE_STREAMS` threads and yields the results in the order of the batches.

    Where it is to stop it begins no further batch, and finishes those that were begun.
    """
    with ThreadPoolExecutor(_COMPUTE_STREAMS) as streams:
        pending: deque[Future[list[NDArray[np.float16]]]] = deque()
        for images in () if stopping else batches:
            pending.append(streams.submit(compute, images))
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
    """What was computed together: for each bank float16, shape (images * views, *record_shape), image by image."""

    digests: tuple[str, ...]
    views: tuple[int, ...]
    records: list[NDArray[np.float16]]


def _store(shard: _Shard, banks: Sequence[Store]) -> int:
    """Writes a shard into every bank that lacks some of it; returns the number of its views."""
    digests = [digest for digest in shard.digests for _ in shard.views]
    views = shard.views * len(shard.digests)
    for bank, records in zip(banks, shard.records, strict=True):
        bank.add(digests, views, records)
    return len(digests)


def _images_a_shard(banks: Sequence[Store]) -> int:
    return max(min(_SHARD_BYTES // max(bank.recipe.record_bytes for bank in banks), _SHARD_IMAGES), 1)
