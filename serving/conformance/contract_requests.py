"""Requests to the known models, over REST and gRPC."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2

import known_model

TIMEOUT_SECONDS = 30.0
MISSING_VERSION = 999
MODEL_URL = f"/v1/models/{known_model.MODEL}"
PREDICT_URL = f"{MODEL_URL}:predict"


class RestServer:
    """A server's REST API, over connections that are kept."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy

    def __enter__(self) -> RestServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()

    def get(self, path: str) -> requests.Response:
        """Asks."""
        return self.ask("GET", path)

    def post(self, path: str, document: Any) -> requests.Response:
        """Asks with a JSON document."""
        return self._session.post(self._url + path, json=document, timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, body: bytes = b"", *, encoding: str | None = None) -> requests.Response:
        """Asks with any body, or none, perhaps in an encoding such as gzip."""
        headers = {"Content-Encoding": encoding} if encoding else None
        return self._session.request(method, self._url + path, data=body, headers=headers, timeout=TIMEOUT_SECONDS)

    def error(self, path: str, document: Any, *, code: int = 400) -> str:
        """The text with which a document is refused, after checks of the answer's code and form."""
        return error_of(self.post(path, document), code=code)


def error_of(response: requests.Response, *, code: int) -> str:
    """The text of a refusal, after checks of the answer's code and form."""
    assert (response.status_code, response.headers["Content-Type"]) == (code, "application/json"), response.text
    document = response.json()
    assert list(document) == ["error"]
    return str(document["error"])


def answer_of(response: requests.Response) -> Any:
    """The document that a request was answered with."""
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json"), response.text
    return response.json()


def refusal(ask: Callable[..., Any], request: Any) -> tuple[grpc.StatusCode, str]:
    """The code and the text with which a gRPC call is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        ask(request, timeout=TIMEOUT_SECONDS)
    return caught.value.code(), caught.value.details()


def b64(content: bytes) -> dict[str, str]:
    """Bytes in JSON."""
    return {"b64": base64.b64encode(content).decode("ascii")}


def image(colour: tuple[int, int, int]) -> dict[str, str]:
    """An image file in JSON."""
    return b64(known_model.png(colour))


def predict_request(signature: str = "", model: str = known_model.MODEL, **inputs: Any) -> Any:
    """A PredictRequest with tensors, or arrays that become some."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tensor(value))
    return request


def classify_request(*images: bytes, signature: str = "classify") -> Any:
    """A ClassificationRequest."""
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = known_model.MODEL, signature
    for content in images:
        example = request.input.example_list.examples.add()
        example.features.feature[known_model.EXAMPLE_FEATURE].bytes_list.value.append(content)
    return request


def tensor(value: Any) -> Any:
    """A TensorProto: a list of bytes, or a uint8 or float32 array."""
    if isinstance(value, list):
        proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=value)
        proto.tensor_shape.dim.add(size=len(value))
        return proto
    kind = {"uint8": types_pb2.DT_UINT8, "float32": types_pb2.DT_FLOAT}[value.dtype.name]
    proto = tensor_pb2.TensorProto(dtype=kind, tensor_content=value.tobytes())
    for size in value.shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def values(proto: Any) -> np.ndarray:
    """The values of a TensorProto of float32 or strings, whichever way a server writes them."""
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if proto.dtype == types_pb2.DT_STRING:
        return np.array(list(proto.string_val), dtype=object).reshape(shape)
    assert proto.dtype == types_pb2.DT_FLOAT
    flat = np.frombuffer(proto.tensor_content, "<f4") if proto.tensor_content else np.array(proto.float_val, "f4")
    return np.broadcast_to(flat, shape) if flat.size == 1 else flat.reshape(shape)


def best_probability() -> float:
    """Of the class whose colour alone an image shows: the softmax of SHARPNESS, 0, 0."""
    return math.exp(known_model.SHARPNESS) / (math.exp(known_model.SHARPNESS) + 2)


def other_probability() -> float:
    """Of each of the other classes."""
    return (1 - best_probability()) / 2
