"""Passes datagrams on and holds the answers back: `python -m tests.lab.late_relay ADDRESS PORT SERVER_PORT SECONDS`."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Any


class _Upstream(asyncio.DatagramProtocol):
    """One question's way to the server and back."""

    def __init__(self, question: bytes, answered: Any) -> None:
        self._question = question
        self._answered = answered

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.sendto(self._question)

    def datagram_received(self, data: bytes, _: Any) -> None:
        self._answered(data)
        self._transport.close()


class _Relay(asyncio.DatagramProtocol):
    def __init__(self, server: tuple[str, int], seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._passing: set[asyncio.Task[Any]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, client: Any) -> None:
        loop = asyncio.get_running_loop()

        def answered(answer: bytes) -> None:
            loop.call_later(self._seconds, self._transport.sendto, answer, client)

        upstream = loop.create_datagram_endpoint(partial(_Upstream, data, answered), remote_addr=self._server)
        passing = loop.create_task(upstream)
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)


async def _relay(address: str, port: int, server_port: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Relay((address, server_port), seconds), local_addr=(address, port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    where, port, server_port, seconds = sys.argv[1:]
    asyncio.run(_relay(where, int(port), int(server_port), float(seconds)))
