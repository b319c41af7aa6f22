"""Asking time servers, once each: simple NTP over UDP as RFC 4330 section 5 wants it of a client that keeps no clock.

A question is never repeated: whoever asks too often is a nuisance (section 10 forbids less than 15 s), and a server
that does not answer is as good as any other witness that is silent. A server that asks to be left alone (a kiss, RFC
5905 section 7.4) is left alone for as long as this object lives; one that only asks for less, for a day.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from collections.abc import Callable, Sequence

from tonekeeper.core.beside.clock import ServerTime, SilentServer, time_of
from tonekeeper.edge.system_resolver import look_up_within
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.ntp import PORT, decode_answer, encode_question

PATIENCE = 3.0
"""Seconds for an answer."""
RESOLVED_WITHIN = 5.0
"""Seconds for the name of a server."""
MOST_ADDRESSES = 3
"""Asked of one name: a pool has many."""
MOST_SERVERS = 8
LESS_OFTEN = 86400.0
"""Seconds."""

_LARGEST = 1024


class TimeServers:
    """`wall` is Unix time, `monotonic` what measures how long an answer takes."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._kisses: dict[Endpoint, tuple[float, SilentServer | None]] = {}
        """Until when a server is left alone, and what it said."""

    async def ask(self, servers: Sequence[tuple[str, int]]) -> tuple[ServerTime | SilentServer, ...]:
        """Host and port of each, a name or a numeric address; all at the same time. One answer an address."""
        found = await asyncio.gather(*(self._find(host, port) for host, port in servers))
        named = [each for addresses in found for each in addresses][:MOST_SERVERS]
        return tuple(await asyncio.gather(*(self._ask_one(name, where) for name, where in named)))

    async def _find(self, host: str, port: int) -> Sequence[tuple[str, Endpoint | str]]:
        """What to call each address of a server, and the address; or why there is none."""
        name = host if port == PORT else str(Endpoint(host, port))
        try:
            hosts = await look_up_within(RESOLVED_WITHIN, host, port)
        except TimeoutError:
            return ((name, "has a name that nobody resolves in time"),)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return ((name, f"has a name that leads nowhere ({reason})"),)
        chosen = list(dict.fromkeys(hosts))[:MOST_ADDRESSES]
        return [(name if one == host else f"{name} ({one})", Endpoint(one, port)) for one in chosen]

    async def _ask_one(self, name: str, where: Endpoint | str) -> ServerTime | SilentServer:
        if isinstance(where, str):
            return SilentServer(name, where)
        until, said = self._kisses.get(where, (0.0, None))
        if said is not None and self._monotonic() < until:
            return said
        try:
            async with asyncio.timeout(PATIENCE):
                told = await self._exchange(name, where)
        except TimeoutError:
            return SilentServer(name, "does not answer")
        except OSError as error:
            return SilentServer(name, f"cannot be asked ({error.strerror or error})")
        if isinstance(told, SilentServer) and told.kiss:
            pause = LESS_OFTEN if told.kiss == "RATE" else math.inf
            self._kisses[where] = (self._monotonic() + pause, told)
        return told

    async def _exchange(self, name: str, where: Endpoint) -> ServerTime | SilentServer:
        """An answer counts from the address that was asked, with the number that the question had."""
        loop = asyncio.get_running_loop()
        nonce = int.from_bytes(os.urandom(8), "big")
        with socket.socket(socket.AF_INET6 if where.is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(where)
            began, at = self._wall(), self._monotonic()
            sock.send(encode_question(nonce))
            while True:
                data = await loop.sock_recv(sock, _LARGEST)
                took = self._monotonic() - at
                try:
                    answer = decode_answer(data)
                except DecodeError:
                    continue
                if answer.origin == nonce:
                    return time_of(name, answer, began, took)
