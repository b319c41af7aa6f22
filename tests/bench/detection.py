"""How long until a dead SBC is called dead, and the site moved: beside Kamailio's dispatcher module in one run.

Which SBC dies alternates, so that the site need not come back between two trials. When it dies is random: each trial
takes another share of the cadence, in random order, and a random instant in it, counted from a probe on the wire. The
phase is that of the agent with one WAN; one with two has two paths to the dying SBC, and the doubt of the first makes
it ask over the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.bench.dispatcher import Dispatcher
from tests.bench.results import Row, Table, median_and_worst
from tests.bench.watched import CADENCE, Done, Watched
from tests.lab.namespace import LabError, until
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab
from tests.lab.wiretap import Datagram, Wiretap

BETWEEN_PROBES = CADENCE * 0.95
"""Seconds, on average: the jitter takes 0-10 % off."""
TRIALS = 10
LIMITS = (3.2, 6.0)
"""Seconds: median and most, from a silent death to the verdict and to the decision."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """Seconds after the fault."""

    verdict: float
    decision: float


@dataclass(frozen=True, slots=True)
class Death:
    """A silent death of the active SBC, as its three watchers saw it."""

    two_wans: Reaction
    one_wan: Reaction
    dispatcher: float
    """Seconds after the fault."""


@dataclass(frozen=True, slots=True)
class _Fault:
    sbc: str
    at: float
    dispatcher: float


def bench(seed: int) -> Iterator[Table]:
    random = Random(seed)
    with Lab() as lab:
        yield tabulate(measure_deaths(lab, random))


def phases(random: Random, count: int) -> list[float]:
    """Seconds after a probe: one random instant of each share of the time between two, in random order."""
    drawn = [(share + random.random()) / count * BETWEEN_PROBES for share in range(count)]
    random.shuffle(drawn)
    return drawn


# --- silent deaths


def measure_deaths(lab: Lab, random: Random) -> tuple[Death, ...]:
    one = Watched(lab, "one-wan", lab.providers[:1], 8643)
    both = Watched(lab, "two-wans", lab.providers, 8642)
    faults = []
    with Dispatcher(lab) as dispatcher, Wiretap(lab.cpe.namespace, "eth0") as tap, one:
        for sbc in lab.sbcs:
            tap.next(probes_of(sbc), within=2 * CADENCE)
        with both:
            for number, phase in enumerate(phases(random, TRIALS)):
                victim, refuge = lab.sbcs[number % 2], lab.sbcs[1 - number % 2]
                _await_all(lab, (one, both), active=victim)
                wait_for_phase(lab, probes_of(victim, one), phase)
                faults.append(_kill_silently(lab, (one, both), dispatcher, victim, refuge))
                print(f"  silent death {number + 1} of {TRIALS}: dispatcher {faults[-1].dispatcher:.1f} s", flush=True)
    reactions = zip(_reactions(both, faults), _reactions(one, faults), faults, strict=True)
    return tuple(Death(two_wans, one_wan, fault.dispatcher) for two_wans, one_wan, fault in reactions)


def _kill_silently(lab: Lab, agents: Sequence[Watched], dispatcher: Dispatcher, victim: Sbc, refuge: Sbc) -> _Fault:
    at, wall = time.monotonic(), time.time()
    with lab.silence(victim):
        told = until(lambda: dispatcher.verdict("down", victim, wall), within=30.0, what="no verdict of the dispatcher")
        for agent in agents:
            agent.wait_for_move(refuge)
    healed = time.time()
    until(lambda: dispatcher.verdict("up", victim, healed), within=30.0, what="the dispatcher does not come back")
    return _Fault(victim.name, at, told.at - wall)


def _await_all(lab: Lab, agents: Sequence[Watched], active: Sbc) -> None:
    for agent in agents:
        agent.wait_for_move(active)
        for sbc in lab.sbcs:
            agent.wait_for(sbc, "up")


def _reactions(agent: Watched, faults: Sequence[_Fault]) -> Iterator[Reaction]:
    """The active place is always over the first WAN."""
    done = agent.commands()
    for fault in faults:
        verdict = first(done, fault.at, f"path {agent.wans[0].name}/{fault.sbc}/", "down")
        decision = first(done, fault.at, "active")
        yield Reaction(verdict - fault.at, decision - fault.at)


# --- instants


def first(done: list[Done], since: float, subject: str, after: str = "") -> float:
    """When a subject that begins like this changed for the first time after `since`, to this state (or any)."""
    return next(one.at for one in done if one.at > since and one.tells(subject, after))


def probes_of(sbc: Sbc, agent: Watched | None = None) -> Callable[[Datagram], bool]:
    """An agent's probes on the line, not the dispatcher's; of this agent, or of any."""

    def wanted(seen: Datagram) -> bool:
        ours = seen.destination == sbc.endpoint and b"\r\nUser-Agent: tonekeeper" in seen.payload
        return ours and (agent is None or seen.source[1] in agent.local_ports())

    return wanted


def wait_for_phase(lab: Lab, probe: Callable[[Datagram], bool], phase: float) -> None:
    """Until this many seconds after a probe; should the next one leave before that, it is counted from that one."""
    with Wiretap(lab.cpe.namespace, "eth0") as tap:
        tap.next(probe, within=2 * CADENCE)
        with suppress(LabError):
            while True:
                tap.next(probe, within=phase)


# --- tables


def tabulate(deaths: tuple[Death, ...]) -> Table:
    return Table(
        "Silent death of the active SBC",
        f"{len(deaths)} deaths on lines that lose nothing: both providers drop what goes to the active of two SBCs and "
        "what comes from it. All watchers run on the same CPE at the same time, Tonekeeper once with two WANs and once "
        "with one. Each death comes at a random instant of another share of the latter's cadence "
        f"({CADENCE:g} s); where it falls in the others' is left to chance. The verdict is the path called down, the "
        "decision is the site's active place changed, both from the agents' journals. Kamailio's dispatcher pings "
        "every 5 s, takes three pings unanswered for 2 s, and says so by its event route.",
        ("median", "most"),
        (
            *_rows("Tonekeeper, 2 WANs", [death.two_wans for death in deaths]),
            *_rows("Tonekeeper, 1 WAN", [death.one_wan for death in deaths]),
            Row("Kamailio dispatcher, verdict", median_and_worst([death.dispatcher for death in deaths], "s")),
        ),
    )


def _rows(watcher: str, reactions: list[Reaction]) -> Iterator[Row]:
    yield Row(f"{watcher}, verdict", median_and_worst([one.verdict for one in reactions], "s", LIMITS))
    yield Row(f"{watcher}, decision", median_and_worst([one.decision for one in reactions], "s", LIMITS))
