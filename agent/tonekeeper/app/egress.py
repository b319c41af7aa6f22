"""Real packets to every address of every SBC over every WAN: who asks gets the results and what they mean.

One destination is asked over one WAN and transport at a time, so that no SBC meets more than one of these at once;
different destinations are asked side by side. How long packets may be is measured once for each WAN, host, and kind of
transport. An ordinary user may ask, where the kernel lets anybody bind to a device.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.findings import egress_observations, egress_reports
from tonekeeper.core.egress.judgement import Judged, Surroundings, judge_egress
from tonekeeper.core.egress.machine import LONGEST, EgressProbe
from tonekeeper.core.egress.messages import Action, Event
from tonekeeper.core.egress.result import EgressProgress, EgressTrial
from tonekeeper.core.findings import Observation
from tonekeeper.core.firewall.flows import Places
from tonekeeper.core.report import EgressReport, FirewallReport
from tonekeeper.core.site import Path, Site, Transport
from tonekeeper.drivers.measure import MeasureDriver
from tonekeeper.edge.egress_sockets import EgressSockets
from tonekeeper.edge.entropy import token

MOST_AT_ONCE = 4
"""Destinations asked side by side."""
PROGRESS_EVERY = 0.25
"""Seconds."""

Driver = MeasureDriver[Event, Action, EgressTrial]


@dataclass(frozen=True, slots=True)
class EgressResult:
    judged: tuple[Judged, ...]
    rows: tuple[EgressReport, ...]
    observations: tuple[Observation, ...]
    elapsed_s: float


async def examine_egress(
    site: Site,
    places: Places,
    firewall: Sequence[FirewallReport] = (),
    *,
    sip_alg: Mapping[str, str] | None = None,
    answering: Collection[Path] = (),
    wans: Collection[str] = (),
    progress: Callable[[EgressProgress], None] | None = None,
) -> EgressResult:
    """Examine every WAN x SBC address x transport; `wans` (empty: all) limits it to these.

    `firewall`: what the rules of this host do, where somebody has asked. `sip_alg`: by WAN, whether SIP is rewritten.
    `answering`: paths known to answer that are not examined. `progress` is called four times a second.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    questions = [question for question in egress_questions(site, places) if not wans or question.path.wan in wans]
    running = _Running(questions, started)
    display = loop.create_task(_tell(running, progress)) if progress is not None else None
    try:
        trials = await running.all()
    finally:
        if display is not None:
            display.cancel()
    judged = judge_egress(trials, Surroundings(firewall, sip_alg or {}, answering))
    return EgressResult(judged, egress_reports(judged), egress_observations(judged), loop.time() - started)


async def examine_path(
    question: ExamineEgress, watch: Callable[[EgressProbe], None] = lambda probe: None
) -> EgressTrial:
    """One of them. Ends by itself; when it is cancelled, nothing stays open."""
    probe = EgressProbe(question, started=asyncio.get_running_loop().time())
    watch(probe)
    sockets = EgressSockets(lambda event: driver.feed(event), question)
    driver = Driver(probe, token=token, execute=sockets.execute)
    try:
        return await driver.run()
    finally:
        sockets.close()


def egress_questions(site: Site, places: Places) -> Iterator[ExamineEgress]:
    measured: set[tuple[str, str, bool]] = set()
    for sbc in site.sbcs:
        targets = places.targets.get(sbc.name, ())
        for transport, address in dict.fromkeys((target.transport, target.address) for target in targets):
            for wan in site.wans:
                kind = (wan.name, address.host, transport is Transport.UDP)
                yield ExamineEgress(
                    Path(wan.name, sbc.name, transport, address),
                    wan.interface,
                    wan.source,
                    sbc.host,
                    measures=kind not in measured and not wan.metered,
                    server_name=sbc.host,
                    tls=sbc.tls,
                    user_agent=site.probe.user_agent,
                )
                measured.add(kind)


class _Running:
    """Every question's turn, destination by destination."""

    def __init__(self, questions: Sequence[ExamineEgress], started: float) -> None:
        self._questions = questions
        self._started = started
        self._trials: dict[Path, EgressTrial] = {}
        self._probes: dict[Path, EgressProbe] = {}

    async def all(self) -> tuple[EgressTrial, ...]:
        """In the order of the questions."""
        hosts: dict[str, list[ExamineEgress]] = {}
        for question in self._questions:
            hosts.setdefault(question.path.address.host, []).append(question)
        turns = asyncio.Semaphore(MOST_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for own in hosts.values():
                group.create_task(self._one_host(own, turns))
        return tuple(self._trials[question.path] for question in self._questions)

    async def _one_host(self, questions: Sequence[ExamineEgress], turns: asyncio.Semaphore) -> None:
        async with turns:
            for question in questions:
                self._trials[question.path] = await examine_path(question, self._note)
                del self._probes[question.path]

    def _note(self, probe: EgressProbe) -> None:
        self._probes[probe.path] = probe

    def progress(self) -> EgressProgress:
        left = Counter(q.path.address.host for q in self._questions if q.path not in self._trials)
        doing = tuple(f"{path}: waiting for {probe.doing()}" for path, probe in self._probes.items())
        return EgressProgress(len(self._trials), len(self._questions), doing, max(left.values(), default=0) * LONGEST)


async def _tell(running: _Running, progress: Callable[[EgressProgress], None]) -> None:
    while True:
        progress(running.progress())
        await asyncio.sleep(PROGRESS_EVERY)
