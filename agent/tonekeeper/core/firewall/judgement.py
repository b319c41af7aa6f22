"""From verdicts to what is wrong with the firewall.

One flow that is blocked on every WAN, while another SBC is allowed, is the rule "only one address may be reached". One
that passes over another WAN is that WAN's rules. Both are looked at for the phones of each LAN and for this host by
themselves, and told as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.flows import Direction, FlowVerdict, Origin, RuleSeen, Traffic, Verdict
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


@dataclass(frozen=True, slots=True)
class Problem:
    """What a finding says, and the flows it says it of."""

    code: str
    subject: str
    flows: tuple[FlowVerdict, ...]
    lans: frozenset[str]
    """Of all that was asked: where phones are."""

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
    return tuple(Problem(code, subject, tuple(flows), lans) for (code, subject), flows in found.items())


def openable(problems: Iterable[Problem]) -> tuple[tuple[FlowVerdict, ...], ...]:
    """The groups of flows that one remedy each shall mend, in the order of the problems."""
    return tuple(problem.flows for problem in problems if problem.can_be_opened)


Found = Iterator[tuple[str, str, list[FlowVerdict]]]


def _of_one_sender(verdicts: Sequence[FlowVerdict], sbcs: Sequence[str]) -> Found:
    out = [verdict for verdict in verdicts if verdict.question.direction is Direction.OUT]
    everywhere, somewhere = _blocked(out)
    yield from _whole_sbcs(out, everywhere, sbcs)
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


def _whole_sbcs(out: Sequence[FlowVerdict], everywhere: list[FlowVerdict], sbcs: Sequence[str]) -> Found:
    allowed = {v.question.sbc for v in out if v.question.traffic.is_sip and v.verdict is Verdict.ACCEPT}
    for position, sbc in enumerate(sbcs):
        own = [verdict for verdict in everywhere if verdict.question.sbc == sbc]
        if any(verdict.question.traffic.is_sip for verdict in own):
            is_alternate = position > 0 and bool(allowed - {sbc})
            yield "firewall-blocks-alternate" if is_alternate else "firewall-blocks-sip", sbc, own
        elif own:
            yield "firewall-blocks-rtp", sbc, own


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
        if limited := [verdict for verdict in own if verdict.limited_by is not None]:
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
        "flows": _flows(flows),
        "rule": _rules(flows),
    }
    if problem.can_be_opened:
        evidence["change"] = "\n".join(written_for(openings)) or NO_CHANGE
    if problem.code == "dnat-captures-sip":
        evidence["arrives_at"] = _listed(verdict.arrives_at for verdict in flows)
    return Observation(problem.code, problem.subject, evidence)


def _senders(problem: Problem) -> str:
    """ "the phones and this host"; where only some phones are concerned, "the phones on br-data"."""
    lans = list(dict.fromkeys(verdict.question.lan for verdict in problem.flows if verdict.question.lan))
    on = f" on {', '.join(lans)}" if problem.lans - set(lans) else ""
    told = {Origin.LAN: f"the phones{on}", Origin.SELF: "this host"}
    return _listed((told[verdict.question.origin] for verdict in problem.flows), " and ")


def _flows(flows: Sequence[FlowVerdict]) -> str:
    """Every address once, with all its ports: "udp 198.51.100.20:5060, rtp 198.51.100.20:10000-20000"."""
    ports: dict[tuple[Traffic, str], list[int]] = {}
    for verdict in flows:
        question = verdict.question
        ports.setdefault((question.traffic, question.address.host), []).append(question.address.port)
    told = [f"{traffic} {_endpoint(host, numbers)}" for (traffic, host), numbers in ports.items()]
    more = f", and {len(told) - MOST_FLOWS} more" if len(told) > MOST_FLOWS else ""
    return ", ".join(told[:MOST_FLOWS]) + more


def _endpoint(host: str, ports: Sequence[int]) -> str:
    low, high = min(ports), max(ports)
    return str(Endpoint(host, low)) + (f"-{high}" if high != low else "")


def _rules(flows: Sequence[FlowVerdict]) -> str:
    """A rule each, or what else stopped it."""
    return _listed((_rule(verdict.limited_by or verdict.rule) or verdict.reason for verdict in flows), "; ")


def _rule(rule: RuleSeen | None) -> str:
    return str(rule) if rule is not None else ""


def _listed(words: Iterable[str], between: str = ", ") -> str:
    return between.join(dict.fromkeys(str(word) for word in words if word))
