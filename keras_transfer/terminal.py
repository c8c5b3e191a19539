"""What a person sees on the terminal: lines, tables and progress bars. Everything goes to stderr but results."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import io
import logging
import os
import shlex
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

_NARROWEST_COLUMN = 20  # characters; a value is not wrapped into less
_COLUMNS_FOR_A_BAR = 70  # of the terminal: what title, count, rate and times take with some bar between them


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


def accept_any_text() -> None:
    r"""Lets stdout and stderr print every character; one that the terminal lacks becomes an escape such as \u4e2d."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_what_cannot_be_printed() -> None:
    """Sends to nowhere what stdout and stderr hold back and nobody reads any more: Python would fail on it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def width() -> int:
    """Columns of the terminal that stdout is; 0 where it is none."""
    return _columns(sys.stdout)


def _columns(stream: TextIO) -> int:
    if not stream.isatty():
        return 0
    with contextlib.suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns
    return 0


def table(rows: Sequence[tuple[str, str]], title: str = "") -> None:
    """Prints two aligned columns under a title; on a terminal a long value goes on below its beginning.

    A path is never cut in two, so that it can be copied.
    """
    if title:
        say(f"\n{title}")
    name_width = max((len(name) for name, _ in rows), default=0)
    room = width() - name_width - 4
    for name, value in rows:
        for line, part in enumerate(_wrapped(value, room)):
            say(f"  {'' if line else name:<{name_width}}  {part}")


def _wrapped(text: str, room: int) -> list[str]:
    if room < _NARROWEST_COLUMN or len(text) <= room:
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def progress(items: Iterable[Item], *, total: int, title: str, unit: str = "image") -> Iterator[Item]:
    """Yields `items` behind a progress bar with rate and time left; see `progress_bar`."""
    with progress_bar(total=total, title=title, unit=unit) as advance:
        for item in items:
            yield item
            advance(1)


@contextlib.contextmanager
def progress_bar(*, total: int, title: str, unit: str) -> Iterator[Callable[[int], None]]:
    """Gives a function that advances a progress bar by a number of units.

    The bar goes to stderr, or into the cell of a notebook. Elsewhere one line at the end takes its place.
    """
    if _is_notebook():
        with _notebook_bar()(total=total, desc=title, unit=f" {unit}") as bar:
            yield lambda count: (bar.update(count), None)[1]
        return
    if not sys.stderr.isatty():
        with _one_line(title, unit) as advance:
            yield advance
        return
    shape = "{desc} {percentage:3.0f}% {remaining}" if 0 < _columns(sys.stderr) < _COLUMNS_FOR_A_BAR else None
    with tqdm(total=total, desc=title, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True, bar_format=shape) as bar:
        yield lambda count: (bar.update(count), None)[1]


def _is_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def _notebook_bar() -> Any:
    """A bar of widgets where the notebook has them; one of characters moves there as well."""
    if importlib.util.find_spec("ipywidgets") is None:
        return tqdm
    from tqdm.notebook import tqdm as widget_bar

    return widget_bar


@contextlib.contextmanager
def _one_line(title: str, unit: str) -> Iterator[Callable[[int], None]]:
    started, done = time.perf_counter(), [0]

    def advance(count: int) -> None:
        done[0] += count

    yield advance
    counted = f"{done[0]:,} {unit}{'' if done[0] == 1 else 's'}"
    print(f"{title}: {counted}, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow without its start-up chatter, which no log level silences; shows it if the import fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.modules.get("tensorflow") is None:
        with _chatter_held_back(), _garbage_collection_spared():
            import tensorflow as tf  # late on purpose
        tf.get_logger().setLevel(logging.ERROR)  # its advice is for those who write TensorFlow, not for users


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
