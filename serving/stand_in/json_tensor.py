"""JSON values to tensors: one value, or nested lists, of the element type that the signature names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from tensorflow.core.framework import types_pb2

from stand_in import errors, json_text, tensor_protos

_MOST_DIMENSIONS = 64  # of NumPy's arrays; TensorFlow's tensors may have 254
_WHITESPACE = str.maketrans("", "", " \t\n\r\v\f")


@dataclass(frozen=True)
class _ElementType:
    """How JSON values become elements.

    Attributes:
      accepts: whether a value is of the JSON type that is asked for.
      widest: the NumPy type that holds every accepted value.
      narrow: the NumPy type of the tensor; larger values wrap around in silence, as in TensorFlow Serving.
    """

    accepts: Callable[[Any], bool]
    widest: type
    narrow: type


def _integer(bits: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _unsigned(bits: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value < 2**bits


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


_ELEMENT_TYPES = {
    types_pb2.DT_FLOAT: _ElementType(_is_number, np.float64, np.float32),
    types_pb2.DT_DOUBLE: _ElementType(_is_number, np.float64, np.float64),
    types_pb2.DT_INT32: _ElementType(_integer(32), np.int64, np.int32),
    types_pb2.DT_INT16: _ElementType(_integer(32), np.int64, np.int16),
    types_pb2.DT_INT8: _ElementType(_integer(32), np.int64, np.int8),
    types_pb2.DT_UINT8: _ElementType(_integer(32), np.int64, np.uint8),
    types_pb2.DT_INT64: _ElementType(_integer(64), np.int64, np.int64),
    types_pb2.DT_UINT32: _ElementType(_unsigned(32), np.int64, np.uint32),
    types_pb2.DT_UINT64: _ElementType(_unsigned(64), np.uint64, np.uint64),
    types_pb2.DT_BOOL: _ElementType(lambda value: isinstance(value, bool), np.bool_, np.bool_),
    types_pb2.DT_STRING: _ElementType(lambda value: isinstance(value, str), object, object),
}


def read_tensor(value: Any, dtype: int) -> np.ndarray:
    """The tensor that a JSON value stands for.

    Args:
      value: a number, a string, {"b64": ...} or a list of such values, nested to any depth, each level of one size.
      dtype: of types_pb2.DataType.

    Returns:
      The tensor; strings as bytes, dtype object.

    Raises:
      StatusError: a value of another type, or lists of different sizes.
    """
    shape = _shape(value)
    elements: list[Any] = []
    _collect(value, level=0, shape=shape, read=lambda leaf: elements.append(_element(leaf, dtype)))
    element_type = _ELEMENT_TYPES.get(dtype, _ELEMENT_TYPES[types_pb2.DT_STRING])  # no element: of any type
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinity
        return np.array(elements, dtype=element_type.widest).reshape(shape).astype(element_type.narrow)


def is_base64(value: Any) -> bool:
    """Whether a JSON value is an object that stands for bytes."""
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def decode_base64(value: Any) -> bytes:
    """The bytes of {"b64": ...}, in the standard alphabet; padding may be left out.

    Raises:
      StatusError: another object, or no base64.
    """
    if not is_base64(value):
        raise json_text.format_error(value, "not formatted correctly for base64 data")
    text = value["b64"].translate(_WHITESPACE)
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.invalid_argument("Unable to base64 decode") from error


def _shape(value: Any) -> tuple[int, ...]:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    if len(sizes) > _MOST_DIMENSIONS:
        raise errors.invalid_argument(f"A tensor has at most {_MOST_DIMENSIONS} dimensions here, not {len(sizes)}")
    return tuple(sizes)


def _collect(value: Any, *, level: int, shape: tuple[int, ...], read: Callable[[Any], None]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise json_text.format_error(
                value, f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {len(shape)}"
            )
        read(value)
        return
    if level >= len(shape):
        raise errors.invalid_argument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise errors.invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for item in value:
        _collect(item, level=level + 1, shape=shape, read=read)


def _element(value: Any, dtype: int) -> Any:
    if isinstance(value, dict) and dtype == types_pb2.DT_STRING:
        return decode_base64(value)
    element_type = _ELEMENT_TYPES.get(dtype)
    if element_type is None:
        raise errors.StatusError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {json_text.show(value)} to type: {tensor_protos.type_name(dtype)}",
        )
    if not element_type.accepts(value):
        raise errors.invalid_argument(
            f"JSON Value: {json_text.show(value)} Type: {json_text.type_name(value)} is not of expected type: "
            f"{tensor_protos.type_name(dtype)}"
        )
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
