"""Which checks a diagnosis consists of, how long each may take, and how each is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tonekeeper.app.checks import AT_MOST, look
from tonekeeper.app.diagnosing import Ask, Inquiry, Note
from tonekeeper.core.beside.knowledge import knowledge_of
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.events import Checked, DiagnosisBegun, EgressExamined, Event, FirewallExamined
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.nat.attempt import LONGEST
from tonekeeper.core.observed import OBSERVED
from tonekeeper.core.report import EgressReport, FirewallReport, PathState, Report
from tonekeeper.core.site import Site
from tonekeeper.core.situation import Situation
from tonekeeper.errors import EdgeError

QUICK = (
    *(Check.WANS, Check.DNS, Check.SBCS, Check.RP_FILTER, Check.FIREWALL, Check.PHONES),
    *(Check.CLOCK, Check.CONNTRACK),
)
"""The essentials."""
QUICK_LIMIT = 14.0
FULL_LIMIT = 85.0
"""Seconds for everything but the lifetime of bindings."""
LONG = (Check.NAT, Check.SIP_ALG)
"""Bindings take as long as they live."""
NAT_LIMIT = LONGEST * 1.2 + 60.0
"""Seconds for the NAT of one WAN: what a lifetime just beyond the longest takes, and the questions around it."""
LINES_LEAST = {True: 8.0, False: 45.0}
"""Seconds, quick or not, that the agent has watched lines before they are called good: loss needs to be counted."""
KNOWN_FIRST = (Check.CLOCK, Check.PORTAL)
"""What is judged by certificates, and by WANs that do not work."""
TRIED_WITHIN = 6.0
"""Seconds that these wait for every path to have been tried."""
LOCATED_WITHIN = 5.0
"""Seconds."""
LOOK_EVERY = 0.25
"""Seconds between two looks at the report."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent that a diagnosis is made beside."""

    situation: Situation
    report: Callable[[], Report]
    feed: Callable[[Event], None]


