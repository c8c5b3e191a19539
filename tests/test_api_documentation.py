"""The examples of docs/api.md and the notebook in docs run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from PIL import Image

import house_rules
from keras_transfer.drawn_vehicles import drawing

DOCS = house_rules.REPOSITORY / "docs"
A_CLASS = {"photos": 12, "new_photos": 2}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos` and `new_photos` of drawn vehicles."""
    folder = tmp_path_factory.mktemp("workplace")
    for seed, (name, count) in enumerate(A_CLASS.items()):
        for vehicle in drawing.CLASS_NAMES:
            (folder / name / vehicle).mkdir(parents=True)
            for number in range(count):
                image = drawing.draw(vehicle, seed=1000 * seed + number).image
                Image.fromarray(image).save(folder / name / vehicle / f"{number}.jpg")
    return folder


def run_python(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-c", source]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)


@pytest.mark.slow
def test_the_examples_of_the_api_run(workplace):
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "api.md").read_text("utf-8"), re.S | re.M)
    assert len(blocks) > 5
    ended = run_python("\n".join(blocks), workplace)
    assert ended.returncode == 0, ended.stderr
    assert "head_learning_rate" in ended.stdout
    assert (workplace / "runs/x/export/classifier/2/saved_model.pb").is_file()


@pytest.mark.slow
def test_the_notebook_runs_and_shows_a_report_and_progress_bars(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    notebook = nbformat.read(DOCS / "keras_transfer.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # what it shows is seen where it is run
    client = nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert sum("<iframe" in page for page in pages) == 2
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "Filling the feature bank: 100%" in printed
