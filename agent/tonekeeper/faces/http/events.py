"""Server-sent events (WHATWG HTML, section 9.2): what of the page is new, for everyone who listens.

While nobody listens, nothing is looked at. While somebody does, the report is looked at once a second, and sooner when
something is known to have happened. What people would see of it has changed: `status` goes out, at most once a second.
Only numbers have moved on: they go out with every fifth look, changed or not, so that silence means that the way is
broken. `diagnosis` goes out when an examination has moved on.

The data of an event is HTML: those parts of the page, by their ids, that differ from what this listener has. Who does
not keep up is passed over, and gets what is then new; who takes nothing at all is dropped by the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces.http.message import Headers, HttpStream, Sink
from tonekeeper.faces.http.page.parts import diagnosis_part, report_parts

LOOK = 1.0
"""Seconds between two looks."""
SETTLING = 0.05
"""Seconds between what happens and the look at it: one cause has many effects."""
REFRESH = 5
"""Looks between two refreshes of the numbers."""
MOST = 8
"""Listeners at once; the other connections are left to who asks."""
RETRY_MS = 2000
"""What browsers wait before they come again."""

CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]


@dataclass(slots=True, eq=False)
class Listener:
    sink: Sink
    has: dict[str, str] = field(default_factory=dict)
    """Parts of the page it was given last, by id."""

    def tell(self, event: str, parts: dict[str, str], *, even_nothing: bool = False) -> None:
        """The parts it does not have, as one event."""
        if self.sink.is_behind:
            return
        new = [html for name, html in parts.items() if self.has.get(name) != html]
        if new or even_nothing:
            self.has |= parts
            lines = "\n".join(new).splitlines() or [""]
            text = "".join(f"data: {line}\n" for line in lines)
            self.sink.write(f"event: {event}\n{text}\n".encode("utf-8", "backslashreplace"))


class Events:
    """`examination`: of the diagnosis that runs, or ran last; None where this agent makes none."""

    def __init__(
        self, report: Callable[[], Report], examination: Callable[[], Examination | None], call_later: CallLater
    ) -> None:
        self._report = report
        self._examination = examination
        self._call_later = call_later
        self._listeners: list[Listener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._looks = 0
        self._has_just_told = False
        self._is_soon = False
        self._seen: object = None
        self._examined: Examination | None = None

    def stream(self, headers: Headers = ()) -> HttpStream | None:
        """For one more listener; None where there are enough."""
        if len(self._listeners) >= MOST:
            return None
        return HttpStream("text/event-stream; charset=utf-8", self._welcome, headers)

    def look_soon(self) -> None:
        """Something has happened. Not before the second is over, where the last look had something to tell."""
        if self._timer is None or self._is_soon or self._has_just_told:
            return
        self._timer.cancel()
        self._is_soon = True
        self._timer = self._call_later(SETTLING, self._look)

    def _welcome(self, sink: Sink) -> Callable[[], None]:
        listener = Listener(sink)
        self._listeners.append(listener)
        sink.write(f"retry: {RETRY_MS}\n\n".encode())
        listener.tell("status", report_parts(self._report()))
        listener.tell("diagnosis", diagnosis_part(self._examination()))
        if self._timer is None:
            self._arm()
        return lambda: self._part_with(listener)

    def _part_with(self, listener: Listener) -> None:
        self._listeners.remove(listener)
        if not self._listeners and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._is_soon = False
        self._timer = self._call_later(LOOK, self._look)

    def _look(self) -> None:
        self._arm()
        self._looks += 1
        report, examination = self._report(), self._examination()
        seen, is_due = what_people_see(report), self._looks >= REFRESH
        self._has_just_told = is_due or seen != self._seen
        if self._has_just_told:
            self._seen = seen
            self._looks = 0
            self._tell("status", report_parts(report), even_nothing=is_due)
        if examination != self._examined:
            self._examined = examination
            self._tell("diagnosis", diagnosis_part(examination))

    def _tell(self, event: str, parts: dict[str, str], *, even_nothing: bool = False) -> None:
        for listener in tuple(self._listeners):
            listener.tell(event, parts, even_nothing=even_nothing)


def what_people_see(report: Report) -> object:
    """What of a report is news: all but the numbers that move by themselves."""
    return (
        [(one.code, one.subject, one.severity) for one in report.findings],
        [(one.finding.code, one.finding.subject, one.causes) for one in report.explained],
        [(wan.name, wan.state, wan.blamed, wan.carrier, wan.addresses) for wan in report.wans],
        [(sbc.name, sbc.state, sbc.active, sbc.reason) for sbc in report.sbcs],
        [(one.function, one.state, one.failing_wans) for sbc in report.sbcs for one in sbc.functions],
        [(path.wan, path.transport, path.address, path.state) for sbc in report.sbcs for path in sbc.paths],
        (report.active.wan, report.active.sbc, report.active.reason, report.active.voicemail),
        (report.steering.phase, report.steering.interface, report.steering.kept_calls, report.steering.stale_flows),
        [(nat.wan, nat.mapped_address, nat.lifetime_s, nat.sip_alg) for nat in report.nat],
        (report.firewall, report.egress),
        [(phone.address, phone.user_agent, phone.profile, phone.status) for phone in report.phones],
        [(check.check, check.outcome, check.detail) for check in report.checks],
    )