class Inquiries:
    """Of one diagnosis."""

    def __init__(self, subject: Subject, *, quick: bool) -> None:
        self._subject = subject
        self._quick = quick
        self._loop = asyncio.get_running_loop()
        self._rows: tuple[EgressReport, ...] | None = None
        """Of the ways out, once they were examined."""
        self._latest: tuple[float, Report] | None = None

    def chosen(self, only: Sequence[str] = ()) -> tuple[Inquiry, ...]:
        """Those of a quick or a full diagnosis, or `only` the named ones; ValueError for a name that there is not."""
        every = {inquiry.check: inquiry for inquiry in self._every()}
        for name in only:
            if name not in list(Check):
                raise ValueError(f"cannot check {name!r}; there is {', '.join(Check)}")
        wanted = [Check(name) for name in only] or (QUICK if self._quick else list(every))
        if Check.PATH_MTU in wanted and Check.EGRESS not in wanted:
            wanted = [Check.EGRESS, *wanted]
        self._subject.feed(DiagnosisBegun(thorough=any(check in LONG for check in wanted)))
        by = QUICK_LIMIT if self._quick else FULL_LIMIT
        return tuple(
            inquiry if check in LONG else replace(inquiry, by=by) for check, inquiry in every.items() if check in wanted
        )

    def _every(self) -> Sequence[Inquiry]:
        limit = QUICK_LIMIT if self._quick else FULL_LIMIT
        nat_limit = NAT_LIMIT * max(1, sum(not wan.metered for wan in self._site.wans))
        observed = {Check.NAT: nat_limit, Check.SIP_ALG: nat_limit}
        return (
            *(Inquiry(check, observed.get(check, limit), self._observer(check)) for check in OBSERVED),
            *(
                Inquiry(check, min(limit, at_most + 1.0 + TRIED_WITHIN), self._beside(check))
                for check, at_most in AT_MOST.items()
            ),
            Inquiry(Check.FIREWALL, limit, self._firewall),
            Inquiry(Check.EGRESS, limit, self._egress, after=Check.FIREWALL),
            Inquiry(Check.PATH_MTU, limit, self._path_mtu, after=Check.EGRESS),
        )

    # --- what the agent finds out

    def _observer(self, check: Check) -> Ask:
        least = LINES_LEAST[self._quick] if check is Check.WANS else 0.0

        async def observe(note: Note) -> CheckResult:
            note(f"lines are watched for {least:.0f} s at least" if least else "")
            while True:
                await asyncio.sleep(LOOK_EVERY)
                report = self._report()
                result = OBSERVED[check](self._site, report)
                if result is not None and report.agent.uptime_s >= least:
                    return result

        return observe

    def _report(self) -> Report:
        """One for all who look at the same moment."""
        now = self._loop.time()
        if self._latest is None or now - self._latest[0] >= LOOK_EVERY:
            self._latest = (now, self._subject.report())
        return self._latest[1]

    # --- what is asked

    def _beside(self, check: Check) -> Ask:
        async def ask(note: Note) -> CheckResult:
            if check in KNOWN_FIRST:
                await self._tried(note)
            result = await look(check, self._site, knowledge_of(self._subject.situation, self._loop.time()))
            self._subject.feed(Checked(result))
            return result

        return ask

    async def _tried(self, note: Note) -> None:
        """Until every path has a verdict, or had time enough for one."""
        note("the first answers of the SBCs")
        deadline = self._loop.time() + TRIED_WITHIN
        while self._loop.time() < deadline:
            paths = [path for sbc in self._report().sbcs for path in sbc.paths]
            if paths and all(path.state is not PathState.UNKNOWN for path in paths):
                break
            await asyncio.sleep(LOOK_EVERY)
        note("")

    @property
    def _site(self) -> Site:
        return self._subject.situation.site

    def _places(self) -> Places:
        lookups = self._subject.situation.lookups
        return Places({name: lookup.targets for name, lookup in lookups.items()}, {})

    async def _located(self, note: Note) -> Places:
        """Once every SBC is located, or nobody can say where; what is known then."""
        note("where the SBCs are")
        names = {sbc.name for sbc in self._site.sbcs}
        deadline = self._loop.time() + LOCATED_WITHIN
        while (places := self._places()) and self._loop.time() < deadline:
            if all(places.targets.get(name) for name in names):
                break
            await asyncio.sleep(LOOK_EVERY)
        note("")
        return places

    async def _firewall(self, note: Note) -> CheckResult:
        from tonekeeper.app.firewall import examine, live_host, resolvers_of

        site, places = self._site, await self._located(note)
        try:
            found = await asyncio.to_thread(
                lambda: examine(live_host(site), replace(places, resolvers=resolvers_of(site)))
            )
        except EdgeError as error:
            return CheckResult(Check.FIREWALL, Outcome.NOT_CHECKED, str(error))
        self._subject.feed(FirewallExamined(found.flows, found.problems))
        return CheckResult(Check.FIREWALL, *_of_firewall(found.flows, bool(found.problems)))

    async def _egress(self, note: Note) -> CheckResult:
        from tonekeeper.app.egress import examine_egress

        site, report, places = self._site, self._subject.report(), await self._located(note)
        found = await examine_egress(
            site,
            places,
            report.firewall,
            sip_alg={nat.wan: nat.sip_alg for nat in report.nat},
            progress=lambda at: note(f"{at.done} of {at.total} ways; {'; '.join(at.doing)}"),
        )
        for one in found.judged:
            self._subject.feed(EgressExamined(one.trial))
        self._rows = found.rows
        bad = [row for row in found.rows if row.cause not in ("fine", "path mtu", "not checked")]
        told = "; ".join(f"{row.sbc} over {row.wan} by {row.transport}: {row.cause}" for row in bad)
        return CheckResult(
            Check.EGRESS,
            Outcome.PROBLEM if bad else Outcome.OK,
            told or f"{len(found.rows)} ways to SBCs answer",
        )

    async def _path_mtu(self, note: Note) -> CheckResult:
        """Told by the examination of the ways out."""
        if self._rows is None:
            return CheckResult(Check.PATH_MTU, Outcome.NOT_CHECKED, "the ways out were not examined")
        bad = [row for row in self._rows if row.cause == "path mtu"]
        known = [row.largest for row in self._rows if row.largest is not None]
        if bad:
            return CheckResult(Check.PATH_MTU, Outcome.PROBLEM, bad[0].detail)
        if not known:
            return CheckResult(Check.PATH_MTU, Outcome.NOT_CHECKED, "no way answers that could be measured")
        return CheckResult(Check.PATH_MTU, Outcome.OK, f"packets of {min(known)} bytes and more arrive in one piece")


def _of_firewall(flows: Sequence[FirewallReport], has_problems: bool) -> tuple[Outcome, str]:
    unknown = [flow for flow in flows if flow.verdict == "not checked"]
    blocked = [flow for flow in flows if flow.verdict in ("drop", "reject")]
    told = f"{len(flows) - len(unknown) - len(blocked)} of {len(flows)} flows may pass"
    if blocked or has_problems:
        return Outcome.PROBLEM, told
    if unknown:
        return Outcome.NOT_CHECKED, f"{told}; {len(unknown)} could not be asked about: {unknown[0].reason}"
    return Outcome.OK, told
