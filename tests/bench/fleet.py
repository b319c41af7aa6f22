"""How long it takes to poll a fleet: simulated agents on loopback that answer after 50 ms."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.results import Figure, Row, Table
from tests.lab.namespace import Process, until

TONEKEEPER = (sys.executable, "-m", "tonekeeper")
DELAY = 0.05
SIZES = {2_000: 8.0, 10_000: None}
"""Agents, and the most seconds it may take."""
FIRST_PORT = 20000


def bench(seed: int) -> Iterator[Table]:
    rows = []
    for agents, limit in SIZES.items():
        seconds, processor = _poll(agents)
        figures = (Figure(seconds, "s", limit), Figure(seconds / agents * 1000, "ms"), Figure(processor, "s"))
        rows.append(Row(f"{agents:,} agents", figures))
    yield Table(
        "Polling a fleet",
        "`tonekeeper fleet poll` as it is (50 at once) against `tonekeeper fleet simulate` on the same machine, "
        f"each agent answering after {DELAY * 1000:.0f} ms. From exec to the end of the process.",
        ("wall clock", "per agent", "CPU of the poller"),
        tuple(rows),
    )


def _poll(agents: int) -> tuple[float, float]:
    """Seconds, and of the processor."""
    with tempfile.TemporaryDirectory(prefix="tonekeeper-bench-") as directory:
        inventory = Path(directory) / "sites.csv"
        command = ("fleet", "simulate", str(agents), "--delay", str(DELAY), "--inventory", str(inventory))
        fleet = Process((*TONEKEEPER, *command), output=Path(directory) / "fleet.log")
        try:
            until(lambda: "Ctrl-C" in fleet.output, within=120.0, what=f"the fleet does not start\n{fleet.output}")
            began, before = time.monotonic(), _children()
            done = subprocess.run(
                (*TONEKEEPER, "fleet", "poll", str(inventory), "--json"), stdout=subprocess.DEVNULL, check=False
            )
            seconds, processor = time.monotonic() - began, _children() - before
        finally:
            fleet.kill()
    if done.returncode != 1:
        raise RuntimeError(f"the poll ended with {done.returncode}")
    return seconds, processor


def _children() -> float:
    """Seconds of the processor that ended children took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
