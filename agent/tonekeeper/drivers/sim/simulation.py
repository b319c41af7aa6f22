"""The driver of virtual time: it turns the crank of one agent, and time passes only between its steps.

It keeps the contract of docs/driving.md, so what a core does here it does live: what has arrived is handed over
before timers that are due, one `DeadlineReached` serves one timer, outcomes of commands are events. Everything random
comes from one generator, seeded; the same site, seed and verbs give the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ENODEV
from math import inf
from random import Random
from typing import NamedTuple, Protocol, assert_never

from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import (
    AbandonNat,
    ApplyPlan,
    AskPhone,
    ClosePath,
    Command,
    DeleteFlows,
    ExamineEgress,
    ListFlows,
    LogChange,
    MeasureNat,
    OpenPath,
    ProbeDepth,
    RememberTargets,
    ResolveSbc,
    SendBindingRequest,
    SendCrlf,
    SendOptions,
    WalkPath,
)
from tonekeeper.core.depth.result import DepthResult, DepthVerdict
from tonekeeper.core.events import (
    BindingResponseReceived,
    DeadlineReached,
    DepthProbed,
    Event,
    GatewayChanged,
    IcmpReceived,
    LinkChanged,
    NameFailure,
    NatMeasured,
    PathOpened,
    PathRefused,
    PongReceived,
    ReplyReceived,
    SbcResolved,
    SbcUnresolved,
    SendRefused,
    SiteChanged,
    Started,
)
from tonekeeper.core.nat.result import NatResult
from tonekeeper.core.report import Report
from tonekeeper.core.site import Depth, Path, Site, Target, Transport
from tonekeeper.drivers.sim.kernel import Kernel
from tonekeeper.drivers.sim.message import BindingResponse, Message, PortUnreachable
from tonekeeper.drivers.sim.network import Circuit, Network, Socket
from tonekeeper.drivers.sim.phone import PhonePeer
from tonekeeper.drivers.sim.sbc import SbcPeer
from tonekeeper.drivers.sim.timeline import Timeline
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

GATEWAY = "192.0.2.254"
"""Of every circuit; the simulated network does not route by it."""
MEASURING = 300.0
"""Seconds that a measurement of a NAT takes."""
PROVING = 0.5
"""Seconds that a deep probe takes."""
KERNEL = 0.005
"""Seconds that the kernel takes for routes and flows."""
NAME_SERVER = "192.0.2.53"
RESOLVING = 0.020
"""Seconds that a name server takes."""
STEPS_WITHOUT_TIME = 1_000
"""Events at one instant after which a core is called one that never goes quiet."""
ICMP_UNREACHABLE, ICMP_PORT = 3, 3


def minutes(count: float) -> float:
    return count * 60.0


def hours(count: float) -> float:
    return count * 3600.0


def days(count: float) -> float:
    return count * 86400.0


class ContractBrokenError(AssertionError):
    """The core did what docs/driving.md says it never does. The text ends with the seed."""


class Core(Protocol):
    """What a driver sees of the agent."""

    def handle(self, event: Event, now: float) -> list[Command]: ...
    def next_deadline(self) -> float | None: ...
    def report(self, now: float) -> Report: ...


class MakeCore(Protocol):
    def __call__(self, site: Site, *, seed: int, started: float, version: str) -> Core: ...


class Logged(NamedTuple):
    """A `LogChange`, and when."""

    at: float
    subject: str
    before: str
    after: str
    reason: str


class Step(NamedTuple):
    now: float
    event: Event
    commands: list[Command]


class Simulation:
    """One agent in one simulated world. It starts at 0.0 seconds with everything working."""

    def __init__(self, site: Site, *, seed: int, core: MakeCore = Agent, keep_journal: bool = False) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.now = 0.0
        self.log: list[Logged] = []
        self.journal: list[Step] | None = [] if keep_journal else None
        self.timeline = Timeline()
        self.network = Network(self.random, self.timeline)
        self.kernel = Kernel()
        self.nats: dict[str, NatResult] = {}
        """What a measurement over a WAN finds; over any other it does not end."""
        self.abandoned = 0
        self.remembered: dict[str, tuple[Target, ...]] = {}
        self.asked: list[AskPhone] = []
        self.examined: list[ExamineEgress] = []
        """What went to the LAN, where no phone answers."""
        """What would be on disk."""
        self.depths: dict[tuple[str, str, Depth], DepthResult] = {}
        """What a deep probe over a WAN to an SBC finds; everything works where nothing is said."""
        self.names: dict[tuple[str, str], Endpoint | NameFailure] = {}
        """What the name server of a WAN says of an SBC, where that is not the truth."""
        self._sockets: dict[Path, Socket] = {}
        self._interfaces: dict[str, str] = {}
        self._deadline = inf
        self._steps_now = 0
        self._stepped_at = -inf
        self._stalled = False
        self._inbox: list[Event] = []
        self.core_seed = self.random.getrandbits(64)
        self.agent = core(site, seed=self.core_seed, started=0.0, version="simulated")
        self._know(site)
        self.feed(Started())
        for circuit in self.network.circuits:
            self._tell_link(circuit)

    # --- the world

    def wan(self, name: str) -> Circuit:
        return self.network.wan(name)

    def sbc(self, name: str) -> SbcPeer:
        return self.network.sbc(name)

    def add_phone(
        self, aor: str, *, wan: str, sbc: str, register_every: float, keepalive_every: float | None = None
    ) -> PhonePeer:
        """A phone that registers now and then every so many seconds."""
        phone = PhonePeer(
            aor,
            self.network.socket(wan, sbc),
            self.network,
            register_every=register_every,
            keepalive_every=keepalive_every,
        )
        phone.switch_on(self.now)
        return phone

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan a verb: `sim.after(30, sim.sbc("primary").recover)`."""
        self.timeline.plan(self.now + seconds, lambda _now, _what: action(), None)

    # --- time

    def run(self, for_: float) -> None:
        """Let this many seconds pass."""
        self._advance(self.now + for_, None)

    def run_until(self, reached: Callable[[], bool], *, within: float) -> float:
        """Let time pass until `reached()`, asked after each event; the seconds it took. Longer than `within` fails."""
        began = self.now
        if not reached() and not self._advance(began + within, reached):
            raise AssertionError(f"not reached within {within:g} s (at {self.now:.3f} s, seed {self.seed})")
        return self.now - began

    def stall(self, seconds: float) -> None:
        """The agent gets no processor for so long; meanwhile the world goes on and its sockets fill."""
        self._stalled = True
        self._advance(self.now + seconds, None)
        self._stalled = False
        waiting, self._inbox = self._inbox, []
        for event in waiting:
            self.feed(event)

    # --- what the agent is told, and says

    def feed(self, event: Event) -> list[Command]:
        """Hand one event to the agent now, and carry out what it answers."""
        if self._stalled:
            self._inbox.append(event)
            return []
        now = self.now
        if now > self._stepped_at:
            self._stepped_at = now
            self._steps_now = 0
        self._steps_now += 1
        if self._steps_now > STEPS_WITHOUT_TIME:
            raise ContractBrokenError(f"the core does not go quiet at {now:.6f} s, last {event} (seed {self.seed})")
        commands = self.agent.handle(event, now)
        if self.journal is not None:
            self.journal.append(Step(now, event, commands))
        if commands:
            self._carry_out(commands)
        deadline = self.agent.next_deadline()
        self._deadline = inf if deadline is None else deadline
        return commands

    def reload(self, site: Site) -> None:
        """The operator changed the configuration (SIGHUP)."""
        self._know(site)
        self.feed(SiteChanged(site))

    def report(self) -> Report:
        return self.agent.report(self.now)

    # --- the crank

    def _advance(self, until: float, reached: Callable[[], bool] | None) -> bool:
        timeline = self.timeline
        heap = timeline.heap
        random_bits = self.random.getrandbits
        while True:
            deadline = inf if self._stalled else max(self._deadline, self.now)
            if heap and heap[0][0] <= deadline:
                if heap[0][0] > until:
                    break
                self.now = heap[0][0]
                timeline.step()
            elif deadline > until:
                break
            else:
                self.now = deadline
                self.feed(DeadlineReached(f"{random_bits(128):032x}"))
            if reached is not None and reached():
                return True
        self.now = until
        return False

    # --- carrying out commands

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            if type(command) is SendOptions:
                self._send(command)
            else:
                self._carry_out_rare(command)

    def _send(self, command: SendOptions | SendBindingRequest) -> None:
        socket = self._sockets.get(command.path)
        if socket is None:
            raise ContractBrokenError(f"the core sends on {command.path}, which is not open (seed {self.seed})")
        if socket.circuit.present:
            self.network.send(self.now, socket, command)
        else:
            branch = command.branch if isinstance(command, SendOptions) else ""
            self._soon(SendRefused(command.path, branch, ENODEV))

    def _carry_out_rare(self, command: Command) -> None:
        match command:
            case SendOptions() | SendBindingRequest():
                self._send(command)
            case LogChange(subject, before, after, reason):
                self.log.append(Logged(self.now, subject, before, after, reason))
            case OpenPath(path):
                self._open(path)
            case ClosePath(path):
                self._close(path)
            case ResolveSbc():
                self._soon(self._answer(command), RESOLVING)
            case ApplyPlan() | ListFlows() | DeleteFlows() | WalkPath():
                self._soon(self.kernel.answer(command), KERNEL)
            case MeasureNat(wan):
                if wan in self.nats:
                    self._soon(NatMeasured(wan, self.nats[wan]), MEASURING)
            case AbandonNat():
                self.abandoned += 1
            case RememberTargets(sbc, targets):
                self.remembered[sbc] = targets
            case SendCrlf(path):
                self._soon(PongReceived(path))
            case AskPhone():
                self.asked.append(command)
            case ProbeDepth():
                self._soon(self._prove(command), PROVING)
            case ExamineEgress():
                self.examined.append(command)
            case _:
                assert_never(command)

    def _answer(self, question: ResolveSbc) -> SbcResolved | SbcUnresolved:
        """Of the one name server that each WAN has."""
        lie = self.names.get((question.wan, question.sbc), self.sbc(question.sbc).endpoint)
        if isinstance(lie, NameFailure):
            return SbcUnresolved(question.sbc, f"{NAME_SERVER} says {lie}", question.wan, NAME_SERVER, lie)
        target = Target(question.transport or Transport.UDP, lie)
        return SbcResolved(question.sbc, (target,), question.wan, NAME_SERVER)

    def _prove(self, command: ProbeDepth) -> DepthProbed:
        depth = command.policy.depth
        works = DepthResult(depth, DepthVerdict.PASSED, statuses=(401, 200), elapsed_s=PROVING)
        found = self.depths.get((command.path.wan, command.path.sbc, depth), works)
        return DepthProbed(command.path, depth, found)

    def _open(self, path: Path) -> None:
        self._close(path)
        if not self.wan(path.wan).present:
            self._soon(PathRefused(path, ENODEV, "no such device"))
            return
        socket = self.network.socket(path.wan, path.sbc)
        socket.receive = lambda _now, source, message: self._receive(path, source, message)
        self._sockets[path] = socket
        self._soon(PathOpened(path, socket.local))

    def _close(self, path: Path) -> None:
        socket = self._sockets.pop(path, None)
        if socket is not None:
            socket.close()

    def _receive(self, path: Path, source: Endpoint, message: Message) -> None:
        if type(message) is SipReply:
            self.feed(ReplyReceived(path, source, message))
        elif type(message) is BindingResponse:
            self.feed(BindingResponseReceived(path, source, message.transaction_id, message.mapped))
        elif type(message) is PortUnreachable:
            self.feed(IcmpReceived(path, ICMP_UNREACHABLE, ICMP_PORT, message.offender))

    def _soon(self, event: Event, seconds: float = 0.0) -> None:
        self.timeline.plan(self.now + seconds, self._tell, event)

    def _tell(self, _now: float, event: Event) -> None:
        self.feed(event)

    # --- interfaces

    def _know(self, site: Site) -> None:
        self.network.grow(site)
        self._interfaces = {wan.name: wan.interface for wan in site.wans}
        for circuit in self.network.circuits:
            circuit.changed = lambda circuit=circuit: self._tell_link(circuit)  # type: ignore[misc]

    def _tell_link(self, circuit: Circuit) -> None:
        interface = self._interfaces.get(circuit.name)
        if interface is not None:
            self.feed(LinkChanged(interface, circuit.present, circuit.carrier, circuit.addresses))
            alive = circuit.present and circuit.carrier
            self.feed(GatewayChanged(interface, GATEWAY if alive else None, None))
