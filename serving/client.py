"""Asks TensorFlow Serving about images: files, folders, URLs. As a program and as a module.

python serving/client.py --model_name=vehicles photo.jpg photos/ https://example.org/bus.jpg
find photos -name '*.jpg' | python serving/client.py --model_name=vehicles --protocol=grpc --format=csv -

    from client import RestClient, ServedModel
    with RestClient("http://localhost:8501", ServedModel("vehicles")) as client:
        prediction = client.predict([Path("photo.jpg").read_bytes()])[0]
    # Behind a proxy: RestClient("https://...", ..., credentials=Credentials(ca_file=..., token_file=...))

REST needs the package `requests` only; gRPC needs grpcio and tensorflow-serving-api, imported once they are used.
Exit code: 0 all images answered, 1 some not, 2 wrong use.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import whole_files
from arguments import OneLineParser
from clients import connection
from clients.answers import Embedding, Prediction
from clients.asking import Ask, Outcome, ask_about_all
from clients.credentials import Credentials
from clients.errors import ClientError, DeadlineError, MissingPackageError, RefusedError, UnavailableError
from clients.image_sources import ImageSourceError, list_images, read_image
from clients.result_formats import FORMATS
from clients.retries import RetryPolicy
from clients.served_model import SIGNATURES, ServedModel, VersionStatus

if TYPE_CHECKING:
    from clients.grpc_client import GrpcClient
    from clients.rest_client import RestClient

__all__ = [
    "ClientError",
    "Credentials",
    "DeadlineError",
    "Embedding",
    "GrpcClient",
    "MissingPackageError",
    "Prediction",
    "RefusedError",
    "RestClient",
    "RetryPolicy",
    "ServedModel",
    "UnavailableError",
    "VersionStatus",
]


def __getattr__(name: str) -> Any:
    """Imports a client when it is first asked for: neither needs what the other one does (PEP 562)."""
    if name == "RestClient":
        from clients.rest_client import RestClient

        return RestClient
    if name == "GrpcClient":
        from clients.grpc_client import GrpcClient

        return GrpcClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def asking(client: connection.Client, signature: str) -> Ask:
    """The method of a client that asks a signature.

    Args:
      client: of either protocol.
      signature: one of `SIGNATURES`.
    """
    methods: dict[str, Ask] = {
        "serving_default": client.predict,
        "image_tensor": client.predict_pixels,
        "classify": client.classify,
        "embed": client.embed,
    }
    return methods[signature]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parser = _parser()
    parsed = parser.parse_args(arguments)
    connection.check_flags(parser, parsed)
    if parsed.batch_size < 1 or (parsed.retries or 0) < 0:
        parser.error("--batch_size must be at least 1 and --retries at least 0")
    output = Path(parsed.output) if parsed.output else None
    if output and not output.parent.is_dir():
        parser.error(f"--output={output}: there is no folder {output.parent}")
    try:
        outcomes = _outcomes(parsed)
    except (ImageSourceError, MissingPackageError) as error:
        parser.error(str(error))
    text = FORMATS[parsed.format](outcomes)
    try:
        _deliver(text, output)
    except OSError as error:
        parser.error(f"--output={output} can't be written: {error.strerror}")
    return _summarize(outcomes)


def _outcomes(parsed: argparse.Namespace) -> list[Outcome]:
    names = list(list_images(parsed.images, lines=sys.stdin))
    if not names:
        raise ImageSourceError("no images: give files, folders or URLs, or - to read their names from standard input")
    retry = dataclasses.replace(connection.waiting_aloud(), retries=parsed.retries)
    client = connection.connect(parsed, protocol=parsed.protocol, retry=retry)
    try:
        ask = asking(client, parsed.signature)
        read = functools.partial(read_image, timeout_seconds=parsed.timeout_seconds)
        outcomes = ask_about_all(names, read=read, ask=ask, batch_size=parsed.batch_size)
        return list(_with_progress(outcomes, total=len(names)))
    finally:
        client.close()


def _with_progress(outcomes: Iterable[Outcome], *, total: int) -> Iterator[Outcome]:
    for count, outcome in enumerate(outcomes, start=1):
        if sys.stderr.isatty():
            print(f"\r{count}/{total} images", end="" if count < total else "\n", file=sys.stderr, flush=True)
        yield outcome


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        whole_files.write_text(output, text)


def _summarize(outcomes: Sequence[Outcome]) -> int:
    failed = sum(outcome.answer is None for outcome in outcomes)
    if failed:
        print(f"{failed} of {len(outcomes)} images were not answered.", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> OneLineParser:
    parser = OneLineParser(
        description="Asks TensorFlow Serving about images.",
        epilog="Exit code: 0 all images answered, 1 some not, 2 wrong use.",
    )
    parser.add_argument("images", nargs="*", help="files, folders, URLs; - reads such names from standard input")
    connection.add_flags(parser)
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--signature", choices=SIGNATURES, default=SIGNATURES[0], help=f"default: {SIGNATURES[0]}")
    asked.add_argument("--batch_size", type=int, default=8, help="images in a request (default: 8)")
    asked.add_argument(
        "--retries", type=int, help="while the server is unavailable (default: as many as fit in --timeout_seconds)"
    )
    asked.add_argument("--format", choices=tuple(FORMATS), default="table", help="default: table")
    asked.add_argument("--output", help="a file for the results (default: standard output)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
