"""serving/local_server.py as a program: the server's contract, its start, its flags and its end."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import requests
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

import known_model
import local_server
import make_model
import rollback
from stand_in_server import RunningServer, stand_in_server

_REPOSITORY = Path(__file__).parents[1]
_LONG_SECONDS = 60.0
_ALLOW_LABELS = "--allow_version_labels_for_unavailable_models"


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("conformance") / "models"
    make_model.write_all(folder, served_at=str(folder))
    return folder


@pytest.fixture(scope="module")
def config(models, tmp_path_factory) -> Path:
    """A configuration file that tests may change, and change back."""
    return Path(shutil.copy(models / "models.config", tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="module")
def server(config):
    flags = (
        f"--model_config_file={config}",
        "--model_config_file_poll_wait_seconds=0.1",
        "--file_system_poll_wait_seconds=0.1",
        f"--metrics_path={known_model.METRICS_PATH}",
        _ALLOW_LABELS,
    )
    with stand_in_server(*flags) as running:
        yield running


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONG_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def labelled_version(server: RunningServer, label: str) -> str:
    url = f"{server.rest_url}/v1/models/{known_model.MODEL}/labels/{label}/metadata"
    return requests.get(url, timeout=_LONG_SECONDS).json()["model_spec"]["version"]


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_REPOSITORY / "serving" / "local_server.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=_LONG_SECONDS, check=False)


def test_the_whole_contract_is_kept(server, models):
    environment = {
        **os.environ,
        "TFS_REST_URL": server.rest_url,
        "TFS_GRPC_URL": server.grpc_address,
        "TFS_MODEL_FOLDER": str(models),
    }
    command = [sys.executable, "-m", "pytest", "serving/conformance", "-rs", "-p", "no:cacheprovider"]

    finished = subprocess.run(
        command,
        cwd=_REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=4 * _LONG_SECONDS,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout
    summary = finished.stdout.splitlines()[-1]
    assert re.fullmatch(r"\d+ passed in .*", summary), summary  # none skipped, failed, or warned


@pytest.mark.slow
def test_without_a_server_the_tests_of_the_contract_are_skipped_with_a_reason():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TFS_")}
    command = [sys.executable, "-m", "pytest", "serving/conformance/test_contract_loading.py", "-rs"]

    finished = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=_REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_LONG_SECONDS,
        check=False,
    )

    assert "TFS_REST_URL is not set" in finished.stdout
    assert re.fullmatch(r"\d+ skipped in .*", finished.stdout.splitlines()[-1])


def test_a_label_that_is_moved_in_the_file_moves_in_the_server(server, config):
    before = labelled_version(server, "canary")
    flags = [f"--config={config}", f"--model_name={known_model.MODEL}", "--label=canary", f"--url={server.rest_url}"]
    assert rollback.main(flags) == 0

    wait_until(lambda: labelled_version(server, "canary") == "1")
    assert rollback.main([*flags, "--to_version=2"]) == 0
    wait_until(lambda: labelled_version(server, "canary") == "2")

    assert before == "2"


def test_a_file_that_is_wrong_leaves_the_server_as_it_was(server, config):
    whole = config.read_text("utf-8")
    config.write_text("model_config_list {", "utf-8")
    time.sleep(0.5)  # some readings of it

    version = labelled_version(server, "stable")
    config.write_text(whole, "utf-8")

    assert version == "1"


def test_a_document_that_is_nested_too_deeply_is_refused(server):
    body = b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    answer = requests.post(f"{server.rest_url}/v1/models/{known_model.MODEL}:predict", data=body, timeout=_LONG_SECONDS)

    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_metrics_count_the_answers_of_both_protocols(server):
    url = f"{server.rest_url}/v1/models/never_seen:predict"
    requests.post(url, json={"instances": [1]}, timeout=_LONG_SECONDS)

    page = requests.get(server.rest_url + known_model.METRICS_PATH, timeout=_LONG_SECONDS).text

    assert ':tensorflow:serving:request_count{model_name="never_seen",status="NOT_FOUND"} 1' in page.splitlines()


def test_one_model_is_served_from_its_folder_until_control_c_ends_it(models):
    flags = ("--model_name=colours", f"--model_base_path={models / known_model.MODEL}")

    with stand_in_server(*flags) as server:
        states = requests.get(f"{server.rest_url}/v1/models/colours", timeout=_LONG_SECONDS).json()
        reloaded = reload_config(server, models / known_model.MODEL)
        metrics = requests.get(server.rest_url + known_model.METRICS_PATH, timeout=_LONG_SECONDS)
        server.process.send_signal(signal.SIGINT)
        code = server.process.wait(_LONG_SECONDS)

    assert [(state["version"], state["state"]) for state in states["model_version_status"]] == [("2", "AVAILABLE")]
    assert reloaded == {"again"}
    assert metrics.status_code == 404
    assert code == 0


def reload_config(server: RunningServer, folder: Path) -> set[str]:
    """Names a model anew over gRPC, and tells which of both names answers."""
    text = f'model_config_list {{ config {{ name: "again" base_path: "{folder}" model_platform: "tensorflow" }} }}'
    new_config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        stub.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(config=new_config), timeout=_LONG_SECONDS
        )
    urls = {name: f"{server.rest_url}/v1/models/{name}/metadata" for name in ("colours", "again")}
    return {name for name, url in urls.items() if requests.get(url, timeout=_LONG_SECONDS).ok}


def test_a_warm_up_request_for_a_missing_signature_keeps_the_server_from_starting(models, tmp_path):
    shutil.copytree(models / known_model.PUBLISHABLE_FOLDER / known_model.MISSING_SIGNATURE, tmp_path / "1")

    finished = run("--model_name=m", f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0")

    assert finished.returncode == 1
    assert "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available" in finished.stderr
    assert 'Serving signature key "nope" not found.' in finished.stderr
    assert "Traceback" not in finished.stderr


def test_labels_in_the_file_need_a_flag(models, capsys):
    with restored_signals():
        code = local_server.main([f"--model_config_file={models / 'models.config'}"])

    assert code == 1
    assert "FAILED_PRECONDITION: Request to assign label to version 2 of model toy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--model_config_file=nowhere.config"], "--model_config_file=nowhere.config is no file"),
        (["--model_base_path=nowhere"], "No versions of servable default found under base path nowhere"),
    ],
)
def test_what_can_not_be_served_is_told_without_a_traceback(flags, text, capsys):
    with restored_signals():
        code = local_server.main(flags)

    assert code == 1
    assert text in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(server, models, capsys):
    port = server.rest_url.rpartition(":")[2]
    with restored_signals():
        code = local_server.main([f"--model_base_path={models / known_model.MODEL}", f"--rest_api_port={port}"])

    assert code == 1
    assert f"--rest_api_port={port}" in capsys.readouterr().err


@contextlib.contextmanager
def restored_signals():
    """`main` takes Ctrl-C and SIGTERM for itself."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "give --model_base_path, or --model_config_file"),
        (["--model_base_path=a", "--model_config_file=b"], "not both"),
        (["--model_base_path=a", "--file_system_poll_wait_seconds=-1"], "--file_system_poll_wait_seconds=-1"),
        (["--model_base_path=a", "--file_system_poll_wait_seconds=nan"], "--file_system_poll_wait_seconds=nan"),
        (["--model_base_path=a", "--metrics_path=metrics"], "--metrics_path=metrics must begin with /"),
        (["--model_base_path=a", "--model_config_file_poll_wait_seconds=1"], "needs --model_config_file"),
    ],
)
def test_wrong_use_is_told_in_one_line(flags, text, capsys):
    with pytest.raises(SystemExit) as caught:
        local_server.main(flags)

    lines = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert len(lines) == 1
    assert text in lines[0]


def test_help_says_that_it_is_a_stand_in_and_imports_no_tensorflow():
    program = (
        "import sys; sys.path.insert(0, 'serving'); import local_server\n"
        "try:\n    local_server.main(['--help'])\n"
        "except SystemExit:\n    print('tensorflow' in sys.modules, 'grpc' in sys.modules)"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=_REPOSITORY, capture_output=True, text=True, check=True
    )

    assert "stand-in" in finished.stdout
    assert "NOT FOR PRODUCTION" in " ".join(finished.stdout.split())
    assert finished.stdout.splitlines()[-1] == "False False"
