"""Where a name on the command line leads: the addresses that the system's own resolver gives, in its order."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress


def look_up(host: str, port: int) -> Sequence[str]:
    """Numeric addresses; raises OSError or UnicodeError. Blocks, with dead DNS servers for half a minute."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)]


async def look_up_within(seconds: float, host: str, port: int) -> Sequence[str]:
    """The same on a thread of its own, that nobody waits for once the time is over: TimeoutError then."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(answer: Sequence[str] | Exception) -> None:
        if found.done():
            return
        if isinstance(answer, Exception):
            found.set_exception(answer)
        else:
            found.set_result(answer)

    def ask() -> None:
        answer: Sequence[str] | Exception
        try:
            answer = look_up(host, port)
        except (OSError, UnicodeError) as error:
            answer = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await found
