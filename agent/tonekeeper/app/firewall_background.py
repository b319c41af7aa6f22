"""What the daemon knows of its own firewall: asked again whenever the ruleset changes, so that a rule that would block
the alternate is a finding at once, and not on the day of the incident."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tonekeeper.app.firewall import Examination, examine, live_host, resolvers_of
from tonekeeper.core.events import Event, FirewallExamined
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.site import Site
from tonekeeper.edge.ruleset_news import RulesetNews
from tonekeeper.errors import EdgeError
from tonekeeper.faces.log import Log

SETTLES = 1.0
"""Seconds a change is given to be complete: tools write their tables one after the other."""
TICK = 5.0
"""Seconds between two looks at where the SBCs are."""
RESTS = 4.0
"""Times as long as the last look took: however large the rules, and however often they change, that costs a fifth of a
processor at most."""
EVERY = 600.0
"""Seconds after which it is asked anyway: iptables-legacy announces nothing, neither do addresses."""


class BackgroundFirewall:
    """`site` and `places` say what to ask about at the moment."""

    def __init__(
        self, report: Callable[[Event], None], log: Log, site: Callable[[], Site], places: Callable[[], Places]
    ) -> None:
        self._report = report
        self._log = log
        self._site, self._places = site, places
        self._changed = asyncio.Event()
        self._told: Examination | None = None
        self._refused = ""
        loop = asyncio.get_running_loop()
        self._news = RulesetNews(self._changed.set, loop)
        self._task = loop.create_task(self._watch())

    def close(self) -> None:
        self._news.close()
        self._task.cancel()

    def look_again(self) -> None:
        """Whatever was told is not about this site any more."""
        self._told = None
        self._changed.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        asked: tuple[Site, Places] | None = None
        due = rested = loop.time()
        while True:
            now = (self._site(), self._places())
            if self._changed.is_set() or now != asked or loop.time() >= due:
                await asyncio.sleep(max(SETTLES, rested - loop.time()))
                self._changed.clear()
                began = loop.time()
                await self._look(*now)
                asked, due = now, loop.time() + EVERY
                rested = loop.time() + RESTS * (loop.time() - began)
            try:
                await asyncio.wait_for(self._changed.wait(), TICK)
            except TimeoutError:
                continue

    async def _look(self, site: Site, places: Places) -> None:
        try:
            found = await asyncio.to_thread(_examine, site, places)
        except EdgeError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                self._log.error("firewall-not-checked", reason=self._refused)
            return
        self._refused = ""
        if found != self._told:
            self._told = found
            self._report(FirewallExamined(found.flows, found.problems))


def _examine(site: Site, places: Places) -> Examination:
    return examine(live_host(site), Places(places.targets, resolvers_of(site)))
