"""Asks a running agent for its report."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.status import Status

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 16 * 1024 * 1024


def fetch_report(command: Status) -> bytes:
    """The body of `/api/v1/status` at the agent; AgentUnreachableError with what to do about it."""
    parts = urlsplit(command.url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/api/v1/status", headers=_authorization(command))
        response = connection.getresponse()
        body = response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise AgentUnreachableError(
            f"cannot reach the agent at {command.url}: {reason}; "
            "start it with 'tonekeeper run -c FILE', or name the right address with --url"
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        remedy = "name its token with --token-file" if response.status == 401 else "is that a Tonekeeper agent?"
        raise AgentUnreachableError(
            f"cannot get the report of the agent at {command.url}: {response.status} {response.reason}; {remedy}"
        )
    return body


def _authorization(command: Status) -> dict[str, str]:
    if not command.token_file:
        return {}
    try:
        with open(command.token_file, encoding="utf-8") as file:
            return {"Authorization": f"Bearer {file.read().strip()}"}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AgentUnreachableError(
            f"cannot read the token file {command.token_file!r}: {reason}; name one that this user may read"
        ) from error
