"""What a person sees on the terminal: lines, tables and progress bars. Everything goes to stderr but results."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def say(text: str = "") -> None:
    """Prints a line to stdout at once, so that it keeps its place among progress bars."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Prints a line that must not be overlooked, to stderr."""
    print(f"WARNING: {text}", file=sys.stderr, flush=True)


def python() -> str:
    """What to type for the Python that runs: `python` where the shell knows it by that name, else its path."""
    running = Path(sys.executable)
    if shutil.which("python") == str(running):
        return "python"
    here = Path.cwd()
    return shlex.quote(str(running.relative_to(here) if running.is_relative_to(here) else running))


def table(rows: Sequence[tuple[str, str]], title: str = "") -> None:
    """Prints two aligned columns under a title."""
    if title:
        say(f"\n{title}")
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        say(f"  {name:<{width}}  {value}")


def progress(items: Iterable[Item], *, total: int, title: str, unit: str = "image") -> Iterator[Item]:
    """Yields `items` behind a progress bar with rate and time left; the bar goes to stderr."""
    yield from tqdm(items, total=total, desc=title, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True)


@contextlib.contextmanager
def progress_bar(*, total: int, title: str, unit: str) -> Iterator[Callable[[int], None]]:
    """Gives a function that advances a progress bar by a number of units; the bar goes to stderr."""
    with tqdm(total=total, desc=title, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True) as bar:
        yield lambda count: (bar.update(count), None)[1]


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow without its start-up chatter, which no log level silences; shows it if the import fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.modules.get("tensorflow") is None:
        with _chatter_held_back(), _garbage_collection_spared():
            import tensorflow  # noqa: F401  (imported for its side effect, and late on purpose)


@contextlib.contextmanager
def _chatter_held_back() -> Iterator[None]:
    """Keeps what native libraries write to the file descriptor of stderr, and shows it only if the block raises."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def _garbage_collection_spared() -> Iterator[None]:
    """For imports: they make hundreds of thousands of objects that stay, which no collection needs to visit.

    Measured on a training run from a filled bank of 18 s: 1.4 s of collections after the import, and as much of
    Python's last one, when the process ends and its memory goes anyway.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(gc.freeze)
    finally:
        if was_enabled:
            gc.enable()
