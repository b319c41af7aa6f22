"""The first five minutes, forecast: what a phone of this model does with these settings when something goes wrong.

An incident begins at some moment between two registrations, and chance has a part in many waits. So the phone is played
many times, from phases spread evenly over the time between two registrations, each with draws of its own, and at both
ends with the shortest and the longest of everything: what comes out is a median and a worst case. The timeline is that
of the phone in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tonekeeper.phones.conditions import Server
from tonekeeper.phones.draws import Always, Draws
from tonekeeper.phones.in_force import InForce
from tonekeeper.phones.incident import Incident
from tonekeeper.phones.native import Value
from tonekeeper.phones.parameter import Capability
from tonekeeper.phones.phone_machine import PhoneMachine, Step, What
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.reachability import Reachability
from tonekeeper.phones.reactions import Reactions
from tonekeeper.phones.timeline import Lanes, Moment, lanes_of, moments_of

PHASES = 64
_SHORTEST, _LONGEST = Always(0.0), Always(1.0 - 1e-9)


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds since the incident began: of the luckiest phone, of the one in the middle, of the unluckiest. Infinite:
    not as long as nobody mends it, or nobody restarts the phone."""

    least: float
    median: float
    worst: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A span is None where the profile does not say enough; `unknown` says what is missing. `assumed`: bounds taken in
    place of what is not known; `weak`: what it leans on and a profile marks as weak; `lacking`: settings without which
    it does not fail over."""

    profile: str
    incident: Incident
    servers: tuple[str, ...]
    expiry_s: float | None
    noticed_s: Span | None
    """Its own request or probe fails for the first time; infinite where none does."""
    registered_again_s: Span | None
    outgoing_s: Span | None
    """Somebody who dials, and dials again whenever it fails, hears it ring."""
    incoming_s: Span | None
    timeline: tuple[Moment, ...] = ()
    lanes: Lanes | None = None
    """None where nothing could be played."""
    assumed: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """One phone, played."""

    steps: tuple[Step, ...]
    reach: Reachability
    noticed: float
    registered: float | None
    outgoing: float | None
    incoming: float | None
    unclear: tuple[str, ...]


def forecast(
    profile: Profile,
    settings: Mapping[Capability, Value],
    servers: Sequence[Server],
    incident: Incident,
    chance: Draws,
    *,
    granted_s: float | None = None,
    firmware: str = "",
    phase: float | None = None,
) -> Forecast:
    """`settings` over the factory settings, `servers` in the phone's order. `granted_s`: the expiry that the registrar
    grants, where that is less than asked for. `phase`: how much of the time between two registrations has gone by when
    the incident begins, 0 to 1; None for any. ValueError without a server."""
    if not servers:
        raise ValueError("a phone needs a server")
    reactions = Reactions(InForce(profile, settings, firmware), servers, incident, granted_s=granted_s)
    named = tuple(map(str, servers))
    if reactions.expiry_s is None:
        missing = ("for how long it registers",)
        return Forecast(profile.id, incident, named, None, None, None, None, None, unknown=missing)
    phases = [(index + chance.random()) / PHASES for index in range(PHASES)] if phase is None else [phase] * PHASES
    ends = (0.0, 1.0 - 1e-9) if phase is None else (phase,)
    runs = [_play(reactions, servers, incident, each, chance) for each in phases]
    edges = [_play(reactions, servers, incident, each, draws) for each in ends for draws in (_SHORTEST, _LONGEST)]
    shown = _in_the_middle(runs)
    return Forecast(
        profile.id,
        incident,
        named,
        reactions.expiry_s,
        _span([run.noticed for run in runs], [run.noticed for run in edges]),
        _span([run.registered for run in runs], [run.registered for run in edges]),
        _span([run.outgoing for run in runs], [run.outgoing for run in edges]),
        _span([run.incoming for run in runs], [run.incoming for run in edges]),
        moments_of(shown.steps, shown.reach, reactions, servers, incident),
        lanes_of(shown.steps, shown.reach, reactions),
        tuple(reactions.notes.assumed),
        tuple(reactions.notes.weak),
        tuple(dict.fromkeys(reason for run in (*runs, *edges) for reason in run.unclear)),
        reactions.lacking,
    )


def _play(reactions: Reactions, servers: Sequence[Server], incident: Incident, phase: float, chance: Draws) -> _Run:
    """`phase`: how much of the time between two registrations has gone by when it begins."""
    interval = reactions.refresh_s(chance)
    asks_at, expires = interval * (1 - phase), (reactions.expiry_s or 0.0) - interval * phase
    homes = range(len(servers)) if reactions.holds_all else (-1,)
    steps: list[Step] = []
    for home in homes:
        steps += PhoneMachine(reactions, servers, incident, chance, only=home).play(asks_at)
    steps.sort(key=lambda step: step.at)
    reach = Reachability(reactions, servers, incident, steps, expires)
    registered = reach.registered_s()
    unclear = [step for step in steps if step.what is What.UNCLEAR and step.at <= registered]
    known = not unclear or math.isfinite(registered)
    outgoing = reach.outgoing_s()
    reasons = [step.text for step in unclear] if not known else []
    if outgoing is None:
        reasons.append("where its calls go")
    return _Run(
        tuple(steps),
        reach,
        next((step.at for step in steps if step.what in (What.FAILED, What.PROBE_LOST, What.LINK_LOST)), math.inf),
        registered if known else None,
        outgoing if known or (outgoing is not None and math.isfinite(outgoing)) else None,
        reach.incoming_s() if known or math.isfinite(reach.incoming_s()) else None,
        tuple(reasons),
    )


def _in_the_middle(runs: Sequence[_Run]) -> _Run:
    def rank(run: _Run) -> tuple[float, float]:
        return (math.inf if run.registered is None else run.registered, run.noticed)

    return sorted(runs, key=rank)[(len(runs) - 1) // 2]


def _span(typical: Sequence[float | None], edges: Sequence[float | None]) -> Span | None:
    known = [each for each in typical if each is not None]
    every = known + [each for each in edges if each is not None]
    if len(every) < len(typical) + len(edges):
        return None
    return Span(min(every), sorted(known)[(len(known) - 1) // 2], max(every))
