"""From what was found on several paths to the cause on each: whose doing it is that packets do not get through.

Silence has no cause by itself. What gives it one is what else is known:

    the rules of this host stop it (core/firewall)                    local rule
    the same place answers over another WAN                           upstream filter, or the WAN itself is down
    only requests that are written unusually are answered             SIP ALG
    it answers over no WAN                                            SBC down
    it answers, but not to long packets, which others let through     path MTU

An ICMP error is taken at its word, with its sender: "prohibited" and "port unreachable" from a router on the way are
its rule. A reset, or a closed port, may be forged in the SBC's name: where another WAN reaches it, it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from tonekeeper.core.attribution import Confidence
from tonekeeper.core.egress.result import EgressTrial, Fact, Outcome, PathMtu
from tonekeeper.core.report import FirewallReport
from tonekeeper.core.site import Path, Transport


class Cause(StrEnum):
    FINE = "fine"
    LOCAL_RULE = "local rule"
    UPSTREAM_FILTER = "upstream filter"
    SIP_ALG = "sip alg"
    SBC_DOWN = "sbc down"
    WAN_DOWN = "wan down"
    NO_ROUTE = "no route"
    PATH_MTU = "path mtu"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known."""

    firewall: Sequence[FirewallReport] = ()
    """What the rules of this host do; empty where nobody could ask."""
    sip_alg: Mapping[str, str] = field(default_factory=dict)
    """By WAN, whether something on the way rewrites SIP: yes, no, not checked."""
    answering: Collection[Path] = ()
    """Paths that answer, as known by other means than the trials."""


@dataclass(frozen=True, slots=True)
class Judged:
    trial: EgressTrial
    cause: Cause
    confidence: Confidence
    why: str
    """One sentence, for people."""
    passes: tuple[str, ...] = ()
    """What else answers: to the same SBC over other WANs, over the same WAN to others."""


def judge_egress(trials: Sequence[EgressTrial], known: Surroundings) -> tuple[Judged, ...]:
    """In the order of `trials`."""
    evidence = _Evidence(trials, known)
    return tuple(_judge(trial, evidence) for trial in trials)


class _Evidence:
    def __init__(self, trials: Sequence[EgressTrial], known: Surroundings) -> None:
        self.trials = trials
        self.known = known
        examined = {trial.path for trial in trials}
        answered = [trial.path for trial in trials if trial.is_answered]
        self.answering = [*answered, *(path for path in known.answering if path not in examined)]

    def elsewhere(self, path: Path) -> list[Path]:
        """The same place, answering over another WAN."""
        return [other for other in self.answering if other[1:] == path[1:] and other.wan != path.wan]

    def over_the_wan(self, path: Path) -> list[Path]:
        return [other for other in self.answering if other.wan == path.wan and other != path]

    def heard_on_the_wan(self, wan: str) -> bool:
        """Whether anybody at all was heard over it: an SBC, or a router."""
        if any(path.wan == wan for path in self.answering):
            return True
        return any(trial.path.wan == wan and (trial.hop or trial.last_hop) for trial in self.trials)

    def rule_against(self, path: Path) -> str:
        """The rule of this host that stops our own packets there, or the answers to them; empty: none is known."""
        for flow in self.known.firewall:
            place = (flow.origin, flow.wan, flow.sbc, flow.transport, flow.address)
            wanted = ("self", path.wan, path.sbc, str(path.transport), str(path.address))
            if place == wanted and flow.verdict in ("drop", "reject"):
                rule = flow.rule
                return flow.reason if rule is None else f"{rule.family} {rule.table} {rule.chain}: {rule.text}"
        return ""


def _judge(trial: EgressTrial, evidence: _Evidence) -> Judged:
    passes = _passing(trial.path, evidence)
    rule = evidence.rule_against(trial.path)
    if rule and not trial.is_answered and trial.outcome is not Outcome.NOT_CHECKED:
        return Judged(trial, Cause.LOCAL_RULE, Confidence.CERTAIN, f"a rule on this host stops it: {rule}", passes)
    cause, confidence, why = _cause(trial, evidence)
    return Judged(trial, cause, confidence, why, passes)


Verdict = tuple[Cause, Confidence, str]


def _cause(trial: EgressTrial, evidence: _Evidence) -> Verdict:
    match trial.outcome:
        case Outcome.NOT_CHECKED:
            return Cause.NOT_CHECKED, Confidence.CERTAIN, trial.detail
        case Outcome.ANSWERED:
            return _of_answered(trial, evidence)
        case Outcome.FORBIDDEN_HERE:
            return Cause.LOCAL_RULE, Confidence.CERTAIN, trial.detail
        case Outcome.NO_ROUTE:
            return Cause.NO_ROUTE, Confidence.CERTAIN, trial.detail
        case Outcome.PROHIBITED:
            return Cause.UPSTREAM_FILTER, Confidence.CERTAIN, trial.detail
        case Outcome.PORT_UNREACHABLE | Outcome.RESET:
            return _of_closed(trial, evidence)
        case Outcome.UNREACHABLE:
            if evidence.elsewhere(trial.path):
                return Cause.NO_ROUTE, Confidence.CERTAIN, trial.detail
            return Cause.SBC_DOWN, Confidence.LIKELY, f"{trial.detail}, and it answers over no WAN"
        case Outcome.SILENT:
            return _of_silent(trial, evidence)
        case _:
            assert_never(trial.outcome)


