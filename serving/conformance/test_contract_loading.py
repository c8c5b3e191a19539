"""How the contract says that versions are found, loaded, warmed up and dropped. Some tests publish versions."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import known_model
from contract_requests import MODEL_URL, PREDICT_URL, RestServer, answer_of, error_of, image

_LONGEST_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.05
# A server that tries again to load a version does so for minutes; it has had a first try by then.
_SETTLED_SECONDS = 5.0
_HALF_COPIED_URL = f"/v1/models/{known_model.HALF_COPIED_MODEL}"


def _states(rest: RestServer) -> dict[int, str]:
    """Version -> state, of all versions of the known model that the server has met."""
    listed = answer_of(rest.get(MODEL_URL))["model_version_status"]
    return {int(version["version"]): version["state"] for version in listed}


def _wait_until(is_so: Callable[[], bool], seconds: float = _LONGEST_WAIT_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not (reached := is_so()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return reached


def _becomes_available(rest: RestServer, version: int) -> bool:
    assert _wait_until(lambda: version in _states(rest))
    _wait_until(lambda: _states(rest)[version] in ("AVAILABLE", "END"), _SETTLED_SECONDS)
    return _states(rest)[version] == "AVAILABLE"


@contextlib.contextmanager
def _published(rest: RestServer, folder: Path, name: str) -> Iterator[int]:
    """Publishes a version as one should, beside its place and then by rename, and takes it away after the block.

    Yields:
      Its number, which the server has not met yet.
    """
    version = max(_states(rest)) + 1
    shutil.copytree(folder.parent / known_model.PUBLISHABLE_FOLDER / name, folder / f"copying-{version}")
    (folder / f"copying-{version}").rename(folder / str(version))
    try:
        yield version
    finally:
        (folder / str(version)).rename(folder / f"removing-{version}")
        shutil.rmtree(folder / f"removing-{version}")
        _wait_until(lambda: _states(rest)[version] == "END", _SETTLED_SECONDS)


def test_only_folders_named_by_an_integer_are_versions(rest):
    available = {version for version, state in _states(rest).items() if state == "AVAILABLE"}

    assert available == set(known_model.CLASS_NAMES)  # beside them lies a folder of another name


def test_a_version_without_its_variables_is_available_and_refuses_every_prediction(rest):
    (state,) = answer_of(rest.get(_HALF_COPIED_URL))["model_version_status"]

    answers = [rest.post(f"{_HALF_COPIED_URL}:predict", {"instances": [image(known_model.RED)]}) for _ in range(3)]

    assert state["state"] == "AVAILABLE"
    for answer in answers:
        assert "variable" in error_of(answer, code=400)


def test_a_version_that_appears_is_served_and_one_that_disappears_is_not(rest, model_folder):
    body = {"signature_name": "image_tensor", "inputs": [[[[255, 0, 0]]]]}

    with _published(rest, model_folder, known_model.WHOLE) as version:
        assert _wait_until(lambda: _states(rest).get(version) == "AVAILABLE")
        published = answer_of(rest.post(PREDICT_URL, body))["outputs"]["label"]
    assert _wait_until(lambda: _states(rest)[version] == "END")
    after = answer_of(rest.post(PREDICT_URL, body))["outputs"]["label"]

    assert (published, after) == (["red"], ["RED"])


def test_the_status_call_answers_200_for_a_version_that_can_not_be_loaded(rest, model_folder):
    with _published(rest, model_folder, known_model.BROKEN) as version:
        assert not _becomes_available(rest, version)
        answer = answer_of(rest.get(f"{MODEL_URL}/versions/{version}"))

    assert answer["model_version_status"][0]["state"] != "AVAILABLE"


def test_a_version_that_can_not_be_loaded_leaves_the_others_in_place(rest, model_folder):
    with _published(rest, model_folder, known_model.BROKEN) as version:
        assert not _becomes_available(rest, version)
        answer = answer_of(rest.post(PREDICT_URL, {"instances": [image(known_model.RED)]}))

    assert answer["predictions"][0]["label"] == "RED"


def test_variables_without_their_index_are_no_variables(rest, model_folder):
    with _published(rest, model_folder, known_model.NO_INDEX) as version:
        assert _becomes_available(rest, version)
        answer = rest.post(f"{MODEL_URL}/versions/{version}:predict", {"instances": [image(known_model.RED)]})

    assert "variable" in error_of(answer, code=400)


def test_a_version_is_served_after_its_warm_up(rest, model_folder):
    with _published(rest, model_folder, known_model.MOST_WARMUP) as version:
        assert _wait_until(lambda: _states(rest).get(version) == "AVAILABLE")


@pytest.mark.parametrize(
    "name", [known_model.MISSING_SIGNATURE, known_model.TOO_MUCH_WARMUP, known_model.CORRUPT_WARMUP]
)
def test_a_version_whose_warm_up_fails_is_too_long_or_corrupt_is_not_served(rest, model_folder, name):
    with _published(rest, model_folder, name) as version:
        assert not _becomes_available(rest, version)
