"""Reads every file once before anything is trained: its digest, and whether it can be read as an image."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tensorflow as tf

from keras_transfer import terminal
from keras_transfer.config import SourceConfig, UserError
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.images import decoding, refusals, sixteen_bits

_READERS = 4  # threads: enough to keep two cores decoding while others wait for the disk
_LISTED_AT_MOST = 10

# A JPEG's whole stream is unpacked at any size, so the smallest one finds truncation and damage at a third of the cost.
_SMALLEST_DECODE = 1


def read_all(examples: Examples, *, source: SourceConfig) -> Examples:
    """Digests and test-decodes every file, and leaves out the unreadable ones.

    Args:
      examples: of a source.
      source: for `max_unreadable_fraction` and `max_image_pixels`.

    Returns:
      The readable examples with their sha256; `left_out` names the others and why.

    Raises:
      UserError: more than `max_unreadable_fraction` of the files can't be read, or a class has none left.
    """
    check = make_reader(source.max_image_pixels)
    with ThreadPoolExecutor(_READERS) as pool:
        results = list(
            terminal.progress(pool.map(check, examples.paths), total=len(examples), title="Reading", unit="file")
        )
    readable = [index for index, (_, reason) in enumerate(results) if not reason]
    broken = [
        LeftOut(path=path, reason=reason, is_unreadable=True)
        for path, (_, reason) in zip(examples.paths, results, strict=True)
        if reason
    ]
    kept = examples.select(readable)
    kept = dataclasses.replace(
        kept, sha256=tuple(results[index][0] for index in readable), left_out=(*examples.left_out, *broken)
    )
    _report(kept.left_out)
    _refuse_too_many(kept, source.max_unreadable_fraction)
    _refuse_emptied_classes(kept)
    sixteen_bits.warn(kept.paths)
    return kept


def make_reader(max_pixels: int) -> Callable[[str], tuple[str, str]]:
    """A function from a path to (sha256 in hexadecimal, reason); the reason is '' for a readable image."""

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
    def decode(encoded: tf.Tensor) -> tf.Tensor:
        return decoding.decode(encoded, max_pixels=max_pixels, smallest_side=_SMALLEST_DECODE)

    def read(path: str) -> tuple[str, str]:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            return "", f"cannot be opened: {error.strerror}"
        digest = hashlib.sha256(content).hexdigest()
        try:
            decode(tf.constant(content))
        except tf.errors.OpError as error:
            return digest, refusals.reason(error, content)
        return digest, ""

    return read


def _report(left_out: tuple[LeftOut, ...]) -> None:
    if not left_out:
        return
    # Not "files": of a data set of TensorFlow Datasets whole splits and classes may be left out.
    terminal.warn(f"left out of the examples ({len(left_out)}):")
    for item in left_out[:_LISTED_AT_MOST]:
        terminal.warn(f"  {item.path}: {item.reason}")
    if len(left_out) > _LISTED_AT_MOST:
        terminal.warn(f"  and {len(left_out) - _LISTED_AT_MOST} more; data.json lists them all.")


def _refuse_too_many(kept: Examples, max_fraction: float) -> None:
    unreadable = sum(item.is_unreadable for item in kept.left_out)
    meant = unreadable + len(kept)
    if unreadable > max_fraction * meant:
        first = next(item for item in kept.left_out if item.is_unreadable)
        raise UserError(
            f"{unreadable} of {meant} image files cannot be read, more than --max_unreadable_fraction={max_fraction:g} "
            f"allows. The first is {first.path}: {first.reason}. Mend or remove them, or raise that fraction."
        )


def _refuse_emptied_classes(kept: Examples) -> None:
    empty = [name for name, count in zip(kept.class_names, kept.class_counts(), strict=True) if count == 0]
    if empty:
        raise UserError(
            f"No image of class {', '.join(map(repr, empty))} can be read. Mend its files, or remove the class."
        )
