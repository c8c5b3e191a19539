"""The contract's errors over REST, and its traps."""

from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

import known_model
from contract_requests import MISSING_VERSION, MODEL_URL, PREDICT_URL, answer_of, b64, error_of, image

_ECHO = b'{"signature_name": "echo", "instances": [{"text": "a", "number": 1}]}'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v1/models/nope:predict", "Servable not found for request: Latest(nope)"),
        (
            f"{MODEL_URL}/versions/{MISSING_VERSION}:predict",
            f"Servable not found for request: Specific({known_model.MODEL}, {MISSING_VERSION})",
        ),
    ],
)
def test_a_prediction_of_an_unknown_model_or_version_is_not_found(rest, path, text):
    assert rest.error(path, {"instances": [image(known_model.RED)]}, code=404) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            f"{MODEL_URL}/versions/{MISSING_VERSION}",
            f"Could not find version {MISSING_VERSION} of model {known_model.MODEL}",
        ),
        ("/v1/models/nope", "Could not find any versions of model nope"),
    ],
)
def test_the_status_of_an_unknown_model_or_version_is_not_found(rest, path, text):
    assert error_of(rest.get(path), code=404) == text


def test_an_unknown_label_is_refused(rest):
    text = rest.error(f"{MODEL_URL}/labels/unknown:predict", {"instances": [image(known_model.RED)]})

    assert text == "Unrecognized servable version label: unknown"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nope"),
        ("GET", f"{MODEL_URL}/nope"),
        ("GET", PREDICT_URL),
        ("POST", MODEL_URL),
        ("POST", "/v1/models:predict"),
        ("POST", f"{MODEL_URL}:explain"),
        ("POST", f"{MODEL_URL}/versions/one:predict"),
        ("DELETE", MODEL_URL),
    ],
)
def test_a_path_verb_or_method_that_does_not_exist_is_malformed(rest, method, path):
    assert error_of(rest.ask(method, path), code=400) == f"Malformed request: {method} {path}"


def test_a_query_is_malformed(rest):
    text = error_of(rest.ask("POST", f"{PREDICT_URL}?x=1", _ECHO), code=400)

    assert text.startswith(f"Malformed request: POST {PREDICT_URL}")


def test_a_version_beyond_int64_is_refused_without_a_word(rest):
    answer = rest.ask("POST", f"{MODEL_URL}/versions/{2**63}:predict", _ECHO)

    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + _ECHO,
        _ECHO + b" and more",
        _ECHO[:-1] + b', "instances": []}',
        _ECHO[:-1] + b', "signature_name": "nope"}',
    ],
    ids=["byte order mark", "text after it", "rows twice", "signature twice"],
)
def test_the_json_parser_passes_over_a_mark_before_text_after_and_later_values_of_a_key(rest, body):
    assert answer_of(rest.ask("POST", PREDICT_URL, body))["predictions"][0]["text"] == "a"


def test_a_gzip_body_is_unpacked(rest):
    answer = rest.ask("POST", PREDICT_URL, gzip.compress(_ECHO), encoding="gzip")

    assert answer_of(answer)["predictions"][0]["text"] == "a"


def test_half_of_a_surrogate_pair_is_no_json(rest):
    text = error_of(rest.ask("POST", PREDICT_URL, _ECHO.replace(b'"a"', b'"\\ud800"')), code=400)

    assert text.startswith("JSON Parse error: ")


@pytest.mark.parametrize("number", [2**24 + 1, 123456789])
def test_a_number_that_float32_does_not_hold_is_rounded_in_silence(rest, number):
    body = {"signature_name": "echo", "inputs": {"text": ["a"], "number": [number]}}

    (answer,) = answer_of(rest.post(PREDICT_URL, body))["outputs"]["number"]
    assert np.float32(answer) == np.float32(number)


def test_rows_that_are_no_list_are_refused(rest):
    assert "Expecting 'instances'" in rest.error(PREDICT_URL, {"instances": {}})


def test_an_integer_beyond_int64_is_in_no_example(rest):
    body = {"signature_name": "classify", "examples": [{known_model.EXAMPLE_FEATURE: 2**63}]}

    assert "uint64_t" in rest.error(f"{MODEL_URL}:classify", body)


@pytest.mark.parametrize("path", ["/", "/healthz", "/v2/models/toy"])
def test_outside_v1_nothing_is_found_and_the_answer_is_html(rest, path):
    answer = rest.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_neither_rows_nor_columns_is_refused(rest):
    assert rest.error(PREDICT_URL, {}) == "Missing 'inputs' or 'instances' key"


