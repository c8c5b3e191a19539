"""Command: images -> what is wrong with them: files, copies and leaks, labels, splits. Trains nothing, changes no file.

python -m keras_transfer.inspect_data --image_dir=photos --output=inspection
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer import command_line, terminal
from keras_transfer.config import ConfigError, InspectConfig, SourceConfig
from keras_transfer.data import exclusions, image_files, sources
from keras_transfer.data.examples import Examples
from keras_transfer.run_directory import RunDirectory
from keras_transfer.training import bank_storage


def inspect_data(config: InspectConfig) -> dict[str, Any]:
    """Inspects labelled images, and writes inspection.json, inspection.html and exclude.txt.

    Returns:
      The content of inspection.json.

    Raises:
      UserError: no images, no run directory, or weights that cannot be had.
    """
    _check_weights_file(config)
    _check_feature_cache(config)
    found = _load(config.source)
    output = Path(config.settings.output)
    output.mkdir(parents=True, exist_ok=True)  # now, so that a wrong place is found before the work is done
    terminal.import_tensorflow_quietly()
    from keras_transfer import inspection_run

    return inspection_run.inspect(config, found, output)


def exit_code(result: dict[str, Any]) -> int:
    """0 where nothing of severity error was found, else 1."""
    return command_line.EXIT_FAILED if result["counts"]["error"] else command_line.EXIT_OK


def _load(source: SourceConfig) -> Examples:
    """The examples of the source; a folder of images without class folders is one class without a name."""
    folder = source.image_dir
    has_classes = not os.path.isdir(folder) or image_files.list_folder(folder)[0]
    paths, left_out = ((), ()) if has_classes else image_files.list_images(folder)
    if not paths:
        return sources.load(source)  # which says what is wrong, if anything is
    nothing = ("",) * len(paths)
    found = Examples(("",), paths, np.zeros(len(paths), np.int32), nothing, nothing, left_out=left_out)
    return exclusions.leave_out(found, source.exclude_list) if source.exclude_list else found


def _check_weights_file(config: InspectConfig) -> None:
    weights = config.settings.weights
    if weights not in ("imagenet", "random") and not Path(weights).is_file():
        raise ConfigError([f"--weights={weights} is no file. Give imagenet, random, or the path of a weights file."])


def _check_feature_cache(config: InspectConfig) -> None:
    settings, folder = config.settings, config.settings.feature_cache_dir
    if settings.run_dir and not folder:
        folder = RunDirectory(Path(settings.run_dir)).read_config().training.feature_cache_dir
    if settings.run_dir or settings.backbone != "none":
        bank_storage.check_usable(
            folder, otherwise="leave out --backbone and --run_dir, for the checks without features"
        )


def main() -> int:
    """Runs the command line."""
    return command_line.run(InspectConfig, inspect_data, exit_code_of=exit_code)


if __name__ == "__main__":
    sys.exit(main())
