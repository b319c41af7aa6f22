"""What the firewall does, as text: the cause on top, then every flow, what became of real packets, and what to type.

And the list to allow.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from tonekeeper.core.egress.result import EgressProgress
from tonekeeper.core.firewall.allow_list import AllowedFlow
from tonekeeper.core.report import EgressReport, FindingReport, FirewallReport, Severity
from tonekeeper.faces.wording import Tone, duration, printable

_COLOURS = {Tone.GOOD: "32", Tone.WARNING: "33", Tone.BAD: "31", Tone.UNKNOWN: "36"}
_TONES = {"accept": Tone.GOOD, "drop": Tone.BAD, "reject": Tone.BAD, "not checked": Tone.UNKNOWN}
_TITLES = ("FROM", "WAN", "TO", "WHAT", "ADDRESS", "OUT", "RETURN", "WHY")
_OUT_COLUMN = 5
_EGRESS_TITLES = ("WAN", "TO", "WHAT", "ADDRESS", "REAL PACKETS", "CAUSE", "LONGEST", "WHY")
_CAUSE_COLUMN = 5
_FINE = "fine"
_CAUSE_TONES = {_FINE: Tone.GOOD, "not checked": Tone.UNKNOWN}
_CHANGE = "change"


def render_firewall(
    flows: Sequence[FirewallReport],
    egress: Sequence[EgressReport],
    findings: Sequence[FindingReport],
    notes: Iterable[str],
    *,
    elapsed: tuple[float, float],
    colour: bool = False,
    width: int = 80,
) -> str:
    """Ends with a newline. What is to be pasted stands on lines of its own, however long.

    `elapsed`: seconds for the flows, and for the real packets.
    """
    width = max(width, 60)
    lines = _verdict(flows, egress, findings, colour, width)
    if flows or not egress:
        lines += ["", *_flows(flows, colour, width)]
    if egress:
        lines += ["", *_egress(egress, colour, width)]
    for finding in findings:
        lines += ["", *_finding(finding, colour, width)]
    if told := list(dict.fromkeys(notes)):
        lines += ["", *textwrap.wrap(f"Assumed and left out: {'; '.join(map(printable, told))}", width)]
    took = [f"{len(flows)} flows in {duration(elapsed[0])}"]
    if egress:
        took.append(f"real packets over {len(egress)} paths in {duration(elapsed[1])}")
    return "\n".join([*lines, "", "; ".join(took)]) + "\n"


def _verdict(
    flows: Sequence[FirewallReport],
    egress: Sequence[EgressReport],
    findings: Sequence[FindingReport],
    colour: bool,
    width: int,
) -> list[str]:
    stopped = [row for row in egress if row.cause not in _CAUSE_TONES]
    if findings and findings[0].severity is not Severity.INFO:
        word, tone, sentence = "PROBLEM", Tone.BAD, findings[0].summary
    elif stopped:
        causes = ", ".join(dict.fromkeys(row.cause for row in stopped))
        sentence = f"Real packets do not get through over {len(stopped)} of {len(egress)} paths: {causes}."
        word, tone = "PROBLEM", Tone.BAD
    elif any(flow.verdict == "accept" for flow in flows):
        word, tone, sentence = "FINE", Tone.GOOD, "What was checked gets out to the SBCs, and the answers get in."
    elif any(row.cause == _FINE for row in egress):
        word, tone, sentence = "FINE", Tone.GOOD, "Real packets of this host reach the SBCs; its rules were not asked."
    else:
        word, tone, sentence = "UNKNOWN", Tone.UNKNOWN, "Nothing could be checked."
    wrapped = textwrap.wrap(f"{word}  {printable(sentence)}", width, subsequent_indent=" " * (len(word) + 2))
    return [_paint(word, tone, colour) + wrapped[0].removeprefix(word), *wrapped[1:]]


def _flows(flows: Sequence[FirewallReport], colour: bool, width: int) -> list[str]:
    return _table(_TITLES, _rows(flows), _OUT_COLUMN, _TONES if colour else {}, width)


def _egress(egress: Sequence[EgressReport], colour: bool, width: int) -> list[str]:
    rows = [tuple(map(printable, _egress_row(row))) for row in egress]
    tones = {row.cause: _CAUSE_TONES.get(row.cause, Tone.BAD) for row in egress}
    return _table(_EGRESS_TITLES, rows, _CAUSE_COLUMN, tones if colour else {}, width)


def _egress_row(row: EgressReport) -> tuple[str, ...]:
    longest = "" if row.largest is None else str(row.largest)
    why = "" if row.cause == _FINE else row.detail
    return row.wan, row.sbc, row.transport, row.address, row.outcome, row.cause, longest, why


def render_egress_progress(progress: EgressProgress, *, width: int) -> str:
    """Whole lines, none of them wrapped."""
    lines = [f"real packets: {progress.done} of {progress.total} paths examined"]
    lines += [f"  {printable(one)}" for one in progress.doing]
    return "".join(f"{line[: width - 1]}\n" for line in lines)


def _table(
    titles: Sequence[str], found: Sequence[tuple[str, ...]], toned: int, tones: Mapping[str, Tone], width: int
) -> list[str]:
    """`toned`: the column that has a colour, where its text has a tone."""
    rows, reasons = _numbered(found)
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)][:-1]
    lines = [_line(titles, widths, width)]
    for row in rows:
        line = _line(row, widths, width)
        if row[toned] in tones:
            begin = sum(widths[:toned]) + 2 * toned
            line = line[:begin] + _paint(row[toned], tones[row[toned]], True) + line[begin + len(row[toned]) :]
        lines.append(line)
    for number, reason in enumerate(reasons, 1):
        lines += textwrap.wrap(f"({number}) {reason}", width, initial_indent="  ", subsequent_indent="      ")
    return lines


def _numbered(rows: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], list[str]]:
    """What stands in the last column is too long for a table: a number there, and the text below."""
    reasons = list(dict.fromkeys(row[-1] for row in rows if row[-1]))
    return [(*row[:-1], f"({reasons.index(row[-1]) + 1})" if row[-1] else "") for row in rows], reasons


def _rows(flows: Sequence[FirewallReport]) -> list[tuple[str, ...]]:
    """One for each flow, both directions in it; neighbouring ports of RTP that are treated alike make one."""
    rows: list[tuple[tuple[str, ...], list[str]]] = []
    names_lans = len({flow.interface for flow in flows if flow.interface}) > 1
    for out, back in zip(flows[::2], flows[1::2], strict=False):
        host, _, port = out.address.rpartition(":")
        place = (
            out.interface if names_lans and out.interface else out.origin,
            out.wan,
            out.sbc or "-",
            out.transport,
            host,
        )
        key = tuple(map(printable, (*place, out.verdict, back.verdict, _why(out) or _why(back))))
        if not rows or rows[-1][0] != key:
            rows.append((key, []))
        rows[-1][1].append(port)
    return [(*key[:4], f"{key[4]}:{_ports(ports)}", *key[5:]) for key, ports in rows]


def _ports(ports: Sequence[str]) -> str:
    return ports[0] if len(ports) == 1 else f"{ports[0]}-{ports[-1]}"


def _why(flow: FirewallReport) -> str:
    if flow.arrives_at:
        return f"redirected to {flow.arrives_at}"
    if flow.verdict == "accept":
        return ""
    if flow.rule is not None and not flow.reason:
        return f"{flow.rule.table} {flow.rule.chain}: {flow.rule.text}"
    return flow.reason


def _finding(finding: FindingReport, colour: bool, width: int) -> list[str]:
    tone = {Severity.CRITICAL: Tone.BAD, Severity.WARNING: Tone.WARNING}.get(finding.severity, Tone.UNKNOWN)
    subject = f" {printable(finding.subject)}" if finding.subject else ""
    lines = [f"{_paint(finding.severity, tone, colour)}  {finding.code}{subject}"]
    lines += textwrap.wrap(printable(finding.summary), width, initial_indent="  ", subsequent_indent="  ")
    proven = ", tried in a copy of the ruleset" if finding.evidence.get(_CHANGE, "(")[0] != "(" else ""
    return [*lines, f"  What to do{proven}:", *(f"    {printable(one)}" for one in finding.remedy.split("\n"))]


def _line(row: Sequence[str], widths: Sequence[int], width: int) -> str:
    line = "".join(f"{cell:{room}}  " for cell, room in zip(row, widths, strict=False)) + row[-1]
    return (line if len(line) <= width else line[: width - 3] + "...").rstrip()


def _paint(text: str, tone: Tone, colour: bool) -> str:
    return f"\x1b[{_COLOURS[tone]}m{text}\x1b[0m" if colour else text


def allow_as_text(flows: Sequence[AllowedFlow]) -> str:
    """Aligned columns, for people."""
    rows = [(flow.protocol, flow.destination, flow.ports, flow.purpose) for flow in flows]
    titles = ("PROTOCOL", "TO", "PORTS", "WHAT FOR")
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = [
        "  ".join(f"{cell:{room}}" for cell, room in zip(row, widths, strict=True)).rstrip() for row in (titles, *rows)
    ]
    return "\n".join([*lines, "", "All of it outbound, and the answers to it (stateful)."]) + "\n"


def allow_as_csv(flows: Sequence[AllowedFlow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("protocol", "destination", "ports", "purpose"))
    writer.writerows((flow.protocol, flow.destination, flow.ports, flow.purpose) for flow in flows)
    return out.getvalue()


def allow_as_nft(flows: Sequence[AllowedFlow]) -> str:
    """Rules for the chains forward and output of whatever table there is."""
    lines = ["ct state established,related accept"]
    for flow in flows:
        internet = "ip6" if flow.is_ipv6 else "ip"
        comment = flow.purpose.replace('"', "'")
        lines.append(
            f'{internet} daddr {flow.destination} {flow.protocol} dport {flow.ports} accept comment "{comment}"'
        )
    return "\n".join(lines) + "\n"


def allow_as_iptables(flows: Sequence[AllowedFlow]) -> str:
    """For iptables-restore --noflush, one family after the other."""
    answers = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    lines = [f"{program} -A {chain} {answers}" for program in _programs(flows) for chain in ("FORWARD", "INPUT")]
    for flow in flows:
        program = "ip6tables" if flow.is_ipv6 else "iptables"
        ports = flow.ports.replace("-", ":")
        lines += [
            f"{program} -A {chain} -d {flow.destination} -p {flow.protocol} --dport {ports} -j ACCEPT"
            for chain in ("FORWARD", "OUTPUT")
        ]
    return "\n".join(lines) + "\n"


def _programs(flows: Sequence[AllowedFlow]) -> list[str]:
    return list(dict.fromkeys("ip6tables" if flow.is_ipv6 else "iptables" for flow in flows))
