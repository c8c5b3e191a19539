"""Command: labelled images -> phases -> export -> evaluation of the export -> report.

python -m keras_transfer.train --flagfile=configs/vehicles.flags --image_dir=photos
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_transfer import command_line, run_directory, terminal
from keras_transfer.config import ConfigError, TrainConfig
from keras_transfer.data import sources
from keras_transfer.run_directory import RunDirectory
from keras_transfer.saved_model import version_folder

if TYPE_CHECKING:
    from keras_transfer.data.examples import Examples
    from keras_transfer.training_run import Prepared


def train(config: TrainConfig) -> dict[str, Any] | None:
    """Trains a classifier and publishes its export, with all that a run directory holds.

    What can be known without TensorFlow is checked before it is imported, because that takes seconds.

    Returns:
      The content of metrics.json; None for a dry run, which only prints the plan.

    Raises:
      UserError: anything a person can mend: files, weights, folders, disk, learning rate.
    """
    started = time.perf_counter()
    _check_weights_file(config)
    if config.output.compare_export_dir:
        version_folder.check(Path(config.output.compare_export_dir), flag="compare_export_dir")
    found = sources.load(config.source)
    if config.output.dry_run:
        given = Path(config.output.run_dir) if config.output.run_dir else None
        if given:
            run_directory.check_is_free(given, config)
        prepared = _prepare(config, found, started)
        if given:
            RunDirectory(given).check_photos(prepared.examples)
        return None
    run = run_directory.create(config)
    try:
        prepared = _prepare(config, found, started)
    except BaseException:
        run_directory.remove_if_empty(run)
        raise
    from keras_transfer import training_results, training_run

    figures: dict[str, Any] = {}
    finished = training_run.carry_out(
        prepared, run, conclude=lambda made: figures.update(training_results.compose(prepared, made, run))
    )
    training_results.close(prepared, finished, run, figures)
    return figures


def _prepare(config: TrainConfig, found: Examples, started: float) -> Prepared:
    """Loads TensorFlow, reads the files, builds the classifier and prints the plan."""
    terminal.import_tensorflow_quietly()
    from keras_transfer import training_run

    prepared = training_run.prepare(config, found, started=started)
    training_run.show(prepared)
    return prepared


def _check_weights_file(config: TrainConfig) -> None:
    weights = config.model.weights
    if weights not in ("imagenet", "random") and not Path(weights).is_file():
        raise ConfigError([f"--weights={weights} is no file. Give imagenet, random, or the path of a weights file."])


def main() -> int:
    """Runs the command line."""
    return command_line.run(TrainConfig, train)


if __name__ == "__main__":
    sys.exit(main())
