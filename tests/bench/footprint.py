"""Memory and processor time of the daemon beside programs that do a part of its job, all in the same minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.consumption import Memory, children_of, cpu_seconds_of, memory_of
from tests.bench.neighbours import Blackbox, start_keepalived
from tests.bench.results import Figure, Row, Table
from tests.lab.agent import Agent
from tests.lab.topology import Lab

CADENCE = 5.0
ROUNDS = 12
PROBES_A_ROUND = 4
"""2 WANs x 2 SBCs"""
LIMIT_MIB = 40.0
SETTLING = 5.0
"""Seconds between the last start and the measurement."""


@dataclass(frozen=True, slots=True)
class Consumption:
    """Of one process: memory at the end, processor seconds in `seconds` of the clock."""

    name: str
    memory: Memory
    cpu: float
    seconds: float


def bench(seed: int) -> Iterator[Table]:
    with Lab() as lab:
        yield tabulate(measure(lab))


def measure(lab: Lab) -> tuple[Consumption, ...]:
    with ExitStack() as stack:
        agent = Agent(lab, name="footprint", probe={"interval": f"{CADENCE:g}s"})
        stack.callback(agent.kill)
        agent.start()
        keepalived = start_keepalived(lab)
        stack.callback(keepalived.kill)
        idle, probed = Blackbox(lab, 9115), Blackbox(lab, 9116)
        stack.callback(idle.process.kill)
        stack.callback(probed.process.kill)
        (vrrp,) = children_of(keepalived.pid)
        watched = {
            "Tonekeeper": agent.process.pid,
            "keepalived, parent": keepalived.pid,
            "keepalived, VRRP": vrrp,
            "blackbox_exporter, idle": idle.process.pid,
            "blackbox_exporter, probing": probed.process.pid,
        }
        return _watch(lab, watched, probed)


def _watch(lab: Lab, watched: dict[str, int], probed: Blackbox) -> tuple[Consumption, ...]:
    _probe(lab, probed)
    time.sleep(SETTLING)
    began = time.monotonic()
    before = {name: cpu_seconds_of(pid) for name, pid in watched.items()}
    for done in range(ROUNDS):
        _probe(lab, probed)
        time.sleep(max(0.0, began + (done + 1) * CADENCE - time.monotonic()))
    used = {name: cpu_seconds_of(pid) - before[name] for name, pid in watched.items()}
    seconds = time.monotonic() - began
    return tuple(Consumption(name, memory_of(pid), used[name], seconds) for name, pid in watched.items())


def _probe(lab: Lab, probed: Blackbox) -> None:
    for _ in range(PROBES_A_ROUND // len(lab.sbcs)):
        for sbc in lab.sbcs:
            assert probed.probe(sbc), f"blackbox_exporter gets no answer of {sbc.name}"


def tabulate(measured: tuple[Consumption, ...]) -> Table:
    return Table(
        "Footprint",
        f"{measured[0].seconds:.0f} seconds on one CPE at the same time. Tonekeeper: 2 WANs x 2 SBCs at a "
        f"{CADENCE:g} s cadence, HTTP on, journal written. keepalived: one VRRP instance that tracks both WAN "
        "interfaces and probes nothing (its health checkers need IPVS, so they are left out). blackbox_exporter: once "
        "idle, once asked for as many SIP OPTIONS as Tonekeeper sends, over TCP, as it has none over UDP. RSS counts "
        "shared pages in full, PSS divides them among the processes that share them. CPU is user and system time.",
        ("RSS", "PSS", "CPU per minute"),
        tuple(
            Row(
                one.name,
                (
                    Figure(one.memory.resident, "MiB", LIMIT_MIB if one.name == "Tonekeeper" else None),
                    Figure(one.memory.proportional, "MiB"),
                    Figure(one.cpu / one.seconds * 60 * 1000, "ms"),
                ),
            )
            for one in measured
        ),
    )
