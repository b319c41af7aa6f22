"""When the daemon examines where packets stop and how long they may be, and what it then says about it.

    IDLE --a path is down for a while, or one that is up was not measured today--> ASKED --EgressExamined--> IDLE

One examination at a time for the whole site. A path that is down is examined once, and again only when it is down for
another reason or anew, ten minutes later at the earliest: an incident is no time for a storm. One path for each WAN and
SBC is measured while it is up, a minute after it came and then once a day. Nothing is examined over a metered WAN, nor
over one without a carrier, which needs no witness. Each is charged to the storm guard before it begins, and leaves what
an alarm needs; what it sent beyond that is charged when it is over.

What was found of a path that was down is forgotten when it is up again. Only this module changes `EgressKnowledge`; it
settles because ASKED ends with an answer or after PATIENCE, and each path has one instant at which it is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.findings import egress_observations, egress_reports
from tonekeeper.core.egress.judgement import Judged, Surroundings, judge_egress
from tonekeeper.core.egress.knowledge import EgressKnowledge, KnownTrial, Tried
from tonekeeper.core.events import EgressExamined
from tonekeeper.core.findings import Observation
from tonekeeper.core.instants import NEVER
from tonekeeper.core.metering import EXCHANGE
from tonekeeper.core.probe import PathProbe
from tonekeeper.core.probe_allowance import EXAMINATION, MEASUREMENT, Cost, alarm_reserve, weight_of
from tonekeeper.core.report import EgressReport, PathState
from tonekeeper.core.situation import Situation
from tonekeeper.core.turn import Turn

SETTLED = 5.0
"""Seconds that a path must have been down."""
QUIET = 60.0
"""Seconds that a path must have been up before it is measured."""
SPACING = 20.0
"""Seconds from one examination to the next."""
AGAIN = 600.0
"""Seconds until a path that is down may be examined once more."""
DAILY = 86400.0
"""Seconds until the length of packets is measured once more."""
PATIENCE = 120.0
"""Seconds after which an answer is not waited for any longer."""


def plan(turn: Turn) -> None:
    """Something changed: what is known of a path in another state is forgotten, and the next one is due then."""
    known = turn.situation.egress
    probes = turn.situation.probes
    known.trials = [one for one in known.trials if _still_holds(one, probes.get(one.trial.path))]
    known.tries = [one for one in known.tries if one.path in probes]
    if known.asked is not None:
        known.look_at = known.asked_at + PATIENCE
        return
    due = min((_due(turn, probe) for probe in _candidates(turn.situation)), default=NEVER)
    known.look_at = max(due, known.free_at) if due < NEVER else NEVER


def begin_anew(turn: Turn) -> None:
    """The operator read the configuration again: somebody may have mended what was found."""
    turn.situation.egress = EgressKnowledge(free_at=turn.now + QUIET)


def look(turn: Turn) -> None:
    """Examine the path that is due, if the storm guard lets it."""
    situation, known = turn.situation, turn.situation.egress
    known.asked = None
    probe = min(_candidates(situation), key=lambda probe: _due(turn, probe), default=None)
    if probe is not None and _due(turn, probe) <= turn.now:
        known.free_at = _ready_at(turn)
        if known.free_at <= turn.now:
            _examine(turn, probe)
    plan(turn)


def _ready_at(turn: Turn) -> float:
    """When the storm guard has enough for the costliest one, and for an alarm beside it."""
    allowance, reserve = turn.situation.allowance, alarm_reserve(weight_of(turn.situation.probes))
    return allowance.next_at(EXAMINATION.bytes, turn.now, packets=EXAMINATION.packets, leaving=reserve)


def _examine(turn: Turn, probe: PathProbe) -> None:
    situation, known, path = turn.situation, turn.situation.egress, probe.path
    wan, sbc = situation.wan_of(path.wan), situation.sbc_of(path.sbc)
    known.asked, known.asked_at = path, turn.now
    known.charged = _charged(probe).packets
    situation.allowance.charge(_charged(probe).bytes, turn.now, packets=known.charged)
    _note_try(turn, probe)
    command = ExamineEgress(
        path,
        wan.interface,
        wan.source,
        sbc.host,
        measures=probe.state is not PathState.DOWN,
        server_name=sbc.host,
        tls=sbc.tls,
        user_agent=situation.site.probe.user_agent,
    )
    turn.commands.append(command)


def _charged(probe: PathProbe) -> Cost:
    """Before it begins."""
    return EXAMINATION if probe.state is PathState.DOWN else MEASUREMENT


def _note_try(turn: Turn, probe: PathProbe) -> None:
    known, is_down = turn.situation.egress, probe.state is PathState.DOWN
    before = known.tried(probe.path, was_down=is_down)
    fresh = Tried(probe.path, turn.now, probe.reason if is_down else "")
    known.tries = [*(one for one in known.tries if one != before), fresh]


def examined(turn: Turn, event: EgressExamined) -> None:
    """Whoever asked: a diagnosis examines every path, and what it finds is known as well."""
    situation, known, trial = turn.situation, turn.situation.egress, event.trial
    is_awaited = trial.path == known.asked
    uncharged = max(0, trial.packets - (known.charged if is_awaited else 0))
    situation.allowance.charge(uncharged * EXCHANGE, turn.now, packets=uncharged)
    probe = situation.probes.get(trial.path)
    if is_awaited:
        known.asked = None
        known.free_at = turn.now + SPACING
    elif probe is not None:
        _note_try(turn, probe)
    if probe is not None:
        others = [one for one in known.trials if one.trial.path != trial.path]
        known.trials = [*others, KnownTrial(trial, turn.now)]
    turn.stale = True


# --- whose turn it is


def _candidates(situation: Situation) -> Iterator[PathProbe]:
    """Those that are down, and of those that are up the first of each WAN and SBC."""
    seen: set[tuple[str, str]] = set()
    for path, probe in situation.probes.items():
        wan = situation.wan_of(path.wan)
        if probe.candidate or wan.metered or situation.dead(wan):
            continue
        if probe.state is PathState.DOWN:
            yield probe
        elif probe.state is PathState.UP and (path.wan, path.sbc) not in seen:
            seen.add((path.wan, path.sbc))
            yield probe


def _due(turn: Turn, probe: PathProbe) -> float:
    """NEVER for what needs no examination as things are."""
    known, is_down = turn.situation.egress, probe.state is PathState.DOWN
    tried = known.tried(probe.path, was_down=is_down)
    if is_down:
        if tried is None:
            return probe.since + SETTLED
        is_the_same = tried.at >= probe.since and tried.reason == probe.reason
        return NEVER if is_the_same else max(probe.since + SETTLED, tried.at + AGAIN)
    measured = known.trial_of(probe.path)
    due = measured.at + DAILY if measured is not None else probe.up_since + QUIET
    return due if tried is None else max(due, tried.at + AGAIN)


def _still_holds(one: KnownTrial, probe: PathProbe | None) -> bool:
    """How long packets may be holds until it is measured again; where they stopped, as long as they do."""
    return probe is not None and (one.trial.is_answered or probe.state is PathState.DOWN)


# --- what is said about it


def observe(situation: Situation) -> Iterator[Observation]:
    """What the agent cannot send is told as `probe-refused`, and what stops it as the firewall's."""
    for one in egress_observations(_judged(situation)):
        if one.code != "firewall-blocks-sip":
            yield one


def reports(situation: Situation) -> tuple[EgressReport, ...]:
    return egress_reports(_judged(situation))


def _judged(situation: Situation) -> tuple[Judged, ...]:
    """An answer from before is no witness against an SBC that is silent by now."""
    trials = [one.trial for one in situation.egress.trials if not _is_past(one, situation.probes.get(one.trial.path))]
    if not trials:
        return ()
    results = {wan: nat.result for wan, nat in situation.nats.items()}
    surroundings = Surroundings(
        firewall=situation.firewall.flows if situation.firewall is not None else (),
        sip_alg={wan: str(result.sip_alg) for wan, result in results.items() if result is not None},
        answering=[path for path, probe in situation.probes.items() if probe.state is PathState.UP],
    )
    return judge_egress(trials, surroundings)


def _is_past(one: KnownTrial, probe: PathProbe | None) -> bool:
    return one.trial.is_answered and probe is not None and probe.state is PathState.DOWN
