"""Tests of serving/rollback.py, with the real message of TensorFlow Serving's configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

import fake_servers
import model_config
import rollback
from arguments import RefusalError

CONFIG = """\
# Who is on call for what: see the wiki.
model_config_list {{
  config {{
    name: "birds"
    base_path: "{folder}"
    model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
    version_labels {{ key: "stable" value: 4 }}
  }}
  config {{
    name: "vehicles"
    base_path: "{folder}"
    model_platform: "tensorflow"
    model_version_policy {{ {policy} }}
    version_labels {{ key: "stable" value: 4 }}  # the cars of 2026
    version_labels {{ key: 'canary', value: 7 }}
  }}
}}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A served model's folder with versions 1, 3, 4 and 7."""
    for version in (1, 3, 4, 7):
        (tmp_path / "versions" / str(version)).mkdir(parents=True)
    return tmp_path / "versions"


def config_with(folder: Path, policy: str) -> Path:
    path = folder.parent / "models.config"
    path.write_text(CONFIG.format(folder=folder, policy=policy))
    return path


@pytest.fixture
def config(folder) -> Path:
    return config_with(folder, "all {}")


def labels_in(path: Path) -> dict[str, dict[str, int]]:
    message: Any = text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig())
    return {model.name: dict(model.version_labels) for model in message.model_config_list.config}


def run(config: Path, *flags: str, label: str = "stable") -> int:
    flags = ("--offline", *flags)
    return rollback.main([f"--config={config}", "--model_name=vehicles", f"--label={label}", *flags])


def run_online(config: Path, where: str) -> int:
    """Back to version 3, after asking a server."""
    protocol = "rest" if where.startswith("http") else "grpc"
    flags = [f"--protocol={protocol}", f"--{'url' if protocol == 'rest' else 'address'}={where}"]
    return rollback.main([f"--config={config}", "--model_name=vehicles", "--label=stable", *flags])


def test_a_label_moves_to_the_next_older_version(config, capsys):
    assert run(config) == 0
    assert labels_in(config) == {"birds": {"stable": 4}, "vehicles": {"stable": 3, "canary": 7}}
    assert capsys.readouterr().out.splitlines()[0] == f"{config}: model vehicles: label stable: 4 -> 3"


def test_only_the_number_changes_in_the_text(config):
    before = config.read_text()
    assert run(config, "--to_version=1") == 0
    head, tail = before.rsplit('key: "stable" value: 4', 1)
    assert config.read_text() == f'{head}key: "stable" value: 1{tail}'


def test_a_label_in_single_quotes_and_with_a_comma_moves_too(config):
    before = config.read_text()
    assert run(config, label="canary") == 0
    assert config.read_text() == before.replace("'canary', value: 7", "'canary', value: 4")


def test_a_label_that_is_spelled_another_way_moves_and_the_lost_comments_are_told(config, capsys):
    head, tail = config.read_text().rsplit('key: "stable" value: 4', 1)
    config.write_text(f'{head}value: 4 key: "stable"{tail}')
    assert run(config) == 0
    assert labels_in(config) == {"birds": {"stable": 4}, "vehicles": {"stable": 3, "canary": 7}}
    assert "without the comments" in capsys.readouterr().out


def test_a_label_can_move_to_a_given_version(config):
    assert run(config, "--to_version=1") == 0
    assert labels_in(config)["vehicles"]["stable"] == 1


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("all {}", 3), ("specific { versions: 1 versions: 4 versions: 2 }", 1), ("latest { num_versions: 3 }", 3)],
)
def test_the_next_older_version_is_one_that_the_server_loads(folder, policy, expected):
    config = config_with(folder, policy)
    assert run(config) == 0
    assert labels_in(config)["vehicles"]["stable"] == expected


@pytest.mark.parametrize("policy", ["", "latest {}", "latest { num_versions: 2 }", "specific { versions: 4 }"])
def test_a_server_that_keeps_no_older_version_loaded_is_told_to(folder, policy, capsys):
    config = config_with(folder, policy)
    before = config.read_text()
    assert run(config) == 1
    assert "model_version_policy" in capsys.readouterr().err
    assert config.read_text() == before


@pytest.mark.parametrize(
    ("policy", "served"), [("", [7]), ("latest { num_versions: 2 }", [4, 7]), ("all {}", [1, 4, 7])]
)
def test_the_policy_decides_what_is_served(policy, served):
    text = f"model_config_list {{ config {{ name: 'm' model_version_policy {{ {policy} }} }} }}"
    message: Any = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    assert model_config.served_versions(message.model_config_list.config[0], [1, 4, 7]) == served


