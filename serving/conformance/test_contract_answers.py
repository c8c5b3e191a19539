"""The contract's URLs, requests and answers over REST."""

from __future__ import annotations

import os

import pytest

import known_model
from contract_requests import (
    MODEL_URL,
    PREDICT_URL,
    answer_of,
    b64,
    best_probability,
    image,
    other_probability,
)

_RED_PIXELS = [[[255, 0, 0]]]
_PLACES = [("", 2), ("/versions/1", 1), ("/versions/2", 2), ("/labels/stable", 1), ("/labels/canary", 2)]


@pytest.mark.parametrize(("place", "version"), _PLACES)
def test_predict_answers_from_the_latest_version_a_number_or_a_label(rest, place, version):
    answer = answer_of(rest.post(f"{MODEL_URL}{place}:predict", {"instances": [image(known_model.RED)]}))

    assert answer["predictions"][0]["label"] == known_model.CLASS_NAMES[version][2]


@pytest.mark.parametrize(("place", "version"), _PLACES)
def test_classify_answers_from_the_latest_version_a_number_or_a_label(rest, place, version):
    body = {"signature_name": "classify", "examples": [{known_model.EXAMPLE_FEATURE: image(known_model.RED)}]}

    answer = answer_of(rest.post(f"{MODEL_URL}{place}:classify", body))

    assert answer["results"][0][0][0] == known_model.CLASS_NAMES[version][2]


@pytest.mark.parametrize("place", [place for place, _ in _PLACES])
def test_regress_answers_from_the_latest_version_a_number_or_a_label(rest, place):
    examples = [{known_model.EXAMPLE_FEATURE: image(colour)} for colour in (known_model.RED, known_model.GREEN)]

    answer = answer_of(rest.post(f"{MODEL_URL}{place}:regress", {"signature_name": "regress", "examples": examples}))

    assert answer == {"results": [1.0, 0.0]}


@pytest.mark.parametrize(("place", "present"), [("", {"1", "2"}), ("/versions/1", {"1"}), ("/versions/2", {"2"})])
def test_status_lists_each_version_with_its_state(rest, place, present):
    states = answer_of(rest.get(f"{MODEL_URL}{place}"))["model_version_status"]

    available = [state for state in states if state["state"] == "AVAILABLE"]
    assert {state["version"] for state in available} == present
    assert all(state["status"] == {"error_code": "OK", "error_message": ""} for state in available)


@pytest.mark.parametrize(("place", "version"), _PLACES)
def test_metadata_tells_the_inputs_and_outputs_of_each_signature(rest, place, version):
    answer = answer_of(rest.get(f"{MODEL_URL}{place}/metadata"))

    signatures = answer["metadata"]["signature_def"]["signature_def"]
    images = signatures["image_tensor"]["inputs"]["images"]
    assert answer["model_spec"] == {"name": known_model.MODEL, "signature_name": "", "version": str(version)}
    assert images["dtype"] == "DT_UINT8"
    assert [dimension["size"] for dimension in images["tensor_shape"]["dim"]] == ["-1", "-1", "-1", "3"]
    assert set(signatures["classify"]["outputs"]) == {"classes", "scores"}
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"


def test_metrics_are_read_at_the_configured_path(rest):
    answer_of(rest.post(PREDICT_URL, {"instances": [image(known_model.RED)]}))

    answer = rest.get(os.environ.get("TFS_METRICS_PATH", known_model.METRICS_PATH))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert any(line.startswith(":tensorflow:serving:request_count{") for line in answer.text.splitlines())


@pytest.mark.parametrize(
    "row", [image(known_model.BLUE), {"image_bytes": image(known_model.BLUE)}], ids=["value", "named value"]
)
def test_rows_of_several_outputs_are_objects(rest, row):
    (prediction,) = answer_of(
        rest.post(PREDICT_URL, {"signature_name": "serving_default", "instances": [row]})
    ).values()

    assert prediction == [
        {
            "label": "BLUE",
            "score": pytest.approx(best_probability(), rel=1e-5),
            "top_labels": ["BLUE", "GREEN"],
            "top_scores": pytest.approx([best_probability(), other_probability()], rel=1e-5),
            "probabilities": pytest.approx([best_probability()] + [other_probability()] * 2, rel=1e-5),
        }
    ]


