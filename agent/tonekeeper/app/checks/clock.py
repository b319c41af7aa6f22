"""Whether the clock of this host is right: time servers, else a Date, else the kernel."""

from __future__ import annotations

import time

from tonekeeper.core.beside.clock import ClockSeen, DatedAnswer, KernelClock, ServerTime, SilentServer, judge_clock
from tonekeeper.core.beside.knowledge import NOTHING_KNOWN, Knowledge
from tonekeeper.core.checks import CheckResult
from tonekeeper.core.site import Site
from tonekeeper.edge.time_servers import TimeServers

_NO_CONTENT = 204


async def check_clock(
    site: Site, known: Knowledge = NOTHING_KNOWN, *, time_servers: TimeServers | None = None
) -> CheckResult:
    """`time_servers` remembers who asked to be left alone."""
    told = await (time_servers or TimeServers()).ask(site.checks.time_servers)
    servers = tuple(one for one in told if isinstance(one, ServerTime))
    dated = () if servers else await _dated(site)
    return judge_clock(
        ClockSeen(
            servers=servers,
            silent=tuple(one for one in told if isinstance(one, SilentServer)),
            dated=dated,
            kernel=None if servers or dated else _kernel(),
            certificates=known.certificates,
        )
    )


async def _dated(site: Site) -> tuple[DatedAnswer, ...]:
    """The Date of the operator's own page; only where it answers as it should is it nobody else's."""
    page = site.checks.portal_page
    if page is None:
        return ()
    from tonekeeper.app.checks.portal import ask_page

    asked = await ask_page(page)
    answer = asked.answer
    if answer is None or answer.status != _NO_CONTENT or answer.date is None:
        return ()
    return (DatedAnswer(str(page), answer.date - time.time()),)


def _kernel() -> KernelClock | None:
    from tonekeeper.edge.kernel_clock import kernel_clock

    return kernel_clock()
