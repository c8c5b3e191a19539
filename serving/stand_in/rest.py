"""TensorFlow Serving's REST API as a WSGI application."""

from __future__ import annotations

import contextlib
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from tensorflow_serving.apis import classification_pb2, model_pb2, regression_pb2
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from stand_in import errors, json_answers, json_examples, json_requests, json_text, metadata, metrics, prediction
from stand_in.model_store import ModelStore

_PREFIX = "/v1/"
_NAME = r"/(?P<name>[^/:]+)"
_CHOICE = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
# model_servers/http_rest_api_util.cc, which matches them in any case.
_POST_PATH = re.compile(rf"/v1/models{_NAME}{_CHOICE}:(?P<verb>classify|regress|predict)", re.IGNORECASE | re.ASCII)
_GET_PATH = re.compile(rf"/v1/models(?:{_NAME})?{_CHOICE}(?P<metadata>/metadata)?", re.IGNORECASE | re.ASCII)
_INT64_END = 2**63


class _VersionTooLargeError(Exception):
    """A version that is no int64, which the server answers without a word."""


class RestApplication:
    """Answers HTTP requests about the models of a store."""

    def __init__(self, store: ModelStore, counts: metrics.RequestCounts, *, metrics_path: str) -> None:
        """Begins with a store.

        Args:
          store: of the models.
          counts: of all answers.
          metrics_path: where they are read, or "" for nowhere.
        """
        self._store = store
        self._counts = counts
        self._metrics_path = metrics_path

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers a request, as PEP 3333 has it."""
        response: Any = self._respond(Request(environ))
        return response(environ, start_response)  # type: ignore[no-any-return]

    def _respond(self, request: Request) -> Any:
        path = str(request.environ["REQUEST_URI"])  # with its escapes and its query, which no path has
        if self._metrics_path and path.partition("?")[0] == self._metrics_path:
            return Response(self._counts.page(), mimetype="text/plain")
        if not path.lower().startswith(_PREFIX):
            return NotFound()
        try:
            document, code = self._answer(request, path), 200
        except errors.StatusError as error:
            document, code = {"error": error.text}, error.http_code
        except _VersionTooLargeError:
            return Response(b"", status=400, content_type="application/json")
        except RecursionError:  # TensorFlow Serving crashes
            document, code = {"error": "JSON Parse error: The document is nested too deeply"}, 400
        return Response(json_answers.dump(document), status=code, content_type="application/json")

    def _answer(self, request: Request, path: str) -> Any:
        pattern = {"POST": _POST_PATH, "GET": _GET_PATH}.get(request.method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise errors.invalid_argument(f"Malformed request: {request.method} {path}")
        if match["name"] is None:
            raise errors.invalid_argument("Missing model name in request.")
        specification = _specification(match)
        if request.method == "GET":
            return self._metadata(specification) if match["metadata"] else self._status(specification)
        answer = {"predict": self._predict, "classify": self._classify, "regress": self._regress}[match["verb"].lower()]
        with self._counted(specification.name):
            return answer(specification, json_text.parse_object(_body(request)))

    def _status(self, specification: Any) -> Any:
        return json_answers.message(self._store.status(specification))

    def _metadata(self, specification: Any) -> Any:
        with self._store.borrow(specification) as (number, model):
            signatures = json_answers.message(metadata.signature_map(model.signatures))
        found = {"name": specification.name, "signature_name": "", "version": str(number)}
        return {"model_spec": found, "metadata": {metadata.SIGNATURES_FIELD: signatures}}

    def _predict(self, specification: Any, document: dict[str, Any]) -> Any:
        name = json_requests.signature_name(document) or prediction.DEFAULT_SIGNATURE
        with self._store.borrow(specification) as (_, model):
            if name not in model.signatures:
                raise errors.invalid_argument(f'Serving signature name: "{name}" not found in signature def')
            types = {key: info.dtype for key, info in model.signatures[name].inputs.items()}
            if not types:
                raise errors.invalid_argument(f"Failed to get input map for signature: {name}")
            inputs = json_requests.read_inputs(document, types)
            outputs = prediction.predict(model, name, inputs=inputs)
        return json_answers.rows(outputs) if "instances" in document else json_answers.columns(outputs)

    def _classify(self, specification: Any, document: dict[str, Any]) -> Any:
        request = classification_pb2.ClassificationRequest()
        json_examples.read_request(document, request)
        with self._store.borrow(specification) as (_, model):
            return json_answers.classifications(prediction.classify(model, request))

    def _regress(self, specification: Any, document: dict[str, Any]) -> Any:
        request = regression_pb2.RegressionRequest()
        json_examples.read_request(document, request)
        with self._store.borrow(specification) as (_, model):
            return json_answers.regressions(prediction.regress(model, request))

    @contextlib.contextmanager
    def _counted(self, model_name: str) -> Iterator[None]:
        try:
            yield
        except errors.StatusError as error:
            self._counts.add(model_name, error.code.name)
            raise
        self._counts.add(model_name, "OK")


def _body(request: Request) -> bytes:
    body = request.get_data()
    if request.headers.get("Content-Encoding") != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise errors.invalid_argument(f"The gzip body is damaged: {error}") from error


def _specification(match: re.Match[str]) -> Any:
    specification = model_pb2.ModelSpec(name=unquote(match["name"]))
    if match["version"] is not None:
        if int(match["version"]) >= _INT64_END:
            raise _VersionTooLargeError
        specification.version.value = int(match["version"])
    elif match["label"] is not None:
        specification.version_label = unquote(match["label"])
    return specification
