"""Why an image was refused: one line for people, from what TensorFlow raised and from the bytes of the file."""

from __future__ import annotations

import re

import tensorflow as tf

from keras_transfer.images import file_kinds

_LONGEST_REASON = 300  # characters: a line of a table or of a CSV file
_NODE_NAMES = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*?\]")
# Stands where a graph's stack would, if the graph was loaded from a SavedModel.
_NO_STACK = "<stack traces unavailable>"
_ASSERTION = re.compile(r"assertion failed: \[(.*?)\](.*)", re.DOTALL)


def reason(error: tf.errors.OpError, content: bytes) -> str:
    """Why a file was refused, and what to do about it.

    What is refused by name keeps its name. Where the decoder only knows that it can't read something, the bytes tell
    more: that it is an HTML page, a Git LFS pointer, HEIC, or cut off.

    Args:
      error: raised by `decoding.decode` or by an export, asked for this file alone.
      content: the bytes of the file.

    Returns:
      One line of at most 300 characters.
    """
    text = plain_reason(error)
    if "Unknown image file format" in text or "JPEG XL" in text:
        return file_kinds.foreign(content) or text
    if _is_of_a_decoder(error) or "header is damaged" in text:
        return file_kinds.broken(content) or text
    return text


def plain_reason(error: tf.errors.OpError) -> str:
    """What TensorFlow said of an image, without stack traces, node names and the wording of assertions.

    Args:
      error: raised by `decoding.decode`, in a function of this process or in a loaded SavedModel.

    Returns:
      One line of at most 300 characters.
    """
    text = _NODE_NAMES.sub("", str(error.message)).strip()
    text = text.split("\n\n")[-1].rpartition(_NO_STACK)[2]  # the stack comes first, each part in a paragraph
    assertion = _ASSERTION.search(text)
    if assertion:
        text = "".join(assertion.groups()).replace("\\'", "'")  # TensorFlow escapes what it quotes
    if "too large" in text:
        height, width, limit = (int(number) for number in re.findall(r"\d+", text))
        return f"its header declares {width} x {height} pixels, more than the {limit:,} of --max_image_pixels"
    return " ".join(text.split())[:_LONGEST_REASON] or type(error).__name__


def _is_of_a_decoder(error: tf.errors.OpError) -> bool:
    """Whether it comes from TensorFlow's own decoders; ours refuse by assertions."""
    return isinstance(error, tf.errors.InvalidArgumentError) and not _ASSERTION.search(str(error.message))
