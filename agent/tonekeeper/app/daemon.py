"""The daemon: settings in, a running agent out, and everything put away again at the end.

What fails at the start and could mend itself (the journal's disk, the HTTP port, an interface that is not there yet)
is a finding, and the probing goes on. What cannot be worked around (a wrong configuration, a second daemon on the same
state directory) ends it with a message.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, assert_never

from tonekeeper import __version__
from tonekeeper.app.crash_loop import CrashLoop
from tonekeeper.app.diagnoses_on_demand import DiagnosesOnDemand
from tonekeeper.app.http_background import BackgroundHttp
from tonekeeper.app.kernel import Kernel
from tonekeeper.app.recording import Recording
from tonekeeper.app.watchdog import Watchdog
from tonekeeper.core.agent import Agent
from tonekeeper.core.commands import (
    AbandonNat,
    ApplyPlan,
    AskPhone,
    ClosePath,
    Command,
    DeleteFlows,
    ExamineEgress,
    ListFlows,
    LogChange,
    MeasureNat,
    OpenPath,
    ProbeDepth,
    RememberTargets,
    ResolveSbc,
    SendBindingRequest,
    SendCrlf,
    SendOptions,
    WalkPath,
)
from tonekeeper.core.events import (
    ClockJumped,
    Event,
    Facility,
    FacilityRecovered,
    SiteChanged,
    Started,
)
from tonekeeper.core.report import Report
from tonekeeper.core.site import Mode, Role, Site, Wan
from tonekeeper.drivers.live import LiveDriver
from tonekeeper.edge import service
from tonekeeper.edge.capabilities import has_net_admin, missing_for_flows, missing_for_steering
from tonekeeper.edge.clock import JumpDetector
from tonekeeper.edge.dns import Resolver
from tonekeeper.edge.entropy import token
from tonekeeper.edge.files import SingleInstance
from tonekeeper.edge.recent_starts import RecentStarts
from tonekeeper.edge.remembered import RememberedTargets
from tonekeeper.edge.sockets import ProbeSockets
from tonekeeper.errors import ConfigError, EdgeError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.log import Log
from tonekeeper.settings import Settings, load_settings

if TYPE_CHECKING:
    from tonekeeper.app.check_background import BackgroundChecks
    from tonekeeper.app.depth_background import BackgroundDepth
    from tonekeeper.app.egress_background import BackgroundEgress
    from tonekeeper.app.firewall_background import BackgroundFirewall
    from tonekeeper.app.inquiries import Subject
    from tonekeeper.app.nat_background import BackgroundNat
    from tonekeeper.app.phone_background import BackgroundPhones
    from tonekeeper.app.snmp_background import BackgroundSnmp
    from tonekeeper.core.firewall.flows import Places

HOUSEKEEPING = 5.0
"""Seconds between two looks at the clock, the HTTP port and the journal's buffer."""


class Links(Protocol):
    """Who tells the state of the interfaces."""

    def start(self) -> None: ...
    def watch(self, interfaces: list[str]) -> None: ...
    def close(self) -> None: ...


MakeLinks = Callable[[list[str], Callable[[Event], None]], Links]


def run_daemon(config: Path) -> Exit:
    """Runs until SIGTERM or SIGINT; the exit code."""
    settings = load_settings(config)
    log = Log(sys.stderr, settings.log.format, settings.log.level)
    log.adopt_others()
    for notice in settings.notices:
        log.info("noticed", notice=notice)
    if settings.site.failover.mode is Mode.STEER:
        for missing in missing_for_steering():
            log.error("cannot-steer", reason=missing)
            return Exit.MISSING
        for missing in missing_for_flows():
            log.error("cannot-see-flows", reason=missing)
    return asyncio.run(Daemon(settings, log, reload=lambda: load_settings(config)).run())


