"""Whether a server has loaded a version, so that a label may point to it."""

from __future__ import annotations

from collections.abc import Sequence

from arguments import RefusalError
from clients.connection import Client
from clients.errors import ClientError
from clients.served_model import VersionStatus

_WAIT = (
    "Wait until it is AVAILABLE. A version that can't be loaded stays so until the server gives up, after "
    "--max_num_load_retries times --load_retry_interval_micros; its log says why it fails."
)
_REPLACE = (
    "The server does not try this number again. Publish a whole export under a new number, and name that in "
    "model_version_policy in place of this one."
)
_NAME_IT = "Name it in model_version_policy, publish it, and wait until it is AVAILABLE."


def refuse_unless_available(client: Client, version: int) -> None:
    """Asks the server for the state of a version.

    A label that points to a version that is not AVAILABLE makes the server refuse the whole configuration file, and
    every later change of it: it checks the labels before it loads what the file adds (model_servers/server_core.cc).

    Args:
      client: of the model.
      version: that a label shall point to.

    Raises:
      RefusalError: it is in another state, or the server can't be asked.
    """
    try:
        statuses = client.status()
    except ClientError as error:
        raise RefusalError(
            f"Whether version {version} is loaded can't be asked: {error} No label has moved. Give --offline to move "
            "it unasked, where no server reads the file yet."
        ) from error
    _refuse_other_states(statuses, version)


def _refuse_other_states(statuses: Sequence[VersionStatus], version: int) -> None:
    found = next((status for status in statuses if status.version == version), None)
    if found is None:
        listed = ", ".join(f"{status.version} {status.state}" for status in statuses) or "none"
        raise RefusalError(f"The server does not know version {version}. Its versions: {listed}. {_NAME_IT}")
    if found.state == "AVAILABLE":
        return
    advice = _WAIT if found.state in ("START", "LOADING") else _REPLACE if found.error else _NAME_IT
    told = f"{found.state} ({' '.join(found.error.split())})" if found.error else found.state
    raise RefusalError(f"Version {version} is {told} on the server, so no label may point to it. {advice}")
