"""Command: images -> what is wrong with them: files, copies and leaks, labels, splits. Trains nothing, changes no file.

python -m keras_transfer.inspect_data --image_dir=photos --output=inspection
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer import output_places, terminal
from keras_transfer.data import exclusions, folder_tables, image_files, sources
from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import disk_space
from keras_transfer.model import weights_files
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings import command_line
from keras_transfer.settings.config import InspectConfig, SourceConfig


def inspect_data(config: InspectConfig) -> dict[str, Any]:
    """Inspects labelled images, and writes inspection.json, inspection.html and exclude.txt.

    Returns:
      The content of inspection.json.

    Raises:
      UserError: no images, no run directory, or weights that are not available.
    """
    _check_feature_cache(config)
    output = Path(config.settings.output)
    output_places.check_folder(output, flag="output")
    if config.source.dataset:  # which may be downloaded or drawn now
        _check_weights(config)
    found = _load(config.source)
    _check_weights(config)
    output.mkdir(parents=True, exist_ok=True)
    terminal.import_tensorflow_quietly()
    from keras_transfer.pipelines import inspection

    return inspection.inspect(config, found, output)


def exit_code(result: dict[str, Any]) -> int:
    """0 where nothing of severity error was found, else 1."""
    return command_line.EXIT_FAILED if result["counts"]["error"] else command_line.EXIT_OK


def _load(source: SourceConfig) -> Examples:
    """The examples of the source; a folder of images without class folders is one class without a name."""
    folder = source.image_dir
    has_classes = not os.path.isdir(folder) or image_files.list_folder(folder)[0] or folder_tables.find(folder)
    paths, left_out = ((), ()) if has_classes else image_files.list_images(folder)
    if not paths:
        return sources.load(source, least_classes=1)  # which says what is wrong, if anything is
    nothing = ("",) * len(paths)
    found = Examples(("",), paths, np.zeros(len(paths), np.int32), nothing, nothing, left_out=left_out)
    return exclusions.leave_out(found, source.exclude_list) if source.exclude_list else found


def _check_weights(config: InspectConfig) -> None:
    """Refuses weights that are not there or not those of the network, if the inspection takes a network's features."""
    settings, allow_download = config.settings, config.source.allow_download
    if settings.run_dir:
        model = RunDirectory(Path(settings.run_dir)).read_config().model
        weights_files.check(
            model.weights,
            backbone=model.backbone,
            feature_layers=model.feature_layers,
            allow_download=allow_download,
            allow_random_weights=model.allow_random_weights,
        )
    elif settings.backbone != "none":
        weights_files.check(settings.weights, backbone=settings.backbone, allow_download=allow_download)


def _check_feature_cache(config: InspectConfig) -> None:
    settings, folder = config.settings, config.settings.feature_cache_dir
    if settings.run_dir and not folder:
        folder = RunDirectory(Path(settings.run_dir)).read_config().training.feature_cache_dir
    if settings.run_dir or settings.backbone != "none":
        disk_space.check_usable(folder, otherwise="leave out --backbone and --run_dir, for the checks without features")


def main() -> int:
    """Runs the command line."""
    return command_line.run(InspectConfig, inspect_data, exit_code_of=exit_code)


if __name__ == "__main__":
    sys.exit(main())
