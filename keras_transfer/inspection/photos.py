"""Reads every file once for all that is asked of it: bytes, header, damage, contrast and look. Makes thumbnails."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import simplejpeg
import tensorflow as tf
from PIL import Image

from keras_transfer import terminal
from keras_transfer.images import eager_decoding, looks, refusals, sixteen_bits, thumbnails
from keras_transfer.images.eager_decoding import Decode
from keras_transfer.images.looks import Looks
from keras_transfer.inspection import headers
from keras_transfer.inspection.headers import Header
from keras_transfer.settings.config import ImageConfig

_READERS = 4  # threads: enough to keep two cores decoding while others wait for the disk
_AHEAD = 64  # files in work at once, so that memory stays flat
# What libjpeg says of damage (jerror.h). It also warns of what harms no pixel, such as an unknown version of JFIF, and
# simplejpeg refuses what it merely does not know, such as an unusual chroma subsampling.
_JPEG_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression")
_HARMLESS = "bad ICC marker"
_LARGEST_JPEG_REDUCTION = 8  # every byte is unpacked at any size, and the smallest is the quickest


@dataclass(frozen=True)
class Photo:
    """What one file is.

    Attributes:
      path: of the file.
      digest: sha256 of its bytes; "" where it can't be opened.
      reason: why serving's decoder refuses it, or "".
      damage: what a strict decoder says of a file that serving's decoder takes, or "".
      header: what its header tells, or None.
      is_transparent: whether any pixel is.
      is_nearly_black: whether it has 16 bits and uses the lowest of their range only.
      contrast: standard deviation of its grey levels, in [0, 127.5]; 0 where it can't be read.
      look: of this one picture; None where it can't be read.
    """

    path: str
    digest: str
    reason: str = ""
    damage: str = ""
    header: Header | None = None
    is_transparent: bool = False
    is_nearly_black: bool = False
    contrast: float = 0.0
    look: Looks | None = None


def read_all(paths: Sequence[str], *, image: ImageConfig, max_pixels: int) -> list[Photo]:
    """Reads files, in order.

    Args:
      paths: of files.
      image: whether EXIF orientation counts.
      max_pixels: of `decoding.decode`.
    """
    decode = eager_decoding.make_decoder(image=image, max_pixels=max_pixels, smallest_side=looks.SIDE)
    with _pillow_bound(max_pixels), ThreadPoolExecutor(_READERS) as pool:
        chunks = (paths[start : start + _AHEAD] for start in range(0, len(paths), _AHEAD))
        found = (photo for chunk in chunks for photo in pool.map(lambda path: _read(path, decode), chunk))
        return list(terminal.progress(found, total=len(paths), title="Reading", unit="file"))


def make_thumbnails(paths: Iterable[str], decode: Decode) -> dict[str, str]:
    """Path -> data URI of a small picture, for the files that can be read.

    Args:
      paths: of images, each at least once.
      decode: from `eager_decoding.make_decoder`.
    """
    made = {}
    # Reading a named pipe would wait for ever.
    for path in filter(os.path.isfile, dict.fromkeys(paths)):
        with contextlib.suppress(OSError, tf.errors.OpError):
            made[path] = thumbnails.data_uri(decode(Path(path).read_bytes()))
    return made


def _read(path: str, decode: Decode) -> Photo:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return Photo(path, "", reason=f"cannot be opened: {error.strerror}")
    digest = hashlib.sha256(content).hexdigest()
    header = headers.read(content)
    try:
        pixels = decode(content)
    except tf.errors.OpError as error:
        return Photo(path, digest, reason=refusals.reason(error, content), header=header)
    return Photo(
        path,
        digest,
        damage=_damage(content, header),
        header=header,
        is_transparent=_is_transparent(content, header),
        is_nearly_black=sixteen_bits.is_nearly_black(content),
        contrast=float(pixels.mean(axis=2).std()),
        look=looks.describe([looks.shrink(pixels)]),
    )


def _damage(content: bytes, header: Header | None) -> str:
    """What a strict decoder says: libjpeg's warnings count, which TensorFlow and Pillow pass over."""
    if content.startswith(b"\xff\xd8"):
        return _jpeg_damage(content, is_cmyk=header is not None and header.mode == "CMYK")
    if content.startswith(b"BM"):
        return ""  # our decoder checks all that can be wrong with it, and Pillow reads fewer kinds
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
    except headers.PILLOW_ERRORS as error:
        return str(error)
    return ""


def _jpeg_damage(content: bytes, *, is_cmyk: bool) -> str:
    try:
        simplejpeg.decode_jpeg(
            content,
            "CMYK" if is_cmyk else "GRAY",
            fastdct=True,
            fastupsample=True,
            min_height=1,
            min_width=1,
            min_factor=_LARGEST_JPEG_REDUCTION,
            strict=True,
        )
    except ValueError as error:
        text = str(error)
        return text if any(words in text for words in _JPEG_DAMAGE) and _HARMLESS not in text else ""
    return ""


def _is_transparent(content: bytes, header: Header | None) -> bool:
    """An alpha channel that is opaque everywhere changes nothing."""
    if header is None or not header.may_be_transparent:
        return False
    try:
        with Image.open(io.BytesIO(content)) as picture:
            counts = picture.convert("RGBA").getchannel("A").histogram()
    except headers.PILLOW_ERRORS:
        return False
    return any(counts[:255])


@contextlib.contextmanager
def _pillow_bound(max_pixels: int) -> Iterator[None]:
    """Gives Pillow the same bound on pixels."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\..*")  # what is odd in a file's metadata is no fault of it
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
