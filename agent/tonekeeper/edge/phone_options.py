"""Asking what answers SIP on the LAN: one OPTIONS to port 5060, and to 5061 where nothing comes back.

The question is bound to the LAN's interface, so it cannot leave by a WAN. It goes over UDP to both ports: a TLS
handshake with a phone would bring a TLS library into an agent that may do without, and most phones that register over
TLS answer over UDP all the same.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from tonekeeper.core.commands import AskPhone
from tonekeeper.core.events import PhoneSeen, PhoneSign
from tonekeeper.edge.bound_socket import bound_socket, endpoint_of
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import Response, decode_response
from tonekeeper.wire.sip.registration import user_agent_of
from tonekeeper.wire.sip.render import render_options

PORTS = (5060, 5061)
SENT_AT = (0.0, 0.5)
"""Seconds: once, and once more."""
PATIENCE = 2.0
"""Seconds for each port."""
MOST_AT_ONCE = 8
"""Questions that are open; a core that asks faster is not heard."""

_LARGEST_DATAGRAM = 65535


class PhoneQuestions:
    """To be made, used and closed inside the running loop. Silence is not reported."""

    def __init__(self, report: Callable[[PhoneSeen], None], *, ports: tuple[int, ...] = PORTS) -> None:
        self._report = report
        self._ports = ports
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, asyncio.Task[None]] = {}

    def execute(self, command: AskPhone) -> None:
        if command.address not in self._open and len(self._open) < MOST_AT_ONCE:
            self._open[command.address] = self._loop.create_task(self._ask(command))

    def close(self) -> None:
        for task in list(self._open.values()):
            task.cancel()

    async def _ask(self, command: AskPhone) -> None:
        try:
            for port in self._ports:
                answer = await self._ask_at(Endpoint(command.address, port), command)
                if answer is not None:
                    named = user_agent_of(answer)
                    self._report(PhoneSeen(command.address, PhoneSign.OPTIONS, command.interface, user_agent=named))
                    return
        finally:
            del self._open[command.address]

    async def _ask_at(self, address: Endpoint, command: AskPhone) -> Response | None:
        try:
            sock = bound_socket(socket.SOCK_DGRAM, address, command.interface, "")
        except EdgeError:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._exchange(sock, address, command)
        except (TimeoutError, OSError):  # no such neighbour, nobody at this port
            return None
        finally:
            sock.close()

    async def _exchange(self, sock: socket.socket, address: Endpoint, command: AskPhone) -> Response:
        sock.connect((address.host, address.port))
        question = _question(address, endpoint_of(sock.getsockname()), command)
        again = [self._loop.call_later(after, _send, sock, question) for after in SENT_AT]
        try:
            while True:
                answer = _answer(await self._loop.sock_recv(sock, _LARGEST_DATAGRAM), command)
                if answer is not None:
                    return answer
        finally:
            for timer in again:
                timer.cancel()


def _question(address: Endpoint, local: Endpoint, command: AskPhone) -> bytes:
    return render_options(
        request_host=address.host,
        address=address,
        transport="udp",
        local=local,
        branch=_branch(command),
        from_tag=command.token[:8],
        call_id=command.token[8:],
        cseq=1,
        user_agent=command.user_agent,
    )


def _answer(data: bytes, command: AskPhone) -> Response | None:
    """A final answer to our question."""
    try:
        response = decode_response(data)
    except DecodeError:
        return None
    is_ours = response.vias[0].branch == _branch(command) and response.call_id == command.token[8:]
    return response if is_ours and response.status >= 200 else None


def _branch(command: AskPhone) -> str:
    return f"z9hG4bK{command.token}"


def _send(sock: socket.socket, data: bytes) -> None:
    try:
        sock.send(data)
    except OSError:  # the next call on the socket, or the silence, says the same
        return
