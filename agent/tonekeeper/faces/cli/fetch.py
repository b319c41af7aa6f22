"""Asks a running agent over HTTP."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.status import Status

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 16 * 1024 * 1024


def fetch_report(command: Status) -> bytes:
    """The body of `/api/v1/status` at the agent; AgentUnreachableError with what to do about it."""
    status, reason, body = ask_agent(command.url, command.token_file, "GET", "/api/v1/status")
    if status != http.client.OK:
        remedy = "name its token with --token-file" if status == 401 else "is that a Tonekeeper agent?"
        raise AgentUnreachableError(f"cannot get the report of the agent at {command.url}: {status} {reason}; {remedy}")
    return body


def ask_agent(url: str, token_file: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    """Status code, its phrase, and the body of the answer; AgentUnreachableError where there is none."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    headers = _authorization(token_file) | ({"Content-Type": "application/json"} if body is not None else {})
    try:
        connection.request(method, f"{parts.path.rstrip('/')}{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.reason, response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise AgentUnreachableError(
            f"cannot reach the agent at {url}: {reason}; "
            "start it with 'tonekeeper run -c FILE', or name the right address with --url"
        ) from error
    finally:
        connection.close()


def _authorization(token_file: str) -> dict[str, str]:
    if not token_file:
        return {}
    try:
        with open(token_file, encoding="utf-8") as file:
            return {"Authorization": f"Bearer {file.read().strip()}"}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AgentUnreachableError(
            f"cannot read the token file {token_file!r}: {reason}; name one that this user may read"
        ) from error
