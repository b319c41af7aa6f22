"""A SIP phone behind the NAT of a circuit: it registers, may keep its binding alive, and rings when a call gets in."""

from __future__ import annotations

from tonekeeper.drivers.sim.message import Invite, KeepAlive, Message, Register, Registered
from tonekeeper.drivers.sim.network import Network, Socket
from tonekeeper.wire.endpoint import Endpoint


class PhonePeer:
    """`register_every` and `keepalive_every` are seconds; a registration is valid for twice the time between two."""

    def __init__(
        self, aor: str, socket: Socket, network: Network, *, register_every: float, keepalive_every: float | None = None
    ) -> None:
        self.aor = aor
        self.registered: list[float] = []
        """When the SBC's 200 came."""
        self.rang: list[float] = []
        """When a call got in."""
        self._socket = socket
        self._network = network
        self._register_every = register_every
        self._keepalive_every = keepalive_every
        socket.receive = self._receive

    def switch_on(self, now: float) -> None:
        self._register(now)
        if self._keepalive_every is not None:
            self._network.timeline.plan(now + self._keepalive_every, self._keep_alive, None)

    def _register(self, now: float, _: None = None) -> None:
        self._network.send(now, self._socket, Register(self.aor, 2 * self._register_every))
        self._network.timeline.plan(now + self._register_every, self._register, None)

    def _keep_alive(self, now: float, _: None = None) -> None:
        assert self._keepalive_every is not None
        self._network.send(now, self._socket, KeepAlive())
        self._network.timeline.plan(now + self._keepalive_every, self._keep_alive, None)

    def _receive(self, now: float, source: Endpoint, message: Message) -> None:
        match message:
            case Registered():
                self.registered.append(now)
            case Invite():
                self.rang.append(now)
            case _:
                pass  # an ICMP error; the next registration is due anyway
