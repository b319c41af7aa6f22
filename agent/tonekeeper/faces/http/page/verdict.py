"""The answer first: the verdict, where calls go, the findings with what follows from them."""

from __future__ import annotations

from collections import Counter

from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.core.verdict import FoldedFinding, folded
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, facts, fold, lines, quiet, section, state


def verdict(report: Report) -> str:
    """Read out when it changes, so no number that moves by itself stands in it."""
    told = wording.verdict(report)
    return (
        f'<div id="verdict" data-part role="status" class="verdict {told.tone}">'
        f'<p class="word">{told.word}</p><p class="sentence">{escape(told.sentence)}</p></div>'
    )


def place(report: Report) -> str:
    """Where calls go and why, and what else there is to say of the whole site."""
    active = report.active
    where = "no path is chosen yet"
    if active.sbc:
        where = f"<strong>{escape(active.sbc)}</strong> over <strong>{escape(active.wan)}</strong>"
        where += f" for {wording.duration(active.since_s)}"
    why = "; ".join(part for part in (active.reason, wording.failback_wait(report)) if part)
    told = {
        "Calls go to": where,
        "Because": escape(why),
        "Voicemail": escape(wording.voicemail_elsewhere(report)),
        "Steering": escape(wording.steering(report)),
        "Storm guard": escape(wording.storm_guard(report)),
    }
    return f'<div id="place" data-part class="card">{facts(told)}</div>'


def findings(report: Report) -> str:
    """Worst first, each with its remedy and evidence; consequences under their cause."""
    told = folded(report)
    counts = Counter(one.finding.severity for one in told)
    summary = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    body = "".join(map(_finding, told)) or '<p class="card">None.</p>'
    return section("findings", "Findings", body, f"<small>{summary}</small>")


def _finding(one: FoldedFinding) -> str:
    finding = one.finding
    key = f"{finding.code} {finding.subject}"
    return (
        f'<article class="card finding {wording.tone_of(finding.severity)}" data-key="{escape(key)}">'
        f"<h3>{state(finding.severity)} {escape(finding.summary)}</h3>"
        + facts({"What to do": lines(finding.remedy), "Measured": escape(_measured(finding))})
        + (fold(f"so {key}", _consequently(one), _consequences(one)) if one.consequences else "")
        + f"<small><code>{escape(finding.code)}</code> {_about(finding)}</small></article>"
    )


def _measured(finding: FindingReport) -> str:
    """What the sentences above it do not say already."""
    said = finding.summary + finding.remedy
    return ", ".join(f"{key}: {value}" for key, value in finding.evidence.items() if value not in said)


def _about(finding: FindingReport) -> str:
    parts = (finding.subject, f"for {wording.duration(finding.since_s)}")
    return ", ".join(escape(part) for part in parts if part)


def _consequently(one: FoldedFinding) -> str:
    return f"and what follows from it: {wording.counted(len(one.consequences), 'finding')}"


def _consequences(one: FoldedFinding) -> str:
    rows = "".join(
        f"<li>{state(each.severity)} {escape(each.summary)}{quiet(_measured(each))}</li>" for each in one.consequences
    )
    return f"<ul>{rows}</ul>"
