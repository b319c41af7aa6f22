"""The demo: two SBCs of our own and a scripted incident on loopback, watched by the real agent, as an ordinary user.

Everything but the network is real: the sockets, the SIP, the core, the journal, the page. The two WANs are two source
addresses on the loopback interface; an SBC is a UDP socket that answers OPTIONS, or falls silent when the script says
so. The timers are shortened, so that an incident of ten minutes fits into one.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.app.daemon import Daemon
from tonekeeper.core.commands import LogChange
from tonekeeper.core.events import Event, LinkChanged
from tonekeeper.core.site import FailoverPolicy, ProbePolicy, Role, Sbc, Site, Wan
from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.demo import Demo
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.log import Log
from tonekeeper.settings.model import HttpSettings, JournalSettings, Settings
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response

LOOPBACK = "lo"
SOURCES = {"fibre": "127.0.1.1", "lte": "127.0.2.1"}
PRIMARY, ALTERNATE = "127.0.3.1", "127.0.4.1"


@dataclass(frozen=True, slots=True)
class Scene:
    """One step of the script: `after` seconds, then `says` is printed and `does` is done."""

    after: float
    says: str
    does: Callable[[], None]


def run_demo(command: Demo, terminal: Terminal) -> Exit:
    with tempfile.TemporaryDirectory(prefix="tonekeeper-demo-") as state_dir:
        return asyncio.run(_play(command, terminal, Path(state_dir)))


async def _play(command: Demo, terminal: Terminal, state_dir: Path) -> Exit:
    loop = asyncio.get_running_loop()
    primary, alternate = EmbeddedSbc(), EmbeddedSbc()
    ports = [await sbc.listen(loop, host) for sbc, host in ((primary, PRIMARY), (alternate, ALTERNATE))]
    site = _site(*ports)
    settings = Settings(
        site=site,
        state_dir=state_dir,
        http=HttpSettings(listen=command.listen),
        journal=JournalSettings(),
    )
    daemon = Daemon(settings, _Narrator(terminal), links=LoopbackLinks)
    script = asyncio.create_task(_perform(_script(primary), command, terminal, daemon))
    try:
        return await daemon.run()
    finally:
        script.cancel()
        primary.close()
        alternate.close()


def _site(primary_port: int, alternate_port: int) -> Site:
    def sbc(name: str, host: str, port: int) -> Sbc:
        return Sbc(name, f"sip:{host}:{port}", host, port)

    return Site(
        name="demo",
        wans=tuple(Wan(name, LOOPBACK, source) for name, source in SOURCES.items()),
        sbcs=(sbc("primary", PRIMARY, primary_port), sbc("alternate", ALTERNATE, alternate_port)),
        role=Role.ENDPOINT,
        probe=ProbePolicy(interval=2.0),
        failover=FailoverPolicy(min_dwell=5.0, failback_after=20.0, failback_spread=5.0),
    )


def _script(primary: EmbeddedSbc) -> tuple[Scene, ...]:
    return (
        Scene(8.0, "The primary SBC dies: it is still there, but answers nothing.", primary.fall_silent),
        Scene(12.0, "The primary SBC returns. The way back waits until it has proven itself.", primary.answer),
        Scene(30.0, "That was the incident.", lambda: None),
    )


async def _perform(script: tuple[Scene, ...], command: Demo, terminal: Terminal, daemon: Daemon) -> None:
    terminal.show(f"Two WANs, two SBCs, on loopback. Open http://{command.listen}/ and watch.\n")
    for scene in script:
        await asyncio.sleep(scene.after)
        terminal.show(f"\n>>> {scene.says}\n")
        scene.does()
    if command.once:
        daemon.stop()
    else:
        terminal.show(f"The page stays at http://{command.listen}/ until Ctrl-C.\n")


class EmbeddedSbc(asyncio.DatagramProtocol):
    """Answers OPTIONS with 200, or not at all."""

    def __init__(self) -> None:
        self._silent = False
        self._transport: asyncio.DatagramTransport

    async def listen(self, loop: asyncio.AbstractEventLoop, host: str) -> int:
        """The port, a free one."""
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._transport = transport
        port: int = transport.get_extra_info("sockname")[1]
        return port

    def fall_silent(self) -> None:
        self._silent = True

    def answer(self) -> None:
        self._silent = False

    def close(self) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._silent:
            return
        try:
            request = decode_request(data)
        except DecodeError:
            return
        headers = (("Server", "tonekeeper-demo"), ("Allow", "OPTIONS"))
        response = render_response(request, 200, "OK", received=Endpoint(*addr[:2]), headers=headers)
        self._transport.sendto(response, addr)


class LoopbackLinks:
    """All of 127.0.0.0/8 is this host's, but only 127.0.0.1 is listed on the interface: so netlink is not asked."""

    def __init__(self, interfaces: list[str], report: Callable[[Event], None]) -> None:
        self._report = report

    def start(self) -> None:
        self._report(LinkChanged(LOOPBACK, present=True, carrier=True, addresses=tuple(SOURCES.values())))

    def watch(self, interfaces: list[str]) -> None:
        """Nothing changes on loopback."""

    def close(self) -> None:
        """Nothing was opened."""


class _Narrator(Log):
    """The log, as a story: one line a change, on standard output."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(sys.stderr, level="error")
        self._terminal = terminal

    def change(self, change: LogChange) -> None:
        reason = f" ({change.reason})" if change.reason else ""
        self._terminal.show(f"    {change.subject}: {change.before or 'new'} -> {change.after}{reason}\n")
