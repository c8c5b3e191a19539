"""The errors that a person is shown: a person's mistakes and the state of the machine, never a fault of ours."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """A person's mistake or the machine's state: the message says what, why and what to do."""


class ConfigError(UserError):
    """All that is wrong with a configuration, reported together.

    Attributes:
      faults: one sentence or two for each fault.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))
