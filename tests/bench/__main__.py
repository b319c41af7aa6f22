"""`python -m tests.bench [--seed N] [--page] [BENCH ...]`: measures, prints a table each, writes docs/benchmarks.md.

A limit that is missed is printed as missed and is no failure: these numbers are for people.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    crashes,
    detection,
    firewall,
    fleet,
    footprint,
    hot_path,
    many_paths,
    nat_lifetime,
    scraping,
    snmp,
    startup,
    steering,
)
from tests.bench.machine import describe_machine
from tests.bench.rendering import keep_other_sections, render_missed, render_page, render_text
from tests.bench.results import Table
from tests.lab.needs import missing

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BENCHES: dict[str, Callable[[int], Iterator[Table]]] = {
    "detection": detection.bench,
    "crashes": crashes.bench,
    "footprint": footprint.bench,
    "many_paths": many_paths.bench,
    "startup": startup.bench,
    "hot_path": hot_path.bench,
    "snmp": snmp.bench,
    "steering": steering.bench,
    "firewall": firewall.bench,
    "fleet": fleet.bench,
    "scraping": scraping.bench,
    "nat_lifetime": nat_lifetime.bench,
    "nat_runs": nat_lifetime.bench_runs,
}
COMMANDS = ("keepalived", "prometheus-blackbox-exporter")
"""Of the packages of the same names, beside what the lab needs."""
SEED = 42


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="of the random phases (default: %(default)s)")
    parser.add_argument(
        "bench", nargs="*", help=f"{', '.join(BENCHES)}; all, and the page is written, when none is named"
    )
    parser.add_argument(
        "--page", action="store_true", help="write the page although benches are named: with those only"
    )
    told = parser.parse_args()
    if unknown := [name for name in told.bench if name not in BENCHES]:
        parser.error(f"cannot measure {', '.join(unknown)}; there is {', '.join(BENCHES)}")
    if reason := missing() or _missing_commands():
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 4
    names = told.bench or list(BENCHES)
    tables = list(_measure(names, told.seed))
    print(render_missed(tables))
    if told.page or not told.bench:
        page = render_page(tables, describe_machine(), datetime.now(UTC), told.seed, names)
        PAGE.write_text(keep_other_sections(PAGE.read_text(), page) if PAGE.exists() and told.bench else page)
        print(f"written: docs/{PAGE.name}")
    return 0


def _measure(names: list[str], seed: int) -> Iterator[Table]:
    print(f"seed {seed}")
    for name in names:
        print(f"measuring: {name}", flush=True)
        for table in BENCHES[name](seed):
            print(render_text(table), flush=True)
            yield table


def _missing_commands() -> str:
    absent = [command for command in COMMANDS if shutil.which(command) is None]
    return f"there is no {', '.join(absent)}: apt-get install {' '.join(absent)}" if absent else ""


if __name__ == "__main__":
    raise SystemExit(main())
