"""How fast SIP leaves a WAN that died, and how little a WAN that flaps, a storm of events or a SIGKILL can do.

The instant of a move is the kernel's: `ip monitor` stamps the host routes as they come. Each trial kills the WAN that
is active, so that the site need not come back between two; damping is set aside where it would keep it from going on.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from tests.bench.consumption import cpu_seconds_of
from tests.bench.detection import phases
from tests.bench.results import Figure, Row, Table, median_and_worst
from tests.bench.watched import CADENCE
from tests.lab.agent import Agent, Status
from tests.lab.faults import Fault, Provider
from tests.lab.kernel_state import host_routes
from tests.lab.killing import SETTINGS, Killing, Round
from tests.lab.namespace import MOUNTS, Namespace, until
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap

TRIALS = 10
CARRIER_LIMIT_MS = 150.0
SILENCE_LIMIT = 4.0
EVENTS = 10_000
STORM = 10.0
CPU_LIMIT = 2.0
FLAPPING = 60.0
FLAP = 3.0
HOLD_DOWN = 20.0
MOST_SWITCHES = 2
MOMENTS = 200

STORMS = {
    "addresses on lan0": "address {} 203.0.113.200/32 dev lan0",
    "addresses on wwan0": "address {} 203.0.113.200/32 dev wwan0",
    "host routes": "route {} 203.0.113.200 via 198.51.100.1",
    "policy rules": "rule {} from 203.0.113.200 lookup 100 priority 100",
    "policy rules with our mark": "rule {} from 203.0.113.200 lookup 7060 priority 7090 protocol 106",
}
"""What comes and goes: `add` and `del`."""

UNDAMPED: dict[str, Any] = {"suppress": 100000, "half_life": "30s"}
STAYING: dict[str, Any] = {"mode": "steer", "failback_after": "1d", "switches": 100, "min_dwell": "0s"}


def bench(seed: int) -> Iterator[Table]:
    random = Random(seed)
    with Lab() as lab:
        yield tabulate_moves(measure_losses(lab), measure_silences(lab, random))
        yield tabulate_storms([measure_storm(lab, name) for name in STORMS])
        yield tabulate_flapping(measure_flapping(lab))
        yield tabulate_kills(measure_kills(lab, random))


@contextmanager
def _running(lab: Lab, name: str, **sections: Any) -> Iterator[Agent]:
    agent = Agent(lab, name=name, **sections)
    try:
        agent.start()
        agent.wait_for(lambda now: _all_up(now) and now["steering"]["phase"] == "resting", within=30.0)
        yield agent
        agent.stop()
    finally:
        agent.kill()


def _all_up(status: Status) -> bool:
    return all(path["state"] == "up" for path in status.paths)


# --- moves


class _Stamped:
    """The CPE's routes as they come, with the wall clock's time."""

    def __init__(self, namespace: Namespace) -> None:
        self._process = namespace.popen("ip", "-tshort", "monitor", "route", log=f"stamped-{id(self):x}")

    def __enter__(self) -> _Stamped:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    def moved(self, lab: Lab, target: Provider, since: float) -> float:
        """Wait until all SBCs are routed to `target`; the seconds it took."""
        wanted = [f"{sbc.address} via {target.gateway} dev {target.wan_interface} table 7060" for sbc in lab.sbcs]

        def instants() -> list[float]:
            lines = [line for line in self._process.output.splitlines() if _at(line) > since]
            found = [next((_at(line) for line in lines if way in line), 0.0) for way in wanted]
            return found if all(found) else []

        return max(until(instants, within=30.0, what=f"no move to {target.name}\n{self._process.output}")) - since


def _at(line: str) -> float:
    """`[2026-01-31T23:59:59.123456] ROUTE`"""
    stamp = line[1:].partition("]")[0]
    return datetime.fromisoformat(stamp).timestamp() if line.startswith("[") else 0.0


def measure_losses(lab: Lab) -> list[float]:
    """Seconds from the cut to the routes, by carrier."""
    with _running(lab, "losses", failover=STAYING, damping=UNDAMPED) as agent, _Stamped(lab.cpe.namespace) as routes:
        return [_trial(lab, agent, routes, Provider.cut) for _ in range(TRIALS)]


def measure_silences(lab: Lab, random: Random) -> list[float]:
    """Seconds from the silence to the routes, at random phases of the cadence."""
    sections = {"failover": STAYING, "damping": UNDAMPED, "probe": {"interval": f"{CADENCE:g}s"}}
    with _running(lab, "silences", **sections) as agent, _Stamped(lab.cpe.namespace) as routes:
        return [_trial(lab, agent, routes, Provider.silence, phase) for phase in phases(random, TRIALS)]


def _trial(lab: Lab, agent: Agent, routes: _Stamped, fault: Any, phase: float = 0.0) -> float:
    status = agent.wait_for(lambda now: _all_up(now) and now["steering"]["phase"] == "resting", within=60.0)
    wan, sbc = status.active
    active = lab.provider(wan)
    (refuge,) = (provider for provider in lab.providers if provider is not active)
    if phase:
        with Wiretap(lab.cpe.namespace, active.wan_interface) as tap:
            tap.next_probe(lab.sbc(sbc).endpoint)
        time.sleep(phase)
    since = time.time()
    broken: Fault = fault(active)
    with broken:
        seconds = routes.moved(lab, refuge, since)
    print(f"  {broken.story}: moved after {seconds:.3f} s", flush=True)
    return seconds


def tabulate_moves(losses: list[float], silences: list[float]) -> Table:
    return Table(
        "From a dead WAN to the moved routes",
        f"{TRIALS} trials each, 2 WANs x 2 SBCs, real NAT on both: from just before the fault until `ip monitor` shows "
        "the host routes of all SBCs on the other WAN. Carrier: the provider's end of the line is set down. Silence: "
        f"the provider drops everything, at random phases of a {CADENCE:g} s cadence, counted from a probe to the "
        "active SBC.",
        ("median", "most"),
        (
            Row("carrier lost", median_and_worst([one * 1000 for one in losses], "ms", (CARRIER_LIMIT_MS, None))),
            Row("silently dead", median_and_worst(silences, "s", (SILENCE_LIMIT, None))),
        ),
    )


# --- events


@dataclass(frozen=True, slots=True)
class Storm:
    """`late`: seconds until the agent knew the end state; more than a second or two means that it was re-read."""

    name: str
    events: int
    seconds: float
    cpu: float
    late: float


def measure_storm(lab: Lab, name: str) -> Storm:
    """The last event of all takes the carrier from lte."""
    with _running(lab, f"storm-{name.replace(' ', '-')}", failover=STAYING, damping=UNDAMPED) as agent:
        before = cpu_seconds_of(agent.process.pid)
        began = time.monotonic()
        _storm(lab.cpe.namespace, STORMS[name])
        with lab.provider("lte").cut():
            last = time.monotonic()
            agent.wait_for(_knows(lab), within=30.0, every=0.02)
            late = time.monotonic() - last
        return Storm(name, EVENTS, last - began, cpu_seconds_of(agent.process.pid) - before, late)


def _storm(namespace: Namespace, what: str) -> None:
    parts = 100
    part = f"{what.format('add')}\n{what.format('del')}\n" * (EVENTS // parts // 2)
    command = ("nsenter", f"--net={MOUNTS / namespace.name}", "ip", "-force", "-batch", "-")
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as ip:
        assert ip.stdin is not None
        began = time.monotonic()
        for number in range(parts):
            time.sleep(max(0.0, began + number * STORM / parts - time.monotonic()))
            ip.stdin.write(part)
            ip.stdin.flush()
        ip.stdin.close()
        ip.wait()


def _knows(lab: Lab) -> Any:
    def knows(now: Status) -> bool:
        wan = now.wan("lte")
        return wan["carrier"] == "no" and wan["addresses"] == [lab.provider("lte").wan_address]

    return knows


def tabulate_storms(storms: list[Storm]) -> Table:
    return Table(
        "A storm of netlink events",
        f"{EVENTS:,} times something is added or removed in {STORM:g} s; then lte loses its carrier. Each address on "
        "a WAN is a change that the core judges and the journal keeps; routes and rules are told together, and those "
        "with our mark have the plan put again. CPU is the daemon's, over the storm and until its report has the end "
        "state.",
        ("took", "CPU", "end state known after"),
        tuple(
            Row(
                storm.name,
                (Figure(storm.seconds, "s"), Figure(storm.cpu, "s", CPU_LIMIT), Figure(storm.late, "s")),
            )
            for storm in storms
        ),
    )


# --- flapping


@dataclass(frozen=True, slots=True)
class Flapping:
    losses: int
    switches: int
    switches_after: int
    seconds_suppressed: float


def measure_flapping(lab: Lab) -> Flapping:
    fibre = lab.provider("fibre")
    policy = {"mode": "steer", "failback_after": "5s", "failback_spread": "0s"}
    with _running(lab, "flapping", failover=policy) as agent:
        began = time.monotonic()
        for number in range(round(FLAPPING / FLAP / 2)):
            with fibre.cut():
                time.sleep(max(0.0, began + (2 * number + 1) * FLAP - time.monotonic()))
            time.sleep(max(0.0, began + (2 * number + 2) * FLAP - time.monotonic()))
        during = agent.status()
        time.sleep(HOLD_DOWN)
        after = agent.status()
        assert set(host_routes(lab.cpe.namespace).values()) == {lab.provider("lte").gateway}
        switches = during["active"]["switches"]
        wan = after.wan("fibre")
        return Flapping(wan["losses_1h"], switches, after["active"]["switches"] - switches, wan["suppressed_s"] or 0.0)


def tabulate_flapping(flapping: Flapping) -> Table:
    return Table(
        "A WAN that goes down and up",
        f"The active WAN loses its carrier every {2 * FLAP:g} s for {FLAP:g} s, for {FLAPPING:g} s; then it stays up. "
        f"failback_after is 5 s, so that only damping keeps the site from going back in the {HOLD_DOWN:g} s after.",
        ("losses", "switches meanwhile", "switches after", "still suppressed for"),
        (
            Row(
                "fibre",
                (
                    Figure(flapping.losses, ""),
                    Figure(flapping.switches, "", MOST_SWITCHES),
                    Figure(flapping.switches_after, "", 0),
                    Figure(flapping.seconds_suppressed, "s"),
                ),
            ),
        ),
    )


# --- SIGKILL


def measure_kills(lab: Lab, random: Random) -> list[Round]:
    agent = Agent(lab, name="killed", failover={"mode": "steer", **SETTINGS})
    with Killing(lab, agent, random) as killing:
        return [killing.round() for _ in range(MOMENTS)]


def tabulate_kills(rounds: list[Round]) -> Table:
    stimuli = sorted(Counter(each.stimulus for each in rounds).items())
    return Table(
        "SIGKILL in the middle of switching",
        f"A switching daemon is killed at {len(rounds)} random moments, another one started and ended by SIGTERM, and "
        "the kernel compared with what it was before: rules and routes of both families, and the marks of tracked "
        "flows. Each moment follows the start, the loss of the active WAN's carrier, or its return. The daemons are "
        "forked from a process that has everything imported, which saves the interpreter's start.",
        ("moments", "states at the death", "with something left"),
        tuple(
            Row(
                f"after the {stimulus}",
                (
                    Figure(number, ""),
                    Figure(len({each.held for each in rounds if each.stimulus == stimulus}), ""),
                    Figure(sum(bool(each.differences) for each in rounds if each.stimulus == stimulus), "", 0),
                ),
            )
            for stimulus, number in stimuli
        ),
    )
