"""What is wrong, what was looked at, and how notifications tell of it."""

from collections.abc import Callable

from tonekeeper.core.report import Severity
from tonekeeper.faces.snmp.definition import Group, Index, Leaf, Served, Table, of
from tonekeeper.faces.snmp.syntax import COUNTER, DATE_AND_TIME, GAUGE, LONG_TEXT, TEXT, UNSIGNED, text, words

SEVERITY = words("TonekeeperSeverity", "How bad a finding is.", "critical", "warning", "info")
OUTCOME = words("TonekeeperOutcome", "How a look at something ended.", "ok", "problem", "not checked")


def _count(severity: Severity) -> Callable[[Served], int]:
    return lambda served: sum(finding.severity is severity for finding in served.report.findings)


COUNTS = Group(
    5,
    "Findings",
    (
        Leaf(1, "Critical", GAUGE, _count(Severity.CRITICAL), "Active findings that are critical."),
        Leaf(2, "Warning", GAUGE, _count(Severity.WARNING), "Active findings that are a warning."),
        Leaf(3, "Info", GAUGE, _count(Severity.INFO), "Active findings that are worth knowing."),
    ),
    "How many findings are active.",
)

CHECKS = Table(
    24,
    "Check",
    lambda served: served.report.checks,
    (Index("CheckName", text(32, shortest=1), of("check"), 1, "What was looked at, such as clock or conntrack."),),
    (
        Leaf(2, "Outcome", OUTCOME, of("outcome"), "How it ended."),
        Leaf(3, "Detail", TEXT, of("detail"), "What was seen, or why it was not checked."),
        Leaf(4, "Age", GAUGE, of("age_s"), "Time since then.", "seconds"),
    ),
    "What was looked at beside the paths, or could not be.",
    most=64,
)

FINDINGS = Table(
    25,
    "Finding",
    lambda served: served.findings,
    (
        Index(
            "FindingNumber",
            UNSIGNED,
            of("number"),
            1,
            "A number that the finding keeps while it is active, and that none gets again before the agent restarts.",
        ),
    ),
    (
        Leaf(2, "Code", TEXT, of("one.code"), "The kind of the finding; a code never changes its meaning."),
        Leaf(3, "Severity", SEVERITY, of("one.severity"), "How bad it is."),
        Leaf(4, "Subject", TEXT, of("one.subject"), "What it is about: a WAN, an SBC, a path; empty: this host."),
        Leaf(5, "Summary", LONG_TEXT, of("one.summary"), "What is wrong, in a sentence."),
        Leaf(
            6,
            "Evidence",
            LONG_TEXT,
            lambda row: "\n".join(f"{key}: {value}" for key, value in row.one.evidence.items()),
            "What was measured, a line each.",
        ),
        Leaf(7, "Remedy", LONG_TEXT, of("one.remedy"), "What to do about it."),
        Leaf(8, "Age", GAUGE, of("one.since_s"), "Time since it was found.", "seconds"),
    ),
    "The active findings.",
    most=64,
)

NOTIFYING = Group(
    30,
    "Notify",
    (
        Leaf(1, "Sequence", UNSIGNED, None, "Counts the notifications of this agent. A gap: some were lost."),
        Leaf(2, "Time", DATE_AND_TIME, None, "When it happened, by the clock of the agent, in UTC."),
        Leaf(3, "Queued", GAUGE, of("queued"), "Notifications that wait for a way to a manager."),
        Leaf(4, "Lost", COUNTER, of("lost"), "Notifications that were given up because too many were waiting."),
    ),
    "How notifications fare, and what each of them carries.",
)
