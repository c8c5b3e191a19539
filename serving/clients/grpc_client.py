"""Asks TensorFlow Serving over gRPC, with grpcio and tensorflow-serving-api."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import grpc

from clients import answers, grpc_errors, pixels, tensors
from clients import serving_messages as messages
from clients.answers import Embedding, Prediction
from clients.credentials import Credentials
from clients.errors import ClientError
from clients.retries import RetryPolicy, call_with_retries
from clients.served_model import ServedModel, VersionStatus, signature_names

# TensorFlow Serving's own limit. gRPC would by default refuse answers of more than 4 MB.
_MESSAGE_LIMIT_BYTES = 2**31 - 1

# gRPC waits a second by default before it connects again; the retry policy is what should decide.
_RECONNECT_MILLISECONDS = 100
# It would grow to two minutes, in which every attempt fails at once, whether or not the server is back.
_LONGEST_RECONNECT_MILLISECONDS = 1000

_OPTIONS = (
    ("grpc.max_send_message_length", _MESSAGE_LIMIT_BYTES),
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT_BYTES),
    ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MILLISECONDS),
    ("grpc.min_reconnect_backoff_ms", _RECONNECT_MILLISECONDS),
    ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MILLISECONDS),
    # Takes turns where a name stands for several servers; by default all requests would go to the first.
    ("grpc.lb_policy_name", "round_robin"),
)


class GrpcClient:
    """A connection to one model of a server; threads may share it.

    Every call raises `clients.errors.ClientError`, whose subclasses say what may help.

    Attributes:
      address: host and port, such as localhost:8500.
      model: that is asked for.
      timeout_seconds: for a call with all its retries.
      retry: what to do while the server is unavailable.
      credentials: who this client is, and whom it trusts.
    """

    def __init__(
        self,
        address: str,
        model: ServedModel,
        *,
        timeout_seconds: float = 30.0,
        retry: RetryPolicy | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.address = address
        self.model = model
        self.timeout_seconds = timeout_seconds
        self.retry = retry or RetryPolicy()
        self.credentials = credentials or Credentials()
        self._channel = _open(address, self.credentials)
        self._predictions = messages.prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = messages.model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `serving_default` about the bytes of image files, in one request."""
        outputs = self._outputs("serving_default", "image_bytes", tensors.of_bytes(images))
        return answers.predictions(outputs, count=len(images))

    def predict_pixels(self, images: Sequence[bytes]) -> list[Prediction]:
        """Decodes here and asks `image_tensor`, in one request for each run of images of one size."""
        found: list[Prediction] = []
        for run in pixels.same_sized_runs([pixels.decode(image) for image in images]):
            outputs = self._outputs("image_tensor", "images", tensors.of_pixels(run))
            found += answers.predictions(outputs, count=len(run))
        return found

    def classify(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `classify` by the Classify call about the bytes of image files, in one request."""
        request = messages.classification_pb2.ClassificationRequest(model_spec=self._specification("classify"))
        for image in images:
            example = request.input.example_list.examples.add()
            example.features.feature["image/encoded"].bytes_list.value.append(image)
        answer = self._call(self._predictions.Classify, request)
        results = [
            [(item.label, item.score) for item in classification.classes]
            for classification in answer.result.classifications
        ]
        return answers.predictions_of_classes(results, count=len(images))

    def embed(self, images: Sequence[bytes]) -> list[Embedding]:
        """Asks `embed` about the bytes of image files, in one request."""
        outputs = self._outputs("embed", "image_bytes", tensors.of_bytes(images))
        return answers.embeddings(outputs, count=len(images))

    def signatures(self) -> list[str]:
        """The names of the model's signatures, sorted."""
        request = messages.get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._specification(""), metadata_field=["signature_def"]
        )
        answer = self._call(self._predictions.GetModelMetadata, request)
        found = messages.get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return signature_names(list(found.signature_def))

    def status(self) -> list[VersionStatus]:
        """The versions that the server knows of, newest first."""
        request = messages.get_model_status_pb2.GetModelStatusRequest(model_spec=self._specification(""))
        request.model_spec.ClearField("version_label")  # the server knows no labels here
        answer = self._call(self._models.GetModelStatus, request)
        states = messages.get_model_status_pb2.ModelVersionStatus.State
        found = [
            VersionStatus(item.version, states.Name(item.state), item.status.error_message)
            for item in answer.model_version_status
        ]
        return sorted(found, key=lambda status: -status.version)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def __enter__(self) -> GrpcClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _specification(self, signature: str) -> Any:
        specification = messages.model_pb2.ModelSpec(name=self.model.name, signature_name=signature)
        if self.model.version is not None:
            specification.version.value = self.model.version
        elif self.model.label is not None:
            specification.version_label = self.model.label
        return specification

    def _outputs(self, signature: str, name: str, tensor: Any) -> dict[str, Any]:
        request = messages.predict_pb2.PredictRequest(model_spec=self._specification(signature), inputs={name: tensor})
        answer = self._call(self._predictions.Predict, request)
        return {name: tensors.to_lists(output) for name, output in answer.outputs.items()}

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        def attempt(seconds_left: float) -> Any:
            token = self.credentials.token()
            metadata = (("authorization", f"Bearer {token}"),) if token else ()
            try:
                return method(request, timeout=seconds_left, metadata=metadata)
            except grpc.RpcError as error:
                raise grpc_errors.of_call(error, address=self.address, model=self.model) from error

        return call_with_retries(attempt, policy=self.retry, timeout_seconds=self.timeout_seconds)


def _open(address: str, credentials: Credentials) -> grpc.Channel:
    if not credentials.uses_tls:
        return grpc.insecure_channel(address, options=_OPTIONS)
    files = (credentials.ca_file, credentials.client_key, credentials.client_certificate)
    try:
        authorities, key, certificate = (path.read_bytes() if path else None for path in files)
    except OSError as error:
        raise ClientError(f"{error.filename} can't be read: {error.strerror}.") from error
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(authorities, key, certificate), options=_OPTIONS)