@pytest.mark.parametrize(
    ("flags", "label", "message"),
    [
        (["--to_version=2"], "stable", "does not load version 2"),
        (["--to_version=4"], "stable", "points to version 4 already"),
        ([], "gold", "Its labels: canary, stable"),
        (["--model_folder=/no/such/folder"], "stable", "no folder on this machine"),
    ],
)
def test_a_move_that_cannot_be_is_one_line_and_changes_nothing(config, capsys, flags, label, message):
    before = config.read_text()
    assert run(config, *flags, label=label) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert config.read_text() == before


def test_the_oldest_version_has_nothing_before_it(config, capsys):
    run(config, "--to_version=1")
    assert run(config) == 1
    assert "none that is older" in capsys.readouterr().err


def test_the_versions_may_lie_elsewhere_on_this_machine(folder, config):
    config.write_text(config.read_text().replace(str(folder), "/models/vehicles"))
    assert run(config) == 1
    assert run(config, f"--model_folder={folder}") == 0
    assert labels_in(config)["vehicles"]["stable"] == 3


@pytest.mark.parametrize("serve", [fake_servers.rest_server, fake_servers.grpc_server])
def test_a_label_moves_to_a_version_that_the_server_has_loaded(config, serve):
    states = {3: ("AVAILABLE", ""), 7: ("END", "out of memory")}
    with serve(fake_servers.FakeModel(states=states)) as where:
        assert run_online(config, where) == 0
    assert labels_in(config)["vehicles"]["stable"] == 3


# The server checks labels before it loads what a file adds: a label that moves too early blocks all later changes.
@pytest.mark.parametrize("serve", [fake_servers.rest_server, fake_servers.grpc_server])
@pytest.mark.parametrize(
    "states",
    [
        {},
        {4: ("AVAILABLE", "")},
        *({3: (state, ""), 4: ("AVAILABLE", "")} for state in ("START", "LOADING", "UNLOADING", "END")),
        {3: ("END", "Data loss: variables")},
    ],
)
def test_a_label_never_moves_to_a_version_that_the_server_has_not_loaded(config, capsys, serve, states):
    before = config.read_text()
    with serve(fake_servers.FakeModel(states=states)) as where:
        assert run_online(config, where) == 1
    error = capsys.readouterr().err
    assert "version 3" in error.lower()
    assert all(text in error for text in states.get(3, ()))
    assert error.count("\n") == 1
    assert config.read_text() == before


def test_without_an_answer_from_a_server_a_label_moves_only_offline(config, capsys):
    before = config.read_text()
    flags = ["--url=http://127.0.0.1:1", "--timeout_seconds=0.2"]
    assert rollback.main([f"--config={config}", "--model_name=vehicles", "--label=stable", *flags]) == 1
    assert "--offline" in capsys.readouterr().err
    assert config.read_text() == before
    assert run(config) == 0


def test_an_unknown_model_is_refused_with_the_known_ones(config, capsys):
    assert rollback.main([f"--config={config}", "--model_name=cars", "--label=stable", "--offline"]) == 1
    assert "Its models: birds, vehicles" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path, capsys):
    assert run(tmp_path / "models.config") == 1
    assert f"--config={tmp_path / 'models.config'} can't be read: No such file" in capsys.readouterr().err


def test_without_the_package_it_says_what_to_install(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.config", None)
    with pytest.raises(RefusalError, match="pip install tensorflow-serving-api"):
        model_config.read(config)


def test_the_file_is_replaced_whole_and_keeps_its_permissions(config, monkeypatch):
    config.chmod(0o640)
    run(config)
    assert config.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in config.parent.iterdir() if path.is_file()] == ["models.config"]


def test_a_file_that_cannot_be_replaced_is_left_as_it_was(config, monkeypatch, capsys):
    before = config.read_text()

    def fail(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_config.whole_files, "sync", fail)
    assert run(config) == 1
    assert "No space left" in capsys.readouterr().err
    assert config.read_text() == before
    assert [path.name for path in config.parent.iterdir() if path.is_file()] == ["models.config"]


def test_wrong_use_ends_with_2(config):
    with pytest.raises(SystemExit) as ended:
        run(config, "--to_version=previous")
    assert ended.value.code == 2
