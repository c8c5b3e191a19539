"""The flags that name a server and a model, and the client they ask for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from clients import credentials
from clients.answers import Embedding, Prediction
from clients.errors import MissingPackageError
from clients.retries import RetryPolicy
from clients.served_model import ServedModel, VersionStatus

DEFAULT_URL = "http://localhost:8501"
DEFAULT_ADDRESS = "localhost:8500"

_LARGEST_VERSION = 2**63 - 1  # int64 in TensorFlow Serving's ModelSpec


class Client(Protocol):
    """What `RestClient` and `GrpcClient` have in common."""

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `serving_default`."""

    def predict_pixels(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `image_tensor`."""

    def classify(self, images: Sequence[bytes]) -> list[Prediction]:
        """Asks `classify`."""

    def embed(self, images: Sequence[bytes]) -> list[Embedding]:
        """Asks `embed`."""

    def signatures(self) -> list[str]:
        """The names of the model's signatures."""

    def status(self) -> list[VersionStatus]:
        """The versions that the server knows of."""

    def close(self) -> None:
        """Closes the connection."""


def add_flags(parser: argparse.ArgumentParser, *, protocols: Sequence[str] = ("rest", "grpc")) -> None:
    """Adds the flags of server, model and deadline; call `check_flags` after parsing.

    Args:
      parser: gets the flags.
      protocols: the choices of --protocol, the default first.
    """
    model = parser.add_argument_group("model")
    model.add_argument("--model_name", required=True, help="as in the server's configuration")
    model.add_argument("--version", type=int, help="a version's number (default: the newest)")
    model.add_argument("--label", help="a version's label, such as stable")
    add_server_flags(parser, protocols=protocols)


def add_server_flags(parser: argparse.ArgumentParser, *, protocols: Sequence[str] = ("rest", "grpc")) -> None:
    """Adds the flags of the server and the deadline alone; call `check_server_flags` after parsing.

    Args:
      parser: gets the flags.
      protocols: the choices of --protocol, the default first.
    """
    server = parser.add_argument_group("server")
    server.add_argument("--protocol", choices=protocols, default=protocols[0], help=f"default: {protocols[0]}")
    server.add_argument("--url", help=f"of the REST port (default: {DEFAULT_URL})")
    server.add_argument("--address", help=f"of the gRPC port (default: {DEFAULT_ADDRESS})")
    server.add_argument(
        "--timeout_seconds", type=float, default=30.0, help="for a request with its retries (default: 30)"
    )
    credentials.add_flags(parser)


def check_flags(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Ends the program with exit code 2 and a reason where the flags contradict each other."""
    if arguments.version is not None and arguments.label is not None:
        parser.error("give --version or --label, not both")
    if arguments.version is not None and not 0 <= arguments.version <= _LARGEST_VERSION:
        parser.error(f"--version must be a whole number of at least 0, not {arguments.version}")
    check_server_flags(parser, arguments)


def check_server_flags(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Likewise, for the flags of `add_server_flags`."""
    if not 0 < arguments.timeout_seconds < float("inf"):
        parser.error(f"--timeout_seconds must be more than 0, not {arguments.timeout_seconds}")
    if arguments.protocol == "rest" and arguments.address is not None:
        parser.error("--address is the gRPC port's: add --protocol=grpc, or give --url")
    if arguments.protocol == "grpc" and arguments.url is not None:
        parser.error("--url is the REST port's: add --protocol=rest, or give --address")
    if arguments.url is not None and not arguments.url.startswith(("http://", "https://")):
        parser.error(f"--url must begin with http:// or https://, such as {DEFAULT_URL}, not {arguments.url!r}")
    if arguments.address is not None and ("/" in arguments.address or ":" not in arguments.address):
        parser.error(f"--address must be host:port, such as {DEFAULT_ADDRESS}, not {arguments.address!r}")
    url = "" if arguments.protocol == "grpc" else arguments.url or DEFAULT_URL
    address = "" if arguments.protocol == "rest" else arguments.address or DEFAULT_ADDRESS
    credentials.check_flags(parser, arguments, url=url, address=address)


def waiting_aloud() -> RetryPolicy:
    """Retries until the deadline, and says on standard error why a person waits, at the first wait of all."""
    told: list[str] = []

    def tell(reason: str) -> None:
        if not told:
            print(reason, file=sys.stderr, flush=True)
        told.append(reason)

    return RetryPolicy(tell=tell)


def connect(arguments: argparse.Namespace, *, protocol: str, retry: RetryPolicy) -> Client:
    """The client that the flags of `add_flags` ask for, see `connect_to`."""
    model = ServedModel(arguments.model_name, arguments.version, arguments.label)
    return connect_to(model, arguments, protocol=protocol, retry=retry)


def connect_to(model: ServedModel, arguments: argparse.Namespace, *, protocol: str, retry: RetryPolicy) -> Client:
    """The client of a model; it connects at its first call.

    Args:
      model: to ask for.
      arguments: with the flags of `add_server_flags`.
      protocol: rest or grpc.
      retry: what to do while the server is unavailable.

    Raises:
      MissingPackageError: what the protocol needs is not installed.
    """
    shown = credentials.of_flags(arguments)
    timeout_seconds = arguments.timeout_seconds
    try:
        if protocol == "grpc":
            from clients.grpc_client import GrpcClient

            address = arguments.address or DEFAULT_ADDRESS
            return GrpcClient(address, model, timeout_seconds=timeout_seconds, retry=retry, credentials=shown)
        from clients.rest_client import RestClient

        url = arguments.url or DEFAULT_URL
        return RestClient(url, model, timeout_seconds=timeout_seconds, retry=retry, credentials=shown)
    except ModuleNotFoundError as error:
        packages = "grpcio and tensorflow-serving-api" if protocol == "grpc" else "requests"
        raise MissingPackageError(
            f"--protocol={protocol} needs {packages}, and {error.name} is not installed. "
            f"Run pip install {packages.replace(' and ', ' ')}."
        ) from error
