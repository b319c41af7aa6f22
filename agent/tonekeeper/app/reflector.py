"""`tonekeeper reflector`: sockets, a limit for each source, and the pure answers between them."""

from __future__ import annotations

import asyncio
import resource
import signal

from tonekeeper.core.reflector import Datagram, Layout, answer
from tonekeeper.edge.reflector_connections import MOST_CONNECTIONS, ReflectorConnections
from tonekeeper.edge.reflector_sockets import ReflectorSockets
from tonekeeper.edge.source_allowances import SourceAllowances
from tonekeeper.errors import ConfigError, EdgeError, Mistake
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.reflector import Reflector
from tonekeeper.faces.cli.terminal import Terminal

PER_SECOND = 100.0
"""Datagrams a source may ask for: two RTP streams of 20 ms packets."""
BURST = 400.0
"""A lifetime measurement asks for all its idle times at once."""
ALL_PER_SECOND = 5000.0
MOST_SOURCES = 8192
OTHER_FILES = 100
"""Beside connections: what listens, the loop's own, standard streams."""


def run_reflector(command: Reflector, terminal: Terminal) -> Exit:
    """Runs until SIGTERM or SIGINT."""
    listen = command.listen
    layout = Layout(listen.host, command.alternate, listen.port, listen.port + 1, command.sip_port)
    _check(layout)
    return asyncio.run(_reflect(layout, terminal))


def _check(layout: Layout) -> None:
    mistakes = []
    if layout.alternate == layout.address:
        mistakes.append(_mistake(layout, "is the address of --listen", "give another one, or leave it out"))
    elif layout.alternate and (":" in layout.alternate) != (":" in layout.address):
        mistakes.append(_mistake(layout, "is not of the same family as --listen", "give two of one family"))
    if layout.sip_port in (layout.port, layout.alternate_port):
        wrong = Mistake("--sip-port", str(layout.sip_port), "is a port of --listen", "leave it out, or give 0")
        mistakes.append(wrong)
    if mistakes:
        raise ConfigError("command line", mistakes)


def _mistake(layout: Layout, reason: str, remedy: str) -> Mistake:
    return Mistake("--alternate", layout.alternate, reason, remedy)


async def _reflect(layout: Layout, terminal: Terminal) -> Exit:
    loop = asyncio.get_running_loop()
    allowances = SourceAllowances(
        per_second=PER_SECOND,
        burst=BURST,
        most_sources=MOST_SOURCES,
        all_per_second=ALL_PER_SECOND,
        now=loop.time(),
    )

    def reflect(question: Datagram) -> Datagram | None:
        return answer(question, layout) if allowances.take(question.there.host, loop.time()) else None

    _allow_files(MOST_CONNECTIONS + OTHER_FILES)
    connections = ReflectorConnections(layout.tcp_endpoints, reflect)
    try:
        sockets = ReflectorSockets(layout.endpoints, reflect, over_tcp=connections.send)
    except EdgeError:
        connections.close()
        raise
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    terminal.say(f"reflecting on {', '.join(map(str, layout.endpoints))}")
    try:
        await ended.wait()
    finally:
        sockets.close()
        connections.close()
    terminal.say(f"{sockets.asked} datagrams, {sockets.answered} answers")
    return Exit.FINE


def _allow_files(wanted: int) -> None:
    """As many as the system lets us; where that is fewer, connections wait for others to end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
