"""docs/fleet.md: what it says of a site is measured here again, and what it says of a fleet follows from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tonekeeper.core.report import Report
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation
from tonekeeper.faces.http.compression import gzip
from tonekeeper.faces.http.connection import Limits
from tonekeeper.faces.http.exposition import Dialect
from tonekeeper.faces.http.metrics import render_metrics
from tonekeeper.fleet.inventory import read_csv
from tonekeeper.fleet.targets import target_groups

DOCUMENT = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text()
OF_A_TARGET = 5
"""up, and what else Prometheus notes of each scrape."""


def row(name: str) -> list[str]:
    """The cells after the first of the line that begins with `name`."""
    (found,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", DOCUMENT, re.MULTILINE)
    return [cell.strip() for cell in found.split("|")]


def number(cell: str) -> float:
    return float(re.sub(r"[^0-9.]", "", cell))


def simulated(sbcs: int, *, broken: bool) -> Report:
    names = [f"sbc{each}" for each in range(1, sbcs + 1)]
    wans = (Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True))
    servers = tuple(Sbc(name, f"sip:{name}.example.net", f"{name}.example.net", 5060) for name in names)
    simulation = Simulation(Site("simulated", wans, servers), seed=1)
    simulation.run(600)
    if broken:
        simulation.sbc("sbc1").fall_silent()
        simulation.run(600)
    return simulation.report()


@pytest.mark.parametrize(
    ("name", "sbcs", "broken"),
    [("all is well", 2, False), ("the primary is down", 2, True), ("eight SBCs, all is well", 8, False)],
)
def test_a_site_costs_what_the_document_says(name, sbcs, broken):
    series, plain, gzipped = map(number, row(name))
    body = render_metrics(simulated(sbcs, broken=broken), Dialect.OPENMETRICS)
    assert sum(not line.startswith(b"#") for line in body.splitlines()) == series
    assert len(body) / 1000 == pytest.approx(plain, abs=0.1)
    assert len(gzip(body)) / 1000 == pytest.approx(gzipped, abs=0.1)


def test_a_fleet_costs_what_follows_from_a_site():
    series, plain, gzipped = map(number, row("all is well"))
    series += OF_A_TARGET
    cpu, memory, disk = map(number, row("Prometheus, rules included")[:3])
    shard_cpu, shard_memory, _, wire = (number(cell or "0") for cell in row("Prometheus in agent mode"))
    store_cpu, store_memory, store_disk = map(number, row("VictoriaMetrics")[:3])
    for column, sites in enumerate((1_000, 100_000, 1_000_000)):
        total = sites * series
        rate, day = total / 60, total * 1440
        expected = {
            "series": total,
            "samples/s": rate,
            "scraping, Mbit/s": sites * plain * 8 / 60 / 1e3,
            "scraping by gzip, Mbit/s": sites * gzipped * 8 / 60 / 1e3,
            "one Prometheus: memory, GB": total * memory / 1e6,
            "one Prometheus: cores": rate * cpu / 1e6,
            "one Prometheus: disk a day, GB": day * disk / 1e9,
            "shards in agent mode: memory together, GB": total * shard_memory / 1e6,
            "shards in agent mode: cores together": rate * shard_cpu / 1e6,
            "remote write, Mbit/s": rate * wire * 8 / 1e6,
            "VictoriaMetrics: memory, GB": total * store_memory / 1e6,
            "VictoriaMetrics: cores for what comes in": rate * store_cpu / 1e6,
            "VictoriaMetrics: disk a day, GB": day * store_disk / 1e9,
        }
        for name, value in expected.items():
            cell = row(name)[column]
            decimals = len(cell.partition(".")[2])
            assert number(cell) == pytest.approx(value, abs=0.51 * 10**-decimals), (name, sites)


def test_its_inventory_is_one():
    (example,) = re.findall(r"```csv\n(.*?)```", DOCUMENT, re.DOTALL)
    inventory = read_csv(example)
    assert not inventory.mistakes
    assert target_groups(inventory.hosts)[1] == {
        "targets": ["192.0.2.2:8642"],
        "labels": {"site": "site-0043", "wan_provider": "example-net", "region": "south"},
    }


def test_it_names_the_alerts_that_there_are():
    rules = (Path(__file__).parents[3] / "packaging/provider/prometheus/alerts.rules.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", rules, re.DOTALL)
    assert re.findall(r"^\| `(\w+)` \| (critical|warning) \|", DOCUMENT, re.MULTILINE) == alerts


def test_connections_stay_as_long_as_it_says():
    assert f"idle for {Limits().idle_time:g} s" in DOCUMENT
