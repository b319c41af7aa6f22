"""Findings about the access circuits themselves: flapping, loss, shared fate, and a kernel that drops their answers."""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.findings import Observation
from tonekeeper.core.flap import WINDOW, Damper
from tonekeeper.core.report import PathState, Severity, WanState
from tonekeeper.core.site import Wan
from tonekeeper.core.situation import Situation
from tonekeeper.core.strain import Strain
from tonekeeper.core.walks import shared_router

STRICT = 1
"""Of rp_filter (RFC 3704 strict reverse path)."""
DEGRADED_LOSS = 0.05
"""Share of probes lost to every SBC from which calls are heard to suffer: G.711 without concealment."""


def observe(situation: Situation, now: float) -> Iterator[Observation]:
    wans = situation.site.wans
    for wan in wans:
        evidence = {"interface": wan.interface}
        damper = situation.wan_damper(wan.name)
        if damper.is_suppressed:
            yield Observation("wan-flapping", wan.name, evidence | _flapping(damper, now))
        if why := _strain_to_all(situation, wan.name):
            yield Observation("wan-degraded", wan.name, evidence | {"why": why})
        if len(wans) > 1 and situation.path_filters.get(wan.interface) == STRICT:
            yield from _strict_filter(situation, wan)
    for sbc in situation.site.sbcs:
        damper = situation.sbc_damper(sbc.name)
        if damper.is_suppressed:
            yield Observation("sbc-flapping", sbc.name, _flapping(damper, now))
    if len(wans) == 1:
        yield Observation("single-wan", wans[0].name, {})
    shared = shared_router(situation)
    if shared is not None:
        one, other, router = shared
        yield Observation("shared-fate", f"{one} and {other}", {"router": router})


def _strict_filter(situation: Situation, wan: Wan) -> Iterator[Observation]:
    """It is why a WAN is down that has a carrier, and where nothing was heard since. One that has died otherwise is
    another finding's business."""
    evidence = {"interface": wan.interface}
    if situation.wan_health(wan.name).state != WanState.DOWN:
        yield Observation("rp-filter-strict", wan.name, evidence)
        return
    since = situation.strict_since.get(wan.interface, situation.started)
    heard = any(probe.answered_at > since for probe in situation.probes_of(wan=wan.name))
    if not heard and not situation.dead(wan):
        yield Observation("rp-filter-strict", wan.name, evidence, stated=Severity.CRITICAL)


def _flapping(damper: Damper, now: float) -> dict[str, str]:
    minutes = max(1, round((damper.reuse_at - now) / 60))
    return {"losses": str(len(damper.losses_since(now - WINDOW))), "minutes": str(minutes)}


def _strain_to_all(situation: Situation, wan: str) -> str:
    """By its best living path: what is lost to one SBC only, or late from it, is not the WAN's."""
    living = [probe for probe in situation.probes_of(wan=wan) if probe.state is not PathState.DOWN]
    loss = min((probe.loss.lately for probe in living), default=0.0)
    if loss >= DEGRADED_LOSS:
        return f"loses {loss:.0%} of the probes to every SBC"
    if living and all(probe.strain is Strain.SLOW for probe in living):
        return f"takes {min(probe.timeout.srtt for probe in living):.1f} s for an answer of any SBC"
    return ""
