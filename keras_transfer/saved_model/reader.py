"""Loads an export and asks it, on the very bytes of the files, as a client of the server would."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.images import refusals
from keras_transfer.images import unreadable as unreadable_files
from keras_transfer.saved_model import version_folder

Item = TypeVar("Item")
_LONGEST_MESSAGE = 300  # characters: one that people read, not all that TensorFlow says


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
        """Asks for every file, and goes on past those that can't be opened or are no readable image.

        Args:
          paths: of image files.
          batch_size: files in one call; where the memory is not enough for so many, fewer.

        Yields:
          The answer for each path, in order.

        Raises:
          UserError: TensorFlow failed for another reason than the image.
        """
        for batch in _batches(paths, batch_size):
            contents, reasons = {}, {}
            for path in batch:
                try:
                    contents[path] = Path(path).read_bytes()
                except OSError as error:
                    reasons[path] = str(error)
            answers = {answer.path: answer for answer in self._answer(list(contents.items()))}
            for path in batch:
                yield answers.get(path) or FileAnswer(path, None, None, reasons[path])

    def answers(self, encoded: Sequence[tuple[str, bytes]], *, batch_size: int) -> Iterator[FileAnswer]:
        """Asks for images that are in memory.

        Args:
          encoded: (what to call it, bytes of an image file) of each.
          batch_size: images in one call; where the memory is not enough for so many, fewer.

        Yields:
          The answer for each, in order.

        Raises:
          UserError: TensorFlow failed for another reason than the image.
        """
        for batch in _batches(encoded, batch_size):
            yield from self._answer(batch)

    def measure_files(
        self,
        paths: Sequence[str],
        *,
        batch_size: int,
        title: str,
        max_unreadable_fraction: float,
        sha256: Sequence[str],
    ) -> tuple[NDArray[np.float32], list[int], list[tuple[str, str]]]:
        """Asks for every file behind a progress bar; only an image that the export refuses may be left out.

        Args:
          paths: of image files.
          batch_size: files in one call; where the memory is not enough for so many, fewer.
          title: of the progress bar.
          max_unreadable_fraction: of the files that the export may refuse, in [0, 1].
          sha256: digest of each file as it was read before, in hexadecimal; empty where they were not read.

        Returns:
          Probabilities of the readable files, float32, shape (readable, classes); their positions in `paths`; and
          (path, reason) of the others.

        Raises:
          UserError: too many are refused, a file is gone or holds other bytes than before, or TensorFlow failed for
            another reason than the image.
        """
        rows, positions, unreadable = [], [], []
        answers = self._answers_of_unchanged(paths, sha256 or [""] * len(paths), batch_size)
        for position, answer in enumerate(terminal.progress(answers, total=len(paths), title=title)):
            if answer.probabilities is None:
                unreadable.append((answer.path, answer.reason))
            else:
                rows.append(answer.probabilities)
                positions.append(position)
        unreadable_files.refuse_too_many(unreadable, len(paths), max_unreadable_fraction)
        return np.asarray(rows, np.float32).reshape(-1, len(self.class_names)), positions, unreadable

    def _answers_of_unchanged(
        self, paths: Sequence[str], sha256: Sequence[str], batch_size: int
    ) -> Iterator[FileAnswer]:
        for batch in _batches(zip(paths, sha256, strict=True), batch_size):
            yield from self._answer([(path, read_unchanged(path, digest)) for path, digest in batch])

    def _ask(self, encoded: Sequence[bytes]) -> dict[str, tf.Tensor]:
        return self.serving_default(image_bytes=tf.constant(list(encoded), tf.string))

    def _answer(self, files: Sequence[tuple[str, bytes]]) -> Iterator[FileAnswer]:
        """The answers for (path, content) of each file; those that are refused are found by asking for ever fewer."""
        if not files:
            return
        try:
            answer = self._ask([content for _, content in files])
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            if len(files) > 1:
                middle = len(files) // 2
                yield from self._answer(files[:middle])
                yield from self._answer(files[middle:])
                return
            if isinstance(error, tf.errors.ResourceExhaustedError):
                raise _machine_fault(files[0][0], error) from error
            yield FileAnswer(files[0][0], None, None, refusals.reason(error, files[0][1]))
            return
        except tf.errors.OpError as error:
            raise _machine_fault(files[0][0], error) from error
        rows = np.asarray(answer["probabilities"], np.float32)
        accepted = answer["accepted"].numpy().tolist() if "accepted" in answer else [None] * len(files)
        for (path, _), row, is_accepted in zip(files, rows, accepted, strict=True):
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


def read_unchanged(path: str, sha256: str) -> bytes:
    """The content of a file that was read before.

    Args:
      path: of the file.
      sha256: of its content then, in hexadecimal; "" where it was not read.

    Raises:
      UserError: it cannot be opened, or its content is another one.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be opened any more ({error.strerror}), so the split it belongs to cannot be measured as a "
            "whole. Bring it back, or begin again without it."
        ) from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(
            f"{path} holds other bytes than when it was read first, so what is measured would not be the image that "
            "was split and compared with the others. Bring back the file as it was, or begin again with the new one."
        )
    return content


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    return iter(lambda: list(itertools.islice(iterator, size)), [])


def _machine_fault(path: str, error: tf.errors.OpError) -> UserError:
    """What to say where TensorFlow fails for another reason than the image."""
    said = " ".join(str(error.message).split())[:_LONGEST_MESSAGE]
    advice = "Run again when the machine is in order."
    if isinstance(error, tf.errors.ResourceExhaustedError):
        advice = "Free memory, or take a larger machine, and run again."
    return UserError(
        f"The export failed at {path}, and not because of that image: {type(error).__name__}, {said}. {advice}"
    )
