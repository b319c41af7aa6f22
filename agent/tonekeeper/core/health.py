"""Health of WANs and SBCs, derived from their paths and from the blame.

Nothing here is measured: a WAN is up when anything answers over it, an SBC is what its answers say. `down` needs a
decided attribution, so that a subject keeps its state while witnesses are still being heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonekeeper.core.attribution import Attribution
from tonekeeper.core.events import LinkChanged
from tonekeeper.core.meaning import Meaning
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.report import PathState, SbcState, WanState
from tonekeeper.core.site import Sbc, Wan


@dataclass(slots=True)
class Health:
    """State of one subject with its history. `state` is a WanState or an SbcState."""

    state: str
    reason: str
    since: float
    transitions: int = 0


Judgement = tuple[str, str]
"""State and the reason for it."""


def dead_wan(wan: Wan, link: LinkChanged | None) -> str:
    """Why nothing can leave over this WAN, or "" if something can (or if nobody has looked yet)."""
    if link is None:
        return ""
    if not link.present:
        return f"there is no interface {wan.interface}"
    if not link.carrier:
        return f"{wan.interface} has no carrier"
    if not link.addresses:
        return f"{wan.interface} has no address"
    if wan.source and wan.source not in link.addresses:
        return f"{wan.interface} does not have the address {wan.source}"
    return ""


def judge_wan(dead: str, probes: Iterable[PathProbe], attribution: Attribution, wan: Wan) -> Judgement | None:
    """State of a WAN, from those of its probes that are heard; None while it cannot be told."""
    if dead:
        return WanState.DOWN, dead
    if any(probe.state in (PathState.UP, PathState.SUSPECT) for probe in probes):
        return WanState.UP, "SBCs answer over it"
    blame = attribution.of_wan(wan.name)
    if blame is not None:
        return WanState.DOWN, blame.evidence
    if attribution.decided and attribution.site is not None:
        return WanState.UNKNOWN, attribution.site.evidence
    return None


def judge_sbc(sbc: Sbc, probes: Sequence[PathProbe], attribution: Attribution, fails: str = "") -> Judgement | None:
    """State of an SBC; None while it cannot be told. `fails`: what does not work, a sentence."""
    answering = [probe for probe in probes if probe.state in (PathState.UP, PathState.SUSPECT)]
    if answering:
        state, reason = _judge_answers(probes, answering)
        return (SbcState.DEGRADED, fails) if fails and state is SbcState.HEALTHY else (state, reason)
    blame = attribution.of_sbc(sbc.name)
    if blame is not None:
        return SbcState.DOWN, blame.evidence
    if attribution.decided and attribution.site is not None:
        return SbcState.UNKNOWN, attribution.site.evidence
    return None


def _judge_answers(probes: Sequence[PathProbe], answering: Sequence[PathProbe]) -> tuple[SbcState, str]:
    for probe in answering:
        if probe.meaning is Meaning.DRAINING:
            return SbcState.DRAINING, f"answers {probe.last_reply} and asks to be left alone"
    for probe in answering:
        if probe.meaning is Meaning.DEGRADED:
            return SbcState.DEGRADED, f"answers {probe.last_reply}"
    addresses = {probe.path.address for probe in probes}
    silent = sorted(str(address) for address in addresses - {probe.path.address for probe in answering})
    if silent:
        return SbcState.DEGRADED, f"{len(silent)} of {len(addresses)} addresses do not answer: {', '.join(silent)}"
    return SbcState.HEALTHY, "answers"
