"""Command: an export and images -> a CSV of labels and scores.

python -m keras_transfer.predict --export_dir=runs/x/export/vehicles/1 --images=folder --output=predictions.csv
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from keras_transfer import atomic_files, command_line, output_places, terminal
from keras_transfer.config import PredictConfig, UserError
from keras_transfer.data import image_folder
from keras_transfer.saved_model import version_folder


def predict(config: PredictConfig) -> Path:
    """Asks an export for every image under a folder and writes a row for each.

    Columns: path, label, score, one column of probability for each class, error; and after the score, for an export
    with `--abstain_below`, accepted (true or false). A file that can't be read has its reason in `error` only.

    Returns:
      The CSV file.

    Raises:
      UserError: no image, no export.
    """
    settings = config.settings
    version_folder.check(Path(settings.export_dir))
    output_places.check_file(settings.output, flag="output")
    paths, left_out = image_folder.list_images(settings.images)
    if not paths:
        raise UserError(f"--images={settings.images} holds no JPEG, PNG, GIF, BMP or WebP file.")
    terminal.import_tensorflow_quietly()
    from keras_transfer.saved_model import reader

    export = reader.read(settings.export_dir)
    columns = ["label", "score", *(["accepted"] if export.abstains else []), *export.class_names]
    output, unreadable = Path(settings.output), 0
    with atomic_files.whole_file(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *columns, "error"])
        answers = export.answers_of_files(paths, batch_size=settings.batch_size)
        for answer in terminal.progress(answers, total=len(paths), title="Predicting"):
            row = answer.probabilities
            if row is None:
                unreadable += 1
                writer.writerow([answer.path, *[""] * len(columns), answer.reason])
            else:
                best = int(row.argmax())
                accepted = [str(answer.is_accepted).lower()] if export.abstains else []
                writer.writerow([answer.path, export.class_names[best], row[best], *accepted, *row, ""])
        for item in left_out:
            if item.is_unreadable:
                unreadable += 1
                writer.writerow([item.path, *[""] * len(columns), item.reason])
    terminal.table([("images", f"{len(paths):,}"), ("not readable", f"{unreadable:,}"), ("written to", str(output))])
    return output


def main() -> int:
    """Runs the command line."""
    return command_line.run(PredictConfig, predict)


if __name__ == "__main__":
    sys.exit(main())
