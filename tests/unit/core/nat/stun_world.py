"""A measurement in virtual time: sockets behind a NAT, a line, a STUN server, and whoever else sends something.

sockets --- NAT --- line (delay, jitter, loss) --- server (one or two addresses, two ports)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tonekeeper.core.nat.measurement import Measurement
from tonekeeper.core.nat.messages import (
    CloseSocket,
    Command,
    DeadlineReached,
    Event,
    Finished,
    OpenSocket,
    SendSip,
    SendStun,
    SipSent,
    SocketOpened,
    SocketRefused,
    StunReceived,
)
from tonekeeper.core.nat.result import NatResult
from tonekeeper.drivers.sim.line import Line
from tonekeeper.drivers.sim.nat import Nat, NatBehaviour
from tonekeeper.drivers.sim.timeline import Timeline
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.stun.codec import decode_stun, encode_stun
from tonekeeper.wire.stun.message import ErrorCode, StunClass, StunMessage

SITE, PUBLIC = "192.168.1.2", "203.0.113.7"
SERVER, OTHER = Endpoint("198.51.100.1", 3478), Endpoint("198.51.100.2", 3479)
FIRST_LOCAL_PORT = 40000
LONGEST_RUN = 100_000


@dataclass(slots=True)
class StunServer:
    """RFC 5780 on `address` and `other`; the switches make it a worse one."""

    address: Endpoint = SERVER
    other: Endpoint | None = OTHER
    redirects: bool = True
    """RESPONSE-PORT is followed."""
    changes: bool = True
    """CHANGE-REQUEST is followed."""
    refuses: tuple[int, ...] = ()
    """Attribute types it answers 420 to."""
    answers_from: Endpoint | None = None
    takes_tcp: bool = True
    speaks_first: bool = True
    """Over TCP, when it is asked to with REQUESTED-TRANSPORT."""
    silent_from: float = float("inf")
    silent_until: float = float("inf")

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        if self.other is None:
            return (self.address,)
        crossed = (Endpoint(self.address.host, self.other.port), Endpoint(self.other.host, self.address.port))
        return (self.address, self.other, *crossed)

    def answer(self, now: float, at: Endpoint, source: Endpoint, request: StunMessage):
        """From where, to where, what; None where it stays silent."""
        if at not in self.endpoints or self.silent_from <= now < self.silent_until:
            return None
        refused = [
            type_
            for type_, value in ((0x03, request.change_request), (0x27, request.response_port))
            if value is not None and type_ in self.refuses
        ]
        if request.requested_transport is not None and not self.speaks_first:
            refused.append(0x19)
        if refused:
            error = ErrorCode(420, "Unknown Attribute")
            message = StunMessage(
                StunClass.ERROR, request.transaction_id, error=error, unknown_attributes=tuple(refused)
            )
            return at, source, message
        origin, change = at, request.change_request
        if change is not None and self.changes and self.other is not None:
            host = self.other.host if change.address else at.host
            origin = Endpoint(host, self.other.port if change.port else at.port)
        to = source
        if request.response_port is not None and self.redirects:
            to = Endpoint(source.host, request.response_port)
        message = StunMessage(
            StunClass.SUCCESS,
            request.transaction_id,
            xor_mapped_address=source,
            response_origin=origin,
            other_address=self.other,
        )
        return self.answers_from or origin, to, message


@dataclass(slots=True)
class World:
    """`run` plays a measurement to its end; `plan` makes something happen in between."""

    nat: Nat | None
    server: StunServer = field(default_factory=StunServer)
    seed: int = 1
    delay: float = 0.01
    jitter: float = 0.002
    most_sockets: int = 100_000
    now: float = 1000.0
    commands: list[tuple[float, Command]] = field(default_factory=list)
    timeline: Timeline = field(default_factory=Timeline)
    random: Random = field(init=False)
    line: Line = field(init=False)
    sockets: dict[int, Endpoint] = field(default_factory=dict)
    connections: dict[int, Endpoint] = field(default_factory=dict)
    """Sockets that are one, and the server's name for this end."""
    forgotten: set[Endpoint] = field(default_factory=set)
    """Connections, by that name, of which the server knows nothing any more."""
    taken_ports: tuple[int, ...] = ()
    heard: int = 0
    _ports: int = FIRST_LOCAL_PORT

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.line = Line(self.random, delay=self.delay, jitter=self.jitter)

    # --- what a test talks to

    def run(self, measurement: Measurement, until: float | None = None) -> NatResult | None:
        """The result; None when `until` (an instant) comes first."""
        for _ in range(LONGEST_RUN):
            deadline = measurement.next_deadline()
            if deadline is None:
                return self.result
            planned = self.timeline.heap[0][0] if self.timeline.heap else float("inf")
            at = max(self.now, min(deadline, planned))
            if until is not None and at > until:
                self.now = until
                return None
            self.now = at
            if planned <= deadline:
                self.timeline.step()
            else:
                self.tell(measurement, DeadlineReached(f"{self.random.getrandbits(128):032x}"))
        raise AssertionError("the measurement does not end")

    def tell(self, measurement: Measurement, event: Event) -> list[Command]:
        commands = measurement.handle(event, self.now)
        for command in commands:
            self.commands.append((self.now, command))
            self._carry_out(measurement, command)
        return commands

    def happen(self, measurement: Measurement, after: float, event: Event) -> None:
        self.timeline.plan(self.now + after, lambda _, what: self.tell(measurement, what), event)

    @property
    def result(self) -> NatResult:
        finished = [command for _, command in self.commands if isinstance(command, Finished)]
        assert len(finished) == 1, "a measurement ends exactly once"
        return finished[0].result

    @property
    def sent(self) -> int:
        return sum(isinstance(command, SendStun | SendSip) for _, command in self.commands)

    # --- carrying

    def _carry_out(self, measurement: Measurement, command: Command) -> None:
        match command:
            case OpenSocket(socket, port, connect_to):
                self._open(measurement, socket, port, connect_to)
            case CloseSocket(socket):
                del self.sockets[socket]
                self.connections.pop(socket, None)
            case SendStun(socket, destination, message):
                assert decode_stun(encode_stun(message)) == message
                if socket in self.connections:
                    self._send_over(measurement, socket, message)
                else:
                    self._send(measurement, self.sockets[socket], destination, message)
            case SendSip(socket, _, branch):
                self.happen(measurement, 0.0, SipSent(socket, branch, "OPTIONS"))
            case Finished():
                assert not self.sockets, "every socket is closed before the end"

    def _open(self, measurement: Measurement, socket: int, port: int, connect_to: Endpoint | None) -> None:
        if len(self.sockets) >= self.most_sockets:
            self.happen(measurement, 0.0, SocketRefused(socket, 24, "Too many open files"))
            return
        if port in self.taken_ports:
            self.happen(measurement, 0.0, SocketRefused(socket, 98, "Address already in use"))
            return
        self._ports += 1
        self.sockets[socket] = Endpoint(PUBLIC if self.nat is None else SITE, port or self._ports)
        if connect_to is None:
            self.happen(measurement, 0.0, SocketOpened(socket, self.sockets[socket]))
        else:
            self._connect(measurement, socket, connect_to)

    # --- connections: what is lost comes again, and passes the NAT when it does

    def _connect(self, measurement: Measurement, socket: int, server: Endpoint) -> None:
        local = self.sockets[socket]
        refused = SocketRefused(socket, 111, f"cannot connect to {server}: Connection refused")
        if not self.server.takes_tcp:
            del self.sockets[socket]
            self.happen(measurement, 2 * self.delay, refused)
            return
        self._pass_outward(local, opens=True)
        arrived = self._repeated(self.now, self.line.out.carry)
        opened = self._repeated(arrived, self.line.back.carry)
        self.timeline.plan(opened, self._stand, (measurement, socket, local))

    def _stand(self, now: float, what) -> None:
        measurement, socket, local = what
        if self.sockets.get(socket) == local:
            external = self._pass_outward(local, opens=True)
            self.connections[socket] = external
            self.tell(measurement, SocketOpened(socket, local))

    def _pass_outward(self, local: Endpoint, *, opens: bool = False) -> Endpoint | None:
        if self.nat is None:
            return local
        return self.nat.connection_outward(self.now, local, self.server.address, opens=opens)

    def _repeated(self, at: float, carry) -> float:
        """When a segment sent at `at` arrives at last."""
        for wait in (0.22, 0.44, 0.88, 1.76, 3.5, 7.0):
            arrives = carry(at)
            if arrives is not None:
                return arrives
            at += wait
        return at

    def _send_over(self, measurement: Measurement, socket: int, message: StunMessage) -> None:
        if self._pass_outward(self.sockets[socket]) is not None:
            at = self._repeated(self.now, self.line.out.carry)
            self.timeline.plan(at, self._arrive_over, (measurement, self.connections[socket], message))

    def _arrive_over(self, now: float, what) -> None:
        measurement, external, message = what
        answer = self.server.answer(now, self.server.address, external, message)
        if answer is not None and external not in self.forgotten:
            self._speak(measurement, external, answer[2])

    def _speak(self, measurement: Measurement, external: Endpoint, message: StunMessage) -> None:
        """The server says something on a connection, first or in answer."""
        at = self._repeated(self.now, self.line.back.carry)
        self.timeline.plan(at, self._arrive_back_over, (measurement, external, message))

    def _arrive_back_over(self, now: float, what) -> None:
        measurement, external, message = what
        server = self.server.address
        local = external if self.nat is None else self.nat.connection_inward(now, external, server)
        for socket, endpoint in self.sockets.items():
            if endpoint == local and self.connections.get(socket) == external:
                self._acknowledge(now, local)
                self.tell(measurement, StunReceived(socket, server, message))
                return

    def _acknowledge(self, now: float, local: Endpoint) -> None:
        """And, where that is lost, once more after the server has repeated itself."""
        self._pass_outward(local)
        if self.line.out.carry(now) is None:
            self.timeline.plan(now + 0.22, lambda *_: self._pass_outward(local), ())

    def _send(self, measurement: Measurement, local: Endpoint, destination: Endpoint, message: StunMessage) -> None:
        source = local if self.nat is None else self.nat.outward(self.now, local, destination)
        at = self.line.out.carry(self.now)
        if at is not None:
            self.timeline.plan(at, self._arrive, (measurement, destination, source, message))

    def _arrive(self, now: float, what) -> None:
        measurement, destination, source, message = what
        answer = self.server.answer(now, destination, source, message)
        if message.requested_transport is not None and self.server.speaks_first:
            if answer is not None and answer[1] in self.connections.values() and answer[1] not in self.forgotten:
                self._speak(measurement, *answer[1:])
            return
        at = self.line.back.carry(now) if answer is not None else None
        if at is not None:
            self.timeline.plan(at, self._arrive_back, (measurement, *answer))

    def _arrive_back(self, now: float, what) -> None:
        measurement, origin, to, message = what
        local = to if self.nat is None else self.nat.inward(now, to, origin)
        for socket, endpoint in self.sockets.items():
            if endpoint == local:
                self.heard += 1
                self.tell(measurement, StunReceived(socket, origin, message))
                return


def behind(nat: NatBehaviour | None, *, loss: float = 0.0, server: StunServer | None = None, **world) -> World:
    """A world whose site is behind a NAT of this behaviour, or behind none."""
    made = World(None if nat is None else Nat(PUBLIC, nat), server or StunServer(), **world)
    made.line.lose(loss)
    return made


def measurement(world: World, **options) -> Measurement:
    return Measurement("fibre", world.server.address, started=world.now, **options)
