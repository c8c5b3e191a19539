"""How good an export is on the test split, alone and against another export, and what is too bad to be published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.evaluation import metrics, paired
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import PairedTest
from keras_transfer.saved_model import reader, seen_images
from keras_transfer.settings.config import PublishingConfig


@dataclass(frozen=True)
class Tested:
    """What an export answers on the test split.

    Attributes:
      is_right: whether each test example is classified right, which an unreadable one is not; bool, shape (examples,).
      probabilities: of the readable files, float32, shape (readable, classes).
      positions: their places in the test split.
      unreadable: the other files: (path, reason).
    """

    is_right: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    positions: list[int]
    unreadable: list[tuple[str, str]]


def ask(export: reader.Export, test: Examples, *, batch_size: int, max_unreadable_fraction: float) -> Tested:
    """Asks an export for every file of the test split.

    Raises:
      UserError: see `reader.Export.measure_files`.
    """
    if not len(test):
        return Tested(np.zeros(0, np.bool_), np.zeros((0, len(export.class_names)), np.float32), [], [])
    probabilities, positions, unreadable = export.measure_files(
        test.paths,
        batch_size=batch_size,
        title="Testing the export",
        max_unreadable_fraction=max_unreadable_fraction,
        sha256=test.sha256,
    )
    is_right, places = np.zeros(len(test), np.bool_), np.asarray(positions, np.int64)
    # By name, because another export may have other classes.
    predicted = np.array(export.class_names)[probabilities.argmax(axis=1)]
    is_right[places] = predicted == np.array(test.class_names)[test.label_ids[places]]
    return Tested(is_right, probabilities, positions, unreadable)


def measure(tested: Tested, test: Examples, *, abstain_below: float) -> Metrics | None:
    """`metrics.measure` of the readable files; None where there is no test split."""
    if not len(test):
        return None
    return metrics.measure(
        label_ids=test.label_ids[np.asarray(tested.positions, np.int64)],
        probabilities=tested.probabilities,
        class_names=test.class_names,
        abstain_below=abstain_below,
    )


def compare(tested: Tested, other: Path, test: Examples, *, batch_size: int) -> PairedTest:
    """Compares with another export on the test split, image by image.

    Args:
      tested: the new export.
      other: version folder of the other export; what it cannot read it gets wrong, however much that is.
      test: at least one example.
      batch_size: images in a call of the export.
    """
    of_other = ask(reader.read(other), test, batch_size=batch_size, max_unreadable_fraction=1.0)
    return paired.compare(new_is_right=tested.is_right, earlier_is_right=of_other.is_right)


def count_seen(other: Path, test: Examples) -> dict[str, int]:
    """Split -> how many of the test images were in it when another export was trained; warns where there are any."""
    counts = seen_images.count(other, test.sha256)
    if counts:
        terminal.warn(
            f"{other} has seen some of these test images before: {seen_images.in_words(counts)}, of {len(test):,}. It "
            "does better on them than on new ones, so it looks better in the comparison than it is."
        )
    return counts


def refuse_low_accuracy(tested: Tested, min_test_accuracy: float) -> None:
    """Holds an export to `--min_test_accuracy`; a file that cannot be read counts as wrong.

    Raises:
      UserError: it is less accurate, or was not measured.
    """
    if not min_test_accuracy:
        return
    if not len(tested.is_right):
        raise UserError(
            "--min_test_accuracy is set, but there is no test split to measure it on. Nothing was published."
        )
    accuracy = float(tested.is_right.mean())
    if not accuracy >= min_test_accuracy:
        counted = f" with {len(tested.unreadable)} unreadable files counted as wrong" if tested.unreadable else ""
        raise UserError(
            f"The export's test accuracy is {accuracy:.4f}{counted}, below --min_test_accuracy={min_test_accuracy:g}. "
            "It was not published; the classifier is kept in the run directory."
        )


def refuse_worse(gates: PublishingConfig, other_name: str, compared: PairedTest | None) -> None:
    """Holds an export to `--refuse_worse`.

    Args:
      gates: whether it is set.
      other_name: of the export to compare with, for people; "" where there is none.
      compared: with it; None where there is no test split.

    Raises:
      UserError: it is worse, or was not compared.
    """
    if not gates.refuse_worse or not other_name:
        return
    if compared is None:
        raise UserError(
            f"--refuse_worse is set, but there is no test split to compare with {other_name} on. Nothing was published."
        )
    if compared.verdict == "worse":
        raise UserError(
            f"The export is worse than {other_name}: of {compared.examples} test images it alone gets "
            f"{compared.only_new_right} right, the other one alone {compared.only_earlier_right} "
            f"(p = {compared.p_value:.3g}). It was not published, because --refuse_worse is set."
        )
