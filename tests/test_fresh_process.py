"""Tests of keras_transfer.saved_model.fresh_process, run as `checks` runs it: by its text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_transfer.saved_model import fresh_process, signatures
from small_export import ask, make_export_spec, noise, png


def test_it_prints_the_probabilities_of_files_and_imports_nothing_of_the_package(tmp_path):
    spec, pixels = make_export_spec(), noise(3)
    module, functions = signatures.build_module(spec)
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=functions)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, each in zip(paths, pixels, strict=True):
        path.write_bytes(png(each))
    program = Path(fresh_process.__file__).read_text("utf-8")
    command = [sys.executable, "-X", "importtime", "-c", program]
    task = json.dumps([str(tmp_path / "1"), *map(str, paths)])
    ended = subprocess.run(command, input=task, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]
    np.testing.assert_allclose(json.loads(ended.stdout.splitlines()[-1]), ask(spec.model, pixels), atol=1e-5)
    imported = re.findall(r"^import time:.*\|\s*(\w+)", ended.stderr, re.MULTILINE)  # the first part of each name
    assert "tensorflow" in imported
    assert "keras_transfer" not in imported
