"""Classify and regress requests in JSON: tf.Examples as objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.core.example import feature_pb2

from stand_in import errors, json_requests, json_tensor, json_text

_INT64_END = 2**63


def read_request(document: dict[str, Any], request: Any) -> None:
    """Fills in the signature and the examples of a request.

    Args:
      document: {"signature_name"?, "context"?, "examples": [{feature name: value or list of values}]}.
      request: an empty ClassificationRequest or RegressionRequest.

    Raises:
      StatusError: no examples, or values that no feature holds.
    """
    request.model_spec.signature_name = json_requests.signature_name(document)
    examples = document.get("examples")
    target = request.input.example_list
    if "context" in document:
        target = request.input.example_list_with_context
        _read_example(document["context"], target.context)
    if "examples" not in document:
        raise json_text.format_error(document, "When method is classify, key 'examples' is expected and was not found")
    if not isinstance(examples, list):
        raise json_text.format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise json_text.format_error(document, "'examples' value is an empty array")
    for example in examples:
        _read_example(example, target.examples.add())


def _read_example(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise errors.invalid_argument(f"Example must be JSON object but got JSON {json_text.type_name(value)}")
    for name, content in value.items():
        feature = feature_pb2.Feature()
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)
        example.features.feature[name].CopyFrom(feature)


def _add(value: Any, name: str, feature: Any) -> None:
    if value is None or isinstance(value, list) or (isinstance(value, dict) and not json_tensor.is_base64(value)):
        raise errors.invalid_argument(
            f"Feature: {name} has element with unexpected JSON type: {json_text.type_name(value)}"
        )
    if isinstance(value, float):
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity
            _list_of(feature, "float", name).append(float(np.float32(value)))
    elif isinstance(value, int):  # a bool is one
        if value >= _INT64_END:
            raise errors.invalid_argument(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        _list_of(feature, "int64", name).append(int(value))
    elif isinstance(value, str):
        _list_of(feature, "bytes", name).append(value.encode("utf-8", "surrogateescape"))
    else:
        _list_of(feature, "bytes", name).append(json_tensor.decode_base64(value))


def _list_of(feature: Any, kind: str, name: str) -> Any:
    present = feature.WhichOneof("kind")
    if present not in (None, f"{kind}_list"):
        found = present.removesuffix("_list")
        raise errors.invalid_argument(f"Unexpected element type in feature: {name} expecting type: {found}")
    return getattr(feature, f"{kind}_list").value
