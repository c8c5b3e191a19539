"""A loaded export, and what it says of images."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.saved_model import version_folder

if TYPE_CHECKING:
    from keras_transfer.saved_model.reader import Export

AnyImage = str | os.PathLike[str] | bytes | NDArray[np.uint8]
_IMAGE_CHANNELS = (1, 3)


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Attributes:
      label: the class with the highest score.
      score: of that class, in [0, 1].
      scores: of every class; they add up to 1.
      is_accepted: whether the score is at least the export's `abstain_below`; None where it has none.
    """

    label: str
    score: float
    scores: Mapping[str, float]
    is_accepted: bool | None = None


class Classifier:
    """A loaded export. It prepares images itself, by the very operations that training used.

    Attributes:
      class_names: in alphabetical order, as in the export.
    """

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        """Loads the version folder of an export.

        Raises:
          UserError: it is no export of this package, or damaged.
        """
        version_folder.check(Path(export_dir))
        terminal.import_tensorflow_quietly()
        from keras_transfer.saved_model import reader

        self._export: Export = reader.read(Path(export_dir))
        self.class_names = self._export.class_names

    def __repr__(self) -> str:
        return f"Classifier({str(self._export.path)!r}, {len(self.class_names)} classes)"

    @overload
    def predict(self, images: AnyImage, *, batch_size: int = 32) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, images: Sequence[AnyImage], *, batch_size: int = 32) -> list[Prediction]: ...

    def predict(self, images: AnyImage | Sequence[AnyImage], *, batch_size: int = 32) -> Prediction | list[Prediction]:
        """Says what is in an image, or in each image of a list.

        Args:
          images: the path of an image file; its bytes; its pixels, RGB or gray, uint8 in [0, 255], shape
            (height, width, 3), (height, width, 1) or (height, width); or a list of these.
          batch_size: images in a call of the export, for a list.

        Returns:
          A prediction, or a list of them in the order of the images.

        Raises:
          UserError: what is no readable image, with its path or its place in the list.
        """
        if not isinstance(images, (list, tuple)):
            return self._predict([images], batch_size)[0]
        return self._predict(images, batch_size)

    def _predict(self, images: Sequence[Any], batch_size: int) -> list[Prediction]:
        encoded = [_encoded(image, place) for place, image in enumerate(images)]
        answers = list(self._export.answers(encoded, batch_size=batch_size))
        broken = [answer for answer in answers if answer.probabilities is None]
        if broken:
            more = f" So it is with {len(broken) - 1} more." if len(broken) > 1 else ""
            raise UserError(f"{broken[0].path}: {broken[0].reason}. Fix it, or leave it out.{more}")
        return [self._prediction(answer.probabilities, answer.is_accepted) for answer in answers]

    def _prediction(self, probabilities: NDArray[np.float32] | None, is_accepted: bool | None) -> Prediction:
        assert probabilities is not None
        scores = dict(zip(self.class_names, map(float, probabilities), strict=True))
        label = self.class_names[int(probabilities.argmax())]
        return Prediction(label, scores[label], scores, is_accepted)


def _encoded(image: Any, place: int) -> tuple[str, bytes]:
    """(what to call it, its bytes as a file) of an image."""
    if isinstance(image, (str, os.PathLike)):
        path = os.fspath(image)
        try:
            return path, Path(path).expanduser().read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be opened: {error.strerror}. Check the path, or leave it out.") from error
    name = f"image {place}"
    if isinstance(image, bytes):
        return name, image
    if isinstance(image, np.ndarray):
        return name, _as_png(image, name)
    raise UserError(f"{name} is a {type(image).__name__}. Give a path, the bytes of a file, or an array of pixels.")


def _as_png(pixels: NDArray[Any], name: str) -> bytes:
    """Pixels as a file without loss, so that an array takes the same way as a photo."""
    is_image = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _IMAGE_CHANNELS)
    if pixels.dtype != np.uint8 or not is_image or not pixels.size:
        raise UserError(
            f"{name} is an array of {pixels.dtype} of shape {pixels.shape}. Pixels are uint8 in [0, 255], of shape "
            "(height, width, 3) or (height, width); of many images give a list."
        )
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
