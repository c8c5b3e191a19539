"""When so many files cannot be read as images that nothing should be said of the rest."""

from __future__ import annotations

from collections.abc import Sequence

from keras_transfer import terminal
from keras_transfer.errors import UserError

_NAMED = 10


def refuse_too_many(unreadable: Sequence[tuple[str, str]], count: int, max_fraction: float) -> None:
    """Refuses more unreadable files than `--max_unreadable_fraction` allows.

    Args:
      unreadable: (path, reason) of each.
      count: of all files, the unreadable ones too.
      max_fraction: in [0, 1].

    Raises:
      UserError: naming the first of them.
    """
    if len(unreadable) > max_fraction * count:
        path, reason = unreadable[0]
        raise UserError(
            f"{len(unreadable)} of {count} files cannot be read, more than --max_unreadable_fraction={max_fraction:g} "
            f"allows. The first is {path}: {reason}. Fix or remove them, or raise that fraction."
        )


def warn(unreadable: Sequence[tuple[str, str]]) -> None:
    """Names the first unreadable files, as (path, reason), on the terminal."""
    for path, reason in unreadable[:_NAMED]:
        terminal.warn(f"left out {path}: {reason}")
    if len(unreadable) > _NAMED:
        terminal.warn(f"left out {len(unreadable) - _NAMED:,} more files; metrics.json names them")
