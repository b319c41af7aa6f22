"""The screen: the answer first, then where it shows, then what happened; a terminal's worth of it.

Lines are granted in the order of their worth: a few of everything that matters, then all of it, then history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tonekeeper.core.report import ChangeReport, Report
from tonekeeper.core.verdict import FoldedFinding
from tonekeeper.faces import wording
from tonekeeper.faces.watch.cells import Charset, Frame, Ink, Line, Span, breadth, frame_of
from tonekeeper.faces.watch.detail import detail
from tonekeeper.faces.watch.lines import ends, ink_of, plain, prose, rule, state, window
from tonekeeper.faces.watch.matrix import matrix
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View, findings_of, place_of
from tonekeeper.faces.watch.wan_table import wan_table

LEAST_COLUMNS, LEAST_ROWS = 60, 15
_PROSE_LINES = (2, 1)
"""That verdict and active route may take each; the most for which nothing that matters loses its place."""
_ALL = 10_000
_GRANTS = (
    ("paths", 2),
    ("findings", 2),
    ("paths", _ALL),
    ("wans", _ALL),
    ("findings", 4),
    ("events", 3),
    ("findings", _ALL),
    ("events", _ALL),
)
"""Which section may grow to how many lines, in this order, as long as there is room."""


@dataclass(frozen=True, slots=True)
class Size:
    columns: int
    rows: int

    @property
    def is_enough(self) -> bool:
        return self.columns >= LEAST_COLUMNS and self.rows >= LEAST_ROWS


def draw(sight: Sight, view: View, size: Size, charset: Charset) -> Frame:
    """Every size has a frame; below 60 by 15 it says that this is not enough."""
    if not size.is_enough:
        lines = _too_small(sight, size, charset)
    elif view.is_open and view.chosen is not None:
        lines = _opened(sight, view, view.chosen, size, charset)
    else:
        lines = _overview(sight, view, size, charset)
    return frame_of(lines, size.columns, size.rows, charset)


def page(sight: Sight, view: View, size: Size, charset: Charset) -> int:
    """Findings, or lines of an open one, that a page holds."""
    if view.is_open:
        return _open_room(size)
    if sight.report is None:
        return 1
    return max(1, _plan(sight, sight.report, size, charset)[1]["findings"])


def last_scroll(sight: Sight, view: View, size: Size, charset: Charset) -> int:
    """How far an open finding can be scrolled."""
    if view.chosen is None:
        return 0
    return max(0, len(detail(sight, view.chosen, False, size.columns, charset)) - _open_room(size))


def _open_room(size: Size) -> int:
    return size.rows - 2


def _too_small(sight: Sight, size: Size, charset: Charset) -> list[Line]:
    if not size.columns:
        return []
    said = "" if sight.report is None else f"{wording.verdict(sight.report).word}. "
    told = f"{said}This screen is {size.columns}x{size.rows}; watching takes {LEAST_COLUMNS}x{LEAST_ROWS}. q quits."
    return [plain(line) for line in prose(told, size.columns, charset, max(size.rows, 1))]


def _opened(sight: Sight, view: View, chosen: FoldedFinding, size: Size, charset: Charset) -> list[Line]:
    findings = findings_of(sight.report)
    place = place_of(chosen, findings)
    now = chosen if place is None else findings[place]
    lines = detail(sight, now, place is None, size.columns, charset)
    room = _open_room(size)
    first = min(view.scrolled, max(0, len(lines) - room))  # the screen may have grown since
    shown = lines[first : first + room]
    filler: list[Line] = [()] * (room - len(shown))
    keys = f"d back  {charset.keys} PgUp PgDn scroll  p {_pause(view)}  q quit"
    return [_head(sight, view, size, charset), *shown, *filler, plain(keys)]


def _overview(sight: Sight, view: View, size: Size, charset: Charset) -> list[Line]:
    if sight.report is None:
        return [_head(sight, view, size, charset), *_no_answer(sight, size, charset)]
    above, granted = _plan(sight, sight.report, size, charset)
    lines = [_head(sight, view, size, charset), *above]
    lines += matrix(sight.report, size.columns, granted["paths"] + 1, charset)
    lines += wan_table(sight, size.columns, granted["wans"] + 1, charset) if granted["wans"] else []
    lines += _findings(sight, view, size.columns, granted["findings"], charset)
    lines += _events(sight, sight.report, size.columns, granted["events"], charset) if granted["events"] else []
    filler: list[Line] = [()] * (size.rows - len(lines) - 1)
    return [*lines, *filler, _keys(sight, view, size, charset)]


def _plan(sight: Sight, report: Report, size: Size, charset: Charset) -> tuple[list[Line], Mapping[str, int]]:
    """The prose above, and the lines of each section below its title."""
    for most in _PROSE_LINES:
        above = _above(sight, report, size, charset, most)
        granted = _granted(report, size.rows - len(above) - 2)
        if granted["paths"] == len(report.sbcs) and granted["wans"] == len(report.wans) and granted["findings"]:
            break
    return above, granted


def _granted(report: Report, room: int) -> Mapping[str, int]:
    """A section without a line has no title either."""
    wanted = {
        "paths": len(report.sbcs),
        "wans": len(report.wans),
        "findings": max(len(report.findings), 1),
        "events": len(report.changes),
    }
    granted = dict.fromkeys(wanted, 0)
    for section, most in _GRANTS:
        room -= not granted[section]
        more = max(0, min(most, wanted[section]) - granted[section])
        granted[section] += min(more, max(room, 0))
        room -= min(more, max(room, 0))
        room += not granted[section]
    return granted


def _head(sight: Sight, view: View, size: Size, charset: Charset) -> Line:
    if view.is_paused:
        right = Span("paused", Ink.WARNING)
    elif sight.silent_s is not None:
        since = f"{sight.silent_s:.0f} s" if sight.silent_s < 10 else wording.duration(sight.silent_s)
        right = Span(f"no answer since {since}", Ink.BAD)
    else:
        right = Span(sight.time_of(0.0) if sight.report is not None else "asking")
    if sight.report is None:
        return ends((Span(charset.cut(sight.url, size.columns - 30), Ink.STRONG),), (right,), size.columns)
    agent = sight.report.agent
    name = charset.cut(agent.name, size.columns // 3)
    about = f"  {agent.role}, mode {agent.mode}, since {sight.time_of(agent.uptime_s)}"
    room = size.columns - breadth(name) - breadth(right.text) - 2
    return ends((Span(name, Ink.STRONG), Span(charset.cut(about, room))), (right,), size.columns)


def _above(sight: Sight, report: Report, size: Size, charset: Charset, most: int) -> list[Line]:
    """Verdict and active route; while nobody answers, why."""
    if sight.silent_s is not None and sight.problem:
        old = f"What stands here is of {sight.time_of(0.0)}; {sight.problem}"
        lines = _verdict("NO ANSWER", Ink.BAD, old, size, charset, most)
    else:
        verdict = wording.verdict(report)
        lines = _verdict(verdict.word, ink_of(verdict.tone), verdict.sentence, size, charset, most)
    lines += [plain(line) for line in prose(_active(sight, report), size.columns, charset, most)]
    if most > 1:
        told = {"Steering": wording.steering(report), "Voicemail": wording.voicemail_elsewhere(report)}
        lines += [plain(charset.cut(f"{of}: {said}", size.columns)) for of, said in told.items() if said]
    return lines


def _no_answer(sight: Sight, size: Size, charset: Charset) -> list[Line]:
    said = sight.problem or "Waiting for the first answer."
    return [(), *(plain(line) for line in prose(said, size.columns, charset, size.rows - 2))]


def _verdict(word: str, ink: Ink, sentence: str, size: Size, charset: Charset, most: int) -> list[Line]:
    first, *others = prose(f"{word}  {sentence}", size.columns, charset, most, " " * (len(word) + 2))
    return [(Span(word, ink), Span(first.removeprefix(word))), *map(plain, others)]


def _active(sight: Sight, report: Report) -> str:
    active = report.active
    if not active.sbc:
        return "No path is chosen yet."
    said = f"Calls go over {active.wan} to {active.sbc} since {sight.time_of(active.since_s)}"
    why = f": {active.reason}" if active.reason else ""
    return f"{said}{why}{_way_back(sight, active.failback_s)}"


def _way_back(sight: Sight, wait_s: float | None) -> str:
    if wait_s is None:
        return ""
    return f"; way back possible {f'at {sight.time_of(-wait_s)}' if wait_s > 0 else 'now'}"


def _findings(sight: Sight, view: View, columns: int, room: int, charset: Charset) -> list[Line]:
    findings = findings_of(sight.report)
    chosen = place_of(view.chosen, findings) or 0
    shown = window(len(findings), room, chosen)
    title = "Findings" if len(shown) == len(findings) else f"Findings {shown[0] + 1}-{shown[-1] + 1} of {len(findings)}"
    lines = [rule([(2, title)], columns, charset)]
    if not findings:
        return [*lines, plain("  none")]
    return lines + [_finding(sight, findings[at], at == chosen, columns, charset) for at in shown]


def _finding(sight: Sight, folded: FoldedFinding, is_chosen: bool, columns: int, charset: Charset) -> Line:
    finding, more = folded.finding, len(folded.consequences)
    mark = (Span("> ", Ink.STRONG),) if is_chosen else (Span("  "),)
    severity = (Span(str(finding.severity), state(finding.severity)), Span(" " * (8 - len(finding.severity))))
    said = f"  {sight.time_of(finding.since_s):8}  {f'(+{more}) ' if more else ''}{finding.summary}"
    return (*mark, *severity, Span(charset.cut(said, columns - 10)))


def _events(sight: Sight, report: Report, columns: int, room: int, charset: Charset) -> list[Line]:
    latest = reversed(report.changes[-room:])
    return [rule([(2, "Events")], columns, charset), *(_event(sight, one, columns, charset) for one in latest)]


def _event(sight: Sight, change: ChangeReport, columns: int, charset: Charset) -> Line:
    why = f" ({change.reason})" if change.reason else ""
    subject = charset.shown(f"  {sight.time_of(change.ago_s):8}  {change.subject}: {change.before or 'new'} ")
    after = charset.shown(change.after)
    before = charset.cut(f"{subject}{charset.arrow} ", columns)
    room = columns - breadth(before)
    ink = state(change.after) if state(change.after) is not Ink.UNKNOWN else Ink.PLAIN
    return (Span(before), Span(charset.cut(after, room), ink), Span(charset.cut(why, room - breadth(after))))


def _keys(sight: Sight, view: View, size: Size, charset: Charset) -> Line:
    keys = f"q quit  p {_pause(view)}  {charset.keys} findings  d evidence and remedy"
    return ends((Span(charset.cut(keys, size.columns - 12)),), (Span(f"every {sight.interval_s:g} s"),), size.columns)


def _pause(view: View) -> str:
    return "go on" if view.is_paused else "pause"
