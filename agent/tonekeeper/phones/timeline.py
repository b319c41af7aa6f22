"""An incident as it goes by at one phone: moments in plain words, and three lanes to draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tonekeeper.phones.conditions import Server
from tonekeeper.phones.incident import Failure, Incident, IncidentKind
from tonekeeper.phones.phone_machine import WINDOW_S, Step, What
from tonekeeper.phones.reachability import Dialled, Reachability, Sound
from tonekeeper.phones.reactions import Reactions

MOST_MOMENTS = 60


class MomentKind(StrEnum):
    INCIDENT = "incident"
    NOTICED = "noticed"
    """The phone's own request tells it for the first time."""
    ASKED = "asked"
    FAILED = "failed"
    WAITS = "waits"
    REGISTERED = "registered"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    MENDED = "mended"
    HEARD = "heard"
    """What people hear from now on."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`at_s`: seconds since the incident began. `server`: the one it is about, or ""."""

    at_s: float
    kind: MomentKind
    text: str
    server: str = ""


class State(StrEnum):
    WORKS = "works"
    SLOW = "slow"
    """After a silence first."""
    TRYING = "trying"
    """A request is on its way, and will be answered by nobody."""
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A state from `begin_s` to `end_s`."""

    begin_s: float
    end_s: float
    state: State


@dataclass(frozen=True, slots=True)
class Lanes:
    """The first five minutes without a gap."""

    registration: tuple[Stretch, ...]
    outgoing: tuple[Stretch, ...]
    incoming: tuple[Stretch, ...]


_WHAT_HAPPENS = {
    IncidentKind.PRIMARY_SILENT: "{0} stops answering.",
    IncidentKind.PRIMARY_REJECTS_503: "{0} answers everything with 503.",
    IncidentKind.PRIMARY_REJECTS_503_RETRY_AFTER: "{0} answers everything with 503 and Retry-After: {retry:g}.",
    IncidentKind.PRIMARY_REJECTS_403: "{0} answers everything with 403.",
    IncidentKind.PRIMARY_TCP_RESET: "{0} refuses connections and packets: its host is up, nothing listens.",
    IncidentKind.DNS_DEAD: "No name resolves any more. The servers are well.",
    IncidentKind.WAN_SWITCHED: "The site has a new public address; every NAT binding is gone.",
    IncidentKind.ALTERNATE_BLOCKED: "{0} stops answering, and a firewall drops what goes to {1}.",
    IncidentKind.ALL_SILENT: "No server answers any more.",
}


def moments_of(
    steps: Sequence[Step], reach: Reachability, reactions: Reactions, servers: Sequence[Server], incident: Incident
) -> tuple[Moment, ...]:
    """The first `MOST_MOMENTS` of them, in their order; those of one instant as cause and effect."""
    names = [str(server) for server in servers] + ["the second server"]
    happens = _WHAT_HAPPENS[incident.kind].format(*names, retry=incident.retry_after_s)
    told = [Moment(0.0, MomentKind.INCIDENT, happens)]
    told += _of_steps(steps, reactions, [str(server) for server in servers])
    if math.isfinite(incident.lasts_s):
        told.append(Moment(incident.lasts_s, MomentKind.MENDED, "All is mended."))
    told += _heard(reach)
    told.sort(key=lambda moment: moment.at_s)
    return tuple(moment for moment in told if _is_worth_telling(moment, reach.incoming_s()))[:MOST_MOMENTS]


def _is_worth_telling(moment: Moment, restored_s: float) -> bool:
    """Everything until calls work again, if they ever stopped; afterwards what is no routine."""
    routine = moment.kind in (MomentKind.ASKED, MomentKind.FAILED, MomentKind.WAITS, MomentKind.REGISTERED)
    if not routine:
        return True
    return moment.at_s <= (restored_s if math.isfinite(restored_s) and restored_s > 0.0 else WINDOW_S)


def _of_steps(steps: Sequence[Step], reactions: Reactions, names: Sequence[str]) -> Iterator[Moment]:
    noticed = False
    for step in steps:
        name = names[step.server]
        match step.what:
            case What.ASKED:
                yield Moment(step.at, MomentKind.ASKED, f"REGISTER to {name}.", name)
            case What.PROBE_LOST | What.LINK_LOST | What.FAILED:
                kind = MomentKind.FAILED if noticed else MomentKind.NOTICED
                noticed = True
                yield Moment(step.at, kind, _failed(step, reactions, name), name)
            case What.REGISTERED:
                yield Moment(step.at, MomentKind.REGISTERED, f"Registered with {name}.", name)
            case What.WAITED:
                wait = shown_seconds(step.until - step.at)
                yield Moment(step.at, MomentKind.WAITS, f"No service on the display; waits {wait}.", name)
            case What.STOPPED:
                because = f": {step.text.rstrip('.')}" if step.text else ""
                text = f"Has stopped for good{because}. Somebody has to restart it."
                yield Moment(step.at, MomentKind.STOPPED, text, name)
            case What.UNCLEAR:
                yield Moment(step.at, MomentKind.UNKNOWN, f"Unknown from here on: {step.text}.", name)
            case _:
                assert_never(step.what)


def _failed(step: Step, reactions: Reactions, name: str) -> str:
    if step.what is What.PROBE_LOST:
        return f"The probes of {name} stay without an answer."
    if step.what is What.LINK_LOST:
        return f"The connection to {name} is gone."
    match step.failure:
        case Failure.NO_ANSWER | None:
            return f"Gives {name} up."
        case Failure.ICMP_UNREACHABLE:
            return f"{name} is unreachable (ICMP)."
        case Failure.TCP_RESET:
            return f"{name} refuses the connection."
        case Failure.DNS_FAILURE:
            return f"{name} cannot be looked up."
        case _:
            return f"{name} refuses with {step.failure.code}."


def _heard(reach: Reachability) -> Iterator[Moment]:
    """What people hear, each time it becomes something else for longer than a moment."""
    before, moments = "", reach.moments()
    for at, following in zip(moments, [*moments[1:], math.inf], strict=True):
        text = f"{_dialling(reach.dialled(at))} {'Callers get through.' if reach.gets_in(at) else _CALLERS}"
        if text != before and following - at >= 1.0:
            yield Moment(at, MomentKind.HEARD, text)
            before = text


_CALLERS = "Callers do not get through: voicemail, or nobody answers."


def _dialling(call: Dialled) -> str:
    silence = f"silence for {shown_seconds(call.silence_s)}, then " if call.silence_s >= 1.0 else ""
    match call.sound:
        case Sound.RINGING:
            return f"Who dials hears {silence}ringing."
        case Sound.FAST_BUSY:
            return f"Who dials hears {silence}fast busy{'' if silence else ' at once'}."
        case Sound.UNKNOWN:
            return f"Who dials hears {silence}nobody knows what."
        case _:
            assert_never(call.sound)


def lanes_of(steps: Sequence[Step], reach: Reachability, reactions: Reactions) -> Lanes:
    """What can be drawn of the first five minutes."""
    moments = [at for at in reach.moments() if at < WINDOW_S]
    unclear = min((step.at for step in steps if step.what is What.UNCLEAR), default=math.inf)

    def registration(at: float) -> State:
        if reach.gets_in(at):
            return State.WORKS
        last = next((step for step in reversed(steps) if step.at <= at), None)
        return State.TRYING if last is not None and last.what is What.ASKED else State.FAILS

    def outgoing(at: float) -> State:
        call = reach.dialled(at)
        if call.sound is Sound.RINGING:
            return State.WORKS if call.silence_s < 1.0 else State.SLOW
        return State.UNKNOWN if call.sound is Sound.UNKNOWN else State.FAILS

    def incoming(at: float) -> State:
        return State.WORKS if reach.gets_in(at) else State.FAILS

    def lane(state: Callable[[float], State]) -> tuple[Stretch, ...]:
        ends = [*moments[1:], WINDOW_S]
        known = [State.UNKNOWN if at >= unclear and state(at) is not State.WORKS else state(at) for at in moments]
        return _joined(Stretch(*each) for each in zip(moments, ends, known, strict=True))

    return Lanes(lane(registration), lane(outgoing), lane(incoming))


def _joined(stretches: Iterator[Stretch]) -> tuple[Stretch, ...]:
    joined: list[Stretch] = []
    for each in stretches:
        if joined and joined[-1].state is each.state:
            joined[-1] = Stretch(joined[-1].begin_s, each.end_s, each.state)
        elif each.end_s > each.begin_s:
            joined.append(each)
    return tuple(joined)


def shown_seconds(seconds: float) -> str:
    """As a person says it: 7.5 s, 32 s, 9 min 40 s, 16.7 h."""
    if seconds < 10 and abs(seconds - round(seconds)) >= 0.05:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{seconds / 3600:.1f} h"
