"""The report as text for a terminal: the verdict first, then where it shows, then what to do about it."""

from __future__ import annotations

import textwrap

from tonekeeper.core.report import (
    ChangeReport,
    FindingReport,
    NatReport,
    PathReport,
    PhoneReport,
    Report,
    SbcReport,
    WanReport,
)
from tonekeeper.faces import phone_wording, wording
from tonekeeper.faces.wording import Tone, printable

Row = tuple[str, ...]

_COLOURS = {Tone.GOOD: "32", Tone.WARNING: "33", Tone.BAD: "31", Tone.UNKNOWN: "36"}
_STATE_COLUMN = 1
MOST_CHANGES = 15
"""Shown; the JSON has them all."""


def render_text(report: Report, colour: bool = False, width: int = 80) -> str:
    """`report` in lines of at most `width` columns, where the names in it allow; ends with a newline.

    All but what the operator or a peer named is ASCII. With `colour`, states carry ANSI colours as well as words.
    """
    return _Writer(colour, max(width, 40)).write(report)


class _Writer:
    def __init__(self, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = width

    def write(self, report: Report) -> str:
        blocks = [
            self._head(report),
            self._where(report),
            self._table(
                ("WAN", "STATE", "FOR", "INTERFACE", "CARRIER, ADDRESSES"), [_wan_row(wan) for wan in report.wans]
            ),
            self._table(("SBC, WAN", "STATE", "RTT", "LOSS", "ADDRESS, LAST REPLY"), _sbc_rows(report.sbcs)),
            self._functions(report.sbcs),
            self._facts(report.sbcs),
            self._damping(report),
            self._findings(report.findings),
            self._phones(report.phones),
            self._nat(report.nat),
            self._changes(report.changes),
        ]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def _head(self, report: Report) -> str:
        verdict, agent = wording.verdict(report), report.agent
        line = self._fill(f"{verdict.word}  {verdict.sentence}", " " * (len(verdict.word) + 2))
        painted = self._paint(verdict.word, verdict.tone) + line.removeprefix(verdict.word)
        uptime = wording.duration(agent.uptime_s)
        about = f"{agent.name}: {agent.role}, mode {agent.mode}, tonekeeper {agent.version}, running for {uptime}"
        return f"{painted}\n{self._fill(about)}"

    def _where(self, report: Report) -> str:
        told = {
            "Active": _active(report),
            "Voicemail": wording.voicemail_elsewhere(report),
            "Steering": wording.steering(report),
            "Storm guard": wording.storm_guard(report),
        }
        return "\n".join(self._fill(f"{of}: {said}", " " * (len(of) + 2)) for of, said in told.items() if said)

    def _functions(self, sbcs: tuple[SbcReport, ...]) -> str:
        """Only where deep probes are made; below each that fails somewhere, where and why."""
        rows, failures = _function_rows(sbcs)
        if not rows:
            return ""
        titles, *lines = self._table(("SBC, FUNCTION", "STATE", "PASSED", "LATEST OUTAGE"), rows).split("\n")
        told = [[line, self._fill(why, "      ", "    ")] for line, why in zip(lines, failures, strict=True)]
        return "\n".join([titles, *(part for parts in told for part in parts if part)])

    def _facts(self, sbcs: tuple[SbcReport, ...]) -> str:
        lines = [self._fill(f"{sbc.name}: {said}", "    ", "  ") for sbc in sbcs if (said := wording.sbc_facts(sbc))]
        return "\n".join(["SBCs", *lines]) if lines else ""

    def _damping(self, report: Report) -> str:
        """Only of what has flapped."""
        told = [(f"wan {wan.name}", wording.damping(wan)) for wan in report.wans]
        told += [(f"sbc {sbc.name}", wording.damping(sbc)) for sbc in report.sbcs]
        lines = [self._fill(f"{subject}: {said}", "    ", "  ") for subject, said in told if said]
        return "\n".join(["Damping", *lines]) if lines else ""

    def _findings(self, findings: tuple[FindingReport, ...]) -> str:
        return "\n".join(["Findings", *(self._finding(one) for one in findings)]) if findings else ""

    def _finding(self, finding: FindingReport) -> str:
        severity = self._paint(finding.severity, wording.tone_of(finding.severity))
        subject = f" {printable(finding.subject)}" if finding.subject else ""
        lines = [f"  {severity}  {printable(finding.code)}{subject}, for {wording.duration(finding.since_s)}"]
        lines.append(self._fill(finding.summary, "    ", "    "))
        if measured := wording.evidence(finding):
            lines.append(self._fill(f"Measured: {measured}", "      ", "    "))
        if finding.remedy:
            lines.append(self._fill(f"What to do: {finding.remedy}", "      ", "    "))
        return "\n".join(lines)

    def _phones(self, known: tuple[PhoneReport, ...]) -> str:
        lines = [self._fill(said, "    ", "  ") for said in phone_wording.phones(known)]
        return "\n".join(["Phones", *lines]) if lines else ""

    def _nat(self, nats: tuple[NatReport, ...]) -> str:
        lines = [self._fill(f"{nat.wan}: {wording.nat(nat)}", "    ", "  ") for nat in nats]
        return "\n".join(["NAT", *lines]) if lines else ""

    def _changes(self, changes: tuple[ChangeReport, ...]) -> str:
        lines = [self._fill(_change(change), "    ", "  ") for change in reversed(changes[-MOST_CHANGES:])]
        return "\n".join(["Latest changes", *lines]) if lines else ""

    def _fill(self, text: str, later: str = "", first: str = "") -> str:
        return textwrap.fill(
            printable(text),
            self._width,
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _table(self, titles: Row, rows: list[Row]) -> str:
        """Aligned columns; the last one is as long as it is, cut at the width."""
        rows = [tuple(printable(cell) for cell in row) for row in rows]
        widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)][:-1]
        lines = [_line(titles, widths, self._width)]
        for row in rows:
            line = _line(row, widths, self._width)
            before, state = widths[0] + 2, row[_STATE_COLUMN]
            painted = self._paint(state, wording.tone_of(state))
            lines.append(line[:before] + painted + line[before + len(state) :])
        return "\n".join(lines)

    def _paint(self, word: str, tone: Tone) -> str:
        return f"\x1b[1;{_COLOURS[tone]}m{word}\x1b[0m" if self._colour and word else word


