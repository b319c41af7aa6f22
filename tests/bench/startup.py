"""How long until the daemon does its job, and until the command line answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.results import Row, Table, median_and_worst
from tests.lab.agent import Agent
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap

RUNS = 10
TONEKEEPER = (sys.executable, "-m", "tonekeeper")


@dataclass(frozen=True, slots=True)
class Startup:
    """Seconds, one for each run."""

    interpreter: tuple[float, ...]
    version: tuple[float, ...]
    status: tuple[float, ...]
    first_probe: tuple[float, ...]
    ready: tuple[float, ...]


def bench(seed: int) -> Iterator[Table]:
    with Lab() as lab:
        yield tabulate(measure(lab))


def measure(lab: Lab) -> Startup:
    time_start(lab, "warming")
    starts = [time_start(lab, f"startup-{run}") for run in range(RUNS)]
    agent = Agent(lab, name="answering")
    agent.start()
    try:
        status = time_command(lab, *TONEKEEPER, "status")
    finally:
        agent.kill()
    return Startup(
        interpreter=time_command(lab, sys.executable, "-c", "pass"),
        version=time_command(lab, *TONEKEEPER, "--version"),
        status=status,
        first_probe=tuple(first_probe for first_probe, _ in starts),
        ready=tuple(ready for _, ready in starts),
    )


def time_start(lab: Lab, name: str) -> tuple[float, float]:
    """From exec to the first probe on the line, and to the first 200 of /readyz, which is asked for every 20 ms."""
    agent = Agent(lab, name=name)
    with Wiretap(lab.cpe.namespace, "eth0") as tap:
        began = time.monotonic()
        agent.launch()
        try:
            tap.next(lambda seen: seen.payload.startswith(b"OPTIONS "), within=10.0)
            first_probe = time.monotonic() - began
            agent.wait_ready()
            return first_probe, time.monotonic() - began
        finally:
            agent.kill()


def time_command(lab: Lab, *line: str) -> tuple[float, ...]:
    """Seconds that it takes in the CPE's namespace, of several runs."""
    lab.cpe.namespace.run(*line)
    return tuple(_time(lab, *line) for _ in range(RUNS))


def _time(lab: Lab, *line: str) -> float:
    began = time.monotonic()
    lab.cpe.namespace.run(*line)
    return time.monotonic() - began


def tabulate(startup: Startup) -> Table:
    rows = {
        "an empty Python program": startup.interpreter,
        "`tonekeeper --version`": startup.version,
        "`tonekeeper status`": startup.status,
        "`tonekeeper run`, first probe on the line": startup.first_probe,
        "`tonekeeper run`, /readyz says 200": startup.ready,
    }
    return Table(
        "Start",
        f"{RUNS} runs each, after one that warms the page cache; 2 WANs x 2 SBCs. The time begins before the process "
        "is made and entered into the CPE's namespace. The first probe is seen by a packet socket on the WAN.",
        ("median", "most"),
        tuple(Row(what, median_and_worst([one * 1000 for one in seconds], "ms")) for what, seconds in rows.items()),
    )
