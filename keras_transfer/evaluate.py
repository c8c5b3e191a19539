"""Command: an export + labelled images -> metrics and report.

python -m keras_transfer.evaluate --export_dir=runs/x/export/vehicles/1 --image_dir=photos_new
With --compare_export_dir another export is measured on the same images, and the two are set side by side.
"""

from __future__ import annotations

import sys
from pathlib import Path

from keras_transfer import output_places, terminal
from keras_transfer.data import sources
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.images import unreadable
from keras_transfer.saved_model import version_folder
from keras_transfer.settings import command_line
from keras_transfer.settings.config import SPLITS, EvaluateConfig


def evaluate(config: EvaluateConfig) -> Path:
    """Measures an export on labelled images, by their raw bytes.

    Returns:
      The folder with metrics.json, predictions.csv and report.html.

    Raises:
      UserError: no images, no export, a class that the export does not know, too many unreadable files, or another
        export with other classes.
    """
    version_folder.check(Path(config.settings.export_dir))
    if config.settings.compare_export_dir:
        version_folder.check(Path(config.settings.compare_export_dir), flag="compare_export_dir")
    output_places.check_folder(config.settings.output or ".", flag="output")
    found = sources.load(config.source, least_classes=1)
    chosen, split = _choose(found, config.settings.evaluate_split)
    broken = [(item.path, item.reason) for item in found.left_out if item.is_unreadable]
    unreadable.refuse_too_many(broken, len(found) + len(broken), config.source.max_unreadable_fraction)
    unreadable.warn(broken)
    terminal.import_tensorflow_quietly()
    from keras_transfer.pipelines import evaluation

    return evaluation.carry_out(config, found, chosen, split)


def _choose(examples: Examples, wanted: str) -> tuple[Examples, str]:
    """The examples that count, and the name of what they are."""
    present = [split for split in SPLITS if split in examples.splits]
    if wanted == "auto":
        wanted = next((split for split in ("test", "validation", "train") if split in present), "all")
    if wanted == "all":
        return examples, "all"
    if wanted not in present:
        there = f"its splits are {', '.join(present)}" if present else "it has no splits"
        raise UserError(f"--evaluate_split={wanted} holds no examples: {there}. Choose another, or all.")
    return examples.in_split(wanted), wanted


def main() -> int:
    """Runs the command line."""
    return command_line.run(EvaluateConfig, evaluate)


if __name__ == "__main__":
    sys.exit(main())
