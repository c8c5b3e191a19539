"""Asks every signature of a served model once, to see after a deployment that all of them answer.

python serving/smoke_test.py --model_name=vehicles --model_folder=/srv/models/vehicles

With --model_folder it also checks that the files of each version that is AVAILABLE are those that were exported.
Exit code: 0 all answer, 1 one does not or there is no server, 2 wrong use.
"""

from __future__ import annotations

import base64
import itertools
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import export_folder
import verify
from arguments import OneLineParser, RefusalError
from client import asking
from clients import connection
from clients.answers import Answer, Embedding
from clients.errors import ClientError, MissingPackageError
from clients.served_model import SIGNATURES

# A red PNG of 32x32 pixels, written by Pillow: the test needs an image wherever it runs.
_IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAALElEQVR42u3NQREAMAgAIF0aQ9j/jLUS+oMC5HTFpRfHBAKBQCAQCAQCwZYP"
    "xMkBbMCgtygAAAAASUVORK5CYII="
)

# Probabilities of a float16 network need not sum to 1 more closely than this.
_SUM_TOLERANCE = 0.01


class SmokeError(Exception):
    """An answer came, and can't be right; the message says why."""


def check_all(client: connection.Client, image: bytes) -> Iterator[tuple[str, bool, str]]:
    """Asks for the model's state and each of its signatures.

    Args:
      client: of either protocol.
      image: the bytes of an image file.

    Yields:
      What was asked, whether it is well, and what to tell about it.
    """
    try:
        states = client.status()
        signatures = client.signatures()
    except ClientError as error:
        yield "status", False, str(error)
        return
    told = ", ".join(f"version {status.version} {status.state} {status.error}".rstrip() for status in states)
    yield "status", any(status.state == "AVAILABLE" for status in states), told
    for signature in signatures:
        yield signature, *_check_signature(client, signature, image)


def check_files(client: connection.Client, model_folder: Path) -> Iterator[tuple[str, bool, str]]:
    """Compares the files of each version that is AVAILABLE with their digests.

    Args:
      client: of either protocol.
      model_folder: where the server's versions lie, as this machine sees it.

    Yields:
      What was checked, whether it is well, and what to tell about it.
    """
    try:
        available = [status.version for status in client.status() if status.state == "AVAILABLE"]
        folders = export_folder.versions(model_folder)
    except (ClientError, OSError) as error:
        yield "files", False, str(error)
        return
    for version in available:
        try:
            yield f"files of {version}", True, verify.verify(folders.get(version, model_folder / str(version)))
        except RefusalError as error:
            yield f"files of {version}", False, str(error)


def check_answer(answer: Answer) -> str:
    """Refuses an answer that can't be right.

    Returns:
      The answer in a few words.

    Raises:
      SmokeError: a value that is no number, probabilities that are none, a best class that isn't.
    """
    if isinstance(answer, Embedding):
        if not answer.embedding or not all(map(math.isfinite, answer.embedding)):
            raise SmokeError("the embedding is empty or holds a value that is not finite")
        return f"{len(answer.embedding)} values"
    if not all(0 <= score <= 1 for score in (answer.score, *answer.top_scores, *answer.probabilities)):
        raise SmokeError("a score is outside [0, 1]")
    if answer.probabilities and abs(sum(answer.probabilities) - 1) > _SUM_TOLERANCE:
        raise SmokeError(f"the probabilities sum to {sum(answer.probabilities):g}, not to 1")
    if not answer.label or answer.label != answer.top_labels[0] or answer.score != max(answer.top_scores):
        raise SmokeError(f"label {answer.label!r} is not the best of {answer.top_labels}")
    return f"{answer.label} {answer.score:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parser = _parser()
    parsed = parser.parse_args(arguments)
    connection.check_flags(parser, parsed)
    try:
        image = parsed.image.read_bytes() if parsed.image else _IMAGE
    except OSError as error:
        parser.error(f"--image={parsed.image} can't be read: {error.strerror}")
    all_well = True
    try:
        client = connection.connect(parsed, protocol=parsed.protocol, retry=connection.waiting_aloud())
        files = check_files(client, parsed.model_folder) if parsed.model_folder else ()
        for asked, is_well, told in itertools.chain(check_all(client, image), files):
            print(f"{asked:<16}  {'ok' if is_well else 'FAILED':<6}  {told}", flush=True)
            all_well = all_well and is_well
        client.close()
    except MissingPackageError as error:
        parser.error(str(error))
    return 0 if all_well else 1


def _check_signature(client: connection.Client, signature: str, image: bytes) -> tuple[bool, str]:
    if signature not in SIGNATURES:
        return False, f"unknown to this program, which asks {', '.join(SIGNATURES)}"
    started = time.perf_counter()
    try:
        (answer,) = asking(client, signature)([image])
        told = check_answer(answer)
    except (ClientError, SmokeError) as error:
        return False, str(error)
    return True, f"{1000 * (time.perf_counter() - started):.1f} ms  {told}"


def _parser() -> OneLineParser:
    parser = OneLineParser(
        description="Asks every signature of a served model once.",
        epilog="Exit code: 0 all answer, 1 one does not or there is no server, 2 wrong use.",
    )
    connection.add_flags(parser)
    parser.add_argument("--image", type=Path, help="an image file to ask about (default: a small red square)")
    parser.add_argument("--model_folder", type=Path, help="where the server's versions lie: check their files too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
