"""From verdicts to what is wrong with the firewall.

One flow that is blocked on every WAN, while another SBC is allowed, is the rule "only one address may be reached". One
that passes over another WAN is that WAN's rules. Both are looked at for the phones of each LAN and for this host by
themselves, and told as one.

An SBC may have several addresses and transports. Where none of its addresses can be reached over any transport, the
finding is about the SBC; where some can, it is about the address or the transport (`primary/198.51.100.11:5060`,
`primary/tcp`), for what it says must not explain that the whole SBC is down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.flows import Direction, FlowVerdict, Origin, Traffic, Verdict
from tonekeeper.core.firewall.remedy import Opening
from tonekeeper.core.firewall.remedy_words import written_for
from tonekeeper.wire.endpoint import Endpoint

NO_CHANGE = "(no single change was found that helps; see the rule)"
MOST_FLOWS = 6
"""Named in the evidence."""

_MENDED = frozenset(
    {
        "firewall-blocks-alternate",
        "firewall-blocks-sip",
        "firewall-blocks-rtp",
        "firewall-blocks-return",
        "firewall-blocks-dns",
        "firewall-wan-specific",
    }
)


Address = tuple[str, Traffic, Endpoint]
"""Of an SBC."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a finding says, and the flows it says it of."""

    code: str
    subject: str
    flows: tuple[FlowVerdict, ...]
    lans: frozenset[str]
    """Of all that was asked: where phones are."""
    passing: frozenset[Address] = frozenset()
    """Of all that was asked: what somebody's packets reach, over some WAN."""

    @property
    def can_be_opened(self) -> bool:
        return self.code in _MENDED


def problems_in(verdicts: Sequence[FlowVerdict], sbcs: Sequence[str]) -> tuple[Problem, ...]:
    """`sbcs` in the order of preference. In the same order for the same verdicts."""
    found: dict[tuple[str, str], list[FlowVerdict]] = {}
    for sender in dict.fromkeys(verdict.question.sender for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.question.sender == sender]
        for code, subject, flows in _of_one_sender(own, sbcs):
            found.setdefault((code, subject), []).extend(flows)
    lans = frozenset(verdict.question.lan for verdict in verdicts if verdict.question.lan)
    passing = frozenset(_address(verdict) for verdict in verdicts if _arrives(verdict))
    return tuple(Problem(code, subject, tuple(flows), lans, passing) for (code, subject), flows in found.items())


def openable(problems: Iterable[Problem]) -> tuple[tuple[FlowVerdict, ...], ...]:
    """The groups of flows that one remedy each shall mend, in the order of the problems."""
    return tuple(problem.flows for problem in problems if problem.can_be_opened)


Found = Iterator[tuple[str, str, list[FlowVerdict]]]


def _of_one_sender(verdicts: Sequence[FlowVerdict], sbcs: Sequence[str]) -> Found:
    out = [verdict for verdict in verdicts if verdict.question.direction is Direction.OUT]
    everywhere, somewhere = _blocked(out)
    yield from _sbcs(out, everywhere, sbcs)
    yield from _single_wans(somewhere)
    yield from _returns(verdicts)
    yield from _dns(verdicts)
    yield from _limits_and_captures(verdicts)


def _blocked(out: Sequence[FlowVerdict]) -> tuple[list[FlowVerdict], list[FlowVerdict]]:
    """SIP and RTP that is blocked on every WAN, and what is blocked on some and accepted on others."""
    by_place: dict[object, list[FlowVerdict]] = {}
    for verdict in out:
        if verdict.question.traffic is not Traffic.DNS and verdict.verdict is not Verdict.NOT_CHECKED:
            by_place.setdefault(verdict.question.place, []).append(verdict)
    everywhere: list[FlowVerdict] = []
    somewhere: list[FlowVerdict] = []
    for own in by_place.values():
        blocked = [verdict for verdict in own if verdict.verdict.is_blocked]
        (everywhere if len(blocked) == len(own) else somewhere).extend(blocked)
    return everywhere, somewhere


