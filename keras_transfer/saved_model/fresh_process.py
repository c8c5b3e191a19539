"""A program that answers image files from an export, and imports nothing but TensorFlow, as a server would.

`checks` runs its text with `python -c`, so that the export proves to need nothing of the process that wrote it. It
takes what to do from its standard input, because it is started before the export is written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tensorflow as tf


def main() -> None:
    """Reads `[export_dir, file, ...]` as JSON; prints the probabilities as JSON, one list for each file."""
    export_dir, *files = json.load(sys.stdin)
    serving_default = tf.saved_model.load(export_dir).signatures["serving_default"]
    answer = serving_default(image_bytes=tf.constant([Path(file).read_bytes() for file in files]))
    if "keras_transfer" in sys.modules:
        raise RuntimeError("The export imported keras_transfer.")
    print(json.dumps(answer["probabilities"].numpy().tolist()))


if __name__ == "__main__":
    main()