class Daemon:
    """One agent with its edges and faces. `reload` reads the settings again; `links` is netlink unless told."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        *,
        reload: Callable[[], Settings] | None = None,
        links: MakeLinks | None = None,
    ) -> None:
        self._settings = settings
        self._log = log
        self._reload = reload
        self._make_links = links or _netlink
        self._leave = asyncio.Event()
        self._clock = JumpDetector()
        self._bug: Exception | None = None
        self._crash_loop = CrashLoop(RecentStarts(settings.state_dir))
        self._diagnoses = DiagnosesOnDemand(self.subject, self.report)
        self._background_nat: BackgroundNat | None = None
        self._background_depth: BackgroundDepth | None = None
        self._background_egress: BackgroundEgress | None = None
        self._background_phones: BackgroundPhones | None = None
        self._background_firewall: BackgroundFirewall | None = None
        self._background_checks: BackgroundChecks | None = None
        self._background_snmp: BackgroundSnmp | None = None
        self._background_http: BackgroundHttp | None = None

    async def run(self, on_started: Callable[[], None] | None = None) -> Exit:
        """Until `stop` is called. `on_started`: when the first probes may leave."""
        with SingleInstance(self._settings.state_dir) as alone:
            if alone.failure is not None:
                self._log.error("state-dir-unusable", reason=str(alone.failure))
            self._crash_loop.begin(time.monotonic())
            try:
                await self._live(on_started)
            except Exception as error:
                self._crash_loop.fail(error)
                raise
            self._crash_loop.end()
        return Exit.FINE

    async def _live(self, on_started: Callable[[], None] | None) -> None:
        await self._start()
        if on_started is not None:
            on_started()
        await self._keep_house()
        await self._stop()
        if self._bug is not None:
            raise self._bug

    def stop(self) -> None:
        self._leave.set()

    def feed(self, event: Event) -> None:
        self._driver.feed(event)

    def report(self) -> Report:
        return self._driver.report()

    def subject(self) -> Subject:
        """What a diagnosis asks; once it has started."""
        from tonekeeper.app.inquiries import Subject

        return Subject(self._agent.situation, self.report, self.feed)

    def _places(self) -> Places:
        """Where the SBCs are, as far as the agent knows."""
        from tonekeeper.core.firewall.flows import Places

        return Places({name: lookup.targets for name, lookup in self._agent.situation.lookups.items()}, {})

    def _give_up(self, bug: Exception) -> None:
        """The core raised: what it knows cannot be trusted. Leave in order; the supervisor starts us anew."""
        self._bug = bug
        self.stop()

    # --- life

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        site = _with_default_route(self._settings.site)
        watched = self._crash_loop.restrain(site)
        agent = self._agent = Agent(watched, seed=int(token()[:16], 16), started=loop.time(), version=__version__)
        self._recording = Recording(
            self._settings.state_dir, self._settings.journal.max_bytes, agent, loop.time, self.feed
        )
        self._driver = LiveDriver(
            agent, journal=self._recording, token=token, execute=self._execute, on_bug=self._give_up
        )
        self._sockets = ProbeSockets(self.feed)
        self._resolver = Resolver(self.feed, loop)
        self._remembered = RememberedTargets(self._settings.state_dir)
        self._kernel = Kernel(self.feed)
        self._links = self._make_links(_interfaces(site), self.feed)
        for number, handler in ((signal.SIGTERM, self.stop), (signal.SIGINT, self.stop), (signal.SIGHUP, self._hup)):
            loop.add_signal_handler(number, handler)
        self._log.info("started", version=__version__, site=site.name, mode=str(watched.failover.mode))
        self._recording.begin()
        await self._answer_snmp()
        self.feed(Started())
        if self._crash_loop.is_careful:
            self.feed(self._crash_loop.failure())
        if self._crash_loop.warning:
            self._log.error("crashes-not-counted", reason=self._crash_loop.warning)
        for recalled in self._remembered.recall():
            self.feed(recalled)
        if self._remembered.warning:
            self._log.error("not-recalled", reason=self._remembered.warning)
        self._links.start()
        self._look_for_phones()
        self._look_at_firewall()
        self._look_beside_the_paths()
        await self._serve_http()
        service.tell_ready()

    async def _keep_house(self) -> None:
        watchdog = Watchdog(self._driver.overdue, self._log)
        pause = min(HOUSEKEEPING, watchdog.pause)
        while not self._leave.is_set():
            jumped = self._clock.check()
            if jumped is not None:
                self.feed(ClockJumped(jumped))
            if self._background_http is not None:
                await self._background_http.look()
            self._recording.look()
            self._end_care()
            watchdog.look()
            try:
                await asyncio.wait_for(self._leave.wait(), pause)
            except TimeoutError:
                continue

    def _end_care(self) -> None:
        """After a crash loop that came to rest: the configuration as it is written."""
        if self._crash_loop.settles(time.monotonic()):
            self.feed(SiteChanged(dataclasses.replace(self._settings.site, wans=self._agent.situation.site.wans)))
            self.feed(FacilityRecovered(Facility.STARTS))

    async def _stop(self) -> None:
        service.tell_stopping()
        self._diagnoses.close()
        self._driver.close()
        self._links.close()
        self._resolver.close()
        self._sockets.close()
        backgrounds = (
            self._background_nat,
            self._background_depth,
            self._background_egress,
            self._background_phones,
            self._background_firewall,
            self._background_checks,
        )
        for background in backgrounds:
            if background is not None:
                background.close()
        await self._leave_the_kernel()
        self._recording.close()
        if self._background_http is not None:
            await self._background_http.close()
        if self._background_snmp is not None:
            await self._background_snmp.close()
        self._log.info("stopped")

    async def _leave_the_kernel(self) -> None:
        """Routes and rules as they were found."""
        self._kernel.close()
        if self._settings.site.failover.mode is Mode.STEER:
            try:
                self._log.info("put-back", entries=await self._kernel.leave(self._agent.situation.steering.goal))
            except EdgeError as error:
                self._log.error("not-put-back", reason=str(error))

    # --- commands

    def _execute(self, command: Command) -> None:
        match command:
            case OpenPath() | ClosePath() | SendOptions() | SendCrlf() | SendBindingRequest():
                self._sockets.execute(command)
            case ResolveSbc():
                self._resolver.execute(command)
            case ApplyPlan() | ListFlows() | DeleteFlows() | WalkPath():
                self._kernel.execute(command)
            case MeasureNat() | AbandonNat():
                self._nat().execute(command)
            case ProbeDepth():
                self._depth().execute(command)
            case ExamineEgress():
                self._egress().execute(command)
            case RememberTargets():
                self._remember(command)
            case AskPhone():
                if self._background_phones is not None:
                    self._background_phones.execute(command)
            case LogChange():
                self._log.change(command)
                self._recording.note(command)
                if self._background_http is not None:
                    self._background_http.look_soon()
                if self._background_snmp is not None:
                    self._background_snmp.changed()
            case _:
                assert_never(command)

    def _nat(self) -> BackgroundNat:
        """Loaded with the first measurement: a site without [nat] does not pay for it."""
        from tonekeeper.app.nat_background import BackgroundNat

        self._background_nat = self._background_nat or BackgroundNat(self.feed)
        return self._background_nat

    def _remember(self, command: RememberTargets) -> None:
        try:
            self._remembered.keep(command)
        except EdgeError as error:
            self._log.error("not-remembered", reason=str(error))

    def _depth(self) -> BackgroundDepth:
        """Likewise for a site that proves no more of its SBCs than that they answer."""
        from tonekeeper.app.depth_background import BackgroundDepth

        self._background_depth = self._background_depth or BackgroundDepth(self.feed)
        return self._background_depth

    def _egress(self) -> BackgroundEgress:
        """Likewise, with the first path that is down, or a minute after the first one is up."""
        from tonekeeper.app.egress_background import BackgroundEgress

        self._background_egress = self._background_egress or BackgroundEgress(self.feed)
        return self._background_egress

    def _look_for_phones(self) -> None:
        """At the start and after a reload. Likewise: a site without [lan] does without, profiles and all."""
        if self._background_phones is None and not self._settings.site.lan.interfaces:
            return
        from tonekeeper.app.phone_background import BackgroundPhones

        self._background_phones = self._background_phones or BackgroundPhones(self.feed, self._driver.report, self._log)
        self._background_phones.search(self._settings.site, self._settings.profiles_dir)

    def _look_at_firewall(self) -> None:
        """Of a router that may read its rules. What cannot be asked is said in the log, and the probing goes on."""
        if self._settings.site.role is not Role.ROUTER or self._make_links is not _netlink or not has_net_admin():
            return
        from tonekeeper.app.firewall_background import BackgroundFirewall

        situation = self._agent.situation
        try:
            self._background_firewall = BackgroundFirewall(self.feed, self._log, lambda: situation.site, self._places)
        except EdgeError as error:
            self._log.error("firewall-not-checked", reason=str(error))

    def _look_beside_the_paths(self) -> None:
        """At the start and after a reload; not where the network is made up."""
        if self._make_links is not _netlink or not self._settings.site.checks.background:
            if self._background_checks is not None:
                self._background_checks.close()
            self._background_checks = None
            return
        from tonekeeper.app.check_background import BackgroundChecks

        if self._background_checks is not None:
            self._background_checks.look_again()
        else:
            agent, seed = self._agent, int(token()[:16], 16)
            self._background_checks = BackgroundChecks(self.feed, lambda: agent.situation, seed)

    # --- faces and configuration

    async def _serve_http(self) -> None:
        """Where [http] is not switched off."""
        if self._settings.http is None:
            return
        report, ready, diagnoses = self._driver.report, self._driver.is_ready, self._diagnoses

        def routes(secret: str, is_guarded: bool) -> Routes:
            return Routes(report, ready, secret, diagnoses, journal=self._recording.read, is_guarded=is_guarded)

        self._background_http = BackgroundHttp(self._settings.http, routes, self.feed, self._log)
        await self._background_http.look()

    async def _answer_snmp(self) -> None:
        """A site without [snmp] does without. What cannot be served is a finding, and is tried again."""
        if self._settings.snmp is None:
            return
        from tonekeeper.app.snmp_background import BackgroundSnmp

        self._background_snmp = BackgroundSnmp(
            self._settings.snmp, self._settings.state_dir, self._driver.report, self.feed, self._log
        )
        await self._background_snmp.start()

    def _hup(self) -> None:
        """Read the configuration again; one that cannot be used changes nothing."""
        if self._reload is None:
            return
        try:
            settings = self._reload()
            site = _with_default_route(settings.site)
        except (ConfigError, EdgeError) as error:
            self._log.error("not-reloaded", reason=str(error))
            return
        for name in ("state_dir", "http", "snmp", "journal", "log"):
            if getattr(settings, name) != getattr(self._settings, name):
                self._log.error("not-reloaded", reason=f"a change of {name} needs a restart; the rest is in force")
        self._settings = dataclasses.replace(self._settings, site=site, profiles_dir=settings.profiles_dir)
        self._links.watch(_interfaces(site))
        self.feed(SiteChanged(self._crash_loop.restrain(site)))
        self._look_for_phones()
        if self._background_firewall is not None:
            self._background_firewall.look_again()
        self._look_beside_the_paths()
        if self._background_http is not None:
            self._background_http.renew()
        self._log.info("reloaded", site=site.name)


def _netlink(interfaces: list[str], report: Callable[[Event], None]) -> Links:
    from tonekeeper.edge.netlink import LinkWatch

    return LinkWatch(interfaces, report)


def _interfaces(site: Site) -> list[str]:
    return list(dict.fromkeys(wan.interface for wan in site.wans))


def _with_default_route(site: Site) -> Site:
    """A site without WANs has the one that the default route leaves through."""
    if site.wans:
        return site
    from tonekeeper.edge.netlink import default_route_interface

    interface = default_route_interface()
    if interface is None:
        raise EdgeError("find the WAN: there is no default route", remedy="name an interface in [[wan]]")
    return dataclasses.replace(site, wans=(Wan(interface, interface),))
