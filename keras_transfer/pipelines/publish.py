"""From a classifier to a published version: written, proved, measured, compared with the one before, then renamed.

`train` and `export` share it, so no version appears that has not passed the same gates.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import platform
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import keras_transfer
from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import PairedTest
from keras_transfer.pipelines import candidates, publishing_gates
from keras_transfer.pipelines.candidates import Candidate
from keras_transfer.saved_model import checks, digests, reader, seen_images, version_folder, warmup, writer
from keras_transfer.settings.config import PublishingConfig

_PRECISION_FILES = 200  # one changed label among them is half a percent
_PRECISION_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published version.

    Attributes:
      path: the version folder.
      test: metrics of the export on the test split; None where there is none.
      test_probabilities: of the readable test files, float32, shape (readable, classes).
      test_positions: their places in the test split.
      unreadable: test files that the export could not read: (path, reason).
      parity: largest difference between a probability of the export and of the classifier.
      precision_change: what the precision of serving changes; None for float32.
      compared_with: the export that it was compared with: "version 2" of the same folder, or the path of a version
        folder; "" where there is none, or no test split.
      compared: with that export.
      seen_by_compared: split -> how many of the test images that export was trained on.
      seconds: of the stages export and evaluate.
    """

    path: Path
    test: Metrics | None
    test_probabilities: NDArray[np.float32]
    test_positions: list[int]
    unreadable: list[tuple[str, str]]
    parity: float
    precision_change: checks.PrecisionChange | None
    compared_with: str
    compared: PairedTest | None
    seen_by_compared: dict[str, int]
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
            rows.append((f"against {self.compared_with}", f"{text}, p = {self.compared.p_value:.3g})"))
        return rows


def publish(candidate: Candidate, *, gates: PublishingConfig, batch_size: int) -> Published:
    """Writes an export and publishes it if it passes every gate, see `publishing`."""
    with publishing(candidate, gates=gates, batch_size=batch_size) as published:
        return published


@contextlib.contextmanager
def publishing(candidate: Candidate, *, gates: PublishingConfig, batch_size: int) -> Iterator[Published]:
    """Writes an export, measures it and holds it to every gate; the version appears when the block ends.

    So the block is the place for all that may still fail: what it raises publishes nothing.

    Args:
      candidate: what to publish.
      gates: how good it must be.
      batch_size: images in a call of the export.

    Yields:
      What is about to be published.

    Raises:
      UserError: the version exists and is another export, it is not good enough, or a file changed.
      RuntimeError: the export does not do what the classifier does.
    """
    started, test = time.perf_counter(), candidate.test
    _refuse_changed_samples(candidate)
    with _kept_or_staged(candidate) as (export, proofs, is_kept):
        exported = time.perf_counter()
        tested = publishing_gates.ask(
            export, test, batch_size=batch_size, max_unreadable_fraction=candidate.max_unreadable_fraction
        )
        publishing_gates.refuse_low_accuracy(tested, gates.min_test_accuracy)
        other = candidate.compare_with or _latest_other_version(candidate)
        compared = publishing_gates.compare(tested, other, test, batch_size=batch_size) if other and len(test) else None
        publishing_gates.refuse_worse(gates, _name_of(other, candidate.folder), compared)
        published = Published(
            path=candidate.folder / str(candidate.version),
            test=publishing_gates.measure(tested, test, abstain_below=candidate.spec.serving.abstain_below),
            test_probabilities=tested.probabilities,
            test_positions=tested.positions,
            unreadable=tested.unreadable,
            parity=proofs["parity"],
            precision_change=_precision_change(export, candidate, tested.positions),
            compared_with=_name_of(other, candidate.folder) if compared else "",
            compared=compared,
            seen_by_compared=publishing_gates.count_seen(other, test) if other and compared else {},
            seconds={"export": exported - started, "evaluate": time.perf_counter() - exported},
        )
        yield published
        if not is_kept:
            writer.write_metadata(export, _metadata(candidate, published, proofs))
            learned = {split: candidate.examples.in_split(split).sha256 for split in ("train", "validation")}
            seen_images.write(export.path, learned)


@contextlib.contextmanager
def _kept_or_staged(candidate: Candidate) -> Iterator[tuple[reader.Export, dict[str, Any], bool]]:
    """The export, what it proved, and whether it is published already: by a run that was killed just after that."""
    path = candidate.folder / str(candidate.version)
    if path.exists():
        proofs = _proofs_of_same(candidate, path)
        if proofs is None:
            writer.check_version_is_free(candidate.folder, candidate.version)
        else:
            terminal.say(f"\n{path} was published by an earlier try of this run, and is kept.")
            yield reader.read(path), proofs, True
            return
    with (
        checks.fresh_process_started() as fresh,
        writer.staging(candidate.spec, folder=candidate.folder, version=candidate.version) as staged,
    ):
        yield staged, _prove(staged, candidate, fresh), False


def _proofs_of_same(candidate: Candidate, path: Path) -> dict[str, Any] | None:
    """What a published version proved, if it was made from the same as the candidate; else None."""
    try:
        published = version_folder.read_metadata(path)
    except UserError:
        return None
    wanted = json.loads(json.dumps(candidates.identity(candidate)))
    proofs = published.get("checks")
    is_same = all(published.get(name) == value for name, value in wanted.items())
    return proofs if is_same and isinstance(proofs, dict) and "parity" in proofs else None


def _refuse_changed_samples(candidate: Candidate) -> None:
    digests = dict(zip(candidate.examples.paths, candidate.examples.sha256, strict=True))
    for path in candidate.samples:
        reader.read_unchanged(path, digests[path])


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
        parity = beside.submit(checks.check_parity, fresh, staged.path, candidate.spec, files=candidate.samples)
        try:
            return {
                "stored_parameters": checks.check_parameters(staged.path, candidate.spec),
                "warmup_requests": len(warmup.play_back(staged)),
                "parity_files": len(candidate.samples),
                "parity": parity.result(),
            }
        except BaseException:
            fresh.kill()  # or an interruption would wait for its answers
            raise


def _latest_other_version(candidate: Candidate) -> Path | None:
    others = [number for number in writer.published_versions(candidate.folder) if number != candidate.version]
    return candidate.folder / str(max(others)) if others else None


def _name_of(other: Path | None, folder: Path) -> str:
    if other is None:
        return ""
    return f"version {other.name}" if other.parent == folder else str(other)


def _precision_change(
    export: reader.Export, candidate: Candidate, readable: list[int]
) -> checks.PrecisionChange | None:
    """Measured on test files that are drawn by a seed: the first ones are of the first classes only."""
    if candidate.spec.serving.serving_precision == "float32":
        return None
    count = min(_PRECISION_FILES, len(readable))
    drawn = random.Random(_PRECISION_SEED).sample(readable, count)
    files = tuple(candidate.test.paths[place] for place in sorted(drawn)) or candidate.samples
    return checks.measure_precision_change(export, candidate.spec, files=files)


def _metadata(candidate: Candidate, published: Published, proofs: dict[str, Any]) -> dict[str, Any]:
    compared = published.compared
    return {
        **candidates.identity(candidate),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "versions": versions(),
        # So that a lost list of digests is told from an export of an earlier release, which had none.
        "digests": digests.DIGESTS_FILE.as_posix(),
        "checks": proofs,
        "precision_change": published.precision_change,
        "test": published.test,
        "test_unreadable": len(published.unreadable),
        "comparison": {
            "compared_with": published.compared_with,
            "seen_in_training": published.seen_by_compared,
            **dataclasses.asdict(compared),
        }
        if compared
        else None,
    }
