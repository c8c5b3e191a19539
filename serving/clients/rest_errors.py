"""What went wrong with a REST request, as an error that says what to check."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import requests

from clients.errors import ClientError, DeadlineError, RefusedError, UnavailableError
from clients.served_model import ServedModel

_BAD_GATEWAY = 502
_SERVICE_UNAVAILABLE = 503
_GATEWAY_TIMEOUT = 504

# What a connection that ends in the middle looks like, by where it is noticed.
_CUT = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError, IncompleteRead)


def of_exception(error: requests.RequestException, *, url: str) -> ClientError:
    """The error for a request that got no answer.

    Args:
      error: from requests.
      url: of the server.
    """
    if isinstance(error, requests.ConnectTimeout):
        return UnavailableError(f"{url} did not take the connection in time. Is that the host, and is it reachable?")
    if isinstance(error, requests.Timeout):
        return DeadlineError(
            f"{url} did not answer in time. Give more with --timeout_seconds, ask for fewer images at once "
            "(--batch_size), or look whether the server is overloaded."
        )
    causes = list(_chain(error))
    if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError) and not _is_cut(cause)), None):
        return _of_tls(tls, url)
    return _of_connection(causes, url) or ClientError(f"The request to {url} failed: {error}. Check --url.")


def _of_connection(causes: Sequence[BaseException], url: str) -> ClientError | None:
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return UnavailableError(
            f"Nothing listens at {url}. Is the server started, and is that the host and the REST port (usually 8501)?"
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return ClientError(f"The host of {url} is unknown. Check --url.")
    if any(isinstance(cause, BadStatusLine) and not _is_cut(cause) for cause in causes):
        return ClientError(
            f"{url} spoke something other than HTTP. Is it the gRPC port (usually 8500)? REST is usually on 8501; "
            "check --url, or use --protocol=grpc."
        )
    if any(_is_cut(cause) for cause in causes):
        return of_cut(url)
    return None


def of_response(response: requests.Response, *, url: str, model: ServedModel) -> ClientError:
    """The error for an answer other than 200.

    Args:
      response: the answer.
      url: of the server.
      model: that was asked for.
    """
    text = _message(response)
    if text is None:
        return _not_tensorflow_serving(response, url)
    status_url = f"{url}{ServedModel(model.name).path()}"
    if response.status_code == requests.codes.not_found:
        return ClientError(
            f"The server at {url} has no {model} ({text}). Check --model_name and --version; {status_url} lists its "
            "versions and their states."
        )
    if "Unrecognized servable version label" in text:
        return ClientError(f"The server does not know {model} ({text}). Check --label and the server's configuration.")
    if "Serving signature" in text:
        return ClientError(f"{text}. Check --signature; {status_url}/metadata lists what the model has.")
    if response.status_code == _SERVICE_UNAVAILABLE:
        return UnavailableError(f"The server at {url} is not ready ({text}). Look at {status_url}.")
    if response.status_code == _GATEWAY_TIMEOUT:
        return DeadlineError(f"The server at {url} gave up on the request ({text}). Look whether it is overloaded.")
    if response.status_code == requests.codes.bad_request:
        return RefusedError(text)
    return ClientError(f"The server at {url} answered {response.status_code}: {text}")


def of_cut(url: str) -> UnavailableError:
    """The error for a connection that ended before the answer did."""
    return UnavailableError(
        f"{url} cut the connection. Does the server restart? If it always does so: is it the REST port (usually 8501), "
        "and does it speak TLS (https://) or not?"
    )


def _is_cut(cause: BaseException) -> bool:
    if isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected):
        line = str(cause.args[0])
        return line.startswith("HTTP/") or "HTTP/".startswith(line)  # a part of the answer's first line
    return isinstance(cause, _CUT)


def _of_tls(error: ssl.SSLError, url: str) -> ClientError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ClientError(
            f"The certificate of {url} is not trusted: {error.verify_message} Give its authority with --ca_file, and "
            "in --url the name that stands in it."
        )
    return ClientError(
        f"{url} and this client can't agree on TLS ({error.reason or error}). Does it speak TLS, does it ask for "
        "--client_certificate and --client_key, and are all files PEM?"
    )


def _not_tensorflow_serving(response: requests.Response, url: str) -> ClientError:
    code = response.status_code
    if code in (_BAD_GATEWAY, _SERVICE_UNAVAILABLE):  # a load balancer's page: no server behind it is ready
        return UnavailableError(f"{url} answered {code}. Is a server behind it started and ready?")
    if code == requests.codes.too_many_requests:
        return UnavailableError(f"{url} answered 429: a proxy bounds the number of requests. Send fewer at once.")
    if code in (requests.codes.unauthorized, requests.codes.forbidden):
        return ClientError(
            f"{url} answered {code}: a proxy asks who you are. Check --token_file, --client_certificate."
        )
    if code == requests.codes.request_entity_too_large:
        return ClientError(f"{url} answered 413: a proxy bounds the size. Ask for fewer images at once (--batch_size).")
    return ClientError(
        f"{url} answered {response.status_code} and no JSON, so it is not TensorFlow Serving's REST port. Check --url: "
        "only scheme, host and port, such as http://localhost:8501."
    )


def _message(response: requests.Response) -> str | None:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return None
    return " ".join(str(body["error"]).split()) if isinstance(body, dict) and "error" in body else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: requests and urllib3 keep it in `args`, in `reason` or as its cause."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        waiting += [item for item in inner if isinstance(item, BaseException)]
