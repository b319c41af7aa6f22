"""The search for phones on the LAN, out of the way of the probing: the host's tables every minute, REGISTERs as they
pass by, and the questions that the core asks; and what the models that were found cannot do here.

What cannot be done is a finding, and the rest goes on: no CAP_NET_RAW, an interface that is not there yet, profiles
that cannot be used. Of the profiles, the last good set stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tonekeeper.app.phone_shortcomings import Circumstances, PhoneShortcomings
from tonekeeper.app.profile_set import ProfilesRefusedError, installed_profiles, load_profiles
from tonekeeper.app.sightings import Sightings
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.commands import AskPhone
from tonekeeper.core.events import Checked, Event, Facility, FacilityFailed, FacilityRecovered, PhoneSeen
from tonekeeper.core.report import Report
from tonekeeper.core.site import Site
from tonekeeper.edge.entropy import token
from tonekeeper.edge.leases import read_leases
from tonekeeper.edge.neighbours import read_neighbours
from tonekeeper.edge.phone_options import PhoneQuestions
from tonekeeper.edge.phone_traffic import PhoneTraffic
from tonekeeper.edge.register_watch import RegisterWatch
from tonekeeper.errors import ConfigError, EdgeError
from tonekeeper.faces.log import Log
from tonekeeper.phones.match import ProfileSet
from tonekeeper.settings.model import PROFILES_DIR
from tonekeeper.wire.leases import Lease

LOOK_EVERY = 60.0
"""Seconds between two looks at the host's tables, and at what the models can do here."""
SETTLES = 5.0
"""Seconds for which what the models have to cope with must be the same; phones come in crowds."""
SIP_PORTS = (5060, 5061)

ReadLeases = Callable[[], Sequence[Lease]]


class BackgroundPhones:
    """To be made, used and closed inside the running loop. `known`: what the agent knows at the moment."""

    def __init__(
        self,
        report: Callable[[Event], None],
        known: Callable[[], Report],
        log: Log,
        *,
        leases: ReadLeases = read_leases,
    ) -> None:
        self._report = report
        self._known = known
        self._log = log
        self._read_leases = leases
        self._loop = asyncio.get_running_loop()
        self._questions = PhoneQuestions(self._hear)
        self._profiles: ProfileSet | None = None
        self._watches: dict[str, RegisterWatch] = {}
        self._traffic = PhoneTraffic(token().encode())
        self._sightings = Sightings((), self._loop.time())
        self._searching: asyncio.Task[None] | None = None
        self._judging: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._told: CheckResult | None = None
        self._failed: dict[Facility, str] = {}

    def search(self, site: Site, profiles_dir: Path) -> None:
        """Look for the phones of `site` from now on, with the profiles as they are now."""
        self._end()
        self._searching = self._loop.create_task(self._search(site, profiles_dir))

    def execute(self, command: AskPhone) -> None:
        self._questions.execute(command)

    def close(self) -> None:
        """Nothing is reported from now on."""
        self._end()
        self._questions.close()

    def _end(self) -> None:
        for task in (self._searching, self._judging):
            if task is not None:
                task.cancel()
        self._searching = self._judging = None
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()

    async def _search(self, site: Site, profiles_dir: Path) -> None:
        interfaces = site.lan.interfaces
        self._sightings = Sightings(interfaces, self._loop.time())
        if not interfaces:
            for facility in (Facility.PROFILES, Facility.LISTENING):
                self._recover(facility)
            if self._told is not None:
                self._tell(_not_checked("no LAN is configured ([lan] interfaces)"))
            return
        await self._load(profiles_dir)
        if self._profiles is not None:
            self._sightings.use(self._profiles)
            self._judging = self._loop.create_task(self._judge(PhoneShortcomings(self._profiles, site.lan)))
        else:
            self._tell(_not_checked("there are no firmware profiles that can be used"))
        ports = sorted({*SIP_PORTS, *(sbc.port for sbc in site.sbcs if sbc.port)})
        self._listen(interfaces, ports)
        families = len(self._profiles) if self._profiles is not None else 0
        self._log.info("phone-search-begun", interfaces=",".join(interfaces), profiles=families)
        while True:
            await self._look(interfaces)
            await asyncio.sleep(LOOK_EVERY)
            self._listen(interfaces, ports)

    async def _load(self, directory: Path) -> None:
        def tell(why: str) -> None:
            self._log.error("profiles-not-compiled", reason=why)

        directory = installed_profiles() if directory == PROFILES_DIR else directory
        try:
            self._profiles = await asyncio.to_thread(load_profiles, directory, tell)
        except (ProfilesRefusedError, ConfigError, EdgeError) as error:
            first, *more = str(error).splitlines()
            self._fail(Facility.PROFILES, f"{first} (and {len(more)} more)" if more else first)
        else:
            self._recover(Facility.PROFILES)

    def _listen(self, interfaces: Sequence[str], ports: Sequence[int]) -> None:
        """On each interface where nobody listens yet, or not any more."""
        refused = ""
        for name in interfaces:
            watch = self._watches.get(name)
            if watch is not None and watch.is_alive:
                continue
            if watch is not None:
                self._watches.pop(name).close()
            try:
                self._watches[name] = RegisterWatch(name, ports, self._traffic, self._on(name))
            except EdgeError as error:
                refused = refused or str(error)
        if refused:
            self._fail(Facility.LISTENING, refused)
        else:
            self._recover(Facility.LISTENING)

    def _on(self, interface: str) -> Callable[[PhoneSeen], None]:
        return lambda seen: self._hear(replace(seen, interface=interface))

    async def _look(self, interfaces: Sequence[str]) -> None:
        leases = await asyncio.to_thread(self._read_leases)
        try:
            neighbours = read_neighbours(interfaces)
        except EdgeError:  # the next look may tell
            neighbours = ()
        for news in self._sightings.look(leases, neighbours, self._loop.time()):
            self._pass_on(news)

    def _hear(self, seen: PhoneSeen) -> None:
        news = self._sightings.hear(seen, self._loop.time())
        if news is not None:
            self._pass_on(news)

    def _pass_on(self, news: PhoneSeen) -> None:
        self._report(news)
        self._news.set()

    async def _judge(self, shortcomings: PhoneShortcomings) -> None:
        """After news, and every minute: what the models cannot do, once what they must cope with stays as it is."""
        seen: Circumstances | None = None
        judged: Circumstances | None = None
        while True:
            await asyncio.sleep(SETTLES)
            self._news.clear()
            before, seen = seen, shortcomings.circumstances(self._known(), self._loop.time())
            if seen != before:
                continue
            if seen != judged:
                judged = seen
                self._tell(await asyncio.to_thread(shortcomings.check, seen))
            try:
                await asyncio.wait_for(self._news.wait(), LOOK_EVERY)
            except TimeoutError:
                continue

    def _tell(self, result: CheckResult) -> None:
        if result != self._told:
            self._told = result
            self._report(Checked(result))

    def _fail(self, facility: Facility, reason: str) -> None:
        if self._failed.get(facility) != reason:
            self._failed[facility] = reason
            self._report(FacilityFailed(facility, 0, reason))

    def _recover(self, facility: Facility) -> None:
        if self._failed.pop(facility, None) is not None:
            self._report(FacilityRecovered(facility))


def _not_checked(why: str) -> CheckResult:
    return CheckResult(Check.PHONES, Outcome.NOT_CHECKED, why)
