"""How long until a dead SBC is called dead, and the site moved: beside Kamailio's dispatcher module in one run.

Which SBC dies alternates, so that the site need not come back between two trials. When it dies is random: each trial
takes another tenth of the cadence, in random order, and a random instant in it, counted from a probe on the wire.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.bench.dispatcher import Dispatcher
from tests.bench.journal import Done, commands_of
from tests.bench.results import Row, Table, median_and_worst
from tests.lab.agent import Agent, Status
from tests.lab.namespace import until
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab
from tests.lab.wiretap import Datagram, Wiretap

CADENCE = 5.0
TRIALS = 10
CRASHES = 5
LIMITS = (3.2, 6.0)
"""Seconds: median and most, from a silent death to the verdict and to the decision."""
CRASH_LIMIT_MS = 200.0

SETTINGS: dict[str, Any] = {
    "probe": {"interval": f"{CADENCE:g}s"},
    "failover": {"failback_after": "1d", "switches": 100},
}


@dataclass(frozen=True, slots=True)
class Death:
    """A silent death of the active SBC, in seconds after it."""

    verdict: float
    decision: float
    dispatcher: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The SBC's process was killed: seconds from a path's next probe to the verdict on this path."""

    verdict: float


@dataclass(frozen=True, slots=True)
class _Fault:
    """What was done to the world, and when; what the agent made of it is in its journal."""

    wan: str
    sbc: str
    at: float
    dispatcher: float = 0.0


def bench(seed: int) -> Iterator[Table]:
    random = Random(seed)
    with Lab() as lab:
        yield tabulate_deaths(measure_deaths(lab, random))
        yield tabulate_crashes(measure_crashes(lab, random))


def measure_deaths(lab: Lab, random: Random) -> tuple[Death, ...]:
    faults = []
    with Dispatcher(lab) as dispatcher, _Running(Agent(lab, name="deaths", **SETTINGS)) as agent:
        for phase in phases(random, TRIALS):
            faults.append(_kill_silently(lab, agent, dispatcher, phase))
            print(f"  silent death {len(faults)} of {TRIALS}: dispatcher {faults[-1].dispatcher:.1f} s", flush=True)
    done = commands_of(agent)
    return tuple(
        Death(
            verdict=_first(done, fault.at, f"path {fault.wan}/{fault.sbc}/", "down") - fault.at,
            decision=_first(done, fault.at, "active") - fault.at,
            dispatcher=fault.dispatcher,
        )
        for fault in faults
    )


def measure_crashes(lab: Lab, random: Random) -> tuple[Crash, ...]:
    faults = []
    with _Running(Agent(lab, name="crashes", **SETTINGS)) as agent:
        for phase in phases(random, CRASHES):
            faults += _crash(lab, agent, phase)
    done = commands_of(agent)
    return tuple(Crash(_from_probe_to_verdict(done, fault)) for fault in faults)


def phases(random: Random, count: int) -> list[float]:
    """Seconds into the cadence: one random instant of each share of it, in random order."""
    drawn = [(share + random.random()) / count * CADENCE for share in range(count)]
    random.shuffle(drawn)
    return drawn


class _Running:
    """An agent that has proven every path, and is stopped at the end, which completes its journal."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def __enter__(self) -> Agent:
        self._agent.start()
        self._agent.wait_for(_all_up, within=3 * CADENCE)
        return self._agent

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._agent.stop()
        else:
            self._agent.kill()


def _kill_silently(lab: Lab, agent: Agent, dispatcher: Dispatcher, phase: float) -> _Fault:
    wan, name = agent.status().active
    victim = lab.sbc(name)
    _wait_for_phase(lab, victim, phase)
    moves = agent.output.count("subject=active ")
    at, wall = time.monotonic(), time.time()
    with lab.silence(victim):
        told = until(lambda: dispatcher.verdict("down", victim, wall), within=30.0, what="no verdict of the dispatcher")
        until(lambda: agent.output.count("subject=active ") > moves, within=30.0, what="the agent does not decide")
    healed = time.time()
    until(lambda: dispatcher.verdict("up", victim, healed), within=30.0, what="the dispatcher does not come back")
    agent.wait_for(_all_up, within=30.0, every=0.5)
    return _Fault(wan, name, at, told.at - wall)


def _crash(lab: Lab, agent: Agent, phase: float) -> list[_Fault]:
    """One crash, which is seen on every WAN by itself."""
    victim = lab.sbc("primary")
    _wait_for_phase(lab, victim, phase)
    at = time.monotonic()
    victim.stop()
    agent.wait_for(_all_down(victim), within=3 * CADENCE, every=0.2)
    victim.start()
    agent.wait_for(_all_up, within=30.0, every=0.5)
    return [_Fault(provider.name, victim.name, at) for provider in lab.providers]


def _wait_for_phase(lab: Lab, sbc: Sbc, phase: float) -> None:
    def ours(seen: Datagram) -> bool:
        return seen.destination == sbc.endpoint and b"\r\nUser-Agent: tonekeeper" in seen.payload

    with Wiretap(lab.cpe.namespace, "eth0") as tap:
        tap.next(ours, within=2 * CADENCE)
    time.sleep(phase)


def _all_up(status: Status) -> bool:
    return all(path["state"] == "up" for path in status.paths)


def _all_down(sbc: Sbc) -> Callable[[Status], bool]:
    return lambda status: all(path["state"] == "down" for path in status.sbc(sbc.name)["paths"])


def _first(done: list[Done], since: float, subject: str, after: str = "") -> float:
    return next(one.at for one in done if one.at > since and one.tells(subject, after))


def _from_probe_to_verdict(done: list[Done], fault: _Fault) -> float:
    probe = next(
        one.at
        for one in done
        if one.at > fault.at and one.command == "SendOptions" and one.path == (fault.wan, fault.sbc)
    )
    return _first(done, fault.at, f"path {fault.wan}/{fault.sbc}/", "down") - probe


def tabulate_deaths(deaths: tuple[Death, ...]) -> Table:
    return Table(
        "Silent death of the active SBC",
        f"{len(deaths)} deaths, 2 WANs x 2 SBCs on lines that lose nothing: both providers drop what goes to the active "
        "SBC and what comes from it, and both watchers run on the same CPE at the same time. Each death comes at a "
        f"random instant of another share of Tonekeeper's {CADENCE:g} s cadence; where in the dispatcher's it falls is "
        "left to chance. The verdict is the path called down, the decision is the site's active place changed, both "
        "from the agent's journal. Kamailio's dispatcher pings every 5 s, takes three pings unanswered for 2 s, and "
        "says so by its event route.",
        ("median", "most"),
        (
            Row("Tonekeeper, verdict", median_and_worst([death.verdict for death in deaths], "s", LIMITS)),
            Row("Tonekeeper, decision", median_and_worst([death.decision for death in deaths], "s", LIMITS)),
            Row("Kamailio dispatcher, verdict", median_and_worst([death.dispatcher for death in deaths], "s")),
        ),
    )


def tabulate_crashes(crashes: tuple[Crash, ...]) -> Table:
    verdicts = [crash.verdict * 1000 for crash in crashes]
    return Table(
        "SBC process stopped",
        f"The process is killed {CRASHES} times at random phases of a {CADENCE:g} s cadence, and its port answers with "
        "ICMP port unreachable: from the next probe of a path to the verdict on it, both from the agent's journal, on "
        "both WANs.",
        ("median", "most"),
        (Row("Tonekeeper, verdict", median_and_worst(verdicts, "ms", (None, CRASH_LIMIT_MS))),),
    )
