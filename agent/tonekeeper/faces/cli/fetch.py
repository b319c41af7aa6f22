"""Asks a running agent over HTTP or HTTPS."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.status import Status
from tonekeeper.faces.cli.trust import SYSTEM_TRUST, Trust

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 16 * 1024 * 1024

_START = "start it with 'tonekeeper run -c FILE', or name the right address with --url"


def fetch_report(command: Status) -> bytes:
    """The body of `/api/v1/status` at the agent; AgentUnreachableError with what to do about it."""
    status, reason, body = ask_agent(command.url, command.token_file, "GET", "/api/v1/status", trust=command.trust)
    if status != http.client.OK:
        remedy = "name its token with --token-file" if status == 401 else "is that a Tonekeeper agent?"
        raise AgentUnreachableError(f"cannot get the report of the agent at {command.url}: {status} {reason}; {remedy}")
    return body


def ask_agent(
    url: str, token_file: str, method: str, path: str, body: bytes | None = None, *, trust: Trust = SYSTEM_TRUST
) -> tuple[int, str, bytes]:
    """Status code, its phrase, and the body of the answer; AgentUnreachableError where there is none."""
    headers = _authorization(token_file) | ({"Content-Type": "application/json"} if body is not None else {})
    connection = _connection(url, trust)
    try:
        connection.request(method, f"{urlsplit(url).path.rstrip('/')}{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.reason, response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason, remedy = _explain(error)
        raise AgentUnreachableError(f"cannot reach the agent at {url}: {reason}; {remedy}") from error
    finally:
        connection.close()


def _connection(url: str, trust: Trust) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = _context(trust)
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)


def _context(trust: Trust) -> ssl.SSLContext:
    """Likewise for files that cannot be used."""
    file, option = trust.ca_file, "--ca-file"
    try:
        context = ssl.create_default_context(cafile=file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if trust.is_pinned:
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if trust.client_cert:
            file, option = trust.client_cert, "--client-cert and --client-key"
            context.load_cert_chain(file, trust.client_key or None)
    except OSError as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AgentUnreachableError(f"cannot use {file!r}: {reason}; name PEM files with {option}") from error
    return context


def _explain(error: OSError | http.client.HTTPException) -> tuple[str, str]:
    """Why there is no answer, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted, {error.verify_message}", "name who vouches for it with --ca-file"
    if isinstance(error, ssl.SSLError) and any(word in (error.reason or "") for word in ("CERTIFICATE", "UNKNOWN_CA")):
        return "it takes no client without the right certificate", "name one with --client-cert and --client-key"
    if isinstance(error, ssl.SSLError):
        return f"no TLS, {(error.reason or str(error)).replace('_', ' ').lower()}", "is it http:// that listens there?"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return str(error), f"does it want https://, or a client certificate? Else {_START}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__, _START


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
