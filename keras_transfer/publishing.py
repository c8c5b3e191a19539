"""From a classifier to a published version: written, proved, measured, compared with the one before, then renamed.

`train` and `export` share it, so no version appears that has not passed the same gates.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import keras_transfer
from keras_transfer.config import SPLITS, PublishingConfig, UserError
from keras_transfer.data.examples import Examples
from keras_transfer.evaluation import comparison, metrics
from keras_transfer.model import cut
from keras_transfer.saved_model import checks, reader, seen_images, warmup, writer
from keras_transfer.saved_model.signatures import Blueprint

SAMPLE_FILES = 8  # enough to show a wrong channel order or resize many times over
_PRECISION_FILES = 200  # one changed label among them is half a percent


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is to be published.

    Attributes:
      blueprint: of the export.
      folder: of the served model, whose name it bears; holds its numbered versions.
      version: must not exist yet.
      base: what is known of the base, for people: backbone, weights.
      temperature: that the logits were divided by; 1 for none.
      examples: all that the classifier was made from, with their digests.
      test: those to measure on, perhaps none.
      samples: readable files to compare export and classifier on, at least one.
    """

    blueprint: Blueprint
    folder: Path
    version: int
    base: Mapping[str, str]
    temperature: float
    examples: Examples
    test: Examples
    samples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published version.

    Attributes:
      path: the version folder.
      test: `evaluation.metrics.measure` of the export on the test split; None where there is none.
      test_probabilities: of the readable test files, float32, shape (readable, classes).
      test_positions: their places in the test split.
      unreadable: test files that the export could not read: (path, reason).
      parity: largest difference between a probability of the export and of the classifier.
      precision_change: what the precision of serving changes; None for float32.
      earlier_version: that it was compared with; None where there is none, or no test split.
      compared: with the earlier version.
      seconds: of the stages export and evaluate.
    """

    path: Path
    test: dict[str, Any] | None
    test_probabilities: NDArray[np.float32]
    test_positions: list[int]
    unreadable: list[tuple[str, str]]
    parity: float
    precision_change: checks.PrecisionChange | None
    earlier_version: int | None
    compared: comparison.Comparison | None
    seconds: dict[str, float]

    def rows(self) -> list[tuple[str, str]]:
        """What a person should know of how the export serves, for a table."""
        rows = [("export differs", f"by up to {self.parity:.1e} from the classifier")]
        if self.precision_change:
            change = self.precision_change
            text = f"{change.changed_labels} of {change.files} labels"
            rows.append(("precision changes", f"{text}, probabilities by up to {change.largest_difference:.4f}"))
        if self.compared:
            text = f"{self.compared.verdict} ({self.compared.only_new_right} to {self.compared.only_earlier_right}"
            rows.append((f"against version {self.earlier_version}", f"{text}, p = {self.compared.p_value:.3g})"))
        return rows


def publish(candidate: Candidate, *, gates: PublishingConfig, batch_size: int) -> Published:
    """Writes an export and publishes it if it passes every gate; else no numbered folder appears.

    Args:
      candidate: what to publish.
      gates: how good it must be.
      batch_size: images in a call of the export.

    Raises:
      UserError: the version exists, or it is not good enough.
      RuntimeError: the export does not do what the classifier does.
    """
    started = time.perf_counter()
    with (
        checks.fresh_process_started() as fresh,
        writer.staging(candidate.blueprint, folder=candidate.folder, version=candidate.version) as staged,
    ):
        proofs = _prove(staged, candidate, fresh)
        change = _precision_change(staged, candidate)
        exported = time.perf_counter()
        tested = _measure(staged, candidate.test, batch_size)
        _refuse_low_accuracy(tested.figures, gates.min_test_accuracy)
        earlier = max(writer.published_versions(candidate.folder), default=None)
        compared = _compare(candidate, earlier, tested.is_right, batch_size)
        _refuse_worse(gates, earlier, compared)
        published = Published(
            path=candidate.folder / str(candidate.version),
            test=tested.figures,
            test_probabilities=tested.probabilities,
            test_positions=tested.positions,
            unreadable=tested.unreadable,
            parity=proofs["parity"],
            precision_change=change,
            earlier_version=earlier if compared else None,
            compared=compared,
            seconds={"export": exported - started, "evaluate": time.perf_counter() - exported},
        )
        writer.write_metadata(staged, _metadata(candidate, published, proofs))
        learned = {split: candidate.examples.in_split(split).sha256 for split in ("train", "validation")}
        seen_images.write(staged.path, learned)
    return published


def versions() -> dict[str, str]:
    """Name -> version of what an export depends on."""
    return {
        "keras_transfer": keras_transfer.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _prove(staged: reader.Export, candidate: Candidate, fresh: subprocess.Popen[str]) -> dict[str, Any]:
    # The fresh process spends most of its time on starting TensorFlow; meanwhile the warm-up requests are answered.
    with ThreadPoolExecutor(max_workers=1) as beside:
        parity = beside.submit(checks.check_parity, fresh, staged.path, candidate.blueprint, files=candidate.samples)
        return {
            "stored_parameters": checks.check_parameters(staged.path, candidate.blueprint),
            "warmup_requests": len(warmup.play_back(staged)),
            "parity_files": len(candidate.samples),
            "parity": parity.result(),
        }


def _precision_change(staged: reader.Export, candidate: Candidate) -> checks.PrecisionChange | None:
    if candidate.blueprint.serving.serving_precision == "float32":
        return None
    files = candidate.test.paths[:_PRECISION_FILES] or candidate.samples
    return checks.measure_precision_change(staged, candidate.blueprint, files=files)


@dataclass(frozen=True)
class _Tested:
    """An export on the test split, see `Published`; and whether each example is right, as an unreadable one is not."""

    figures: dict[str, Any] | None
    is_right: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    positions: list[int]
    unreadable: list[tuple[str, str]]


def _measure(export: reader.Export, test: Examples, batch_size: int) -> _Tested:
    is_right = np.zeros(len(test), np.bool_)
    if not len(test):
        return _Tested(None, is_right, np.zeros((0, len(export.class_names)), np.float32), [], [])
    probabilities, positions, unreadable = export.measure_files(
        test.paths, batch_size=batch_size, title="Testing the export"
    )
    places = np.asarray(positions, np.int64)
    # By name, because an earlier version may have other classes.
    predicted = np.array(export.class_names)[probabilities.argmax(axis=1)]
    is_right[places] = predicted == np.array(test.class_names)[test.label_ids[places]]
    figures = None
    if export.class_names == test.class_names:
        figures = metrics.measure(
            label_ids=test.label_ids[places], probabilities=probabilities, class_names=test.class_names
        )
    return _Tested(figures, is_right, probabilities, positions, unreadable)


def _compare(
    candidate: Candidate, earlier: int | None, is_right: NDArray[np.bool_], batch_size: int
) -> comparison.Comparison | None:
    if earlier is None or not len(candidate.test):
        return None
    earlier_export = reader.read(candidate.folder / str(earlier))
    earlier_tested = _measure(earlier_export, candidate.test, batch_size)
    return comparison.compare(new_is_right=is_right, earlier_is_right=earlier_tested.is_right)


def _refuse_low_accuracy(test: dict[str, Any] | None, min_test_accuracy: float) -> None:
    if not min_test_accuracy:
        return
    if test is None:
        raise UserError(
            "--min_test_accuracy is set, but there is no test split to measure it on. Nothing was published."
        )
    if not test["accuracy"] >= min_test_accuracy:
        raise UserError(
            f"The export's test accuracy is {test['accuracy']:.4f}, below --min_test_accuracy={min_test_accuracy:g}. "
            "It was not published; the classifier is kept in the run directory."
        )


def _refuse_worse(gates: PublishingConfig, earlier: int | None, compared: comparison.Comparison | None) -> None:
    if not gates.refuse_worse or earlier is None:
        return
    if compared is None:
        raise UserError(
            f"--refuse_worse is set, but there is no test split to compare with version {earlier} on. Nothing was "
            "published."
        )
    if compared.verdict == "worse":
        raise UserError(
            f"The export is worse than version {earlier}: of {compared.examples} test images it alone gets "
            f"{compared.only_new_right} right, the earlier one alone {compared.only_earlier_right} "
            f"(p = {compared.p_value:.3g}). It was not published, because --refuse_worse is set."
        )


def _metadata(candidate: Candidate, published: Published, proofs: dict[str, Any]) -> dict[str, Any]:
    blueprint = candidate.blueprint
    change, compared = published.precision_change, published.compared
    return {
        "model_name": candidate.folder.name,
        "version": candidate.version,
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "versions": versions(),
        "class_names": list(blueprint.class_names),
        "base": {**candidate.base, "weights_sha256": cut.checksum(blueprint.model.weights)},
        "temperature": candidate.temperature,
        "data": _describe_data(candidate.examples),
        "preprocessing": {**dataclasses.asdict(blueprint.image), "max_image_pixels": blueprint.max_pixels},
        "serving": dataclasses.asdict(blueprint.serving),
        "checks": proofs,
        "precision_change": dataclasses.asdict(change) if change else None,
        "test": published.test,
        "comparison": {"earlier_version": published.earlier_version, **dataclasses.asdict(compared)}
        if compared
        else None,
    }


def _describe_data(examples: Examples) -> dict[str, Any]:
    """Counts, and one checksum of every photo with its label and split, whatever their order and place."""
    lines = sorted(
        f"{digest} {split} {examples.class_names[label_id]}\n"
        for digest, split, label_id in zip(examples.sha256, examples.splits, examples.label_ids, strict=True)
    )
    return {
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "examples": {split: examples.splits.count(split) for split in SPLITS},
    }
