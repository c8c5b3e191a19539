"""Small servers with canned answers over REST and gRPC, which fail on command: what a real one does only by chance."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import numpy as np
from PIL import Image

from clients import serving_messages as messages

CLASS_NAMES = ("blue", "red")

# What a fault answers: HTTP's code, gRPC's code, text.
FAULTS = {
    "unavailable": (503, grpc.StatusCode.UNAVAILABLE, "The model is being loaded."),
    "unknown model": (404, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(nope)"),
    "unknown label": (400, grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable"),
    "unknown signature": (400, grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "embed" not found.'),
    "bad image": (400, grpc.StatusCode.INVALID_ARGUMENT, "Unknown image file format. One of JPEG, PNG required."),
    "exhausted": (500, grpc.StatusCode.RESOURCE_EXHAUSTED, "Out of memory."),
}


class FaultError(Exception):
    """An error that a fake answers, by its name in `FAULTS`."""


@dataclass
class FakeModel:
    """A model of two classes, red and blue, by an image's first pixel; b"red" and b"blue" pass for image files too.

    Attributes:
      faults: taken one by one for the next requests: a name in `FAULTS`, or seconds to wait before answering.
      requests: (signature, images) of each request so far.
      asked_for: (version, label) of each request so far.
      class_count: classes beyond the first two have probability 0.
      signatures: listed in the metadata.
      states: version -> its state and error, in the answer of the status call.
    """

    faults: list[str | float] = field(default_factory=list)
    requests: list[tuple[str, int]] = field(default_factory=list)
    asked_for: list[tuple[int, str]] = field(default_factory=list)
    class_count: int = 2
    signatures: tuple[str, ...] = ("serving_default", "image_tensor", "classify", "embed")
    states: dict[int, tuple[str, str]] = field(
        default_factory=lambda: {1: ("END", "out of memory"), 2: ("AVAILABLE", "")}
    )

    def answer(self, signature: str, images: list[bytes], *, version: int, label: str) -> np.ndarray:
        """Probabilities, shape (images, classes), after the next fault."""
        self.requests.append((signature, len(images)))
        self.asked_for.append((version, label))
        fault = self.faults.pop(0) if self.faults else 0.0
        if isinstance(fault, str):
            raise FaultError(fault)
        time.sleep(fault)
        probabilities = np.zeros((len(images), self.class_count), np.float32)
        probabilities[:, :2] = [(0.25, 0.75) if class_of(image) == b"red" else (0.75, 0.25) for image in images]
        return probabilities

    def outputs(self, signature: str, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """The named outputs of a predict request."""
        if signature == "embed":
            return {"embedding": probabilities * 2}
        order = np.argsort(-probabilities[:, :2], axis=1)
        top_labels = np.array(CLASS_NAMES, dtype=object)[order]
        top_scores = np.take_along_axis(probabilities, order, axis=1)
        return {
            "label": top_labels[:, 0],
            "score": top_scores[:, 0],
            "top_labels": top_labels,
            "top_scores": top_scores,
            "probabilities": probabilities,
        }


def class_of(encoded: bytes) -> bytes:
    """The class of an image file."""
    if encoded in (b"red", b"blue"):
        return encoded
    try:
        return colour_of(Image.open(io.BytesIO(encoded)).convert("RGB"))
    except OSError as error:
        raise FaultError("bad image") from error


def colour_of(pixels: Any) -> bytes:
    """The class of an image of shape (height, width, 3)."""
    red, _, blue = np.asarray(pixels)[0, 0].tolist()
    return b"red" if red > blue else b"blue"


@contextlib.contextmanager
def rest_server(model: FakeModel, *, port: int = 0) -> Iterator[str]:
    """Serves a fake over REST and gives its URL."""

    class Handler(RestHandler):
        fake = model

    with http_server(Handler, port=port) as url:
        yield url


@contextlib.contextmanager
def http_server(
    handler: type[BaseHTTPRequestHandler], *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serves any handler and gives its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def page_handler(code: int, page: bytes) -> type[BaseHTTPRequestHandler]:
    """A handler that answers every request with one HTML page."""

    class Handler(_QuietHandler):
        def do_GET(self) -> None:
            self.reply(code, page, "text/html")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(code, page, "text/html")

    return Handler


@contextlib.contextmanager
def grpc_server(
    model: FakeModel,
    *,
    port: int = 0,
    tls: grpc.ServerCredentials | None = None,
    interceptors: Sequence[Any] = (),
    connection_age_ms: int = 2**31 - 1,
) -> Iterator[str]:
    """Serves a fake over gRPC and gives its address."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    options.append(("grpc.max_connection_age_ms", connection_age_ms))
    server = grpc.server(ThreadPoolExecutor(4), options=options, interceptors=interceptors)
    messages.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(model), server)
    messages.model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(model), server)
    where = f"127.0.0.1:{port}"
    port = server.add_secure_port(where, tls) if tls else server.add_insecure_port(where)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class _QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it holds a small answer back for 40 milliseconds

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  (the base class names it so)
        pass

    def reply(self, code: int, content: bytes, kind: str) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client did not wait
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


