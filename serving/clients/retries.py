"""Asks again where that can help, at growing and random intervals, until a deadline; for REST and gRPC alike."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from clients.errors import UnavailableError

Result = TypeVar("Result")

# A wait may end a little after the deadline, and a timeout of zero is an error to requests.
_SHORTEST_ATTEMPT_SECONDS = 0.001


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to wait for a server that is unavailable.

    Attributes:
      retries: further attempts after the first one; None for as many as the deadline has room for, so that a server
        that restarts costs no request.
      first_wait_seconds: the longest wait before the first of them; it doubles each time.
      longest_wait_seconds: where doubling ends.
      tell: called once, with the reason, before the first wait of a call; None for nothing.
    """

    retries: int | None = None
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 5.0
    tell: Callable[[str], None] | None = None


def call_with_retries(
    attempt: Callable[[float], Result],
    *,
    policy: RetryPolicy,
    timeout_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Calls until it succeeds, fails for good, or the policy or the deadline ends it.

    A request about images changes nothing in the server, so that asking again is harmless. The waits are "full jitter"
    (M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015): uniform between zero and a
    bound that doubles, so that clients that failed together do not come back together.

    Args:
      attempt: called with the seconds left; raises UnavailableError where another try may help.
      policy: how often, how long.
      timeout_seconds: for all attempts and waits together.
      sleep: waits.

    Raises:
      UnavailableError: from the last attempt.
    """
    deadline = time.monotonic() + timeout_seconds
    bound = min(policy.first_wait_seconds, policy.longest_wait_seconds)
    for retry in itertools.count():
        try:
            return attempt(max(deadline - time.monotonic(), _SHORTEST_ATTEMPT_SECONDS))
        except UnavailableError as error:
            seconds_left = deadline - time.monotonic()
            # Not in the last moment: an attempt without the time for an answer hides why those before it failed.
            wait = random.uniform(0, min(bound, seconds_left))
            if retry == policy.retries or seconds_left - wait < policy.first_wait_seconds:
                raise
            if retry == 0 and policy.tell:
                policy.tell(f"{error} Trying again for up to {seconds_left:.0f} s.")
        sleep(wait)
        bound = min(2 * bound, policy.longest_wait_seconds)
    raise AssertionError("never reached")
