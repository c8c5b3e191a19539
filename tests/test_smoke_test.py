"""Tests of serving/smoke_test.py against small servers with canned answers."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

import export_files
import smoke_test
from clients.answers import Answer, Embedding, Prediction
from clients.errors import ClientError
from clients.served_model import VersionStatus
from fake_servers import FakeModel, grpc_server, rest_server

GOOD = Prediction("red", 0.75, ("red", "blue"), (0.75, 0.25), (0.25, 0.75))


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture(params=["rest", "grpc"])
def flags(request, fake) -> Iterator[list[str]]:
    with rest_server(fake) as url, grpc_server(fake) as address:
        where = {"rest": f"--url={url}", "grpc": f"--address={address}"}[request.param]
        yield ["--model_name=vehicles", f"--protocol={request.param}", where]


def words(output: str) -> list[list[str]]:
    """The first two words of each line."""
    return [line.split()[:2] for line in output.splitlines()]


def test_every_signature_is_asked_once(flags, fake, capsys):
    assert smoke_test.main(flags) == 0
    signatures = ["classify", "embed", "image_tensor", "serving_default"]
    assert fake.requests == [(signature, 1) for signature in signatures]
    output = capsys.readouterr().out
    assert words(output) == [["status", "ok"], *([signature, "ok"] for signature in signatures)]
    assert "version 2 AVAILABLE, version 1 END out of memory" in output
    assert output.count("red 0.7500") == 3


def test_a_signature_that_fails_is_told_and_the_others_are_asked(flags, fake, capsys):
    fake.faults = [0.0, "bad image"]
    assert smoke_test.main(flags) == 1
    assert words(capsys.readouterr().out)[1:] == [
        ["classify", "ok"],
        ["embed", "FAILED"],
        ["image_tensor", "ok"],
        ["serving_default", "ok"],
    ]


def test_a_signature_that_it_does_not_know_fails(flags, fake, capsys):
    fake.signatures = ("serving_default", "segment")
    assert smoke_test.main(flags) == 1
    assert words(capsys.readouterr().out)[1:] == [["segment", "FAILED"], ["serving_default", "ok"]]


def test_an_image_of_ones_own_is_sent(flags, tmp_path, capsys):
    Image.new("RGB", (5, 5), "blue").save(tmp_path / "blue.png")
    assert smoke_test.main([*flags, f"--image={tmp_path / 'blue.png'}"]) == 0
    assert capsys.readouterr().out.count("blue 0.7500") == 3


def test_the_files_of_each_loaded_version_are_checked(flags, tmp_path, capsys):
    version = export_files.write(tmp_path / "vehicles" / "2")
    (tmp_path / "vehicles" / "1").mkdir()  # the server has not loaded it
    assert smoke_test.main([*flags, f"--model_folder={tmp_path / 'vehicles'}"]) == 0
    assert words(capsys.readouterr().out)[-1] == ["files", "of"]
    (version / "variables" / "variables.index").write_bytes(b"Index")
    assert smoke_test.main([*flags, f"--model_folder={tmp_path / 'vehicles'}"]) == 1
    assert "variables.index" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["vehicles", "missing"])
def test_a_loaded_version_whose_files_are_not_there_fails(flags, tmp_path, name):
    (tmp_path / "vehicles").mkdir()
    assert smoke_test.main([*flags, f"--model_folder={tmp_path / name}"]) == 1


def test_a_missing_image_is_wrong_use(flags, capsys):
    with pytest.raises(SystemExit) as ended:
        smoke_test.main([*flags, "--image=missing.png"])
    assert ended.value.code == 2
    assert "missing.png can't be read: No such file" in capsys.readouterr().err


def test_without_a_server_it_says_so(capsys):
    assert smoke_test.main(["--model_name=vehicles", "--url=http://127.0.0.1:1", "--timeout_seconds=0.3"]) == 1
    assert "Nothing listens at http://127.0.0.1:1" in capsys.readouterr().out


def test_its_own_image_is_a_red_square():
    with Image.open(io.BytesIO(smoke_test._IMAGE)) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (32, 32), "RGB")
        assert image.getcolors() == [(32 * 32, (200, 60, 40))]


class FakeClient:
    """A client of a model in a given state that has no signature, or no model at all."""

    def __init__(self, states: list[VersionStatus] | None) -> None:
        self.states = states

    def status(self) -> list[VersionStatus]:
        if self.states is None:
            raise ClientError("no model")
        return self.states

    def signatures(self) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([VersionStatus(2, "LOADING", ""), VersionStatus(1, "AVAILABLE", "")], True),
        ([VersionStatus(2, "LOADING", "")], False),
        ([], False),
        (None, False),
    ],
)
def test_a_model_is_well_if_a_version_is_available(states, expected):
    client: Any = FakeClient(states)
    assert [(asked, is_well) for asked, is_well, _ in smoke_test.check_all(client, b"")] == [("status", expected)]


@pytest.mark.parametrize(
    "answer",
    [
        dataclasses.replace(GOOD, score=1.5),
        dataclasses.replace(GOOD, score=math.nan),
        dataclasses.replace(GOOD, top_scores=(0.75, -0.25)),
        dataclasses.replace(GOOD, probabilities=(0.5, 0.75)),
        dataclasses.replace(GOOD, label="blue"),
        dataclasses.replace(GOOD, label="", top_labels=("", "blue")),
        dataclasses.replace(GOOD, score=0.25),
        Embedding(()),
        Embedding((1.0, math.inf)),
    ],
)
def test_an_answer_that_cannot_be_right_is_refused(answer: Answer):
    with pytest.raises(smoke_test.SmokeError):
        smoke_test.check_answer(answer)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (GOOD, "red 0.7500"),
        (dataclasses.replace(GOOD, probabilities=()), "red 0.7500"),
        (Embedding((1.0, -2.0)), "2 values"),
    ],
)
def test_a_right_answer_is_told_in_a_few_words(answer, told):
    assert smoke_test.check_answer(answer) == told