class RestHandler(_QuietHandler):
    fake: FakeModel

    def do_GET(self) -> None:
        if self.path.endswith("/metadata"):
            signatures: dict[str, Any] = {name: {} for name in (*self.fake.signatures, "__saved_model_init_op")}
            self._json(200, {"model_spec": {}, "metadata": {"signature_def": {"signature_def": signatures}}})
            return
        listed = [
            {"version": str(version), "state": state, "status": {"error_code": "OK", "error_message": error}}
            for version, (state, error) in self.fake.states.items()
        ]
        self._json(200, {"model_version_status": listed})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, _, verb = self.path.partition(":")
        parts = path.split("/")  # "", v1, models, vehicles, then versions, N or labels, L
        version = int(parts[5]) if "versions" in parts else 0
        label = parts[5] if "labels" in parts else ""
        signature = body["signature_name"]
        try:
            probabilities = self.fake.answer(signature, _images(verb, body), version=version, label=label)
        except FaultError as fault:
            code, _, text = FAULTS[str(fault)]
            self._json(code, {"error": text})
            return
        if verb == "classify":
            results = [list(zip(CLASS_NAMES, row.tolist(), strict=False)) for row in probabilities]
            self._json(200, {"results": results})
            return
        outputs = {name: value.tolist() for name, value in self.fake.outputs(signature, probabilities).items()}
        self._json(200, {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))})

    def _json(self, code: int, content: Any) -> None:
        self.reply(code, json.dumps(content).encode(), "application/json")


def _images(verb: str, body: dict[str, Any]) -> list[bytes]:
    if verb == "classify":
        return [base64.b64decode(example["image/encoded"]["b64"]) for example in body["examples"]]
    if body["signature_name"] == "image_tensor":
        return [colour_of(image) for image in body["inputs"]["images"]]
    return [base64.b64decode(item["b64"]) for item in body["inputs"]["image_bytes"]]


class _Predictions(messages.prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model: FakeModel) -> None:
        self._fake = model

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802  (gRPC's names)
        name = request.model_spec.signature_name
        if name == "image_tensor":
            tensor = request.inputs["images"]
            shape = [dimension.size for dimension in tensor.tensor_shape.dim]
            images = [colour_of(image) for image in np.frombuffer(tensor.tensor_content, np.uint8).reshape(shape)]
        else:
            images = list(request.inputs["image_bytes"].string_val)
        answer = messages.predict_pb2.PredictResponse()
        for output, values in self._fake.outputs(name, self._ask(request, images, context)).items():
            answer.outputs[output].CopyFrom(_tensor(values))
        return answer

    def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802
        examples = request.input.example_list.examples
        images = [example.features.feature["image/encoded"].bytes_list.value[0] for example in examples]
        answer = messages.classification_pb2.ClassificationResponse()
        for row in self._ask(request, images, context).tolist():
            classes = answer.result.classifications.add().classes
            for label, score in zip(CLASS_NAMES, row, strict=False):
                classes.add(label=label, score=score)
        return answer

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert list(request.metadata_field) == ["signature_def"]
        found = messages.get_model_metadata_pb2.SignatureDefMap()
        for name in (*self._fake.signatures, "__saved_model_init_op"):
            found.signature_def[name].method_name = "tensorflow/serving/predict"
        answer = messages.get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(found)
        return answer

    def _ask(self, request: Any, images: list[bytes], context: Any) -> np.ndarray:
        specification = request.model_spec
        try:
            return self._fake.answer(
                specification.signature_name,
                images,
                version=specification.version.value,
                label=specification.version_label,
            )
        except FaultError as fault:
            _, code, text = FAULTS[str(fault)]
            context.abort(code, text)
            raise


class _Models(messages.model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, model: FakeModel) -> None:
        self._fake = model

    def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = messages.get_model_status_pb2.GetModelStatusResponse()
        states = messages.get_model_status_pb2.ModelVersionStatus.State
        for version, (state, error) in self._fake.states.items():
            told = answer.model_version_status.add(version=version, state=states.Value(state))
            told.status.error_message = error
        return answer


def _tensor(values: np.ndarray) -> Any:
    """As TensorFlow Serving writes it by default: each value in a field of its type."""
    is_text = values.dtype == object
    kind = messages.types_pb2.DT_STRING if is_text else messages.types_pb2.DT_FLOAT
    tensor = messages.tensor_pb2.TensorProto(dtype=kind)
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    if is_text:
        tensor.string_val.extend(value.encode() for value in values.ravel())
    else:
        tensor.float_val.extend(values.ravel().tolist())
    return tensor
