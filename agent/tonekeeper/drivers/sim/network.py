"""The world outside: access circuits with their NATs, the stretches from there to each SBC, and the SBCs.

    socket --- circuit (a WAN: interface, NAT, line) --- line (WAN x SBC) --- SBC

A datagram costs one entry on the timeline for each way it survives, and nothing where it is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from random import Random

from tonekeeper.core.site import Site
from tonekeeper.drivers.sim.line import Line
from tonekeeper.drivers.sim.message import Message
from tonekeeper.drivers.sim.nat import Nat, NatBehaviour
from tonekeeper.drivers.sim.sbc import SbcPeer
from tonekeeper.drivers.sim.timeline import Timeline
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

ACCESS_DELAY, ACCESS_JITTER = 0.004, 0.001
"""Seconds each way between the site and its provider ..."""
SBC_PREFIXES = ("198.51.100", "198.18.0")
"""Of the SBCs that have a name only, in turn: an alternate is elsewhere."""
TRANSIT_DELAY, TRANSIT_JITTER = 0.008, 0.001
"""... and from there to an SBC."""
FIRST_LOCAL_PORT = 49152


def _ignore(now: float, source: Endpoint, message: Message) -> None:
    pass


def _nothing() -> None:
    pass


class Circuit(Line):
    """The access circuit of a WAN. Its verbs about the interface are seen by the agent at once, as netlink would."""

    def __init__(self, name: str, address: str, public: str, random: Random) -> None:
        super().__init__(random, delay=ACCESS_DELAY, jitter=ACCESS_JITTER)
        self.name = name
        self.address = address
        self.present = True
        self.carrier = True
        self.nat: Nat | None = None
        self.changed: Callable[[], None] = _nothing
        self._public = public
        self._ports = FIRST_LOCAL_PORT

    def translate(self, behaviour: NatBehaviour) -> Nat:
        """Put a NAT between the interface and the provider."""
        self.nat = Nat(self._public, behaviour)
        return self.nat

    def lose_carrier(self) -> None:
        """The address stays, as in the kernel; what is sent goes nowhere."""
        self.carrier = False
        self.changed()

    def vanish(self) -> None:
        """The interface is gone, a modem that was unplugged."""
        self.present = self.carrier = False
        self.changed()

    def recover(self) -> None:
        """Interface and line are as at the start; loss and delay stay what they were."""
        super().recover()
        if not self.carrier:
            self.present = self.carrier = True
            self.changed()

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address,) if self.present else ()

    def free_endpoint(self) -> Endpoint:
        self._ports += 1
        return Endpoint(self.address, self._ports)


@dataclass(slots=True)
class Socket:
    """A UDP socket bound to a circuit's device, talking to one SBC."""

    circuit: Circuit
    line: Line
    sbc: SbcPeer
    local: Endpoint
    receive: Callable[[float, Endpoint, Message], None] = field(default=_ignore)

    def close(self) -> None:
        """What still arrives for it is lost."""
        self.receive = _ignore


class Network:
    def __init__(self, random: Random, timeline: Timeline) -> None:
        self.timeline = timeline
        self._random = random
        self._circuits: dict[str, Circuit] = {}
        self._sbcs: dict[str, SbcPeer] = {}
        self._lines: dict[tuple[str, str], Line] = {}

    # --- what a test talks to

    def wan(self, name: str) -> Circuit:
        return self._circuits[name]

    def sbc(self, name: str) -> SbcPeer:
        return self._sbcs[name]

    def path(self, wan: str, sbc: str) -> Line:
        """The stretch that only this WAN's datagrams to this SBC take."""
        return self._lines[wan, sbc]

    @property
    def circuits(self) -> tuple[Circuit, ...]:
        return tuple(self._circuits.values())

    # --- building

    def grow(self, site: Site) -> None:
        """Add what `site` names and is not there yet. Nothing is ever torn down: the world is not the agent's."""
        for wan in site.wans:
            number = 10 + len(self._circuits)
            if wan.name not in self._circuits:
                circuit = Circuit(wan.name, f"192.0.2.{number}", f"203.0.113.{number}", self._random)
                self._circuits[wan.name] = circuit
        for sbc in site.sbcs:
            if sbc.name not in self._sbcs:
                endpoint = _endpoint_of(
                    sbc.host, sbc.port or 5060, fallback=f"{SBC_PREFIXES[len(self._sbcs) % 2]}.{10 + len(self._sbcs)}"
                )
                self._sbcs[sbc.name] = SbcPeer(sbc.name, endpoint, self)
        for pair in product(self._circuits, self._sbcs):
            if pair not in self._lines:
                self._lines[pair] = Line(self._random, delay=TRANSIT_DELAY, jitter=TRANSIT_JITTER)

    def socket(self, wan: str, sbc: str) -> Socket:
        circuit = self._circuits[wan]
        return Socket(circuit, self._lines[wan, sbc], self._sbcs[sbc], circuit.free_endpoint())

    # --- carrying

    def send(self, now: float, socket: Socket, message: Message) -> None:
        circuit = socket.circuit
        if not circuit.carrier:
            return
        source = socket.local
        if circuit.nat is not None:
            source = circuit.nat.outward(now, source, socket.sbc.endpoint)
        at = circuit.out.carry(now)
        if at is not None:
            at = socket.line.out.carry(at)
        if at is not None:
            self.timeline.plan(at, self._arrive, (socket, source, message))

    def _arrive(self, now: float, what: tuple[Socket, Endpoint, Message]) -> None:
        socket, source, message = what
        socket.sbc.receive(now, socket, source, message)

    def send_back(self, now: float, socket: Socket, to: Endpoint, message: Message) -> None:
        """From the SBC of `socket` to `to`, which is what the SBC takes for the socket's endpoint."""
        at = socket.line.back.carry(now)
        if at is not None:
            at = socket.circuit.back.carry(at)
        if at is not None:
            self.timeline.plan(at, self._arrive_back, (socket, to, message))

    def _arrive_back(self, now: float, what: tuple[Socket, Endpoint, Message]) -> None:
        socket, to, message = what
        circuit = socket.circuit
        if not circuit.carrier:
            return
        local: Endpoint | None = to
        if circuit.nat is not None:
            local = circuit.nat.inward(now, to, socket.sbc.endpoint)
        if local == socket.local:
            socket.receive(now, socket.sbc.endpoint, message)


def _endpoint_of(host: str, port: int, *, fallback: str) -> Endpoint:
    """Where `host` is: itself if it is an address, else an address that the simulation gives to the name."""
    try:
        return parse_endpoint(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except DecodeError:
        return Endpoint(fallback, port)
