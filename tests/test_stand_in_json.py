"""How the stand-in for TensorFlow Serving reads JSON requests and writes JSON answers."""

from __future__ import annotations

import json

import grpc
import numpy as np
import pytest
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import classification_pb2

from stand_in import json_answers, json_examples, json_requests, json_tensor, json_text
from stand_in.errors import StatusError


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b"nope", "Invalid value. at offset: 1"),
        (b"hello", "Invalid value. at offset: 0"),
        ("é".encode(), "Invalid value. at offset: 0"),
        ('{"é": tru}'.encode(), "Invalid value. at offset: 10"),
        (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid. at offset: 7"),
        (b'{"a": "\\udc00\\ud800"}', "The surrogate pair in string is invalid. at offset: 7"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
    ],
)
def test_a_body_that_is_no_json_is_refused(body, text):
    with pytest.raises(StatusError) as caught:
        json_text.parse_object(body)

    assert caught.value.text == f"JSON Parse error: {text}"


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"{} {}", {}),
        (b'{"a": 1} nonsense \\ud800', {"a": 1}),
        (b'\xef\xbb\xbf \n{"a": 1}', {"a": 1}),
        (b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4}', {"a": 1, "b": {"c": 2}}),
        (b'{"a": "\\ud83d\\ude00 \\\\ud800"}', {"a": "\U0001f600 \\ud800"}),
    ],
)
def test_what_other_parsers_refuse_or_read_otherwise_is_read_as_the_server_does(body, document):
    assert json_text.parse_object(body) == document


def test_a_body_that_is_no_object_is_refused():
    with pytest.raises(StatusError, match=r"JSON Value: \[\] Is not object"):
        json_text.parse_object(b"[]")


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ([[1, 2], [3, 4]], types_pb2.DT_UINT8, np.array([[1, 2], [3, 4]], np.uint8)),
        ([256, 257, -1], types_pb2.DT_UINT8, np.array([0, 1, 255], np.uint8)),
        ([128, 40_000], types_pb2.DT_INT8, np.array([-128, 64], np.int8)),
        (2**64 - 1, types_pb2.DT_UINT64, np.array(2**64 - 1, np.uint64)),
        ([-(2**63)], types_pb2.DT_INT64, np.array([-(2**63)], np.int64)),
        ([2**32 - 1], types_pb2.DT_UINT32, np.array([2**32 - 1], np.uint32)),
        ([1, 0.5, float("inf")], types_pb2.DT_FLOAT, np.array([1, 0.5, np.inf], np.float32)),
        ([2**24 + 1, 1e39], types_pb2.DT_FLOAT, np.array([2**24, np.inf], np.float32)),
        ([True, False], types_pb2.DT_BOOL, np.array([True, False])),
        (["é", {"b64": "AP8="}], types_pb2.DT_STRING, np.array([b"\xc3\xa9", b"\x00\xff"], object)),
        ([], types_pb2.DT_STRING, np.array([], object)),
        ([[], []], types_pb2.DT_FLOAT, np.zeros((2, 0), np.float32)),
    ],
)
def test_values_become_tensors_of_the_type_that_is_asked_for(value, dtype, expected):
    tensor = json_tensor.read_tensor(value, dtype)

    assert tensor.dtype == expected.dtype
    assert tensor.shape == expected.shape
    np.testing.assert_array_equal(tensor, expected)


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.5, types_pb2.DT_UINT8, "JSON Value: 0.5 Type: Number is not of expected type: uint8"),
        (1.0, types_pb2.DT_INT32, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        (True, types_pb2.DT_UINT8, "JSON Value: true Type: True is not of expected type: uint8"),
        (None, types_pb2.DT_FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
        ("1", types_pb2.DT_FLOAT, 'JSON Value: "1" Type: String is not of expected type: float'),
        (2**31, types_pb2.DT_UINT8, "JSON Value: 2147483648 Type: Number is not of expected type: uint8"),
        (-1, types_pb2.DT_UINT32, "JSON Value: -1 Type: Number is not of expected type: uint32"),
        (
            [[1], 2],
            types_pb2.DT_INT32,
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ([1, [2]], types_pb2.DT_INT32, "Encountered list at unexpected level: 1 expected < 1"),
        ([[1], [1, 2]], types_pb2.DT_INT32, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        (
            json.loads("[" * 65 + "]" * 65),
            types_pb2.DT_INT32,
            "A tensor has at most 64 dimensions here, not 65",
        ),
        ({"b64": "A"}, types_pb2.DT_STRING, "Unable to base64 decode"),
        ({"b64": "_-_-"}, types_pb2.DT_STRING, "Unable to base64 decode"),
        ({"b64": "AA="}, types_pb2.DT_STRING, "Unable to base64 decode"),
    ],
)
def test_values_that_are_no_such_tensor_are_refused(value, dtype, text):
    with pytest.raises(StatusError) as caught:
        json_tensor.read_tensor(value, dtype)

    assert (caught.value.code, caught.value.text) == (grpc.StatusCode.INVALID_ARGUMENT, text)


@pytest.mark.parametrize("text", ["AP8=", "AP8", " AP\n8= "])
def test_base64_may_lack_its_padding_and_hold_whitespace(text):
    assert json_tensor.decode_base64({"b64": text}) == b"\x00\xff"


def test_a_type_that_json_is_not_converted_to_is_unimplemented():
    with pytest.raises(StatusError) as caught:
        json_tensor.read_tensor(1, types_pb2.DT_BFLOAT16)

    assert caught.value.http_code == 501


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [[1], [1, 2]],
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 1 but got: 2",
        ),
        (
            [[1, 2], [[1], [2]]],
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [2] but got: [2,1]",
        ),
        ([1, {"a": 1}], "Expecting value/list but got object at item 1 of input list"),
        ([{"a": 1}, 1], "Expecting object but got list at item 1 of input list"),
        (
            [{"a": 0.5}],
            "Failed to process element: 0 key: a of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON Value: 0.5 Type: Number is not of expected type: int32",
        ),
        ([{}], "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: a"),
        ({}, "JSON Value: {\n    \"instances\": {}\n} Expecting 'instances' to be an list/array"),
    ],
)
def test_rows_that_do_not_fit_each_other_or_the_signature_are_refused(rows, text):
    with pytest.raises(StatusError) as caught:
        json_requests.read_inputs({"instances": rows}, {"a": types_pb2.DT_INT32})

    assert caught.value.text == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object as multiple input tensors"),
        ({"inputs": {"a": [1]}}, "Missing named input: b in 'inputs' object."),
        ({"instances": [1]}, "instances is a plain list, but expecting list of objects as multiple input tensors"),
    ],
)
def test_several_inputs_without_their_names_are_refused(document, text):
    with pytest.raises(StatusError) as caught:
        json_requests.read_inputs(document, {"a": types_pb2.DT_INT32, "b": types_pb2.DT_INT32})

    assert caught.value.text.startswith(text)