def _address(verdict: FlowVerdict) -> Address:
    question = verdict.question
    return (question.sbc, question.traffic, question.address)


def _arrives(verdict: FlowVerdict) -> bool:
    return verdict.verdict is Verdict.ACCEPT and not verdict.arrives_at and verdict.question.direction is Direction.OUT


def _sbcs(out: Sequence[FlowVerdict], everywhere: list[FlowVerdict], sbcs: Sequence[str]) -> Found:
    reached = {(v.question.sbc, v.question.address.host) for v in out if v.question.traffic.is_sip and _arrives(v)}
    for position, sbc in enumerate(sbcs):
        own = [verdict for verdict in everywhere if verdict.question.sbc == sbc]
        sip = [verdict for verdict in own if verdict.question.traffic.is_sip]
        hosts = {host for of, host in reached if of == sbc}
        if sip and not hosts:
            is_alternate = position > 0 and bool(reached)
            yield "firewall-blocks-alternate" if is_alternate else "firewall-blocks-sip", sbc, own
        else:
            yield from _parts(sbc, own, sip, hosts)


def _parts(sbc: str, own: list[FlowVerdict], sip: list[FlowVerdict], reached: Collection[str]) -> Found:
    """Of an SBC that can be reached: other addresses of it, other transports, its media."""
    shut = dict.fromkeys(v.question.address.host for v in sip if v.question.address.host not in reached)
    for host in shut:
        flows = [verdict for verdict in own if verdict.question.address.host == host]
        yield "firewall-blocks-alternate", f"{sbc}/{_first_sip(flows)}", flows
    for traffic in dict.fromkeys(verdict.question.traffic for verdict in sip):
        flows = [v for v in sip if v.question.traffic is traffic and v.question.address.host in reached]
        if flows:
            yield "firewall-blocks-sip", f"{sbc}/{traffic}", flows
    media = [v for v in own if v.question.traffic is Traffic.RTP and v.question.address.host not in shut]
    if media:
        yield "firewall-blocks-rtp", sbc, media


def _first_sip(flows: Sequence[FlowVerdict]) -> Endpoint:
    return next(verdict.question.address for verdict in flows if verdict.question.traffic.is_sip)


def _single_wans(somewhere: list[FlowVerdict]) -> Found:
    for wan in dict.fromkeys(verdict.question.wan for verdict in somewhere):
        yield "firewall-wan-specific", wan, [verdict for verdict in somewhere if verdict.question.wan == wan]


def _returns(verdicts: Sequence[FlowVerdict]) -> Found:
    blocked = [
        verdict
        for verdict in verdicts
        if verdict.question.direction is Direction.RETURN
        and verdict.verdict.is_blocked
        and verdict.question.traffic is not Traffic.DNS
    ]
    for wan in dict.fromkeys(verdict.question.wan for verdict in blocked):
        yield "firewall-blocks-return", wan, [verdict for verdict in blocked if verdict.question.wan == wan]


def _dns(verdicts: Sequence[FlowVerdict]) -> Found:
    blocked = [v for v in verdicts if v.question.traffic is Traffic.DNS and v.verdict.is_blocked]
    for wan in dict.fromkeys(verdict.question.wan for verdict in blocked):
        yield "firewall-blocks-dns", wan, [verdict for verdict in blocked if verdict.question.wan == wan]


def _limits_and_captures(verdicts: Sequence[FlowVerdict]) -> Found:
    concerned = [verdict for verdict in verdicts if verdict.question.traffic is not Traffic.DNS]
    for sbc in dict.fromkeys(verdict.question.sbc for verdict in concerned):
        own = [verdict for verdict in concerned if verdict.question.sbc == sbc]
        if limited := [verdict for verdict in own if verdict.limited_by is not None and not verdict.verdict.is_blocked]:
            yield "firewall-rate-limits-sip", sbc, limited
        if captured := [verdict for verdict in own if verdict.arrives_at and verdict.question.traffic.is_sip]:
            yield "dnat-captures-sip", sbc, captured


