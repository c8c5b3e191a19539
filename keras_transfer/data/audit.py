"""Reads every file once before anything is trained: its digest, its look, and whether it can be read as an image."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.errors import UserError
from keras_transfer.images import decoding, eager_decoding, looks, refusals, sixteen_bits, unreadable
from keras_transfer.images.looks import Looks
from keras_transfer.settings.config import ImageConfig, SourceConfig

_READERS = 4  # threads: enough to keep two cores decoding while others wait for the disk
_FILES_AT_ONCE = 32  # a thread reads before it describes their looks together, and before the progress bar moves
_LISTED_AT_MOST = 10

Read = Callable[[str], tuple[str, str, NDArray[np.uint8] | None]]

# A JPEG's whole stream is unpacked at any size, so a small one finds truncation and damage at a third of the cost. The
# smallest one that the hashes of looks need is decoded.
_SMALLEST_DECODE = math.ceil(looks.LEAST_SIDE / decoding.REDUCTION_HEADROOM)


def read_all(examples: Examples, *, source: SourceConfig, image: ImageConfig) -> tuple[Examples, Looks]:
    """Digests and test-decodes every file, and leaves out the unreadable ones.

    Args:
      examples: of a source.
      source: for `max_unreadable_fraction` and `max_image_pixels`.
      image: whether EXIF orientation counts.

    Returns:
      The readable examples with their sha256; `left_out` names the others and why. And what they look like.

    Raises:
      UserError: more than `max_unreadable_fraction` of the files can't be read, or a class has none left.
    """
    digests, reasons, seen = _read_in_threads(
        examples.paths, make_reader(image=image, max_pixels=source.max_image_pixels)
    )
    readable = [index for index, reason in enumerate(reasons) if not reason]
    broken = [
        LeftOut(path=path, reason=reason, is_unreadable=True)
        for path, reason in zip(examples.paths, reasons, strict=True)
        if reason
    ]
    kept = examples.select(readable)
    kept = dataclasses.replace(
        kept, sha256=tuple(digests[index] for index in readable), left_out=(*examples.left_out, *broken)
    )
    _report(kept.left_out)
    _refuse_too_many(kept, source.max_unreadable_fraction)
    _refuse_emptied_classes(kept)
    sixteen_bits.warn(kept.paths)
    return kept, seen


def _read_in_threads(paths: Sequence[str], read: Read) -> tuple[list[str], list[str], Looks]:
    """The digest of each file, why it can't be read or "", and the looks of those that can."""

    def read_some(start: int) -> tuple[list[str], list[str], Looks]:
        some = [read(path) for path in paths[start : start + _FILES_AT_ONCE]]
        digests, reasons, small = zip(*some, strict=True)
        return list(digests), list(reasons), looks.describe([picture for picture in small if picture is not None])

    digests, reasons, seen = [], [], []
    with (
        ThreadPoolExecutor(_READERS) as pool,
        terminal.progress_bar(total=len(paths), title="Reading", unit="file") as advance,
    ):
        for some in pool.map(read_some, range(0, len(paths), _FILES_AT_ONCE)):
            digests += some[0]
            reasons += some[1]
            seen.append(some[2])
            advance(len(some[0]))
    return digests, reasons, looks.concatenate(seen)


def make_reader(*, image: ImageConfig, max_pixels: int) -> Read:
    """A function from a path to (sha256 in hexadecimal, reason, small copy); the reason is '' for a readable image."""
    decode = eager_decoding.make_decoder(image=image, max_pixels=max_pixels, smallest_side=_SMALLEST_DECODE)

    def read(path: str) -> tuple[str, str, NDArray[np.uint8] | None]:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            return "", f"cannot be opened: {error.strerror}", None
        digest = hashlib.sha256(content).hexdigest()
        try:
            pixels = decode(content)
        except tf.errors.InvalidArgumentError as error:  # any other is of the machine, not of the file
            return digest, refusals.reason(error, content), None
        return digest, "", looks.shrink(pixels)

    return read


def _report(left_out: tuple[LeftOut, ...]) -> None:
    if not left_out:
        return
    # Not "files": of a data set of TensorFlow Datasets whole splits and classes may be left out.
    terminal.warn(f"left out of the examples ({len(left_out)}):")
    for item in left_out[:_LISTED_AT_MOST]:
        terminal.warn(f"  {item.path}: {item.reason}")
    if len(left_out) > _LISTED_AT_MOST:
        more = len(left_out) - _LISTED_AT_MOST
        terminal.warn(f"  and {more:,} more; python -m keras_transfer.inspect_data lists them all.")


def _refuse_too_many(kept: Examples, max_fraction: float) -> None:
    broken = [(item.path, item.reason) for item in kept.left_out if item.is_unreadable]
    unreadable.refuse_too_many(broken, len(broken) + len(kept), max_fraction)


def _refuse_emptied_classes(kept: Examples) -> None:
    empty = [name for name, count in zip(kept.class_names, kept.class_counts(), strict=True) if count == 0]
    if empty:
        raise UserError(
            f"No image of class {', '.join(map(repr, empty))} can be read. Fix its files, or remove the class."
        )