def test_rows_are_stacked():
    inputs = json_requests.read_inputs(
        {"instances": [{"a": [1, 2], "b": "x"}, {"b": "y", "a": [3, 4]}]},
        {"a": types_pb2.DT_INT32, "b": types_pb2.DT_STRING},
    )

    assert inputs["a"].tolist() == [[1, 2], [3, 4]]
    assert inputs["b"].tolist() == [b"x", b"y"]


def test_a_signature_name_that_is_no_string_is_refused():
    with pytest.raises(StatusError, match="'signature_name' key must be a string value"):
        json_requests.signature_name({"signature_name": 1})


def test_examples_hold_bytes_floats_and_integers():
    request = classification_pb2.ClassificationRequest()

    json_examples.read_request(
        {
            "signature_name": "classify",
            "context": {"where": "garden"},
            "examples": [{"image": {"b64": "AP8="}, "size": [1.5, 2.5], "count": [3, True]}],
        },
        request,
    )

    expected = example_pb2.Example()
    expected.features.feature["image"].bytes_list.value.append(b"\x00\xff")
    expected.features.feature["size"].float_list.value.extend([1.5, 2.5])
    expected.features.feature["count"].int64_list.value.extend([3, 1])
    assert request.model_spec.signature_name == "classify"
    assert list(request.input.example_list_with_context.examples) == [expected]
    context = request.input.example_list_with_context.context.features.feature["where"]
    assert list(context.bytes_list.value) == [b"garden"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "When method is classify, key 'examples' is expected and was not found"),
        ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"a": None}]}, "Feature: a has element with unexpected JSON type: Null"),
        ({"examples": [{"a": [[1]]}]}, "Feature: a has element with unexpected JSON type: Array"),
        ({"examples": [{"a": {"b": 1}}]}, "Feature: a has element with unexpected JSON type: Object"),
        ({"examples": [{"a": [1, 0.5]}]}, "Unexpected element type in feature: a expecting type: int64"),
        ({"examples": [{"a": 2**63}]}, "Feature: a has uint64_t element. Only int64_t is supported."),
    ],
)
def test_examples_of_another_form_are_refused(document, text):
    with pytest.raises(StatusError) as caught:
        json_examples.read_request(document, classification_pb2.ClassificationRequest())

    assert caught.value.text.endswith(text)


def test_numbers_are_written_with_the_digits_of_their_own_precision():
    values = {"a": np.array([0.33, 0.1], np.float32), "b": np.array([0.33, 0.1], np.float64)}

    assert json_answers.dump(json_answers.columns(values)).count(b"0.33,") == 2
    assert json_answers.columns(values)["outputs"] == {"a": [0.33, 0.1], "b": [0.33, 0.1]}


def test_strings_that_are_not_utf8_stay_as_they_are():
    assert b'"\xff"' in json_answers.dump(json_answers.rows({"text": np.array([b"\xff"], object)}))


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"a": np.zeros((), np.float32)}, "Tensor name: a has no shape information "),
        (
            {"a": np.zeros(2, np.float32), "b": np.zeros(3, np.float32)},
            "Tensor name: b has inconsistent batch size: 3 expecting: 2",
        ),
        ({"a": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
    ],
)
def test_outputs_that_are_no_rows_are_refused(outputs, text):
    with pytest.raises(StatusError) as caught:
        json_answers.rows(outputs)

    assert caught.value.text == text
