"""Asks every agent of an inventory, many at once, each with its own patience.

A question that fails is asked again after a pause drawn at random, so that a fleet that failed together is not met by
all its questions together. One that was answered with a refusal (a wrong token) is not asked again: that helps nobody.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import msgspec
import requests
import urllib3

from tonekeeper.core.report import Report
from tonekeeper.fleet.inventory import Host, Method
from tonekeeper.fleet.summary import Polled

MOST_BYTES = 16 * 1024 * 1024
_DECODER = msgspec.json.Decoder(Report)


@dataclass(frozen=True, slots=True)
class Patience:
    timeout: float = 5.0
    """Seconds for one question."""
    retries: int = 2
    pause: float = 1.0
    """Seconds before the first repetition at most; twice that before the next."""
    workers: int = 50
    ca_file: str = ""
    """Of HTTPS agents; empty: the system's roots."""


Ask = Callable[[Host, Patience], Report]
"""PollError where there is no report."""


class PollError(Exception):
    """Why there is no report, in one sentence. `is_final`: asking again would not help."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


def poll(
    hosts: Sequence[Host], patience: Patience, ask: dict[Method, Ask], sleep: Callable[[float], None] = time.sleep
) -> Generator[Polled, None, None]:
    """One for each host, in the order in which they are known. Closing it early gives the others up."""
    with ThreadPoolExecutor(max(1, min(patience.workers, len(hosts)))) as pool:
        futures = [pool.submit(_poll, host, patience, ask[host.method], sleep) for host in hosts]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _poll(host: Host, patience: Patience, ask: Ask, sleep: Callable[[float], None]) -> Polled:
    started = time.monotonic()
    why = ""
    for attempt in range(1, patience.retries + 2):
        try:
            return Polled(host, ask(host, patience), "", round(time.monotonic() - started, 3), attempt)
        except PollError as error:
            why = str(error)
            if error.is_final or attempt > patience.retries:
                break
        sleep(random.uniform(0.0, patience.pause * 2 ** (attempt - 1)))
    return Polled(host, None, why, round(time.monotonic() - started, 3), attempt)


_own = threading.local()


def ask_over_http(host: Host, patience: Patience) -> Report:
    """Its report, by `GET /api/v1/status`."""
    headers = {"Authorization": f"Bearer {secret}"} if (secret := secret_of(host)) else {}
    try:
        answer = _session(patience).get(
            f"{host.url}/api/v1/status", headers=headers, timeout=patience.timeout, allow_redirects=False, stream=True
        )
        with answer:
            body = answer.raw.read(MOST_BYTES, decode_content=True)
    except (requests.RequestException, OSError, ValueError) as error:
        raise PollError(_sentence(error)) from None
    except urllib3.exceptions.HTTPError as error:  # where a body breaks off
        raise PollError(f"the answer broke off: {type(error).__name__}") from None
    if answer.status_code != requests.codes.ok:
        is_final = answer.status_code in (401, 403, 404)
        raise PollError(f"it answers {answer.status_code} {answer.reason}", is_final=is_final)
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PollError(f"it is no Tonekeeper agent: {error}", is_final=True) from None


def secret_of(host: Host) -> str:
    """What `credentials` refer to; PollError where there is nothing."""
    kind, _, where = host.credentials.partition(":")
    if not kind:
        return ""
    if kind == "env":
        found = os.environ.get(where)
        if not found:
            raise PollError(f"the variable {where} with its credentials is not set", is_final=True)
        return found
    try:
        return Path(where).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PollError(f"its credentials cannot be read from '{where}': {reason}", is_final=True) from None


def _session(patience: Patience) -> requests.Session:
    """One for each thread; without what the environment says about proxies, which agents are not behind."""
    session: requests.Session | None = getattr(_own, "session", None)
    if session is None:
        session = _own.session = requests.Session()
        session.trust_env = False
        session.headers["Connection"] = "close"
        if patience.ca_file:
            session.verify = patience.ca_file
    return session


def _sentence(error: BaseException) -> str:
    """The innermost reason: requests wraps urllib3, which wraps the system."""
    match error:
        case requests.exceptions.SSLError():
            return f"its certificate is not acceptable: {_innermost(error)}"
        case requests.exceptions.Timeout():
            return "it does not answer in time"
        case requests.exceptions.ConnectionError():
            return f"it cannot be reached: {_innermost(error)}"
        case _:
            return f"it cannot be asked: {_innermost(error)}"


def _innermost(error: BaseException) -> str:
    reason = getattr(error, "args", ())
    inner = next((one for one in reason if isinstance(one, BaseException)), None) or getattr(error, "reason", None)
    if isinstance(inner, BaseException) and inner is not error:
        return _innermost(inner)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    cause = error.__cause__ or error.__context__
    return _innermost(cause) if cause is not None else (str(error) or type(error).__name__)
