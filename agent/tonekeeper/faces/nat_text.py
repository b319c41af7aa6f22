"""A NAT measurement as text: what was found, what could not be and why, and a picture of the bindings.

All but what a server or the kernel said is ASCII.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from math import log

from tonekeeper.core.nat.result import (
    NOT_CHECKED,
    BindingKind,
    BindingTrial,
    Interval,
    Lifetimes,
    NatResult,
    Progress,
    Trial,
)
from tonekeeper.faces.wording import duration, printable

MARKS = {Trial.WAITING: ".", Trial.ALIVE: "+", Trial.DEAD: "x"}
LEGEND = "+ alive   x dead   . still idle"

_LABEL = 12
_COLOURS = {"+": "32", "x": "31", ".": "2"}
_WORST_FIRST = (Trial.DEAD, Trial.WAITING, Trial.ALIVE)
_TICKS = (1, 3, 10, 30, 60, 120, 300, 600, 1200, 3600)


def render_nat(result: NatResult, *, kernel: str = "", colour: bool = False, width: int = 80) -> str:
    """`result` in lines; `kernel` is a sentence about this host's own NAT. Ends with a newline."""
    width = max(width, 40)
    lines = [f"NAT of {printable(result.wan) or 'this host'} towards {printable(result.server)}", ""]
    for label, text in _facts(result, kernel):
        lines += textwrap.wrap(f"{label:{_LABEL}}{printable(text)}", width, subsequent_indent=" " * _LABEL)
    if result.trials:
        lines += ["", *draw_bindings(result.trials, colour=colour, width=width)]
    spent = f"{result.packets_sent} packets, {result.bytes_sent} octets, {result.sockets} sockets"
    return "\n".join([*lines, "", f"{duration(result.elapsed_s)}, {spent}"]) + "\n"


def render_progress(progress: Progress, *, colour: bool = False, width: int = 80) -> str:
    """What is being waited for, until when at most, and the picture so far."""
    left = max(0.0, progress.at_most_s - progress.elapsed_s)
    status = f"{duration(progress.elapsed_s)}: waiting for {progress.waiting_for}, {duration(left)} more at most"
    picture = draw_bindings(progress.trials, colour=colour, width=width) if progress.trials else []
    return "\n".join([*picture, printable(status)[: width - 1]]) + "\n"


def draw_bindings(trials: Sequence[BindingTrial], *, colour: bool = False, width: int = 80) -> list[str]:
    """One line for each kind, one mark for each binding; what was idle for longer stands further right."""
    room = max(20, width - _LABEL - 1)
    scale = _Scale(max(2.0, *(one.idle_s for one in trials)), room)
    lines = [f"{'idle for':{_LABEL}}{scale.ticks()}"]
    for kind in BindingKind:
        own = [one for one in trials if one.kind is kind]
        if own:
            lines.append(f"{kind:{_LABEL}}{_paint(scale.marks(own), colour)}")
    return [*(line.rstrip() for line in lines), f"{'':{_LABEL}}{LEGEND}"]


class _Scale:
    """Idle times of 1 s to `longest` on `room` columns, logarithmic."""

    def __init__(self, longest: float, room: int) -> None:
        self._longest = longest
        self._room = room

    def column(self, seconds: float) -> int:
        return round(log(max(1.0, seconds)) / log(self._longest) * (self._room - 1))

    def marks(self, trials: Sequence[BindingTrial]) -> str:
        row = [" "] * self._room
        for trial in reversed(_WORST_FIRST):
            for one in trials:
                if one.trial is trial:
                    row[self.column(one.idle_s)] = MARKS[trial]
        return "".join(row)

    def ticks(self) -> str:
        line = ""
        for seconds in _TICKS:
            if seconds <= self._longest and (not line or self.column(seconds) > len(line)):
                label = f"{seconds} s"
                if self.column(seconds) + len(label) <= self._room:
                    line = line.ljust(self.column(seconds)) + label
        return line


def _paint(marks: str, colour: bool) -> str:
    if not colour:
        return marks
    return "".join(f"\x1b[{_COLOURS[mark]}m{mark}\x1b[0m" if mark in _COLOURS else mark for mark in marks)


def _facts(result: NatResult, kernel: str) -> Iterator[tuple[str, str]]:
    yield "mapping", _or_reason(result, "mapping", result.mapping)
    yield "filtering", _or_reason(result, "filtering", result.filtering)
    if result.mapped_address:
        yield "seen as", f"{result.mapped_address}, from {result.local_address}"
    for kind, interval in _intervals(result.lifetime_s):
        yield kind, _or_reason(result, kind, _lifetime(interval))
    yield "SIP ALG", result.sip_alg if result.evidence else _or_reason(result, "sip_alg", result.sip_alg)
    for piece in result.evidence:
        yield "", f"{piece.name}: {piece.verdict}: {piece.text}"
    if kernel:
        yield "this host", kernel


def _intervals(lifetimes: Lifetimes) -> Iterator[tuple[str, Interval | None]]:
    yield "unreplied", lifetimes.unreplied
    yield "replied", lifetimes.replied
    yield "stream", lifetimes.stream
    yield "tcp", lifetimes.tcp


def _lifetime(interval: Interval | None) -> str:
    if interval is None:
        return NOT_CHECKED
    low, high = interval
    if high is None:
        return f"lives idle for more than {low:.1f} s"
    return f"alive after {low:.1f} s, dead after {high:.1f} s" if low else f"dead after {high:.1f} s"


def _or_reason(result: NatResult, part: str, value: str) -> str:
    reason = result.reasons.get(part, "")
    return f"{value}: {reason}" if value == NOT_CHECKED and reason else value
