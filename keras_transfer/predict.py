"""Command: an export and images -> a CSV of labels and scores.

python -m keras_transfer.predict --export_dir=runs/x/export/vehicles/1 --images=folder --output=predictions.csv
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_transfer import output_places, terminal
from keras_transfer.data import foreign_formats, image_files
from keras_transfer.data.examples import LeftOut
from keras_transfer.errors import UserError
from keras_transfer.images import file_kinds, sixteen_bits
from keras_transfer.saved_model import version_folder
from keras_transfer.settings import command_line
from keras_transfer.settings.config import PredictConfig

_NAMED = 10  # files that are passed over, in the summary


def predict(config: PredictConfig) -> Path:
    """Asks an export for every image under a folder and writes a row for each: see `predictions.write`.

    A file that was meant as an image and can't be read has its reason in `error`; what is passed over, such as
    notes.txt or a system's folder, is counted and named on the terminal.

    Returns:
      The CSV file.

    Raises:
      UserError: no image, no export.
    """
    settings = config.settings
    version_folder.check(Path(settings.export_dir))
    output_places.check_file(settings.output, flag="output")
    _refuse_to_replace_an_image(settings.output)
    foreign_formats.refuse_place("images", settings.images)
    paths, left_out = image_files.list_images(settings.images)
    if not paths:
        raise UserError(f"--images={settings.images} holds no {image_files.FORMATS} file.{_first_reason(left_out)}")
    terminal.import_tensorflow_quietly()
    from keras_transfer.evaluation import predictions
    from keras_transfer.saved_model import reader

    export, output = reader.read(settings.export_dir), Path(settings.output)
    if output.is_file():
        terminal.warn(f"--output={output} was there already and is replaced.")
    sixteen_bits.warn(paths)
    unreadable: list[str] = []

    def rows() -> Iterator[predictions.Prediction]:
        answers = export.answers_of_files(paths, batch_size=settings.batch_size)
        for answer in terminal.progress(answers, total=len(paths), title="Predicting"):
            if answer.probabilities is None:
                unreadable.append(answer.path)
            yield predictions.Prediction(
                answer.path, answer.probabilities, is_accepted=answer.is_accepted, error=answer.reason
            )
        for item in left_out:
            if item.is_unreadable:
                unreadable.append(item.path)
                yield predictions.Prediction(item.path, None, error=item.reason)

    further = ["accepted", "error"] if export.abstains else ["error"]
    predictions.write(output, rows(), class_names=export.class_names, further=further)
    passed_over = [item for item in left_out if not item.is_unreadable]
    _summary(len(paths) + sum(item.is_unreadable for item in left_out), len(unreadable), passed_over, output)
    return output


def _refuse_to_replace_an_image(output: str) -> None:
    """A slip of the pen must not cost a photo."""
    if image_files.is_image_name(output) or file_kinds.format_of(output):
        raise UserError(f"--output={output} is an image, or has the name of one. Give the path of a CSV file.")


def _first_reason(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return " Check the path."
    return f" It holds {len(left_out):,} other file(s), such as {left_out[0].path}: {left_out[0].reason}."


def _summary(images: int, unreadable: int, passed_over: Sequence[LeftOut], output: Path) -> None:
    rows = [("images", f"{images:,}"), ("of them not readable", f"{unreadable:,}")]
    rows.append(("passed over", f"{len(passed_over):,}"))
    rows += [("", f"{item.path}: {item.reason}") for item in passed_over[:_NAMED]]
    if len(passed_over) > _NAMED:
        rows.append(("", f"and {len(passed_over) - _NAMED:,} more"))
    terminal.table([*rows, ("written to", str(output))])


def main() -> int:
    """Runs the command line."""
    return command_line.run(PredictConfig, predict)


if __name__ == "__main__":
    sys.exit(main())
