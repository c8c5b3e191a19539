"""PNGs of 16 bits that use only the lowest of their range, such as 12-bit X-rays: decoded, they are nearly black."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_transfer import terminal

_SIGNATURE, _DEPTH_AT, _HEAD_BYTES = b"\x89PNG\r\n\x1a\n", 24, 25  # of the bit depth in IHDR (W3C PNG, 11.2.2)
# Of 65,536 levels: 12 and 13 bits lie below, and a picture that is meant to be so dark shows little.
LOW_RANGE = 65536 // 8
_LOOKED_AT = 200  # files, spread over all; a picture of 16 bits takes some tenths of a second
ADVICE = "Scale the values to the whole range (0 to 65535), or save the pictures with 8 bits."


def is_nearly_black(content: bytes) -> bool:
    """Whether a file is a PNG of 16 bits all of whose values lie below `LOW_RANGE`, and not all are 0.

    Args:
      content: all bytes of any file; of others than PNGs of 16 bits only the first are looked at.
    """
    if not _is_sixteen_bits(content[:_HEAD_BYTES]):
        return False
    try:
        with Image.open(io.BytesIO(content)) as picture:
            levels = np.asarray(picture)
            # In gray, Pillow gives all 16 bits, and else the upper 8; alpha is the last of an even number of channels.
            unit = 256 if levels.dtype == np.uint8 else 1
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False  # whoever decodes it says what is wrong with it
    if levels.ndim == 3 and levels.shape[2] in (2, 4):
        levels = levels[..., :-1]
    return 0 < int(levels.max()) * unit < LOW_RANGE


def warn(paths: Sequence[str]) -> str:
    """Warns once where files are nearly black; of many, some are looked at.

    Args:
      paths: of image files of any kind; what can't be opened is passed over.

    Returns:
      What was said, or "".
    """
    deep = [path for path in paths if _is_sixteen_bits(_read(path, _HEAD_BYTES))]
    looked_at = deep[:: max(1, len(deep) // _LOOKED_AT)][:_LOOKED_AT]
    dark = [path for path in looked_at if is_nearly_black(_read(path))]
    if not dark:
        return ""
    warning = (
        f"{len(dark):,} of {len(looked_at):,} PNGs of 16 bits that were looked at use less than an eighth of their "
        f"range, such as {dark[0]}. The network sees them nearly black, and unlike pictures of 8 bits. {ADVICE}"
    )
    terminal.warn(warning)
    return warning


def _is_sixteen_bits(head: bytes) -> bool:
    return head.startswith(_SIGNATURE) and head[_DEPTH_AT:] == b"\x10"


def _read(path: str, count: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError:
        return b""
