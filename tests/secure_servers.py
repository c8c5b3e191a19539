"""The fakes of `fake_servers` behind TLS and a bearer token, with certificates that openssl makes."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from fake_servers import FakeModel, RestHandler, grpc_server, http_server


@dataclass(frozen=True)
class Certificates:
    """Files of an authority and of what it has signed.

    Attributes:
      folder: holds NAME.pem and NAME.key of `ca`, `server` (127.0.0.1, localhost), `client` and `other_ca`.
    """

    folder: Path

    def path(self, name: str) -> Path:
        """Of a file."""
        return self.folder / name

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return self.path(name).read_bytes()


def make_certificates(folder: Path) -> Certificates:
    """Makes them, for ten days; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name in ("ca", "other_ca"):
        _openssl(folder, "req", "-x509", *_key(name), "-days", "10", "-subj", f"/CN={name}", "-out", f"{name}.pem")
    names = {"server": "subjectAltName=DNS:localhost,IP:127.0.0.1", "client": "subjectAltName=DNS:client"}
    for name, extension in names.items():
        (folder / f"{name}.extensions").write_text(extension)
        _openssl(folder, "req", *_key(name), "-subj", f"/CN={name}", "-out", f"{name}.request")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10")
        what = ("-in", f"{name}.request", "-extfile", f"{name}.extensions", "-out", f"{name}.pem")
        _openssl(folder, "x509", "-req", *signing, *what)
    return Certificates(folder)


@contextlib.contextmanager
def secure_rest_server(
    model: FakeModel, certificates: Certificates, *, token: str = "", asks_client: bool = False
) -> Iterator[str]:
    """Serves a fake over HTTPS and gives its URL; asks for the token and the client's certificate if told so."""

    class Handler(RestHandler):
        fake = model

        def do_GET(self) -> None:  # noqa: N802  (the base class's names)
            self._let_in(super().do_GET)

        def do_POST(self) -> None:  # noqa: N802
            self._let_in(super().do_POST)

        def _let_in(self, answer: Callable[[], None]) -> None:
            if token and self.headers["Authorization"] != f"Bearer {token}":
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.reply(401, b"<h1>401</h1>", "text/html")
            else:
                answer()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.path("server.pem"), certificates.path("server.key"))
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.path("ca.pem"))
    with http_server(Handler, tls=context) as url:
        yield url


@contextlib.contextmanager
def secure_grpc_server(
    model: FakeModel, certificates: Certificates, *, token: str = "", asks_client: bool = False
) -> Iterator[str]:
    """Likewise over gRPC."""
    credentials = grpc.ssl_server_credentials(
        [(certificates.read("server.key"), certificates.read("server.pem"))],
        root_certificates=certificates.read("ca.pem") if asks_client else None,
        require_client_auth=asks_client,
    )
    interceptors = [_AskForToken(token)] if token else []
    with grpc_server(model, tls=credentials, interceptors=interceptors) as address:
        yield address


class _AskForToken(grpc.ServerInterceptor):
    def __init__(self, token: str) -> None:
        self._expected = ("authorization", f"Bearer {token}")

    def intercept_service(self, continuation: Callable[..., Any], details: Any) -> Any:
        if self._expected in [tuple(item) for item in details.invocation_metadata]:
            return continuation(details)

        def refuse(request: Any, context: Any) -> None:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

        return grpc.unary_unary_rpc_method_handler(refuse)


def _key(name: str) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
