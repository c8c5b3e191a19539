"""Tests of the programs of serving/ with a server that answers: the stand-in, on two published versions of a toy."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

import client
import load_test
import publish
import rollback
import smoke_test
from client import ServedModel
from clients.rest_client import RestClient
from stand_in_server import RunningServer, stand_in_server

MAKE_MODEL = Path(__file__).parents[1] / "serving" / "conformance" / "make_model.py"
SIGNATURES = ("serving_default", "image_tensor", "classify", "embed")
LONGEST_WAIT_SECONDS = 60.0  # several test runs may share two processors

# Version 1 of the toy answers in small letters, version 2 in capitals.
CONFIG = """\
model_config_list {{ config {{
  name: "toy"
  base_path: "{folder}"
  model_platform: "tensorflow"
  model_version_policy {{ all {{}} }}
  version_labels {{ key: "stable" value: 2 }}  # moves
}} }}
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """Versions 1 and 2 of the toy, with what an export of this package has beside its graph."""
    folder = tmp_path_factory.mktemp("exports")
    subprocess.run([sys.executable, str(MAKE_MODEL), f"--folder={folder}"], check=True, capture_output=True)
    for version in ("1", "2"):
        extra = folder / "toy" / version / "assets.extra"
        extra.mkdir()
        (extra / "labels.txt").write_text("blue\ngreen\nred\n")
        (extra / "metadata.json").write_text("{}")
    return folder / "toy"


@pytest.fixture(scope="module")
def config(exports, tmp_path_factory) -> Path:
    """A server's configuration for a folder to which both versions are published."""
    folder = tmp_path_factory.mktemp("served")
    for version in (1, 2):
        publish.publish(exports / str(version), folder / "toy", version=version)
    (folder / "models.config").write_text(CONFIG.format(folder=folder / "toy"))
    return folder / "models.config"


@pytest.fixture(scope="module")
def server(config) -> Iterator[RunningServer]:
    flags = ["--allow_version_labels_for_unavailable_models", f"--model_config_file={config}"]
    polls = ["--model_config_file_poll_wait_seconds=0.2", "--file_system_poll_wait_seconds=0.2"]
    with stand_in_server(*flags, *polls) as running:
        yield running


@pytest.fixture(params=["rest", "grpc"])
def where(request, server) -> list[str]:
    """The flags that name the server."""
    if request.param == "rest":
        return [f"--url={server.rest_url}"]
    return ["--protocol=grpc", f"--address={server.grpc_address}"]


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two images and a file that is none."""
    Image.new("RGB", (6, 4), "blue").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    Image.new("RGB", (5, 5), "red").save(tmp_path / "c.png")
    return tmp_path


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("signature", SIGNATURES[:3])
def test_the_client_labels_good_images_and_names_the_bad_one(where, photos, capsys, signature):
    flags = ["--model_name=toy", "--version=1", f"--signature={signature}", "--format=json"]
    assert client.main([*flags, *where, str(photos)]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row.get("label") for row in rows] == ["blue", None, "red"]
    assert "image" in rows[1]["error"]
    assert rows[0]["top_labels"][0] == "blue"


def test_the_client_gets_embeddings(where, photos, capsys):
    flags = ["--model_name=toy", "--version=1", "--signature=embed", "--format=json"]
    assert client.main([*flags, *where, str(photos / "a.png"), str(photos / "c.png")]) == 0
    # The toy's embedding is how red an image is, in [0, 1], many times.
    assert [set(row["embedding"]) for row in json.loads(capsys.readouterr().out)] == [{0.0}, {1.0}]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model_name=nope"], "--model_name"),
        (["--model_name=toy", "--version=99"], "--version"),
        (["--model_name=toy", "--label=gold"], "--label"),
    ],
)
def test_the_client_says_what_to_check(where, photos, capsys, flags, message):
    assert client.main([*flags, *where, str(photos / "a.png")]) == 1
    assert message in capsys.readouterr().out


def test_the_smoke_test_asks_each_signature_and_fails_for_those_it_does_not_know(where, capsys):
    assert smoke_test.main(["--model_name=toy", "--version=1", *where]) == 1
    found = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert found == {
        "status": "ok",
        **dict.fromkeys(SIGNATURES, "ok"),
        **dict.fromkeys(("batched", "echo", "regress"), "FAILED"),  # the toy has more than an export
    }


def test_the_load_test_finds_no_unexpected_error_among_bad_images(server, tmp_path):
    where = [f"--url={server.rest_url}", f"--address={server.grpc_address}", "--model_name=toy", "--version=1"]
    files = [f"--json={tmp_path / 'load.json'}", f"--plot={tmp_path / 'load.png'}"]
    size = ["--sizes=16,64", "--requests=60", "--concurrency=1,4", "--bad_fraction=0.2"]
    assert load_test.main([*where, *files, *size]) == 0
    steps = json.loads((tmp_path / "load.json").read_text())["steps"]
    assert [(step["answered"] + step["errors_expected"], step["errors_unexpected"]) for step in steps] == [(60, {})] * 4
    assert min(step["errors_expected"] for step in steps) > 0


def test_the_server_follows_a_label_that_moves_back(server, config, photos):
    image = (photos / "c.png").read_bytes()
    with RestClient(server.rest_url, ServedModel("toy", label="stable")) as stable:
        assert stable.predict([image])[0].label == "RED"
        where = f"--url={server.rest_url}"
        assert rollback.main([f"--config={config}", "--model_name=toy", "--label=stable", where]) == 0
        wait_until(lambda: stable.predict([image])[0].label == "red")


def test_the_server_takes_up_what_is_published(server, config, exports):
    folder = config.parent / "toy"
    assert publish.main([f"--export={exports / '1'}", f"--model_folder={folder}", "--version=3"]) == 0
    with RestClient(server.rest_url, ServedModel("toy")) as newest:
        wait_until(lambda: (newest.status()[0].version, newest.status()[0].state) == (3, "AVAILABLE"))