def _of_closed(trial: EgressTrial, evidence: _Evidence) -> Verdict:
    path = trial.path
    if trial.hop and trial.hop != path.address.host:
        return Cause.UPSTREAM_FILTER, Confidence.CERTAIN, f"{trial.detail}, which is not the SBC: a rule rejects there"
    elsewhere = evidence.elsewhere(path)
    if elsewhere:
        why = f"{trial.detail}, while {_over(elsewhere)} accepts: somebody on the way refuses in its name"
        return Cause.UPSTREAM_FILTER, Confidence.LIKELY, why
    return Cause.SBC_DOWN, Confidence.STRONG, f"packets get there, but nobody listens: {trial.detail}"


def _of_silent(trial: EgressTrial, evidence: _Evidence) -> Verdict:
    path, elsewhere = trial.path, evidence.elsewhere(trial.path)
    if trial.unusual_answered:
        why = "only requests that are written unusually are answered: something on the way reads SIP and keeps it back"
        return Cause.SIP_ALG, Confidence.STRONG, why
    lost = _lost(trial)
    if not evidence.heard_on_the_wan(path.wan):
        if elsewhere:
            return Cause.WAN_DOWN, Confidence.STRONG, f"nobody is heard over {path.wan}, not even its first router"
        return Cause.SBC_DOWN, Confidence.LIKELY, f"silent on every WAN; {lost}"
    if not elsewhere:
        others = [other for other in evidence.over_the_wan(path) if other.address.host == path.address.host]
        beside = f"; {', '.join(str(one.transport) for one in others)} of it answers" if others else ""
        confidence = Confidence.STRONG if evidence.answering else Confidence.LIKELY
        return Cause.SBC_DOWN, confidence, f"silent on every WAN; {lost}{beside}"
    others = evidence.over_the_wan(path)
    why = f"{lost}, while {_over(elsewhere)} reaches it"
    same_host = any(other.address.host == path.address.host for other in others)
    if evidence.known.sip_alg.get(path.wan) == "yes" and path.transport is Transport.UDP and same_host:
        return Cause.SIP_ALG, Confidence.LIKELY, f"{why}; SIP is rewritten over this WAN, and other transports pass"
    return Cause.UPSTREAM_FILTER, Confidence.STRONG if others else Confidence.LIKELY, why


def _lost(trial: EgressTrial) -> str:
    if trial.hops is None:
        return "packets are lost"
    if not trial.last_hop:
        return "packets are lost, and not even the first router says anything"
    return f"packets are lost at {trial.last_hop} or right behind it"


# --- answered, but not everything is


def _of_answered(trial: EgressTrial, evidence: _Evidence) -> Verdict:
    why = length_problem(trial, evidence.trials)
    if why is None:
        return Cause.FINE, Confidence.CERTAIN, trial.detail
    return Cause.PATH_MTU, *why


def length_problem(trial: EgressTrial, trials: Sequence[EgressTrial]) -> tuple[Confidence, str] | None:
    """What is wrong with long packets of a path that answers short ones; None: nothing, or nothing is proven."""
    others = [other for other in trials if other.path[1:] == trial.path[1:] and other.path.wan != trial.path.wan]
    if trial.stream is Fact.NO and any(other.stream is Fact.YES for other in others):
        return Confidence.STRONG, "long requests over the connection are not answered, as they are over another WAN"
    mtu = trial.mtu
    if mtu is None:
        return None
    if mtu.is_black_hole:
        confidence = _proof_of_black_hole(mtu, others)
        return None if confidence is None else (confidence, _black_hole(mtu))
    if mtu.pieces is Fact.NO:
        passes = any(other.mtu is not None and other.mtu.pieces is Fact.YES for other in others)
        why = f"fragments are lost: what is longer than {mtu.tried} bytes does not arrive"
        return Confidence.STRONG if passes else Confidence.LIKELY, why
    return None


def _proof_of_black_hole(mtu: PathMtu, others: Sequence[EgressTrial]) -> Confidence | None:
    """None: the SBC may as well be one that does not answer long requests."""
    if mtu.cut is Fact.YES or mtu.lost_after:
        return Confidence.CERTAIN
    if any(other.mtu is not None and not other.mtu.is_limited for other in others):
        return Confidence.STRONG
    return None


def _black_hole(mtu: PathMtu) -> str:
    where = f" behind {mtu.lost_after}" if mtu.lost_after else ""
    most = f"more than {mtu.largest} bytes" if mtu.largest else "any length but the shortest"
    but = f"; {mtu.told_by} says {mtu.told} would pass" if mtu.told else ", and nobody says so"
    return f"packets of {most} vanish{where}{but}"


# --- words


def _passing(path: Path, evidence: _Evidence) -> tuple[str, ...]:
    same_sbc = [other for other in evidence.answering if other.sbc == path.sbc and other.wan != path.wan]
    named = (f"{one.sbc} {one.transport} over {one.wan}" for one in (*same_sbc, *evidence.over_the_wan(path)))
    return tuple(dict.fromkeys(named))


def _over(paths: Sequence[Path]) -> str:
    return " and ".join(dict.fromkeys(path.wan for path in paths))
