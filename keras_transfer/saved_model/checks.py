"""What an export must prove: it answers as the classifier does in a process of its own, and stores nothing twice."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.images.resizing import clean_view
from keras_transfer.model import precision
from keras_transfer.saved_model import fresh_process, network
from keras_transfer.saved_model.reader import Export
from keras_transfer.saved_model.signatures import ExportSpec

# Two float32 runs of one graph differ by the order of their sums, far below 1e-4. With fewer digits they differ where a
# graph joins operations that were rounded one by one. A wrong channel order or resize differs far above either.
PARITY_TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05, "float16": 0.02}
_FILES_AT_ONCE = 8


@dataclass(frozen=True)
class PrecisionChange:
    """How predictions of an export differ from those of its classifier in float32.

    Attributes:
      files: compared.
      largest_difference: of a probability.
      changed_labels: files whose most probable class differs.
    """

    files: int
    largest_difference: float
    changed_labels: int


@contextlib.contextmanager
def fresh_process_started() -> Iterator[subprocess.Popen[str]]:
    """A process that imports TensorFlow, which takes seconds, while this one writes the export.

    Yields:
      The process, for `check_parity`; it is gone when the block ends.
    """
    program = Path(fresh_process.__file__).read_text("utf-8")
    # This process may hold all of a GPU's memory.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with (
        tempfile.TemporaryDirectory() as nothing_to_import,  # `python -c` also imports from where it runs
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=nothing_to_import,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def check_parity(process: subprocess.Popen[str], version_dir: Path, spec: ExportSpec, *, files: Sequence[str]) -> float:
    """Loads the export in a fresh process and compares its answers on real files with the classifier's.

    Args:
      process: from `fresh_process_started`, for one check.
      version_dir: of the export.
      spec: that it was made from.
      files: readable image files.

    Returns:
      The largest difference of a probability.

    Raises:
      RuntimeError: it is too large, or the process failed: the export is wrong and must not be published.
    """
    name = spec.serving.serving_precision
    served = _answers_of(process, version_dir, files)
    difference = float(np.abs(served - classifier_probabilities(spec, files, precision_name=name)).max())
    if not difference <= PARITY_TOLERANCE[name]:
        raise RuntimeError(
            f"The export's probabilities differ from the classifier's by up to {difference:g}, more than "
            f"{PARITY_TOLERANCE[name]:g}. It was not published."
        )
    return difference


def classifier_probabilities(spec: ExportSpec, files: Sequence[str], *, precision_name: str) -> NDArray[np.float32]:
    """The classifier's own answers, from the processor: a GPU may round float32 to TensorFloat-32.

    Args:
      spec: of an export.
      files: readable image files.
      precision_name: of the base: float32, bfloat16 or float16.

    Returns:
      float32, shape (files, classes).
    """
    rows = []
    base, _ = network.parts(spec.model)
    compute = tf.function(spec.model, autograph=False, reduce_retracing=True)
    with tf.device("CPU"), precision.computing_in(base, precision_name):
        for start in range(0, len(files), _FILES_AT_ONCE):
            encoded = [Path(path).read_bytes() for path in files[start : start + _FILES_AT_ONCE]]
            images = [clean_view(each, image=spec.image, max_pixels=spec.max_pixels) for each in encoded]
            rows.append(np.asarray(compute(tf.stack(images), training=False), np.float32))
    return np.concatenate(rows)


def measure_precision_change(export: Export, spec: ExportSpec, *, files: Sequence[str]) -> PrecisionChange:
    """Compares an export on real files with its classifier in float32.

    Args:
      export: loaded.
      spec: that it was made from.
      files: readable image files.
    """
    exact = classifier_probabilities(spec, files, precision_name="float32")
    batches = [files[start : start + _FILES_AT_ONCE] for start in range(0, len(files), _FILES_AT_ONCE)]
    served = np.concatenate([export.probabilities([Path(path).read_bytes() for path in batch]) for batch in batches])
    changed = int(np.sum(exact.argmax(axis=1) != served.argmax(axis=1)))
    return PrecisionChange(len(files), float(np.abs(exact - served).max()), changed)


def check_parameters(version_dir: Path, spec: ExportSpec) -> int:
    """Counts the stored parameters: some ways of saving a model store them twice.

    Returns:
      Their number.

    Raises:
      RuntimeError: it is not the classifier's.
    """
    shapes = tf.train.load_checkpoint(str(version_dir / "variables" / "variables")).get_variable_to_shape_map()
    # The checkpoint's own description of its objects is stored among the variables.
    stored = int(sum(np.prod(shape) for name, shape in shapes.items() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"))
    if stored != spec.model.count_params():
        raise RuntimeError(
            f"The export stores {stored:,} parameters, but the classifier has {spec.model.count_params():,}. "
            "It was not published."
        )
    return stored


def _answers_of(process: subprocess.Popen[str], version_dir: Path, files: Sequence[str]) -> NDArray[np.float32]:
    task = json.dumps([str(version_dir.resolve()), *(str(Path(path).resolve()) for path in files)])
    answers, errors = process.communicate(task)
    if process.returncode:
        raise RuntimeError(f"The export fails in a process of its own. It was not published.\n{errors[-2000:]}")
    return np.asarray(json.loads(answers.splitlines()[-1]), np.float32)
