"""A conversation with the agent: what happens, what it does, and time that passes only when a test says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

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
    RememberTargets,
    ResolveSbc,
    SendBindingRequest,
    SendCrlf,
    SendOptions,
    WalkPath,
)
from tonekeeper.core.events import (
    BindingResponseReceived,
    DeadlineReached,
    Event,
    GatewayChanged,
    LinkChanged,
    NameFailure,
    NatMeasured,
    PathOpened,
    ReplyReceived,
    SbcResolved,
    SbcUnresolved,
    Started,
)
from tonekeeper.core.nat.result import Dependence, Lifetimes, NatResult, SipAlg
from tonekeeper.core.report import PathReport, Report
from tonekeeper.core.site import FailoverPolicy, Mode, Path, Prefer, Sbc, Site, Target, Transport, Wan
from tonekeeper.drivers.sim.kernel import Kernel
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

OWN = {"eth0": "198.51.100.2", "wwan0": "203.0.113.2"}
GATEWAY = {"eth0": "198.51.100.1", "wwan0": "203.0.113.1"}
ADDRESS = {"primary": Endpoint("192.0.2.1", 5060), "alternate": Endpoint("198.18.0.129", 5060)}


def site(
    wans: str = "fibre lte",
    sbcs: str = "primary alternate",
    mode: str = "observe",
    prefer: str = "connected-calls",
    **failover,
) -> Site:
    interfaces = {"fibre": "eth0", "lte": "wwan0"}
    return Site(
        name="site-0042",
        wans=tuple(Wan(name, interfaces[name]) for name in wans.split()),
        sbcs=tuple(Sbc(name, f"sip:{ADDRESS[name].host}", ADDRESS[name].host, 5060) for name in sbcs.split()),
        failover=FailoverPolicy(mode=Mode(mode), prefer=Prefer(prefer), **failover),
    )


def path(wan: str, sbc: str) -> Path:
    return Path(wan, sbc, Transport.UDP, ADDRESS[sbc])


def measured_nat(wan: str, **changes) -> NatResult:
    """A NAT that forgets a replied binding after about 30 s, seen from a server."""
    known = NatResult(
        wan=wan,
        mapping=Dependence.ENDPOINT_INDEPENDENT,
        filtering=Dependence.ADDRESS_AND_PORT_DEPENDENT,
        mapped_address="203.0.113.77:40000",
        local_address="198.51.100.2:40000",
        lifetime_s=Lifetimes(unreplied=(29.0, 31.0), replied=(29.0, 31.0), stream=(118.0, 121.0)),
        sip_alg=SipAlg.NO,
        elapsed_s=125.0,
    )
    return dataclasses.replace(known, **changes)


def answer(probe: SendOptions, status: int = 200, retry_after: int | None = None) -> ReplyReceived:
    reply = SipReply(
        status, "", probe.branch, "198.51.100.2:40000", 1, probe.call_id, probe.cseq, "OPTIONS", retry_after=retry_after
    )
    return ReplyReceived(probe.path, probe.path.address, reply)


class Talk:
    """Every SBC answers 200 after 20 ms over every WAN, but for the paths in `silent` and the codes in `codes`."""

    def __init__(self, of: Site | None = None, *, seed: int = 7) -> None:
        self.now = 100.0
        self.agent = Agent(of or site(), seed=seed, started=self.now)
        self.kernel = Kernel()
        self.nats: dict[str, NatResult] = {}
        self.names: dict[tuple[str, str], Endpoint | NameFailure] = {}
        """What the name server of a WAN says of an SBC, where that is not the truth."""
        self.silent: set[Path] = set()
        self.stun: dict[Path, Endpoint] = {}
        """Paths whose peer does STUN, and what it says of our endpoint."""
        self.codes: dict[str, tuple[int, int | None]] = {}
        self.done: list[tuple[float, Command]] = []
        self.coming: list[tuple[float, Event]] = []
        self.tokens = 0

    def begin(self) -> Talk:
        self.tell(Started())
        for wan in self.agent.situation.site.wans:
            self.tell(LinkChanged(wan.interface, True, True, (OWN[wan.interface],)))
            self.tell(GatewayChanged(wan.interface, GATEWAY[wan.interface], None))
        return self.pass_time(1.0)

    def tell(self, event: Event) -> list[Command]:
        commands = self.agent.handle(event, self.now)
        self.done += [(self.now, command) for command in commands]
        for command in commands:
            self._carry_out(command)
        return commands

    def pass_time(self, seconds: float) -> Talk:
        end = self.now + seconds
        for _ in range(1_000_000):
            deadline = self.agent.next_deadline()
            arrival = min((at for at, _ in self.coming), default=end + 1)
            if min(arrival, end + 1 if deadline is None else deadline) > end:
                self.now = end
                return self
            if deadline is None or arrival <= deadline:
                at, event = min(self.coming, key=lambda item: item[0])
                self.coming.remove((at, event))
                self.now = max(self.now, at)
                self.tell(event)
            else:
                self.now = max(self.now, deadline)
                self.tokens += 1
                self.tell(DeadlineReached(f"{self.tokens:032x}"[::-1]))
        raise AssertionError("the agent never goes quiet")

    def pass_until(self, seen: Callable[[], bool]) -> Talk:
        end = self.now + 100.0
        while self.now < end:
            if seen():
                return self
            self.pass_time(max(0.01, self._next_at - self.now))
        raise AssertionError("it never came to that")

    @property
    def _next_at(self) -> float:
        """When something comes or the agent wants to be called; until then it stays as it is."""
        deadline = self.agent.next_deadline()
        return min([at for at, _ in self.coming] + ([] if deadline is None else [deadline]), default=self.now)

    def _carry_out(self, command: Command) -> None:
        match command:
            case ResolveSbc():
                self.coming.append((self.now, self._where(command)))
            case OpenPath():
                local = Endpoint(OWN[command.interface], 40000)
                self.coming.append((self.now, PathOpened(command.path, local)))
            case SendOptions() if command.path not in self.silent:
                code = self.codes.get(command.path.sbc, (200, None))
                self.coming.append((self.now + 0.020, answer(command, *code)))
            case SendBindingRequest(path) if path in self.stun and path not in self.silent:
                said = BindingResponseReceived(path, path.address, command.transaction_id, self.stun[path])
                self.coming.append((self.now + 0.020, said))
            case ApplyPlan() | ListFlows() | DeleteFlows() | WalkPath():
                self.coming.append((self.now + 0.005, self.kernel.answer(command)))
            case MeasureNat() if command.wan in self.nats:
                self.coming.append((self.now + 300.0, NatMeasured(command.wan, self.nats[command.wan])))
            case (
                SendOptions()
                | SendCrlf()
                | SendBindingRequest()
                | ClosePath()
                | LogChange()
                | MeasureNat()
                | AbandonNat()
                | RememberTargets()
                | AskPhone()
                | ExamineEgress()
            ):
                pass

    def _where(self, question: ResolveSbc) -> Event:
        said = self.names.get((question.wan, question.sbc), ADDRESS[question.sbc])
        if isinstance(said, NameFailure):
            return SbcUnresolved(question.sbc, f"the name server says {said}", question.wan, "192.0.2.53", said)
        target = Target(question.transport or Transport.UDP, said)
        return SbcResolved(question.sbc, (target,), question.wan, "192.0.2.53", ttl=60.0)

    def silence(self, *, wan: str = "", sbc: str = "") -> None:
        self.silent |= {p for p in self.agent.situation.probes if wan in ("", p.wan) and sbc in ("", p.sbc)}

    def restore(self) -> None:
        self.silent.clear()
        self.codes.clear()

    # --- what it knows and did

    @property
    def report(self) -> Report:
        report = self.agent.report(self.now)
        assert "not known)" not in "".join(f.summary + f.remedy for f in report.findings)
        return report

    @property
    def active(self) -> str:
        return f"{self.report.active.sbc} over {self.report.active.wan}"

    def path(self, wan: str, sbc: str) -> PathReport:
        return next(p for s in self.report.sbcs if s.name == sbc for p in s.paths if p.wan == wan)

    def sbc(self, name: str) -> str:
        return next(str(s.state) for s in self.report.sbcs if s.name == name)

    def wan(self, name: str) -> str:
        return next(str(w.state) for w in self.report.wans if w.name == name)

    def findings(self) -> list[str]:
        return [f"{finding.code} {finding.subject}".strip() for finding in self.report.findings]

    def sent(self, since: float, *, wan: str = "", sbc: str = "") -> list[float]:
        return [
            at
            for at, command in self.done
            if at >= since
            and isinstance(command, SendOptions)
            and wan in ("", command.path.wan)
            and sbc in ("", command.path.sbc)
        ]

    def switches(self) -> list[str]:
        return [c.after for _, c in self.done if isinstance(c, LogChange) and c.subject == "active"]
