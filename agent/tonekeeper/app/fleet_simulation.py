"""Many light agents on loopback: the real routes and metrics over the report of a simulated site.

Each has a port of its own, no probes and no journal; all of them share two reports, one of a healthy site and one whose
primary SBC is down, and differ by their name.
"""

from __future__ import annotations

import asyncio
import csv
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tonekeeper.app.serving import until_told
from tonekeeper.core.report import Report
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation
from tonekeeper.errors import EdgeError
from tonekeeper.faces.cli.fleet import SimulateFleet
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.http.connection import HttpConnection, Limits
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream
from tonekeeper.faces.http.routes import Routes

HOST = "127.0.0.1"
SEED = 1
RUNNING = 600.0
"""Virtual seconds that the simulated site has been running."""
SPARE_FILES = 64


async def simulate_fleet(command: SimulateFleet, terminal: Terminal) -> Exit:
    healthy, broken = _reports()
    _allow_files(command.agents * 2)
    names = [f"site-{number:05}" for number in range(command.agents)]
    ill = {name for number, name in enumerate(names) if _is_ill(number, command.broken)}
    servers = []
    try:
        for number, name in enumerate(names):
            report = replace(broken if name in ill else healthy, agent=replace(healthy.agent, name=name))
            servers.append(await _serve(report, command.first_port + number, command.delay))
        if command.inventory:
            _write_inventory(Path(command.inventory), names, command.first_port)
        last = command.first_port + command.agents - 1
        terminal.say(f"{command.agents} agents on {HOST}, ports {command.first_port} to {last}; Ctrl-C ends them")
        await until_told()
    finally:
        for server in servers:
            server.close()
    return Exit.FINE


def _is_ill(number: int, share: float) -> bool:
    """Spread evenly."""
    return int((number + 1) * share) > int(number * share)


def _reports() -> tuple[Report, Report]:
    site = Site(
        "simulated",
        (Wan("fibre", "eth0"), Wan("lte", "wwan0", metered=True)),
        tuple(Sbc(name, f"sip:{name}.example.net", f"{name}.example.net", 5060) for name in ("sbc1", "sbc2")),
    )
    simulation = Simulation(site, seed=SEED)
    simulation.run(RUNNING)
    healthy = simulation.report()
    simulation.sbc("sbc1").fall_silent()
    simulation.run(RUNNING)
    return healthy, simulation.report()


async def _serve(report: Report, port: int, delay: float) -> asyncio.Server:
    routes = Routes(lambda: report, lambda: True)
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(lambda: _LightPeer(routes.respond, delay), HOST, port)
    except OSError as error:
        raise EdgeError(f"listen on {HOST}:{port}", error, remedy="choose another --first-port") from None


class _LightPeer(asyncio.Protocol):
    """Answers after a while; without the limits of a real agent, since only load tests come here."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse | HttpStream], delay: float) -> None:
        self._respond = respond
        self._delay = delay
        self._connection = HttpConnection(Limits())
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._connection.feed(data)
        step = self._connection.next_request()
        if step is not None:
            asyncio.get_running_loop().call_later(self._delay, self._answer, step)

    def _answer(self, step: HttpRequest | HttpResponse) -> None:
        response = self._respond(step) if isinstance(step, HttpRequest) else step
        if isinstance(response, HttpResponse) and not self._transport.is_closing():
            self._transport.write(self._connection.answer(response))
        if self._connection.closed or isinstance(response, HttpStream):
            self._transport.close()


def _write_inventory(path: Path, names: list[str], first_port: int) -> None:
    try:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("name", "address"))
            writer.writerows((name, f"{HOST}:{first_port + number}") for number, name in enumerate(names))
    except OSError as error:
        raise EdgeError(f"write '{path}'", error) from None


def _allow_files(wanted: int) -> None:
    """As far as the hard limit goes; what is beyond fails with its own message."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE_FILES)
    if most > soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
