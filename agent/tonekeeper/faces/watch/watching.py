"""`status --watch`, put together: signals, and the terminal as it is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.watch.cells import charset_of
from tonekeeper.faces.watch.paper import Paper
from tonekeeper.faces.watch.session import Ask, Session
from tonekeeper.faces.watch.sight import Sight


def watch(ask: Ask, url: str, interval_s: float, terminal: Terminal) -> Sight:
    """Until the person quits; what was seen last. `terminal` is interactive."""
    sight = Sight(url, interval_s, time.localtime().tm_gmtoff)
    if terminal.is_dumb:
        return _on_paper(ask, sight, terminal)
    return asyncio.run(_on_screen(ask, sight, terminal))


async def _on_screen(ask: Ask, sight: Sight, terminal: Terminal) -> Sight:
    from tonekeeper.faces.watch.full_screen import FullScreen  # noqa: PLC0415 - it needs a Unix

    keys = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    charset = charset_of(terminal.encoding)
    screen = FullScreen(terminal.descriptor, keys, charset, colour=terminal.wants_colour, environment=os.environ)
    session = Session(ask, screen, sight)
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(ending, session.stop)
    loop.add_signal_handler(signal.SIGWINCH, session.redraw_all)
    loop.add_signal_handler(signal.SIGTSTP, _suspend, session)
    return await session.run()


def _suspend(session: Session) -> None:
    """Ctrl-Z: the shell gets its terminal back, and it is ours again when it brings us to the foreground."""
    loop = asyncio.get_running_loop()

    def sleep() -> None:
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, _suspend, session)

    session.hand_back_while(sleep)


def _on_paper(ask: Ask, sight: Sight, terminal: Terminal) -> Sight:
    paper = Paper(sight)
    heard_at = time.monotonic()
    try:
        while True:
            try:
                lines = paper.answered(ask(), time.time())
                heard_at = time.monotonic()
            except AgentUnreachableError as error:
                lines = paper.failed(str(error), time.monotonic() - heard_at)
            terminal.show("".join(f"{line}\n" for line in lines))
            time.sleep(sight.interval_s)
    except KeyboardInterrupt:
        return paper.sight