def observations_of(problems: Sequence[Problem], openings: Sequence[Sequence[Opening]]) -> tuple[Observation, ...]:
    """`openings`: one for each of `openable(problems)`, proven; empty where nothing helps."""
    proven = iter(openings)
    return tuple(_observation(problem, next(proven) if problem.can_be_opened else ()) for problem in problems)


def _observation(problem: Problem, openings: Sequence[Opening]) -> Observation:
    flows = problem.flows
    evidence = {
        "origin": _senders(problem),
        "wans": _listed(verdict.question.wan for verdict in flows),
        "flows": _flows(problem),
        "rule": _limits(flows) if problem.code == "firewall-rate-limits-sip" else _rules(flows),
    }
    if problem.can_be_opened:
        evidence["change"] = "\n".join(written_for(openings)) or NO_CHANGE
    if problem.code == "firewall-blocks-alternate":
        evidence["reached"], evidence["unreached"] = _reached(problem)
    if problem.code == "dnat-captures-sip":
        evidence["arrives_at"] = _listed(verdict.arrives_at for verdict in flows)
    return Observation(problem.code, problem.subject, evidence)


def _senders(problem: Problem) -> str:
    """ "the phones and this host"; where only some phones are concerned, "the phones on br-data"."""
    lans = list(dict.fromkeys(verdict.question.lan for verdict in problem.flows if verdict.question.lan))
    on = f" on {', '.join(lans)}" if problem.lans - set(lans) else ""
    told = {Origin.LAN: f"the phones{on}", Origin.SELF: "this host"}
    return _listed((told[verdict.question.origin] for verdict in problem.flows), " and ")


def _reached(problem: Problem) -> tuple[str, str]:
    """What the firewall lets through instead, and what not: SBCs, or addresses of one."""
    sbc = problem.flows[0].question.sbc
    blocked = {v.question.address.host for v in problem.flows if v.question.traffic.is_sip}
    own = {address.host for of, traffic, address in problem.passing if of == sbc and traffic.is_sip} - blocked
    return (", ".join(sorted(own)), f"{', '.join(sorted(blocked))} of {sbc}") if own else ("another SBC", sbc)


def _flows(problem: Problem) -> str:
    """Every address once, with all its ports: "udp 198.51.100.20:5060, rtp 198.51.100.20:10000-11999,18001-20000"."""
    ports: dict[tuple[str, Traffic, str], set[int]] = {}
    for verdict in problem.flows:
        sbc, traffic, address = _address(verdict)
        ports.setdefault((sbc, traffic, address.host), set()).add(address.port)
    told = {
        f"{place[1]} {_endpoint(place, sorted(numbers), problem.passing)}": None for place, numbers in ports.items()
    }
    more = f", and {len(told) - MOST_FLOWS} more" if len(told) > MOST_FLOWS else ""
    return ", ".join(list(told)[:MOST_FLOWS]) + more


def _endpoint(place: tuple[str, Traffic, str], ports: Sequence[int], passing: Collection[Address]) -> str:
    """Ports in a row make one range, unless one between them passes."""
    sbc, traffic, host = place
    others = {a.port for of, kind, a in passing if (of, kind, a.host) == (sbc, traffic, host)} - set(ports)
    ranges: list[list[int]] = []
    for port in ports:
        if not ranges or any(ranges[-1][-1] < other < port for other in others):
            ranges.append([port])
        else:
            ranges[-1].append(port)
    first, *more = (str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in ranges)
    begin = str(Endpoint(host, ports[0])).removesuffix(str(ports[0]))
    return ",".join((f"{begin}{first}", *more))


def _rules(flows: Sequence[FlowVerdict]) -> str:
    """A rule each, or what else stopped it."""
    return _listed((verdict.reason if verdict.rule is None else str(verdict.rule) for verdict in flows), "; ")


def _limits(flows: Sequence[FlowVerdict]) -> str:
    return _listed((str(verdict.limited_by) for verdict in flows), "; ")


def _listed(words: Iterable[str], between: str = ", ") -> str:
    return between.join(dict.fromkeys(str(word) for word in words if word))
