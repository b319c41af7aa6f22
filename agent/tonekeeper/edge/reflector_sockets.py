"""The reflector's sockets: one for each address and port it listens on, so an answer can leave from any of them."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable

from tonekeeper.core.reflector import Datagram
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

MOST_AT_ONCE = 64
"""Datagrams read from one socket before the loop serves the others."""

_LARGEST_DATAGRAM = 65535
REMEDIES = {
    errno.EADDRINUSE: "stop what listens there, or choose other ports with --port and --sip-port (0: no SIP port)",
    errno.EADDRNOTAVAIL: "give an address of this host; `ip address` lists them",
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE",
}

Reflect = Callable[[Datagram], Datagram | None]


class ReflectorSockets:
    """Opened by constructing; `EdgeError` names the endpoint that cannot be had, and leaves none open."""

    def __init__(
        self, endpoints: Iterable[Endpoint], reflect: Reflect, *, over_tcp: Callable[[Datagram], bool]
    ) -> None:
        """`over_tcp` sends an answer that leaves on a connection, and tells whether there was one."""
        self._reflect = reflect
        self._over_tcp = over_tcp
        self._loop = asyncio.get_running_loop()
        self._open: dict[Endpoint, socket.socket] = {}
        self._asked = self._answered = 0
        try:
            for endpoint in endpoints:
                self._open[endpoint] = _listening_socket(endpoint)
        except EdgeError:
            self._close_all()
            raise
        for endpoint, sock in self._open.items():
            self._loop.add_reader(sock.fileno(), self._wake, endpoint, sock)

    @property
    def asked(self) -> int:
        return self._asked

    @property
    def answered(self) -> int:
        return self._answered

    def close(self) -> None:
        for sock in self._open.values():
            self._loop.remove_reader(sock.fileno())
        self._close_all()

    def _close_all(self) -> None:
        for sock in self._open.values():
            sock.close()
        self._open.clear()

    def _wake(self, here: Endpoint, sock: socket.socket) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                data, there = sock.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error about an earlier answer: its receiver is gone
            self._asked += 1
            answer = self._reflect(Datagram(here, Endpoint(there[0].partition("%")[0], there[1]), data))
            if answer is None:
                continue
            if answer.over_tcp:
                self._answered += self._over_tcp(answer)
            else:
                self._send(answer)

    def _send(self, answer: Datagram) -> None:
        try:
            self._open[answer.here].sendto(answer.data, answer.there)
        except OSError:
            return  # no route, or no room: like a datagram lost on the way, the client asks again
        self._answered += 1


def _listening_socket(endpoint: Endpoint) -> socket.socket:
    try:
        sock = socket.socket(socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise EdgeError(f"open a socket for {endpoint}", error) from None
    try:
        sock.setblocking(False)
        sock.bind(endpoint)
    except OSError as error:
        sock.close()
        raise EdgeError(f"listen on {endpoint}", error, remedy=REMEDIES.get(error.errno or 0, "")) from None
    return sock
