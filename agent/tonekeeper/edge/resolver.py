"""Where an SBC's name leads: A and AAAA records as the system's resolver gives them. A numeric host needs no look-up.

`getaddrinfo` cannot be interrupted: with dead DNS servers it sits for half a minute. So each look-up has a daemon
thread of its own, which the end of the process does not wait for, and an SBC has at most one that is still at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence

from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import Event, SbcResolved, SbcUnresolved
from tonekeeper.wire.endpoint import Endpoint

TIMEOUT = 2.0
"""Seconds."""

LookUp = Callable[[str, int], Sequence[str]]
"""Host and port to numeric addresses, in order of preference; raises OSError or UnicodeError. May block."""


def look_up(host: str, port: int) -> Sequence[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)]


class Resolver:
    def __init__(
        self, report: Callable[[Event], None], loop: asyncio.AbstractEventLoop, look_up: LookUp = look_up
    ) -> None:
        self._report = report
        self._loop = loop
        self._look_up = look_up
        self._wanted: dict[str, ResolveSbc] = {}
        self._running: set[ResolveSbc] = set()
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def execute(self, command: ResolveSbc) -> None:
        """Look up; reported within `TIMEOUT`. A name found only later is reported as well, once it is known."""
        self._stop_waiting(command.sbc)
        self._wanted[command.sbc] = command
        numeric = _numeric(command.host)
        if numeric:
            self._report(SbcResolved(command.sbc, (Endpoint(numeric, command.port),)))
            return
        self._waiting[command.sbc] = self._loop.call_later(TIMEOUT, self._give_up, command)
        if command not in self._running:
            self._running.add(command)
            name = f"resolve {command.sbc}"
            threading.Thread(target=self._ask, args=(command,), name=name, daemon=True).start()

    def close(self) -> None:
        """No answer is reported from now on."""
        self._wanted.clear()
        for sbc in list(self._waiting):
            self._stop_waiting(sbc)

    def _stop_waiting(self, sbc: str) -> bool:
        timer = self._waiting.pop(sbc, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _ask(self, command: ResolveSbc) -> None:
        """On the thread."""
        answer = _answer(command, self._look_up)
        with contextlib.suppress(RuntimeError):  # the loop has been closed in the meantime
            self._loop.call_soon_threadsafe(self._answered, command, answer)

    def _answered(self, command: ResolveSbc, answer: Event) -> None:
        self._running.discard(command)
        if self._wanted.get(command.sbc) != command:
            return
        in_time = self._stop_waiting(command.sbc)
        if in_time or isinstance(answer, SbcResolved):
            self._report(answer)

    def _give_up(self, command: ResolveSbc) -> None:
        del self._waiting[command.sbc]
        self._report(SbcUnresolved(command.sbc, f"cannot resolve '{command.host}': no answer within {TIMEOUT:g} s"))


def _answer(command: ResolveSbc, look_up: LookUp) -> SbcResolved | SbcUnresolved:
    try:
        addresses = dict.fromkeys(address.partition("%")[0] for address in look_up(command.host, command.port))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return SbcUnresolved(command.sbc, f"cannot resolve '{command.host}': {reason}")
    if not addresses:
        return SbcUnresolved(command.sbc, f"cannot resolve '{command.host}': the name has no address")
    return SbcResolved(command.sbc, tuple(Endpoint(address, command.port) for address in addresses))


def _numeric(host: str) -> str:
    """The address that `host` is, in its usual form; empty if it is a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return ""
