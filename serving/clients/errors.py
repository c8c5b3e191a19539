"""What can go wrong between a client and a server, told apart by what a caller does next."""

from __future__ import annotations


class ClientError(Exception):
    """No image will be answered until a person fixes something; the message says what to check."""


class UnavailableError(ClientError):
    """The server is not there or not ready: worth another try."""


class RefusedError(ClientError):
    """The server judged the request invalid; one image of a batch may be at fault for all of them."""


class DeadlineError(ClientError):
    """The answer did not come in time; the next request may be luckier."""


class MissingPackageError(Exception):
    """A Python package that the chosen way of asking needs is not installed."""
