"""Tests of serving/clients/retries.py: when a client asks again, how long it waits, and when it stops."""

from __future__ import annotations

import pytest

from clients import retries
from clients.errors import UnavailableError
from clients.retries import RetryPolicy


class Flaky:
    """Is unavailable a number of times, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.seconds_left: list[float] = []

    def __call__(self, seconds_left: float) -> str:
        self.seconds_left.append(seconds_left)
        if len(self.seconds_left) <= self.failures:
            raise UnavailableError(f"attempt {len(self.seconds_left)}")
        return "answer"


def waits_of(policy: RetryPolicy) -> list[float]:
    waits: list[float] = []
    with pytest.raises(UnavailableError):
        retries.call_with_retries(Flaky(99), policy=policy, timeout_seconds=1e6, sleep=waits.append)
    return waits


def test_the_bound_of_a_wait_doubles_up_to_the_longest(monkeypatch):
    monkeypatch.setattr(retries.random, "uniform", lambda low, high: high)
    policy = RetryPolicy(retries=5, first_wait_seconds=0.5, longest_wait_seconds=3.0)
    assert waits_of(policy) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_waits_are_random_between_zero_and_their_bound():
    waits = [wait for _ in range(300) for wait in waits_of(RetryPolicy(retries=1, first_wait_seconds=8.0))]
    assert min(waits) < 1.0  # 300 draws all above an eighth of the bound: 4e-18
    assert 4.0 < max(waits) <= 5.0  # the default's longest wait


def test_the_last_error_is_raised():
    with pytest.raises(UnavailableError, match="attempt 3"):
        retries.call_with_retries(Flaky(99), policy=RetryPolicy(retries=2), timeout_seconds=1e6, sleep=lambda _: None)


def test_no_wait_begins_that_would_pass_the_deadline(monkeypatch):
    monkeypatch.setattr(retries.random, "uniform", lambda low, high: high)
    flaky = Flaky(99)
    policy = RetryPolicy(retries=9, first_wait_seconds=60.0, longest_wait_seconds=60.0)
    with pytest.raises(UnavailableError, match="attempt 1"):
        retries.call_with_retries(flaky, policy=policy, timeout_seconds=5.0)


def test_by_default_an_outage_of_tens_of_seconds_is_outlasted(monkeypatch):
    """As many retries as the deadline has room for, at waits that grow and stay short of it."""
    now = [0.0]
    monkeypatch.setattr(retries.time, "monotonic", lambda: now[0])

    def attempt(seconds_left: float) -> str:
        attempts.append(now[0])
        if now[0] < 25.0:
            raise UnavailableError("down")
        return "answer"

    def sleep(seconds: float) -> None:
        now[0] += seconds

    for _ in range(100):
        attempts: list[float] = []
        now[0] = 0.0
        assert retries.call_with_retries(attempt, policy=RetryPolicy(), timeout_seconds=60.0, sleep=sleep) == "answer"
        assert len(attempts) < 60


def test_retries_end_before_the_deadline_with_the_reason(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(retries.time, "monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    flaky = Flaky(10**6)
    with pytest.raises(UnavailableError, match=r"attempt \d+"):
        retries.call_with_retries(flaky, policy=RetryPolicy(), timeout_seconds=30.0, sleep=sleep)
    assert min(flaky.seconds_left) >= 0.2  # enough for an answer
    assert now[0] <= 30.0


def test_the_reason_of_waiting_is_told_once_a_call():
    told: list[str] = []
    policy = RetryPolicy(tell=told.append)
    retries.call_with_retries(Flaky(3), policy=policy, timeout_seconds=60.0, sleep=lambda _: None)
    retries.call_with_retries(Flaky(0), policy=policy, timeout_seconds=60.0, sleep=lambda _: None)
    assert len(told) == 1
    assert "attempt 1" in told[0]


def test_an_attempt_gets_what_is_left_of_the_deadline(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(retries.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(retries.random, "uniform", lambda low, high: 4.0)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    flaky = Flaky(1)
    retries.call_with_retries(flaky, policy=RetryPolicy(), timeout_seconds=10.0, sleep=sleep)
    assert flaky.seconds_left == [10.0, 6.0]
