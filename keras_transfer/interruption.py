"""Ctrl-C and SIGTERM while work is under way whose finished part is worth keeping: it ends in order, and says so."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS = 0.5
_NOT_SET = object()


class Interrupted(KeyboardInterrupt):
    """What to tell a person of interrupted work.

    Attributes:
      signal_number: of the signal.
      exit_code: 128 + that number, the shell's convention.
    """

    def __init__(self, message: str, signal_number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class Stopping:
    """Notes the first Ctrl-C or SIGTERM within a `with` block instead of raising it; the second is raised at once.

    Attributes:
      signal_number: of the signal; 0 until there is one.
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        """Whether to stop."""
        return bool(self.signal_number)

    def __enter__(self) -> Self:
        # Only the main thread may; in another one Ctrl-C never arrives anyway.
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup, `&`
            self._before = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None is a handler that was not set from Python and can't be put back from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number:
            raise Interrupted("Stopped at once, as it was asked for twice. What was finished before is kept.", number)
        self.signal_number = number
        with contextlib.suppress(RuntimeError):  # it came while this very thread was printing
            print("\nStopping…", file=sys.stderr, flush=True)


class StoppingAtOnce(Stopping):
    """Ends a `with` block at the first Ctrl-C or SIGTERM by `Interrupted`, whatever it was doing.

    What is raised while Python removes an object, or in a function that a library calls, is lost. So it is raised again
    until the block ends, but not while that is under way and cleans up.

    Attributes:
      kept: a sentence on what is kept, for the message; "" while there is nothing.
    """

    kept = ""
    _alarm_before: Any = _NOT_SET

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Takes for an interruption what it became on its way: importing a library makes it an ImportError."""
        if self._alarm_before is not _NOT_SET:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL if self._alarm_before is None else self._alarm_before)
        super().__exit__(kind, error, traceback)
        is_interruption = isinstance(error, KeyboardInterrupt) or (self and error is not None)
        if is_interruption and not isinstance(error, Interrupted):
            raise self._interrupted() from error

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = number
        if self._alarm_before is _NOT_SET:
            self._alarm_before = signal.signal(signal.SIGALRM, self._raise_again)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
        raise self._interrupted()

    def _raise_again(self, number: int, frame: FrameType | None) -> None:
        handled = sys.exception()
        while handled is not None and not isinstance(handled, Interrupted):
            handled = handled.__context__
        if handled is None:
            raise self._interrupted()

    def _interrupted(self) -> Interrupted:
        return Interrupted(f"Interrupted. {self.kept}".strip(), self.signal_number or signal.SIGINT)
