"""What the parts of one measurement share: the server, the numbers of sockets, round trips, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tonekeeper.core.nat.messages import CloseSocket, Command, OpenSocket, SendStun
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import encode_stun
from tonekeeper.wire.stun.message import ChangeRequest, StunMessage, binding_request

CONNECTION_PACKETS, CONNECTION_OCTETS = 4, 80
"""What this side sends to open, acknowledge and reset a TCP connection, and the headers of that without IP."""
IP_AND_UDP = {False: 28, True: 48}
"""Octets of the headers below STUN, by "is IPv6"."""
SOFTWARE = 56
"""Octets that the edge may add: a reflector's answer is never much larger than the question."""
LONGEST = 316.0
"""Seconds: one step of the grid (5 %) beyond five minutes, so that a binding of five minutes is seen to die."""
SHORTEST_PATIENCE, LONGEST_PATIENCE = 0.1, 1.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What a measurement may cost. Answers from the server are about as many packets again, a little larger."""

    longest: float = LONGEST
    """Seconds: UDP bindings that are idle for longer are not waited for."""
    longest_tcp: float = 0.0
    """Seconds for which idle TCP connections are waited for when all else is known; 0: they end with the rest."""
    sockets: int = 150
    """Open at a time."""
    packets: int = 2_500
    """Sent, all kinds and parts together. A quiet line takes about 900."""
    octets: int = 300_000
    """Sent, with IP and UDP headers. A quiet line takes about 90,000."""


@dataclass(slots=True)
class Attempt:
    server: Endpoint
    limits: Limits
    started: float
    mapped: Endpoint | None = None
    """Of the listening socket, as soon as it is known."""
    other_address: Endpoint | None = None
    packets: int = 0
    octets: int = 0
    most_open: int = 0
    open: dict[int, Endpoint | None] = field(default_factory=dict)
    """Sockets that are open or being opened, with the local address where it is known."""
    slowest_answer: float = 0.0
    """Seconds, of all round trips that were not retransmitted (Karn)."""
    refusal: str = ""
    """Why the kernel did not take the latest packet or socket it refused."""
    _sockets: int = 0

    @property
    def is_spent(self) -> bool:
        return self.packets >= self.limits.packets or self.octets >= self.limits.octets

    @property
    def may_open(self) -> bool:
        return len(self.open) < self.limits.sockets

    @property
    def patience(self) -> float:
        """Seconds after which an answer is not expected any more."""
        return min(LONGEST_PATIENCE, max(SHORTEST_PATIENCE, 0.05 + 1.5 * self.slowest_answer))

    def answered_after(self, seconds: float) -> None:
        self.slowest_answer = max(self.slowest_answer, seconds)

    def open_socket(self, port: int = 0) -> OpenSocket:
        self._sockets += 1
        self.open[self._sockets] = None
        self.most_open = max(self.most_open, len(self.open))
        return OpenSocket(self._sockets, port)

    def open_connection(self) -> OpenSocket:
        """Over TCP, to the server."""
        command = self.open_socket()
        self.packets += CONNECTION_PACKETS
        self.octets += CONNECTION_OCTETS + CONNECTION_PACKETS * IP_AND_UDP[self.server.is_ipv6]
        return replace(command, connect_to=self.server)

    def close_socket(self, socket: int) -> list[Command]:
        """Nothing where it is closed already."""
        if socket not in self.open:
            return []
        del self.open[socket]
        return [CloseSocket(socket)]

    def send(
        self,
        socket: int,
        token: str,
        *,
        destination: Endpoint | None = None,
        change_request: ChangeRequest | None = None,
        response_port: int | None = None,
        requested_transport: int | None = None,
    ) -> SendStun:
        """A new Binding request, to the server where nothing else is said."""
        request = binding_request(
            bytes.fromhex(token[:24]),
            change_request=change_request,
            response_port=response_port,
            requested_transport=requested_transport,
        )
        return self.send_again(socket, destination or self.server, request)

    def send_again(self, socket: int, destination: Endpoint, message: StunMessage) -> SendStun:
        self.spend(len(encode_stun(message)) + SOFTWARE)
        return SendStun(socket, destination, message)

    def spend(self, octets: int) -> None:
        self.packets += 1
        self.octets += octets + IP_AND_UDP[self.server.is_ipv6]
