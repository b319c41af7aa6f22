"""Is the clock of this host right?

Of the witnesses, the best one that has something to say is believed: time servers, of which a majority must agree
within what each grants itself; the Date of an HTTP answer, which is good for minutes; the kernel, which knows whether
somebody keeps its clock, but not how far that is off. A clock that nobody keeps and by which the certificates of
several SBCs are all outside their validity is probably what is wrong, and not all of these.

A clock that is off by seconds spoils what people compare: logs, journals, the times in a report to the provider. SIP
itself repeats a lost request after 0.5, 1.5 and 3.5 s (RFC 3261 section 17.1), so with two seconds between two clocks
nobody can say any more which packet of one log is which of the other. A clock that is off by more than a day, or by
enough to be outside the validity of an SBC's certificate, ends TLS: phones with such a clock cannot register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.findings import Observation
from tonekeeper.core.report import Severity
from tonekeeper.wire.ntp import ALARM, UNSYNCHRONISED, NtpAnswer

TOLERATED = 2.0
"""Seconds."""
UNBEARABLE = 86400.0
FARTHEST = 1.0
"""Seconds of root distance from which a server is not worth asking (MAXDIST of RFC 5905 section 11.2.3)."""
COARSE = 120.0
"""Seconds below which a Date says nothing: it is cut to seconds, and may have waited in a cache."""

KISSES = ("DENY", "RSTR", "RATE")
"""The kiss codes that ask a client for something (RFC 5905 section 7.4)."""

REMEDY_SERVERS = "name time servers in [checks] time_servers"


@dataclass(frozen=True, slots=True)
class ServerTime:
    """What one time server said."""

    server: str
    offset: float
    """Seconds from this host's clock to the server's: positive where this host is behind."""
    error: float
    """Seconds by which the offset may be wrong at most."""


@dataclass(frozen=True, slots=True)
class SilentServer:
    """A time server that cannot be believed, or did not answer."""

    server: str
    why: str
    kiss: str = ""
    """How it asks to be left alone: DENY, RSTR, or RATE for less often."""


@dataclass(frozen=True, slots=True)
class DatedAnswer:
    """An HTTP answer with a Date."""

    source: str
    offset: float


@dataclass(frozen=True, slots=True)
class KernelClock:
    kept: bool
    """Somebody keeps it right, as far as the kernel was told."""
    error: float
    """Seconds by which the kernel thinks that it may be wrong."""


@dataclass(frozen=True, slots=True)
class CertificateDates:
    """Of an SBC's certificate, in seconds from now by this host's clock."""

    sbc: str
    begins_in: float
    ends_in: float

    def is_valid(self, offset: float = 0.0) -> bool:
        """When this host's clock is `offset` seconds behind."""
        return self.begins_in <= offset < self.ends_in


@dataclass(frozen=True, slots=True)
class ClockSeen:
    servers: tuple[ServerTime, ...] = ()
    silent: tuple[SilentServer, ...] = ()
    dated: tuple[DatedAnswer, ...] = ()
    kernel: KernelClock | None = None
    """None where the kernel cannot be asked."""
    certificates: tuple[CertificateDates, ...] = ()


def time_of(server: str, answer: NtpAnswer, began: float, took: float) -> ServerTime | SilentServer:
    """What an answer says. `began`: Unix seconds by this host's clock when it asked; `took`: seconds until the answer.

    RFC 5905 section 8: the offset is right to half of the way there and back, and to what the server itself is off.
    """
    if answer.stratum == 0 and answer.reference in KISSES:
        return SilentServer(server, f"asks to be left alone ({answer.reference})", answer.reference)
    if answer.leap == ALARM or not 0 < answer.stratum < UNSYNCHRONISED or not answer.received or not answer.sent:
        return SilentServer(server, "is not synchronised itself")
    distance = answer.root_delay / 2 + answer.root_dispersion
    if distance > FARTHEST:
        return SilentServer(server, f"may be {distance:.1f} s off itself")
    offset = ((answer.received - began) + (answer.sent - (began + took))) / 2
    there_and_back = max(0.0, took - (answer.sent - answer.received))
    return ServerTime(server, offset, there_and_back / 2 + distance)


