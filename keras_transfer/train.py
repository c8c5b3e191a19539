"""Command: labelled images -> phases -> export -> evaluation of the export -> report.

python -m keras_transfer.train --flagfile=configs/vehicles.flags --image_dir=photos
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from keras_transfer import interruption, output_places, run_lock, terminal
from keras_transfer.feature_bank import disk_space
from keras_transfer.model import weights_files
from keras_transfer.saved_model import version_folder
from keras_transfer.settings import choosing, command_line
from keras_transfer.settings.config import TrainConfig

if TYPE_CHECKING:
    from keras_transfer.data.examples import Examples
    from keras_transfer.pipelines.prepare import Prepared
    from keras_transfer.run_directory import RunDirectory


def train(config: TrainConfig) -> RunDirectory | None:
    """Trains a classifier and publishes its export, with all that a run directory holds.

    What can be known without TensorFlow is checked before it is imported, because that takes seconds.

    Returns:
      The finished run; None for a dry run, which only prints the plan.

    Raises:
      UserError: anything a person can fix: files, weights, folders, disk, learning rate.
      Interrupted: by Ctrl-C or SIGTERM, with what is kept.
    """
    started = time.perf_counter()
    with interruption.StoppingAtOnce() as signals:
        found = _check_and_load(config)
        if config.output.dry_run:
            _plan(config, found, started)
            return None
        return _train(config, found, started, signals)


def _check_and_load(config: TrainConfig) -> Examples:
    """Refuses what can be known without TensorFlow, and finds the images."""
    from keras_transfer import run_directory  # they import NumPy, and --help is to be there at once
    from keras_transfer.data import sources

    output_places.check_folder(config.output.run_dir or "runs", flag="run_dir")
    if config.training.feature_cache != "off":
        disk_space.check_usable(config.training.feature_cache_dir, otherwise="train with --feature_cache=off")
    if config.output.compare_export_dir:
        version_folder.check(Path(config.output.compare_export_dir), flag="compare_export_dir")
    if config.source.dataset:  # which may be downloaded or drawn now
        _check_weights(config)
    found = sources.load(config.source)
    if config.output.run_dir:
        run_directory.check_is_free(Path(config.output.run_dir), config)
    _check_weights(config)
    return found


def _plan(config: TrainConfig, found: Examples, started: float) -> None:
    from keras_transfer.run_directory import RunDirectory

    for way in choosing.one_by_one(config):  # which of several backbones is taken is not tried out here
        with _prepare(way, found, started) as prepared:
            if config.output.run_dir:
                RunDirectory(Path(config.output.run_dir)).check_photos(prepared.examples)


def _train(config: TrainConfig, found: Examples, started: float, signals: interruption.StoppingAtOnce) -> RunDirectory:
    """The run in its directory, which no other process works in meanwhile."""
    from keras_transfer import run_directory

    given = config.output.run_dir
    for path in [] if given else run_directory.find_unfinished(config):
        terminal.say(f"{path} holds an unfinished run of these settings: --run_dir={path} goes on with it.")
    run = run_directory.create(config)
    try:
        with run_lock.held(run.path):
            run_directory.check_is_free(run.path, config)  # another process may just have finished it
            with _prepare(config, found, started) as prepared:
                signals.kept = "What is finished is kept. Run the same command again."
                _carry_out(prepared, run)
    except interruption.Interrupted as error:
        if given or not run.config.is_file():
            raise
        raise interruption.Interrupted(f"{error} Add --run_dir={run.path} to it.", error.signal_number) from error
    finally:
        run_directory.remove_if_empty(run)
    return run


def _carry_out(prepared: Prepared, run: RunDirectory) -> None:
    """The steps of a run after its plan."""
    from keras_transfer.pipelines import candidates, choose, fill, fit, publish, report, run_metrics

    run.begin(prepared.config, prepared.examples)
    fill.fill(prepared)
    prepared, chosen = choose.choose(prepared, run.checkpoints)
    fitted = fit.fit(prepared, chosen, run)
    candidate = candidates.of_run(prepared, run, fitted)
    gates, batch_size = prepared.config.publishing, prepared.config.training.batch_size
    # The results are made before the export appears, because much may fail here.
    with publish.publishing(candidate, gates=gates, batch_size=batch_size) as published:
        prepared.watch.seconds.update(published.seconds)
        finished = run_metrics.Finished(fitted, published)
        metrics = report.compose(prepared, finished, run)
    report.close(prepared, finished, run, metrics)


def _prepare(config: TrainConfig, found: Examples, started: float) -> Prepared:
    """Loads TensorFlow, reads the files, builds the classifier and prints the plan."""
    terminal.import_tensorflow_quietly()
    from keras_transfer.pipelines import choose_backbone, prepare
    from keras_transfer.training.backbone_trials import BackboneTrial

    watch = prepare.Stopwatch(started)
    photos, tried = prepare.read(config, found, watch), tuple[BackboneTrial, ...]()
    if len(choosing.one_by_one(config)) > 1:
        with watch.stage("backbones"):
            config, tried = choose_backbone.choose_backbone(config, photos)
    prepared = prepare.build(config, photos, watch, backbones_tried=tried)
    try:
        prepare.show(prepared)
    except BaseException:
        prepared.plan.close()
        raise
    return prepared


def _check_weights(config: TrainConfig) -> None:
    for way in choosing.one_by_one(config):
        weights_files.check(
            way.model.weights,
            backbone=way.model.backbone,
            feature_layers=way.model.feature_layers,
            allow_download=way.source.allow_download,
            allow_random_weights=way.model.allow_random_weights,
        )


def main() -> int:
    """Runs the command line."""
    return command_line.run(TrainConfig, train)


if __name__ == "__main__":
    sys.exit(main())
