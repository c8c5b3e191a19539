"""Predict requests in JSON: rows under `instances`, or columns under `inputs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stand_in import errors, json_tensor, json_text


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names, or "".

    Raises:
      StatusError: it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise json_text.format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def read_inputs(document: Mapping[str, Any], types: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The tensors of a request.

    Args:
      document: the request.
      types: input name in the signature -> element type, of types_pb2.DataType.

    Returns:
      Input name -> value.

    Raises:
      StatusError: neither or both of the keys; values that are not what the signature asks for.
    """
    if "instances" in document:
        return _read_rows(document, types)
    if "inputs" not in document:
        raise errors.invalid_argument("Missing 'inputs' or 'instances' key")
    return _read_columns(document["inputs"], types)


def _read_columns(inputs: Any, types: Mapping[str, int]) -> dict[str, np.ndarray]:
    if not _is_plain_object(inputs):
        if len(types) > 1:
            raise errors.invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        ((name, dtype),) = types.items()
        return {name: json_tensor.read_tensor(inputs, dtype)}
    for name in types:
        if name not in inputs:
            raise errors.invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: json_tensor.read_tensor(inputs[name], dtype) for name, dtype in types.items()}


def _read_rows(document: Mapping[str, Any], types: Mapping[str, int]) -> dict[str, np.ndarray]:
    rows = document["instances"]
    if "inputs" in document:
        raise json_text.format_error(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if not isinstance(rows, list):
        raise json_text.format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise json_text.format_error(document, "No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise errors.invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    read_row = _read_named_row if _is_plain_object(rows[0]) else _read_plain_row
    columns: dict[str, list[np.ndarray]] = {name: [] for name in types}
    for index, row in enumerate(rows):
        read_row(row, index, columns, types)
    return {name: np.stack(values) for name, values in columns.items()}


def _read_named_row(row: Any, index: int, columns: dict[str, list[np.ndarray]], types: Mapping[str, int]) -> None:
    if not _is_plain_object(row):
        raise errors.invalid_argument(f"Expecting object but got list at item {index} of input list")
    for name, value in row.items():
        try:
            _append(columns, name, value, types)
        except errors.StatusError as error:
            raise errors.invalid_argument(
                f"Failed to process element: {index} key: {name} of 'instances' list. Error: {error}"
            ) from error
    if set(row) != set(types):
        raise errors.invalid_argument(
            f"Failed to process element: {index} of 'instances' list. JSON object: {json_text.show(row)} keys must be "
            f"equal to: {','.join(sorted(types))}"
        )


def _read_plain_row(row: Any, index: int, columns: dict[str, list[np.ndarray]], types: Mapping[str, int]) -> None:
    if _is_plain_object(row):
        raise errors.invalid_argument(f"Expecting value/list but got object at item {index} of input list")
    (name,) = types
    try:
        _append(columns, name, row, types)
    except errors.StatusError as error:
        raise errors.invalid_argument(
            f"Failed to process element: {index} of 'instances' list. Error: {error}"
        ) from error


def _append(columns: dict[str, list[np.ndarray]], name: str, value: Any, types: Mapping[str, int]) -> None:
    if name not in types:
        raise errors.invalid_argument(f"JSON object: does not have named input: {name}")
    tensor = json_tensor.read_tensor(value, types[name])
    if columns[name]:
        first = columns[name][0]
        if tensor.size != first.size:
            raise errors.invalid_argument(f"Expecting tensor size: {first.size} but got: {tensor.size}")
        if tensor.shape != first.shape:
            raise errors.invalid_argument(
                f"Expecting shape {_bracketed(first.shape)} but got: {_bracketed(tensor.shape)}"
            )
    columns[name].append(tensor)


def _is_plain_object(value: Any) -> bool:
    return isinstance(value, dict) and not json_tensor.is_base64(value)


def _bracketed(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
