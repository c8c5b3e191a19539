"""How a client shows who it is and knows the server: TLS with an authority and a certificate, and a bearer token."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from clients.errors import ClientError

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a connection is secured with; all are files, so that no secret stands in a command or a list of processes.

    Attributes:
      uses_tls: whether gRPC speaks TLS; REST does where its URL begins with https://.
      ca_file: PEM of the authorities to trust; None for the system's.
      client_certificate: PEM of the client's own certificate with its chain; None for none.
      client_key: PEM of its private key.
      token_file: holds the bearer token; read again for each request, because such files are renewed in place.
    """

    uses_tls: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    token_file: Path | None = None

    def token(self) -> str | None:
        """The bearer token, or None.

        Raises:
          ClientError: the file can't be read, or holds none.
        """
        if self.token_file is None:
            return None
        try:
            token = self.token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ClientError(f"--token_file={self.token_file} can't be read: {error}.") from error
        if not token or not token.isprintable() or " " in token:
            raise ClientError(f"--token_file={self.token_file} must hold one token, in one line.")
        return token


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags; call `check_flags` after parsing."""
    secured = parser.add_argument_group("security")
    secured.add_argument(
        "--tls", action="store_true", help="for gRPC; REST speaks TLS where --url begins with https://"
    )
    secured.add_argument("--ca_file", type=Path, help="PEM of the authorities to trust (default: the system's)")
    secured.add_argument("--client_certificate", type=Path, help="PEM of this client's certificate and its chain")
    secured.add_argument("--client_key", type=Path, help="PEM of its private key")
    secured.add_argument("--token_file", type=Path, help="a file with a bearer token, read again for each request")


def check_flags(parser: argparse.ArgumentParser, arguments: argparse.Namespace, *, url: str, address: str) -> None:
    """Ends the program with exit code 2 and a reason where the flags contradict each other or name no file.

    Args:
      parser: that parsed them.
      arguments: with the flags of `add_flags`.
      url: of the REST port, or "" where it is not asked.
      address: of the gRPC port, or "" where it is not asked.
    """
    if (arguments.client_certificate is None) != (arguments.client_key is None):
        parser.error("--client_certificate and --client_key go together")
    for name in ("ca_file", "client_certificate", "client_key", "token_file"):
        path = getattr(arguments, name)
        if path is not None and not path.is_file():
            parser.error(f"--{name}={path} is no file")
    secure = {"url": not url or url.startswith("https://"), "address": not address or arguments.tls}
    fix = {"url": f"give --url=https://..., not {url}", "address": "add --tls"}
    named = [name for name in ("ca_file", "client_certificate") if getattr(arguments, name) is not None]
    for kind in secure:
        if named and not secure[kind]:
            parser.error(f"--{named[0]} is for TLS: {fix[kind]}")
        if arguments.token_file and not secure[kind] and not _is_this_machine(url if kind == "url" else f"//{address}"):
            parser.error(f"--token_file would be sent for everyone on the way to read: {fix[kind]}")
    if arguments.tls and not address:
        parser.error("--tls is for gRPC: add --protocol=grpc, or give --url=https://... for REST")


def of_flags(arguments: argparse.Namespace) -> Credentials:
    """What the flags of `add_flags` say."""
    return Credentials(
        uses_tls=arguments.tls,
        ca_file=arguments.ca_file,
        client_certificate=arguments.client_certificate,
        client_key=arguments.client_key,
        token_file=arguments.token_file,
    )


def _is_this_machine(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _THIS_MACHINE
    except ValueError:
        return False
