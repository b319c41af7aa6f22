"""A world for examinations: virtual time, and a line of routers to an SBC, each of which may drop, refuse or be narrow.

here -- 192.0.2.1 -- 192.0.2.2 -- ... -- 203.0.113.2 (the SBC)
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.machine import EgressProbe
from tonekeeper.core.egress.messages import (
    Command,
    Connect,
    Connected,
    ConnectionFailed,
    Event,
    IcmpReceived,
    OpenSocket,
    OpenStream,
    ReplyReceived,
    SendOptions,
    SocketOpened,
    StreamOpened,
    Walked,
    WalkWay,
)
from tonekeeper.core.egress.result import EgressTrial, Icmp
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Path, Transport
from tonekeeper.wire.endpoint import Endpoint

HERE, SBC = "192.0.2.10", "203.0.113.2"
DELAY = 0.01
"""Seconds one way."""
PROHIBITED, PORT, HOST, TOO_BIG = (3, 13), (3, 3), (3, 1), (3, 4)
REFUSED = 111

Loses = Callable[[int], bool]


def path(transport: Transport = Transport.UDP, wan: str = "fibre", sbc: str = "primary", host: str = SBC) -> Path:
    return Path(wan, sbc, transport, Endpoint(host, 5060))


def question(transport: Transport = Transport.UDP, *, measures: bool = True) -> ExamineEgress:
    return ExamineEgress(path(transport), "eth0", "", "sbc.example.net", measures=measures)


@dataclass
class Router:
    address: str
    mtu: int = 1500
    """Of its link towards the SBC."""
    tells: bool = True
    """That a packet was too big."""
    drops: bool = False
    refuses: tuple[int, int] | None = None
    """ICMP type and code for everything."""
    drops_fragments: bool = False


@dataclass
class Way:
    routers: list[Router] = field(default_factory=lambda: [Router("192.0.2.1"), Router("192.0.2.2")])
    interface_mtu: int = 1500
    serves: bool = True
    """The SBC answers; else it takes what comes and says nothing."""
    refuses: tuple[int, int] | None = None
    """The SBC's own ICMP error."""
    resets: bool = False
    keeps_back_sip: bool = False
    """A gateway drops what it recognises as SIP."""
    takes_streams_up_to: int = 1 << 20
    loses: Loses = lambda number: False

    def fate(self, octets: int, *, whole: bool) -> Icmp | bool:
        """Whether a packet arrives, or who says that it does not."""
        fragments = octets > self.interface_mtu
        for router in self.routers:
            if router.drops or (fragments and router.drops_fragments):
                return False
            if router.refuses is not None:
                return Icmp(*router.refuses, router.address)
            if octets > router.mtu and not fragments:
                if whole:
                    return Icmp(*TOO_BIG, router.address, router.mtu) if router.tells else False
                fragments = True
        return True

    def walk(self, octets: int) -> Walked:
        hops: list[str] = []
        for router in self.routers:
            if router.drops:
                return Walked(tuple(hops), packets=len(hops) + 6)
            hops.append(router.address)
            if octets > router.mtu:
                return Walked(tuple(hops), packets=len(hops) + 6)
        return Walked(tuple(hops), answered=self.serves and not self.keeps_back_sip, packets=len(hops) + 1)


class World:
    """Turns the crank in virtual time until the probe has finished."""

    def __init__(self, way: Way | None = None, asked: ExamineEgress | None = None) -> None:
        self.way = way or Way()
        self.asked = asked or question()
        self.probe = EgressProbe(self.asked, started=100.0)
        self.now = 100.0
        self.sent: list[SendOptions] = []
        self.commands: list[Command] = []
        self.result: EgressTrial | None = None
        self.happens: dict[int, Callable[[], None]] = {}
        """What changes when so many requests were sent."""
        self._numbers = itertools.count()
        self._order = itertools.count()
        self._tokens = itertools.count(1)
        self._coming: list[tuple[float, int, Event]] = []

    def run(self, until: Callable[[World], bool] = lambda world: False) -> EgressTrial:
        while self.result is None and not until(self):
            self.step()
        return self.result  # type: ignore[return-value]

    def step(self) -> None:
        deadline = self.probe.next_deadline()
        assert deadline is not None, "it waits for nothing"
        assert deadline < 100.0 + 200.0, "it never ends"
        if self._coming and self._coming[0][0] <= deadline:
            self.now, _, event = heapq.heappop(self._coming)
            self.tell(event)
        else:
            self.now = max(self.now, deadline)
            number = next(self._tokens)
            self.tell(DeadlineReached(f"{number:016x}{number:016x}"))

    def tell(self, event: Event) -> None:
        for command in self.probe.handle(event, self.now):
            self.commands.append(command)
            self._carry_out(command)

    def forget(self) -> None:
        """What was to come does not."""
        self._coming.clear()

    def say(self, delay: float, event: Event) -> None:
        heapq.heappush(self._coming, (self.now + delay, next(self._order), event))

    def _carry_out(self, command: Command) -> None:
        match command:
            case OpenSocket():
                self.say(0.0, SocketOpened(HERE, self.way.interface_mtu))
            case SendOptions():
                self.sent.append(command)
                self.happens.pop(len(self.sent), lambda: None)()
                self._deliver(command)
            case Connect():
                self._connect()
            case OpenStream():
                if self.way.serves:
                    self.say(DELAY, StreamOpened())
            case WalkWay():
                self.say(3.0, self.way.walk(command.octets))
            case Finished():
                self.result = command.result

    def _deliver(self, command: SendOptions) -> None:
        way = self.way
        if self.asked.path.transport is not Transport.UDP:
            if way.serves and command.octets <= way.takes_streams_up_to:
                self.say(2 * DELAY, ReplyReceived(command.branch, 200))
            return
        fate = way.fate(command.octets or 400, whole=command.whole)
        if way.loses(next(self._numbers)) or way.loses(next(self._numbers)):
            return
        if isinstance(fate, Icmp):
            self.say(DELAY, IcmpReceived(fate))
        elif fate and way.refuses is not None:
            self.say(2 * DELAY, IcmpReceived(Icmp(*way.refuses, SBC)))
        elif fate and way.serves and (command.unusual or not way.keeps_back_sip):
            self.say(2 * DELAY, ReplyReceived(command.branch, 200))

    def _connect(self) -> None:
        fate = self.way.fate(60, whole=True)
        if isinstance(fate, Icmp):
            self.say(DELAY, ConnectionFailed(113, fate))
        elif fate and self.way.resets:
            self.say(2 * DELAY, ConnectionFailed(REFUSED))
        elif fate and self.way.serves:
            self.say(2 * DELAY, Connected(HERE))


def examine(way: Way | None = None, transport: Transport = Transport.UDP, *, measures: bool = True) -> EgressTrial:
    return World(way, question(transport, measures=measures)).run()
