"""Loads an export and asks it, on the very bytes of the files, as a client of the server would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.config import UserError
from keras_transfer.images import refusals
from keras_transfer.saved_model import version_folder


@dataclass(frozen=True)
class FileAnswer:
    """What an export says of a file.

    Attributes:
      path: of the file.
      probabilities: float32, shape (classes,); None for a file that cannot be read.
      is_accepted: whether the score is high enough; None for a file that cannot be read, or where the export never
        abstains.
      reason: why it cannot be read, or "".
    """

    path: str
    probabilities: NDArray[np.float32] | None
    is_accepted: bool | None
    reason: str


@dataclass(frozen=True)
class Export:
    """A loaded SavedModel version.

    Attributes:
      path: the version folder.
      class_names: in the order of the probabilities' columns.
      serving_default: the signature.
      loaded: what `tf.saved_model.load` gave; kept because its variables live only as long as it does.
    """

    path: Path
    class_names: tuple[str, ...]
    serving_default: Callable[..., dict[str, tf.Tensor]]
    loaded: Any

    @property
    def abstains(self) -> bool:
        """Whether it says of its answers if they are accepted (`--abstain_below`)."""
        return "accepted" in self.loaded.signatures["serving_default"].structured_outputs

    def probabilities(self, encoded: Sequence[bytes]) -> NDArray[np.float32]:
        """Asks for one batch.

        Args:
          encoded: the bytes of image files.

        Returns:
          float32, shape (images, classes).

        Raises:
          tf.errors.InvalidArgumentError: one of them is no readable image.
        """
        return np.asarray(self._ask(encoded)["probabilities"], dtype=np.float32)

    def answers_of_files(self, paths: Iterable[str], *, batch_size: int) -> Iterator[FileAnswer]:
        """Asks for every file, and goes on past those that can't be read.

        Args:
          paths: of image files.
          batch_size: files in one call.

        Yields:
          The answer for each path, in order.
        """
        batch: list[str] = []
        for path in paths:
            batch.append(path)
            if len(batch) == batch_size:
                yield from self._answer(batch)
                batch = []
        if batch:
            yield from self._answer(batch)

    def measure_files(
        self, paths: Sequence[str], *, batch_size: int, title: str
    ) -> tuple[NDArray[np.float32], list[int], list[tuple[str, str]]]:
        """Asks for every file behind a progress bar.

        Args:
          paths: of image files.
          batch_size: files in one call.
          title: of the progress bar.

        Returns:
          Probabilities of the readable files, float32, shape (readable, classes); their positions in `paths`; and
          (path, reason) of the others.
        """
        rows, positions, unreadable = [], [], []
        answers = self.answers_of_files(paths, batch_size=batch_size)
        for position, answer in enumerate(terminal.progress(answers, total=len(paths), title=title)):
            if answer.probabilities is None:
                unreadable.append((answer.path, answer.reason))
            else:
                rows.append(answer.probabilities)
                positions.append(position)
        return np.asarray(rows, np.float32).reshape(-1, len(self.class_names)), positions, unreadable

    def _ask(self, encoded: Sequence[bytes]) -> dict[str, tf.Tensor]:
        return self.serving_default(image_bytes=tf.constant(list(encoded), tf.string))

    def _answer(self, paths: list[str]) -> Iterator[FileAnswer]:
        contents: list[bytes] = []
        try:
            contents += [Path(path).read_bytes() for path in paths]
            answer = self._ask(contents)
        except (OSError, tf.errors.OpError) as error:
            if len(paths) == 1:
                yield FileAnswer(paths[0], None, None, _reason(error, *contents))
                return
            for path in paths:  # one bad file must not take its neighbours along
                yield from self._answer([path])
            return
        rows = np.asarray(answer["probabilities"], np.float32)
        accepted = answer["accepted"].numpy().tolist() if "accepted" in answer else [None] * len(paths)
        for path, row, is_accepted in zip(paths, rows, accepted, strict=True):
            yield FileAnswer(path, row, is_accepted, "")


def read(export_dir: str | Path) -> Export:
    """Loads an export.

    Args:
      export_dir: a version folder such as `runs/x/export/vehicles/1`.

    Raises:
      UserError: it is no export of this package, or damaged.
    """
    path = Path(export_dir)
    version_folder.check(path)
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
        class_names = tuple((path / version_folder.LABELS_FILE).read_text("utf-8").split("\n")[:-1])
    except Exception as error:  # TensorFlow raises anything from OSError to AttributeError for a damaged SavedModel
        raise UserError(f"The export in {path} cannot be loaded ({error}). Export it again.") from error
    return Export(path, class_names, signature, loaded)


def _reason(error: Exception, content: bytes = b"") -> str:
    return refusals.reason(error, content) if isinstance(error, tf.errors.OpError) else str(error)
