"""`python -m tests.bench.footprint_guard [--accept]`: exit code 1 when the daemon takes 10 % more than it did.

What it took is in footprint.json, which `--accept` writes anew: to be committed with what made the difference, which
the message then explains. Memory and sizes are the same on any machine of one kind. Times are not: they are compared
as multiples of the time that an empty Python program takes, then and now.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.bench.consumption import cpu_seconds_of, memory_of
from tests.bench.startup import time_command, time_start
from tests.lab.agent import Agent
from tests.lab.needs import missing
from tests.lab.topology import Lab
from tonekeeper import __file__ as package

BASELINE = Path(__file__).with_name("footprint.json")
WORSE = 1.10
CADENCE = 5.0
SETTLING, WATCHED = 10.0, 250.0
"""Seconds. The journal is written once a minute."""
STARTS = 7
YARDSTICK = "empty Python program, ms"
TIMES = ("CPU, ms a minute", "first probe, ms")


def measure() -> dict[str, float]:
    with Lab() as lab:
        return {**_watch(lab), **_start_often(lab), "installed tree, kB": _tree_size() / 1000}


def _watch(lab: Lab) -> dict[str, float]:
    agent = Agent(lab, name="guarded", probe={"interval": f"{CADENCE:g}s"})
    agent.start()
    try:
        return _take(agent)
    finally:
        agent.kill()


def _take(agent: Agent) -> dict[str, float]:
    time.sleep(SETTLING)
    pid, began = agent.process.pid, time.monotonic()
    cpu = cpu_seconds_of(pid)
    sizes: list[tuple[float, int]] = []
    while (seconds := time.monotonic() - began) < WATCHED:
        sizes.append((seconds, sum(file.stat().st_size for file in agent.state_dir.iterdir())))
        time.sleep(1.0)
    memory = memory_of(pid)
    return {
        "RSS, MiB": memory.resident,
        "PSS, MiB": memory.proportional,
        "CPU, ms a minute": (cpu_seconds_of(pid) - cpu) / seconds * 60 * 1000,
        "state directory, kB a day": growth(sizes) * 86_400 / 1000,
    }


def growth(sizes: Sequence[tuple[float, int]]) -> float:
    """Bytes a second of what grows in steps, from (seconds, bytes): counted from the first step seen to the last.

    That is what goes to flash: nothing is overwritten or dropped in so short a time.
    """
    steps = [after for before, after in pairwise(sizes) if after[1] != before[1]]
    if len(steps) < 2:
        return 0.0
    (began, first), (ended, last) = steps[0], steps[-1]
    return (last - first) / (ended - began)


def _start_often(lab: Lab) -> dict[str, float]:
    """The least of several: what else the machine does only adds to it."""
    empty = min(time_command(lab, sys.executable, "-c", "pass"))
    first_probe = min(time_start(lab, f"guarded-{run}")[0] for run in range(STARTS))
    return {"first probe, ms": first_probe * 1000, YARDSTICK: empty * 1000}


def _tree_size() -> int:
    """Bytes of the package as it is installed; what the interpreter compiles from it is left out."""
    return sum(file.stat().st_size for file in Path(package).parent.rglob("*") if _is_installed(file))


def _is_installed(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def worse(now: dict[str, float], then: dict[str, float]) -> list[str]:
    """A sentence for each figure that is worse than it may be. The yardstick is none of them."""
    slower = max(1.0, now[YARDSTICK] / then[YARDSTICK])
    found = []
    for name, before in then.items():
        allowed = before * WORSE * (slower if name in TIMES else 1.0)
        if name != YARDSTICK and now[name] > allowed:
            found.append(f"{name}: {now[name]:.1f}, and at most {allowed:.1f} is allowed (it was {before:.1f})")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.footprint_guard", description=__doc__)
    parser.add_argument("--accept", action="store_true", help=f"write {BASELINE.name} anew")
    told = parser.parse_args()
    if reason := missing():
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 4
    now = measure()
    for name, value in now.items():
        print(f"{name}: {value:.1f}")
    if told.accept:
        BASELINE.write_text(json.dumps({name: round(value, 2) for name, value in now.items()}, indent=2) + "\n")
        return 0
    found = worse(now, json.loads(BASELINE.read_text()))
    for sentence in found:
        print(f"worse: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
