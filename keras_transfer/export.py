"""Command: a run directory -> a new SavedModel version.

python -m keras_transfer.export --run_dir=runs/x
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_transfer import terminal
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings import command_line
from keras_transfer.settings.config import ExportConfig, TrainConfig

if TYPE_CHECKING:
    from keras_transfer.pipelines import candidates

_BATCH_SIZE = 32  # images in a call of the export
_MOST_NAMED = 5  # files in an error


def export(config: ExportConfig) -> Path:
    """Publishes another version of a finished run's classifier, proved and measured on the run's own files.

    Returns:
      The new version folder.

    Raises:
      UserError: no finished run, a classifier that is gone or damaged, a version that exists, an export that is not
        good enough, or none of the run's files is left to compare on.
    """
    run = RunDirectory(Path(config.settings.run_dir))
    trained, metrics, examples = run.read_config(), run.read_metrics(), run.read_examples()
    terminal.import_tensorflow_quietly()
    from keras_transfer.pipelines import publish
    from keras_transfer.saved_model import writer

    folder = run.export_folder(config.settings.model_name or trained.output.model_name)
    version = config.settings.export_version or writer.next_version(folder)
    writer.check_version_is_free(folder, version)
    terminal.say(f"Exporting version {version} of {folder.name}.")
    candidate = _candidate(config, trained, examples, folder=folder, version=version, run=run, metrics=metrics)
    published = publish.publish(candidate, gates=config.publishing, batch_size=_BATCH_SIZE)
    tested = f"accuracy {published.test.accuracy:.4f}" if published.test else "no such split"
    terminal.table([("test", tested), *published.rows(), ("export", str(published.path))], title="Result")
    return published.path


def _candidate(
    config: ExportConfig,
    trained: TrainConfig,
    examples: Examples,
    *,
    folder: Path,
    version: int,
    run: RunDirectory,
    metrics: dict[str, Any],
) -> candidates.Candidate:
    from keras_transfer.pipelines import candidates
    from keras_transfer.saved_model.signatures import ExportSpec

    test = examples.in_split("test")
    _refuse_changed(test)
    return candidates.Candidate(
        spec=ExportSpec(
            model=_load_classifier(run.classifier),
            class_names=examples.class_names,
            image=trained.image,
            max_pixels=trained.source.max_image_pixels,
            serving=config.serving,
        ),
        folder=folder,
        version=version,
        base={
            "backbone": trained.model.backbone,
            "weights": metrics["weights"],
            "weights_note": metrics.get("weights_note", ""),  # of an older run
        },
        temperature=metrics["calibration"]["temperature"] if "calibration" in metrics else 1.0,  # of an older run
        examples=examples,
        test=test,
        samples=_samples(test, examples, candidates.SAMPLE_FILES),
        max_unreadable_fraction=trained.source.max_unreadable_fraction,
    )


def _load_classifier(path: Path) -> Any:
    import keras

    try:
        return keras.saving.load_model(path)
    except Exception as error:  # a missing or damaged file can fail anywhere in Keras, zip or HDF5
        raise UserError(f"The classifier {path} cannot be loaded ({error}). Train again, or bring it back.") from error


def _refuse_changed(test: Examples) -> None:
    """Refuses a test split that is not the run's: metrics of fewer or other images can't be compared with it.

    Raises:
      UserError: naming the first of the files that are gone or hold other bytes.
    """
    changed = [path for place, path in enumerate(test.paths) if not _is_unchanged(test, place)]
    if changed:
        named = ", ".join(changed[:_MOST_NAMED]) + (", ..." if len(changed) > _MOST_NAMED else "")
        raise UserError(
            f"{len(changed)} of the run's {len(test)} test files are gone or hold other bytes than in the training: "
            f"{named}. Run from the folder of the training, bring them back as they were, or train again."
        )


def _samples(test: Examples, examples: Examples, count: int) -> tuple[str, ...]:
    """Files to compare export and classifier on: of the test split, or of any other."""
    if len(test):
        return test.paths[:count]
    unchanged = (examples.paths[place] for place in range(len(examples)) if _is_unchanged(examples, place))
    files = tuple(itertools.islice(unchanged, count))
    if not files:
        raise UserError(
            "None of the files that the run trained on is where data.json says, and an export is compared with the "
            "classifier on real files before it is published. Run from the folder of the training, or bring them back."
        )
    return files


def _is_unchanged(examples: Examples, place: int) -> bool:
    path = Path(examples.paths[place])
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == examples.sha256[place]


def main() -> int:
    """Runs the command line."""
    return command_line.run(ExportConfig, export)


if __name__ == "__main__":
    sys.exit(main())
