"""How long until a stopped process is called down: its host lives on, and says so.

Over UDP that takes a probe, which is answered with ICMP port unreachable. Over TCP it takes none: the kernel ends the
connections of a process that dies, and refuses the one that is tried instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

from tests.bench.detection import first, phases, probes_of, wait_for_phase
from tests.bench.results import Row, Table, median_and_worst
from tests.bench.watched import CADENCE, Done, Watched
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

CRASHES = 5
LIMIT_MS = 200.0
LIVED = 6.0
"""Seconds: connections that end earlier are tried again later, as those of a server that throws everybody out."""


def bench(seed: int) -> Iterator[Table]:
    random = Random(seed)
    with Lab() as lab:
        yield tabulate(measure_over_udp(lab, random), measure_over_tcp(lab, random))


def measure_over_udp(lab: Lab, random: Random) -> tuple[float, ...]:
    """Seconds from a path's next probe to the verdict on this path, for each crash on each WAN."""
    victim = lab.sbc("primary")
    crashed = []
    with Watched(lab, "crashes", lab.providers, 8642) as agent:
        for phase in phases(random, CRASHES):
            agent.wait_for(victim, "up")
            wait_for_phase(lab, probes_of(victim), phase)
            crashed.append(_crash(victim, agent))
    done = agent.commands()
    return tuple(_from_probe_to_verdict(done, at, wan.name, victim) for at in crashed for wan in lab.providers)


def measure_over_tcp(lab: Lab, random: Random) -> tuple[float, ...]:
    """Seconds from the crash to the verdict on each path."""
    victim = lab.sbc("primary")
    crashed = []
    with Watched(lab, "tcp-crashes", lab.providers, 8642, transport="tcp") as agent:
        for phase in phases(random, CRASHES):
            agent.wait_for(victim, "up")
            time.sleep(LIVED + phase)
            crashed.append(_crash(victim, agent))
    done = agent.commands()
    return tuple(
        first(done, at, f"path {wan.name}/{victim.name}/", "down") - at for at in crashed for wan in lab.providers
    )


def _crash(victim: Sbc, agent: Watched) -> float:
    """When it was killed; it is back when this returns."""
    at = time.monotonic()
    victim.stop()
    agent.wait_for(victim, "down")
    victim.start()
    return at


def _from_probe_to_verdict(done: list[Done], since: float, wan: str, sbc: Sbc) -> float:
    probes = (one.at for one in done if one.command == "SendOptions" and one.path == (wan, sbc.name))
    return first(done, since, f"path {wan}/{sbc.name}/", "down") - next(at for at in probes if at > since)


def tabulate(over_udp: tuple[float, ...], over_tcp: tuple[float, ...]) -> Table:
    return Table(
        "SBC process stopped",
        f"The process is killed {CRASHES} times over each transport, at random phases of a {CADENCE:g} s cadence; the "
        "verdict on both of two WANs, from the agent's journal. UDP: its port answers with ICMP port unreachable, "
        "counted from the next probe of the path. TCP: the connection ends and the next one is refused (RST), counted "
        "from the kill; no probe is needed.",
        ("median", "most"),
        (_row("UDP, from the next probe", over_udp), _row("TCP, from the kill", over_tcp)),
    )


def _row(subject: str, seconds: tuple[float, ...]) -> Row:
    return Row(subject, median_and_worst([one * 1000 for one in seconds], "ms", (None, LIMIT_MS)))