def judge_clock(seen: ClockSeen) -> CheckResult:
    agreeing = majority(seen.servers)
    if agreeing:
        offset = sorted(one.offset for one in agreeing)[len(agreeing) // 2]
        return _judged(seen, offset, TOLERATED, _witnesses(seen, agreeing))
    if len(seen.servers) > 1:
        said = ", ".join(f"{one.server} {one.offset:+.1f} s" for one in seen.servers)
        return _not_checked(f"the time servers contradict each other ({said}): name a third one")
    if seen.dated:
        dated = min(seen.dated, key=lambda one: abs(one.offset))
        return _judged(seen, dated.offset, COARSE, f"says the Date of {dated.source}")
    return _by_kernel(seen)


def majority(servers: Sequence[ServerTime]) -> tuple[ServerTime, ...]:
    """The largest group whose clocks may all be right, if more than half belong to it; else nobody."""
    groups = (tuple(one for one in servers if _may_agree(one, centre)) for centre in servers)
    largest = max(groups, key=len, default=())
    return largest if 2 * len(largest) > len(servers) else ()


def _may_agree(one: ServerTime, other: ServerTime) -> bool:
    return abs(one.offset - other.offset) <= one.error + other.error


def _witnesses(seen: ClockSeen, agreeing: Sequence[ServerTime]) -> str:
    asked = len(seen.servers) + len(seen.silent)
    if asked == 1:
        return f"says the time server {agreeing[0].server}"
    return f"{len(agreeing)} of {asked} time servers agree"


def _judged(seen: ClockSeen, offset: float, tolerated: float, witness: str) -> CheckResult:
    if abs(offset) <= tolerated:
        off = f"{abs(offset):.1f} s off" if tolerated == TOLERATED else f"not {tolerated / 60:.0f} min off"
        return CheckResult(Check.CLOCK, Outcome.OK, f"{off}, {witness}")
    off = f"{_span(abs(offset))} {'behind' if offset > 0 else 'ahead'}"
    evidence = {"why": f"is {off}, {witness}", "offset": f"{offset:+.1f}"}
    turned = [one.sbc for one in seen.certificates if one.is_valid() != one.is_valid(offset)]
    if turned:
        named = ", ".join(dict.fromkeys(turned))
        evidence["certificates"] = named
        evidence["why"] += f"; the certificates of {named} are judged wrongly by it"
    severity = Severity.CRITICAL if turned or abs(offset) > UNBEARABLE else Severity.WARNING
    return _problem(f"{off}, {witness}", evidence, severity)


def _by_kernel(seen: ClockSeen) -> CheckResult:
    silent = "; ".join(f"{one.server} {one.why}" for one in seen.silent)
    unknown = silent or "no time server is asked"
    if seen.kernel is not None and seen.kernel.kept:
        detail = f"kept right to {_span(seen.kernel.error)}, says this host's kernel"
        return CheckResult(Check.CLOCK, Outcome.OK, f"{detail}; {silent}" if silent else detail)
    sbcs = list(dict.fromkeys(one.sbc for one in seen.certificates))
    if len(sbcs) > 1 and not any(one.is_valid() for one in seen.certificates):
        why = f"probably wrong: by it, the certificates of {' and '.join(sbcs)} are all outside their validity"
        evidence = {"why": f"is {why} ({unknown})", "certificates": ", ".join(sbcs)}
        return _problem(why, evidence, Severity.CRITICAL)
    if seen.kernel is None:
        return _not_checked(f"{unknown}: {REMEDY_SERVERS}")
    why = f"kept by nobody, says its kernel, and how far it is off is not known ({unknown})"
    return _problem(why, {"why": f"is {why}"}, Severity.INFO)


def _problem(detail: str, evidence: dict[str, str], severity: Severity) -> CheckResult:
    return CheckResult(Check.CLOCK, Outcome.PROBLEM, detail, (Observation("clock-wrong", "", evidence, severity),))


def _not_checked(why: str) -> CheckResult:
    return CheckResult(Check.CLOCK, Outcome.NOT_CHECKED, why)


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
