"""What the provider's side pays for a site: Prometheus, its agent mode and VictoriaMetrics on simulated agents.

docs/fleet.md multiplies these figures.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.results import Figure, Row, Table
from tests.lab.namespace import run, until
from tests.lab.provider_kit import PROMETHEUS, SHARDS, STORE, Provider
from tests.lab.topology import Lab
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation
from tonekeeper.faces.http.exposition import Dialect
from tonekeeper.faces.http.metrics import render_metrics

AGENTS, EVERY = 500, 2
"""Seconds between two scrapes of each."""
WARM, MEASURED = 20.0, 60.0
"""Seconds."""
SITES, HOURS = 20, 24
OUTAGE = 30
"""Minutes that the primary SBC of every tenth site is down in the middle of the day."""
LATE = 20
"""Milliseconds that a scrape may be late: times that are not even cost more than the values do."""

_SAMPLE = re.compile(rb"^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def bench(seed: int) -> Iterator[Table]:
    with _provider() as provider:
        yield _scraping(provider)
    with _provider() as provider:
        yield _keeping(provider, seed)


@contextmanager
def _provider() -> Iterator[Provider]:
    with tempfile.TemporaryDirectory(prefix="tonekeeper-bench-") as directory, Lab() as lab:
        provider = Provider(lab.cpe.namespace, Path(directory), lab.authority, every=EVERY)
        try:
            yield provider
        finally:
            provider.close()


def _scraping(provider: Provider) -> Table:
    provider.serve_targets(provider.simulate(AGENTS, broken=0.1))
    provider.start_store()
    provider.start_prometheus()
    provider.start_shard(0, 1)
    provider.wait_for("count(up == 1)", AGENTS)
    time.sleep(WARM)
    before = {port: _counted(provider, port) for port in (PROMETHEUS, SHARDS, STORE)}
    time.sleep(MEASURED)
    after = {port: _counted(provider, port) for port in before}
    appended = 'samples_appended_total{type="float"}'
    rows = []
    for name, port, samples, series in (
        ("Prometheus, rules included", PROMETHEUS, f"prometheus_tsdb_head_{appended}", "prometheus_tsdb_head_series"),
        ("Prometheus in agent mode", SHARDS, f"prometheus_agent_{appended}", "prometheus_agent_active_series"),
        ("VictoriaMetrics", STORE, 'vm_rows_inserted_total{type="promremotewrite"}', ""),
    ):
        told = after[port]
        count = told[samples] - before[port][samples]
        processor = told["process_cpu_seconds_total"] - before[port]["process_cpu_seconds_total"]
        kept = told.get(series) or after[SHARDS]["prometheus_agent_active_series"]
        wire = None
        if port == SHARDS:
            written = [told[key] - before[port][key] for key in _of_remote_write(told)]
            wire = Figure(written[0] / written[1], "bytes")
        memory = Figure(told["process_resident_memory_bytes"] / kept / 1000, "kB")
        rows.append(Row(name, (Figure(processor / count * 1e6, "µs"), memory, wire)))
    return Table(
        "Scraping a fleet",
        f"{AGENTS} simulated agents, each scraped every {EVERY} s by a Prometheus with the provider's rules and by one "
        "in agent mode that writes to VictoriaMetrics, all on this machine. Memory is that of the whole process.",
        ("CPU of a sample", "memory of a series", "remote write of a sample"),
        tuple(rows),
    )


def _of_remote_write(told: dict[str, float]) -> tuple[str, str]:
    names = ("prometheus_remote_storage_bytes_total", "prometheus_remote_storage_samples_total")
    octets, samples = (next(key for key in told if key.startswith(name + "{")) for name in names)
    return octets, samples


def _counted(provider: Provider, port: int) -> dict[str, float]:
    """What a program says of itself: name with labels, value."""
    _, body = provider.get(port, "/metrics")
    lines = (line.rpartition(" ") for line in body.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def _keeping(provider: Provider, seed: int) -> Table:
    text = provider.directory / "day.prom"
    samples, series = _write_a_day(text, seed)
    provider.start_store()
    store = f"http://127.0.0.1:{STORE}"
    provider.namespace.run(
        "curl", "-sf", "-T", str(text), "-X", "POST", f"{store}/api/v1/import/prometheus", within=120
    )
    provider.namespace.run("curl", "-sf", f"{store}/internal/force_flush")
    provider.namespace.run("curl", "-sf", f"{store}/internal/force_merge")
    small, big = 'vm_rows{type="storage/small"}', 'vm_rows{type="storage/big"}'

    def all_there() -> dict[str, float] | None:
        told = _counted(provider, STORE)
        return told if told.get(small, 0) + told.get(big, 0) == samples else None

    told = until(all_there, within=60, every=0.5, what="VictoriaMetrics has other samples than it was given")
    data = sum(told[f'vm_data_size_bytes{{type="storage/{size}"}}'] for size in ("small", "big"))
    index = told['vm_data_size_bytes{type="indexdb"}']

    openmetrics = provider.directory / "day.om"
    openmetrics.write_text(re.sub(r" (\d+)(\d{3})$", r" \1.\2", text.read_text(), flags=re.MULTILINE) + "# EOF\n")
    blocks = provider.directory / "blocks"
    run("promtool", "tsdb", "create-blocks-from", "openmetrics", str(openmetrics), str(blocks), within=300)
    size = sum(file.stat().st_size for file in blocks.rglob("*") if file.is_file())
    return Table(
        "Keeping a day of a fleet",
        f"{SITES} simulated sites for {HOURS} h at a sample every minute, up to {LATE} ms late: {samples:,} samples in "
        f"{series:,} series. The primary SBC of every tenth is down for {OUTAGE} min. Prometheus: blocks of two hours, "
        "their index included.",
        ("a sample", "index of a series"),
        (
            Row("VictoriaMetrics", (Figure(data / samples, "bytes"), Figure(index / series, "bytes"))),
            Row("Prometheus", (Figure(size / samples, "bytes"), None)),
        ),
    )


def _write_a_day(file: Path, seed: int) -> tuple[int, int]:
    """In the text format, with times. How many samples, and how many series they are of."""
    begin = int(time.time()) - (HOURS + 2) * 3600
    samples, series, chance = 0, set[bytes](), random.Random(seed)
    with file.open("wb") as out:
        for number in range(SITES):
            simulation = _simulation(seed + number)
            of_target = f'site="site-{number:05}",instance="site-{number:05}",job="tonekeeper"'.encode()
            for minute in range(HOURS * 60):
                if number % 10 == 0 and minute == HOURS * 30:
                    simulation.sbc("sbc1").fall_silent()
                if number % 10 == 0 and minute == HOURS * 30 + OUTAGE:
                    simulation.sbc("sbc1").recover()
                simulation.run(60)
                milliseconds = (begin + minute * 60 + number * 3) * 1000 + chance.randrange(LATE)
                for name, labels, value in _SAMPLE.findall(render_metrics(simulation.report(), Dialect.TEXT)):
                    one = name + b"{" + (labels + b"," if labels else b"") + of_target + b"}"
                    out.write(one + b" " + value + b" %d\n" % milliseconds)
                    series.add(one)
                    samples += 1
    return samples, len(series)


def _simulation(seed: int) -> Simulation:
    wans = (Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True))
    sbcs = tuple(Sbc(name, f"sip:{name}.example.net", f"{name}.example.net", 5060) for name in ("sbc1", "sbc2"))
    simulation = Simulation(Site("simulated", wans, sbcs), seed=seed)
    simulation.run(600)
    return simulation
