"""The sockets of the stand-alone SNMP agent, and who gets as far as its engine.

What nobody may ask, or is no SNMP, ends here: a source outside the allow-list, another community, another engine. One
datagram is read at a time, and answering takes a quarter of the time in the long run; a flood waits in the kernel and
is dropped there, and the probes go on beside it.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.secret import Secret
from tonekeeper.wire.snmp_envelope import V2C, decode_envelope

LISTENER, NOTIFIER = 0, 1
"""Which socket a message goes through."""
LARGEST = 65535
WORK_SHARE = 0.25
"""Of the time, that answering may take in the long run ..."""
WORK_AT_ONCE = 1.0
"""... and so many seconds of work in one go: walks of several managers at the same moment."""

Receive = Callable[[bytes, int, Endpoint], None]
"""Message, LISTENER or NOTIFIER, where from."""

_REMEDIES = {
    errno.EADDRINUSE: "another program listens there: stop it, give [snmp] listen another port, or let that one answer "
    "for this agent with [snmp] agentx",
    errno.EADDRNOTAVAIL: "this host does not have that address: correct [snmp] listen",
    errno.EACCES: "ports below 1024 need a privilege: give [snmp] listen a higher port",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may ask."""

    engine_id: bytes
    community: Secret | None = None
    """None: nobody by SNMPv2c."""
    has_users: bool = False
    allow: tuple[str, ...] = ()
    """Networks; empty: everybody."""

    def lets_in(self, datagram: bytes, source: Endpoint) -> bool:
        """Whether it is worth the engine's while."""
        if self.allow and not self._is_allowed(source.host):
            return False
        try:
            envelope = decode_envelope(datagram)
        except DecodeError:
            return False
        if envelope.version == V2C:
            return self.community is not None and hmac.compare_digest(
                envelope.community, self.community.reveal().encode()
            )
        return self.has_users and envelope.engine_id in (b"", self.engine_id)

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in ipaddress.ip_network(network) for network in self.allow)


class SnmpSockets:
    """`targets`: who is notified, and so may answer. To be opened, used and closed inside the running loop."""

    def __init__(self, listen: Endpoint, admission: Admission, targets: Sequence[Endpoint], receive: Receive) -> None:
        self._listen = listen
        self._admission = admission
        self._targets = frozenset(targets)
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[tuple[int, int], socket.socket] = {}
        """By family, and LISTENER or NOTIFIER."""
        self._work = WORK_AT_ONCE
        self._worked_at = self._loop.time()
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> Endpoint:
        """Listens; the address and the port in use (port 0: any free one). `EdgeError` where that is refused."""
        own = self._new_socket(_family_of(self._listen))
        try:
            own.bind((self._listen.host, self._listen.port))
        except OSError as error:
            own.close()
            remedy = _REMEDIES.get(error.errno or 0, "")
            raise EdgeError(f"listen for SNMP on {self._listen}", error, remedy=remedy) from error
        self._keep(own, LISTENER)
        host, port = own.getsockname()[:2]
        return Endpoint(host, port)

    def send(self, message: bytes, through: int, where: Endpoint) -> None:
        """OSError where it cannot leave."""
        key = (_family_of(where), through)
        if key not in self._sockets:
            self._keep(self._new_socket(key[0]), through)
        self._sockets[key].sendto(message, tuple(where))

    def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        for own in self._sockets.values():
            self._loop.remove_reader(own)
            own.close()
        self._sockets.clear()

    def _new_socket(self, family: int) -> socket.socket:
        own = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        return own

    def _keep(self, own: socket.socket, through: int) -> None:
        self._sockets[own.family, through] = own
        if self._resting is None:
            self._loop.add_reader(own, self._read, own, through)

    def _read(self, own: socket.socket, through: int) -> None:
        began = self._loop.time()
        try:
            datagram, (host, port, *_) = own.recvfrom(LARGEST)
        except OSError:
            return  # an ICMP error about something that was sent: whoever waits for an answer finds out
        source = Endpoint(host, port)
        if self._is_for_us(datagram, source, through):
            self._receive(datagram, through, source)
        self._account(began)

    def _is_for_us(self, datagram: bytes, source: Endpoint, through: int) -> bool:
        return source in self._targets if through == NOTIFIER else self._admission.lets_in(datagram, source)

    def _account(self, began: float) -> None:
        now = self._loop.time()
        self._work = min(WORK_AT_ONCE, self._work + (now - self._worked_at) * WORK_SHARE) - (now - began)
        self._worked_at = now
        if self._work <= 0:
            for own in self._sockets.values():
                self._loop.remove_reader(own)
            self._resting = self._loop.call_later(-self._work / WORK_SHARE, self._go_on)

    def _go_on(self) -> None:
        self._resting = None
        for (_, through), own in self._sockets.items():
            self._loop.add_reader(own, self._read, own, through)


def _family_of(where: Endpoint) -> int:
    return socket.AF_INET6 if where.is_ipv6 else socket.AF_INET