def test_rows_and_columns_at_once_are_refused(rest):
    body = {"instances": [image(known_model.RED)], "inputs": [image(known_model.RED)]}

    assert "expecting only one of" in rest.error(PREDICT_URL, body)


def test_no_rows_are_refused(rest):
    assert rest.error(PREDICT_URL, {"instances": []}).endswith("No values in 'instances' array")


def test_a_body_that_is_no_json_is_refused_with_the_place(rest):
    text = error_of(rest.ask("POST", PREDICT_URL, b"nope"), code=400)

    assert re.fullmatch(r"JSON Parse error: .+ at offset: 1", text)


def test_an_empty_body_is_refused(rest):
    assert error_of(rest.ask("POST", PREDICT_URL), code=400) == "JSON Parse error: The document is empty"


def test_a_value_of_another_type_is_refused(rest):
    text = rest.error(PREDICT_URL, {"signature_name": "image_tensor", "instances": [[[[0.5, 1, 2]]]]})

    assert text == (
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON Value: 0.5 Type: Number is not of expected type: uint8"
    )


def test_ragged_lists_are_refused(rest):
    ragged = [[[1, 2, 3]], [[1, 2, 3], [4, 5, 6]]]

    text = rest.error(PREDICT_URL, {"signature_name": "image_tensor", "instances": [ragged]})

    assert text.endswith("Encountered list at unexpected size: 2 at level: 1 expected size: 1")


def test_an_unknown_input_is_refused(rest):
    text = rest.error(PREDICT_URL, {"instances": [{"foo": image(known_model.RED)}]})

    assert text.endswith("JSON object: does not have named input: foo")


@pytest.mark.parametrize("text", ["!!!!", "_-_-", "AAAAA"], ids=["no base64", "URL-safe alphabet", "impossible length"])
def test_base64_other_than_the_standard_one_is_refused(rest, text):
    body = {"signature_name": "echo", "instances": [{"text": {"b64": text}, "number": 1}]}

    assert rest.error(PREDICT_URL, body).endswith("Unable to base64 decode")


def test_the_standard_base64_of_the_same_bytes_is_taken(rest):
    body = {"signature_name": "echo", "instances": [{"text": {"b64": "/+/+"}, "number": 1}]}

    assert answer_of(rest.post(PREDICT_URL, body))["predictions"][0]["text_bytes"] == {"b64": "/+/+"}


def test_bytes_that_are_no_image_are_refused(rest):
    text = rest.error(PREDICT_URL, {"instances": [b64(b"no image")]})

    assert text.startswith("Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required.")


def test_an_unknown_signature_is_refused(rest):
    text = rest.error(PREDICT_URL, {"signature_name": "nope", "instances": [image(known_model.RED)]})

    assert text == 'Serving signature name: "nope" not found in signature def'


@pytest.mark.parametrize("excess", [1, 5])
def test_more_than_the_largest_batch_is_refused(rest, excess):
    count = known_model.LARGEST_BATCH + excess

    text = rest.error(PREDICT_URL, {"signature_name": "batched", "instances": [image(known_model.RED)] * count})

    assert text.startswith(f"Task size {count} is larger than maximum input batch size {known_model.LARGEST_BATCH}")


@pytest.mark.parametrize(("pixel", "label"), [([256, -1, 0], "GREEN"), ([-1, 256, 512], "RED")])
def test_pixels_out_of_range_wrap_in_silence(rest, pixel, label):
    body = {"signature_name": "image_tensor", "instances": [[[pixel]]]}

    assert answer_of(rest.post(PREDICT_URL, body))["predictions"][0]["label"] == label


@pytest.mark.parametrize(
    ("images", "text"),
    [([[[[1, 2, 3, 4]]]], "Matrix size-incompatible"), ([[1, 2, 3]], "Invalid reduction dimension")],
    ids=["four channels", "no height and width"],
)
def test_shapes_are_refused_by_the_graph_alone(rest, images, text):
    """The server does not hold them against the signature, which says [-1, -1, -1, 3]."""
    assert text in rest.error(PREDICT_URL, {"signature_name": "image_tensor", "inputs": images})


def test_an_answer_that_fits_no_signature_still_comes_if_the_graph_can_give_it(rest):
    body = {"signature_name": "echo", "inputs": {"text": [["a", "b"]], "number": [1]}}  # the signature says text [-1]

    assert answer_of(rest.post(PREDICT_URL, body))["outputs"]["text"] == [["a", "b"]]