def _line(row: Row, widths: list[int], width: int) -> str:
    columns = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
    room = width - sum(widths) - 2 * len(widths)
    return "  ".join([*columns, _cut(row[-1], room)]).rstrip()


def _cut(text: str, room: int) -> str:
    return text if len(text) <= max(room, 20) else f"{text[: max(room, 20) - 3]}..."


def _active(report: Report) -> str:
    active = report.active
    if not active.sbc:
        return "no path is chosen yet"
    parts = [f"{active.sbc} over {active.wan} for {wording.duration(active.since_s)}", active.reason]
    return "; ".join(part for part in (*parts, wording.failback_wait(report)) if part)


def _wan_row(wan: WanReport) -> Row:
    notes = [wan.carrier, *wan.addresses, *wording.wan_notes(wan)]
    return (wan.name, wan.state, wording.duration(wan.since_s), wan.interface, ", ".join(notes))


def _sbc_rows(sbcs: tuple[SbcReport, ...]) -> list[Row]:
    """One row for each SBC, and below it one for each of its paths."""
    rows: list[Row] = []
    for sbc in sbcs:
        notes = ["active"] if sbc.active else []
        rows.append((sbc.name, sbc.state, "", "", "; ".join([*notes, sbc.reason or sbc.uri])))
        rows += [_path_row(path) for path in sbc.paths]
    return rows


def _function_rows(sbcs: tuple[SbcReport, ...]) -> tuple[list[Row], list[str]]:
    """One row for each SBC whose functions are probed, and below it one for each of them; and how each row fails."""
    rows: list[Row] = []
    failures: list[str] = []
    for sbc in sbcs:
        functions = wording.functions(sbc)
        if functions:
            rows.append((sbc.name, "", "", ""))
            failures.append("")
        for one in functions:
            rows.append((f"  {one.function}", one.state, wording.passed(one), wording.duration(one.recovery_s)))
            failures.append(wording.failure(one))
    return rows, failures


def _path_row(path: PathReport) -> Row:
    reply = path.last_reply or "no reply yet"
    if path.last_reply_s is not None:
        reply += f", {wording.duration(path.last_reply_s)} ago"
    where = f"{path.transport} {path.address}: {reply}"
    return (f"  {path.wan}", path.state, wording.rtt(path), wording.loss(path), where)


def _change(change: ChangeReport) -> str:
    why = f" ({change.reason})" if change.reason else ""
    return f"{wording.duration(change.ago_s)} ago  {change.subject}: {change.before or 'none'} -> {change.after}{why}"
