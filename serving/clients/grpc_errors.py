"""What went wrong with a gRPC call, as an error that says what to check."""

from __future__ import annotations

import grpc

from clients.errors import ClientError, DeadlineError, RefusedError, UnavailableError
from clients.served_model import ServedModel

# gRPC's own words where the other side answers in HTTP/1.1; which of them depends on the answer's first bytes.
_NO_HTTP2 = ("Failed parsing HTTP/2", "http1.x")
_NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "is not in peer certificate", "Hostname Verification Check failed")
# Of TLS's own: the other side speaks none, or asks for a certificate; or a file that was given is no PEM.
_NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "CERTIFICATE_REQUIRED",
    "HANDSHAKE_FAILURE",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    "Failed to create security handshaker",
)


def of_call(error: grpc.RpcError, *, address: str, model: ServedModel) -> ClientError:
    """The error for a call that failed.

    Args:
      error: from grpc.
      address: of the server.
      model: that was asked for.
    """
    code, text = error.code(), " ".join((error.details() or "").split())
    if code is grpc.StatusCode.UNAVAILABLE:
        return _of_unavailable(text, address)
    # Neither is this client's doing: a server or a proxy that ends drops the requests it has.
    if code is grpc.StatusCode.CANCELLED or (code is grpc.StatusCode.INTERNAL and "RST_STREAM" in text):
        return UnavailableError(f"{address} dropped the request ({text}). Does the server restart?")
    if code is grpc.StatusCode.INVALID_ARGUMENT and "Unrecognized servable version label" not in text:
        return RefusedError(text)
    if "Serving signature" in text:
        return ClientError(f"{text} Check --signature; smoke_test.py lists what the model has.")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineError(
            f"{address} did not answer in time. Give more with --timeout_seconds, ask for fewer images at once "
            "(--batch_size), or look whether the server is overloaded."
        )
    advice = {
        grpc.StatusCode.INVALID_ARGUMENT: "Check --label and the server's configuration.",
        grpc.StatusCode.NOT_FOUND: f"The server at {address} has no {model}. Check --model_name and --version.",
        grpc.StatusCode.RESOURCE_EXHAUSTED: "Ask for fewer images at once with --batch_size.",
        grpc.StatusCode.UNAUTHENTICATED: "A proxy asks who you are. Check --token_file, --client_certificate.",
        grpc.StatusCode.PERMISSION_DENIED: "A proxy does not let you in. Check --token_file, --client_certificate.",
        grpc.StatusCode.UNIMPLEMENTED: f"{address} is not TensorFlow Serving's gRPC port. Check --address.",
    }.get(code, f"Look at the server's log at {address}.")
    return ClientError(f"{code.name}: {text}. {advice}")


def _of_unavailable(text: str, address: str) -> ClientError:
    if any(words in text for words in _NO_HTTP2):
        return ClientError(
            f"{address} does not speak gRPC. Is it the REST port (usually 8501)? gRPC is usually on 8500; check "
            "--address, or use --protocol=rest."
        )
    if any(words in text for words in _NOT_TRUSTED):
        return ClientError(
            f"The certificate of {address} is not trusted ({text}). Give its authority with --ca_file, and in "
            "--address the name that stands in it."
        )
    if any(words in text for words in _NO_TLS):
        return ClientError(
            f"{address} and this client can't agree on TLS ({text}). Does it speak TLS, does it ask for "
            "--client_certificate and --client_key, and are all files PEM?"
        )
    if "DNS resolution failed" in text:
        return ClientError(f"The host of {address} is unknown ({text}). Check --address.")
    if "Connection refused" in text:
        return UnavailableError(
            f"Nothing listens at {address}. Is the server started, and is that the host and the gRPC port (usually "
            "8500)?"
        )
    return UnavailableError(
        f"The server at {address} is not available ({text}). Is it started and ready, and does it speak TLS "
        "(--tls) or not?"
    )
