"""Asks TensorFlow Serving over REST, with nothing but `requests`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import requests

from clients import answers, pixels, rest_errors
from clients.answers import Embedding, Prediction
from clients.credentials import Credentials
from clients.errors import ClientError
from clients.retries import RetryPolicy, call_with_retries
from clients.served_model import ServedModel, VersionStatus, signature_names

# For the handshake of a connection alone: a host that drops packets is tried again, and not waited for to the end.
_CONNECT_SECONDS = 5.0


class RestClient:
    """A connection to one model of a server; for one thread, because `requests.Session` is.

    Every call raises `clients.errors.ClientError`, whose subclasses say what may help.

    Attributes:
      url: scheme, host and port, such as http://localhost:8501.
      model: that is asked for.
      timeout_seconds: for a call with all its retries; requests counts each wait for a byte, so that an answer that
        trickles can take longer.
      retry: what to do while the server is unavailable.
      credentials: who this client is, and whom it trusts.
    """

    def __init__(
        self,
        url: str,
        model: ServedModel,
        *,
        timeout_seconds: float = 30.0,
        retry: RetryPolicy | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.model = model
        self.timeout_seconds = timeout_seconds
        self.retry = retry or RetryPolicy()
        self.credentials = credentials or Credentials()
        self._session = requests.Session()
        self._session.auth = self._sign  # which also keeps a .netrc from adding a password of its own
        if self.credentials.client_certificate:
            self._session.cert = (str(self.credentials.client_certificate), str(self.credentials.client_key))

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `serving_default` about the bytes of image files, in one request."""
        outputs = self._outputs("serving_default", {"image_bytes": [_base64(image) for image in images]})
        return answers.predictions(outputs, count=len(images))

    def predict_pixels(self, images: Sequence[bytes]) -> list[Prediction]:
        """Decodes here and asks `image_tensor`, in one request for each run of images of one size."""
        found: list[Prediction] = []
        for run in pixels.same_sized_runs([pixels.decode(image) for image in images]):
            outputs = self._outputs("image_tensor", {"images": [image.rows() for image in run]})
            found += answers.predictions(outputs, count=len(run))
        return found

    def classify(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `classify` by the Classify call about the bytes of image files, in one request."""
        examples = [{"image/encoded": _base64(image)} for image in images]
        answer = self._post("classify", {"signature_name": "classify", "examples": examples})
        return answers.predictions_of_classes(_entry(answer, "results"), count=len(images))

    def embed(self, images: Sequence[bytes]) -> list[Embedding]:
        """Asks `embed` about the bytes of image files, in one request."""
        outputs = self._outputs("embed", {"image_bytes": [_base64(image) for image in images]})
        return answers.embeddings(outputs, count=len(images))

    def signatures(self) -> list[str]:
        """The names of the model's signatures, sorted."""
        metadata = _entry(self._call("GET", f"{self.model.path()}/metadata", None), "metadata")
        return signature_names(list(metadata["signature_def"]["signature_def"]))

    def status(self) -> list[VersionStatus]:
        """The versions that the server knows of, newest first."""
        listed = _entry(self._call("GET", self.model.status_path(), None), "model_version_status")
        found = [
            VersionStatus(int(item["version"]), item["state"], item.get("status", {}).get("error_message", ""))
            for item in listed
        ]
        return sorted(found, key=lambda status: -status.version)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def __enter__(self) -> RestClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token := self.credentials.token():
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    def _outputs(self, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
        outputs = _entry(self._post("predict", {"signature_name": signature, "inputs": inputs}), "outputs")
        # The server leaves out the name of an only output; the one signature with one output is embed.
        return outputs if isinstance(outputs, dict) else {"embedding": outputs}

    def _post(self, verb: str, body: dict[str, Any]) -> Any:
        return self._call("POST", f"{self.model.path()}:{verb}", body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        def attempt(seconds_left: float) -> Any:
            try:
                response = self._session.request(
                    method,
                    self.url + path,
                    json=body,
                    timeout=(min(seconds_left, _CONNECT_SECONDS), seconds_left),
                    # With each request: requests prefers its environment variables to what its session says.
                    verify=str(self.credentials.ca_file) if self.credentials.ca_file else True,
                )
                if response.ok:
                    return response.json()
            except requests.JSONDecodeError as error:
                if not response.content:  # cut in the headers, whose end is then missed by nobody
                    raise rest_errors.of_cut(self.url) from error
                raise ClientError(f"{self.url} answered something other than JSON. Check --url.") from error
            except requests.RequestException as error:
                raise rest_errors.of_exception(error, url=self.url) from error
            raise rest_errors.of_response(response, url=self.url, model=self.model)

        return call_with_retries(attempt, policy=self.retry, timeout_seconds=self.timeout_seconds)


def _base64(image: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(image).decode("ascii")}


def _entry(answer: Any, key: str) -> Any:
    if isinstance(answer, dict) and key in answer:
        return answer[key]
    raise ClientError(f"The server's answer has no {key!r}, so it is not TensorFlow Serving. Check --url.")