def test_rows_of_one_output_are_its_values(rest):
    rows = [image(known_model.RED), image(known_model.BLUE)]

    answer = answer_of(rest.post(PREDICT_URL, {"signature_name": "batched", "instances": rows}))

    assert list(answer) == ["predictions"]
    assert answer["predictions"][0] == pytest.approx([other_probability()] * 2 + [best_probability()], rel=1e-5)
    assert answer["predictions"][1] == pytest.approx([best_probability()] + [other_probability()] * 2, rel=1e-5)


@pytest.mark.parametrize(
    "inputs", [[_RED_PIXELS, _RED_PIXELS], {"images": [_RED_PIXELS, _RED_PIXELS]}], ids=["value", "named value"]
)
def test_columns_of_several_outputs_are_an_object(rest, inputs):
    answer = answer_of(rest.post(PREDICT_URL, {"signature_name": "image_tensor", "inputs": inputs}))

    assert list(answer) == ["outputs"]
    assert set(answer["outputs"]) == {"label", "score", "top_labels", "top_scores", "probabilities"}
    assert answer["outputs"]["label"] == ["RED", "RED"]
    assert answer["outputs"]["top_labels"] == [["RED", "BLUE"], ["RED", "BLUE"]]


def test_columns_of_one_output_are_its_values(rest):
    body = {"signature_name": "batched", "inputs": [image(known_model.GREEN)]}

    answer = answer_of(rest.post(PREDICT_URL, body))

    expected = [other_probability(), best_probability(), other_probability()]
    assert answer == {"outputs": [pytest.approx(expected, rel=1e-5)]}


def test_several_inputs_go_by_name_in_rows_and_in_columns(rest):
    rows = {"signature_name": "echo", "instances": [{"text": "a", "number": 1.5}, {"text": "b", "number": 2}]}
    columns = {"signature_name": "echo", "inputs": {"text": ["a", "b"], "number": [1.5, 2]}}

    by_rows = answer_of(rest.post(PREDICT_URL, rows))["predictions"]
    by_columns = answer_of(rest.post(PREDICT_URL, columns))["outputs"]

    assert [row["number"] for row in by_rows] == by_columns["number"] == [1.5, 2.0]
    assert [row["text"] for row in by_rows] == by_columns["text"] == ["a", "b"]


def test_base64_is_decoded_by_the_server_only_where_it_is_marked(rest):
    marked, bare = image(known_model.RED), image(known_model.RED)["b64"]

    assert answer_of(rest.post(PREDICT_URL, {"instances": [marked]}))["predictions"][0]["label"] == "RED"
    assert "Unknown image file format" in rest.error(PREDICT_URL, {"instances": [bare]})


def test_strings_are_their_utf8_bytes_and_outputs_named_bytes_are_base64(rest):
    body = {"signature_name": "echo", "instances": [{"text": "rouge-gorge \u00e9tonn\u00e9", "number": 0}]}

    answer = answer_of(rest.post(PREDICT_URL, body))["predictions"][0]

    assert answer["text"] == "rouge-gorge \u00e9tonn\u00e9"
    assert answer["text_bytes"] == b64("rouge-gorge \u00e9tonn\u00e9".encode())


def test_classify_answers_pairs_of_label_and_score(rest):
    examples = [{known_model.EXAMPLE_FEATURE: image(colour)} for colour in (known_model.GREEN, known_model.RED)]

    answer = answer_of(rest.post(f"{MODEL_URL}:classify", {"signature_name": "classify", "examples": examples}))

    best, other = (pytest.approx(value, rel=1e-5) for value in (best_probability(), other_probability()))
    assert answer == {
        "results": [
            [["GREEN", best], ["BLUE", other], ["RED", other]],
            [["RED", best], ["BLUE", other], ["GREEN", other]],
        ]
    }


def test_classify_refuses_a_signature_of_another_method_by_its_outputs(rest):
    body = {"signature_name": "serving_default", "examples": [{known_model.EXAMPLE_FEATURE: image(known_model.RED)}]}

    text = rest.error(f"{MODEL_URL}:classify", body)

    assert text == "Expected one or two output Tensors, found 5"


def test_regress_refuses_a_signature_of_another_method_by_its_outputs(rest):
    body = {"signature_name": "serving_default", "examples": [{known_model.EXAMPLE_FEATURE: image(known_model.RED)}]}

    assert rest.error(f"{MODEL_URL}:regress", body) == "Expected one output Tensor."
