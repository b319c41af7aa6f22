"""How full is the kernel's table of connections?

When it is full, packets of new connections are dropped: calls that stand go on, new ones and registrations that begin
anew fail, and nothing in the configuration is wrong. The kernel first evicts entries that were never answered
(`early_drop`), then drops (`drop`): both leave a trace in its counters when the fullness itself is over already.
`insert_failed` is none: two packets of one new connection that race each other are counted there on every router.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.findings import Observation
from tonekeeper.core.report import Severity

FILLING, FULL = 0.80, 0.95
"""Shares. From the second on, one phone system's keepalives or one scan are enough to fill it."""
STEP = 10
"""Per cent; how finely a fill that troubles nobody is told, so that it is not news every minute."""
ENTRY_BYTES = 512
"""Of one connection, rounded up: struct nf_conn with its extensions, and its two places in the hash table."""
SHARE_OF_MEMORY = 16
"""A table may take one part in so many of the memory; the kernel's own default is about one in 40."""


@dataclass(frozen=True, slots=True)
class TableSeen:
    count: int
    most: int
    """How many entries there may be; 0: no bound."""
    evicted: int = 0
    """early_drop, summed over the processors, since the kernel started."""
    dropped: int = 0
    memory: int = 0
    """Bytes this host has; 0: not known."""

    @property
    def share(self) -> float:
        return self.count / self.most if self.most else 0.0


def judge_table(seen: TableSeen, before: TableSeen | None = None) -> CheckResult:
    """`before`: an earlier look; without one nothing is known of what was lost."""
    lost = _lost(before, seen) if before is not None else 0
    percent = f"{seen.share:.0%}"
    if seen.share < FILLING and not lost:
        least = int(seen.share * 100) // STEP * STEP
        told = f"less than {least + STEP} % of {seen.most} entries are in use" if seen.most else "it has no bound"
        return CheckResult(Check.CONNTRACK, Outcome.OK, told)
    why = f"{seen.count} of {seen.most} entries are in use ({percent})"
    if lost:
        why += f", and {lost} connections were dropped or evicted for others since the last look"
    evidence = {"why": why, "used": str(seen.count), "most": str(seen.most), "lost": str(lost)}
    evidence["change"] = _change(seen)
    severity = Severity.CRITICAL if lost or seen.share >= FULL else Severity.WARNING
    return CheckResult(Check.CONNTRACK, Outcome.PROBLEM, why, (Observation("conntrack-full", "", evidence, severity),))


def _lost(before: TableSeen, seen: TableSeen) -> int:
    """What may be due to fullness only: a helper that refuses a packet counts as `drop` too."""
    dropped = seen.dropped - before.dropped if max(seen.share, before.share) >= FILLING else 0
    return max(0, seen.evicted - before.evicted) + max(0, dropped)  # counters that began again say nothing


def _change(seen: TableSeen) -> str:
    """A larger table, as far as that is modest; else only what fills it can be stopped."""
    larger = 2 * seen.most
    if seen.memory and larger * ENTRY_BYTES > seen.memory // SHARE_OF_MEMORY:
        return f"{seen.memory >> 20} MiB of memory bear no larger table: stop what fills it"
    return (
        f"sysctl -w net.netfilter.nf_conntrack_max={larger} (and keep it in /etc/sysctl.d/), which takes up to "
        f"{larger * ENTRY_BYTES >> 20} MiB"
    )
