"""What a fleet's reports have in common: sites by state, and one line for each cause that many of them share.

Each site counts once, by its worst finding. Two sites share a cause when that is the same code about the same thing:
an SBC by its URI (whatever a site calls it), a WAN by its provider (a column of the inventory) or else its name, a
model of phones by its profile. What else nearly all of them share, and the rest of the fleet does not, stands beside
it: that is where to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.report import FindingReport, Report, Severity
from tonekeeper.fleet.inventory import Host

WAN_PROVIDER = "wan_provider"
"""The column that says whose WAN it is; `wan_provider.lte` that of one WAN."""
SHARED, ELSEWHERE = 0.9, 0.5
"""A trait is told where this share of the sites with the cause has it, and less than that of the others."""
MOST_TRAITS = 3


class SiteState(StrEnum):
    UNREACHABLE = "unreachable"
    CRITICAL = "critical"
    WARNING = "warning"
    FINE = "fine"


_WORST_FIRST = tuple(SiteState)


@dataclass(frozen=True, slots=True)
class Polled:
    """What became of one host."""

    host: Host
    report: Report | None
    error: str
    """Why there is no report; empty where there is one."""
    elapsed_s: float
    attempts: int

    @property
    def state(self) -> SiteState:
        if self.report is None:
            return SiteState.UNREACHABLE
        worst = worst_of(self.report)
        if worst is None or worst.severity is Severity.INFO:
            return SiteState.FINE
        return SiteState(str(worst.severity))


@dataclass(frozen=True, slots=True)
class Cause:
    state: SiteState
    code: str
    """Of the finding; "unreachable" where there is no report."""
    about: str
    """What the sites share: an SBC's URI, a WAN, a model; empty: nothing in particular."""
    sites: tuple[str, ...]
    summary: str
    """Of one of them."""
    also: tuple[str, ...]
    """Traits that nearly all of them have, and few others: "agent 0.2.0"."""


@dataclass(frozen=True, slots=True)
class Summary:
    states: dict[SiteState, int]
    causes: tuple[Cause, ...]
    """Worst first, then by the number of sites."""


def summarise(polled: Sequence[Polled]) -> Summary:
    groups: dict[tuple[SiteState, str, str], list[Polled]] = {}
    for one in polled:
        if one.state is not SiteState.FINE:
            groups.setdefault((one.state, *_cause_of(one)), []).append(one)
    traits = {one.host.name: _traits(one) for one in polled}
    total = Counter(trait for own in traits.values() for trait in own)
    causes = [_cause(key, group, traits, total, len(polled)) for key, group in groups.items()]
    causes.sort(key=lambda cause: (_WORST_FIRST.index(cause.state), -len(cause.sites), cause.code, cause.about))
    counted = Counter(one.state for one in polled)
    return Summary({state: counted[state] for state in _WORST_FIRST}, tuple(causes))


def worst_first(polled: Sequence[Polled]) -> list[Polled]:
    return sorted(polled, key=lambda one: (_WORST_FIRST.index(one.state), one.host.name))


def worst_of(report: Report) -> FindingReport | None:
    """A report's findings are worst first."""
    return report.findings[0] if report.findings else None


def _cause_of(one: Polled) -> tuple[str, str]:
    if one.report is None:
        return "unreachable", one.error
    finding = worst_of(one.report)
    assert finding is not None, "a site without findings is fine"
    return finding.code, _about(finding, one)


def _about(finding: FindingReport, one: Polled) -> str:
    assert one.report is not None
    if finding.code.startswith(("phone-", "phones-")):
        return finding.subject
    names = set(finding.subject.replace("/", " ").split())
    told = [sbc.uri for sbc in one.report.sbcs if sbc.name in names]
    told += [_provider(one.host, wan.name) for wan in one.report.wans if wan.name in names]
    return ", ".join(told)


def _provider(host: Host, wan: str) -> str:
    return host.labels.get(f"{WAN_PROVIDER}.{wan}") or host.labels.get(WAN_PROVIDER) or wan


def _cause(
    key: tuple[SiteState, str, str],
    group: Sequence[Polled],
    traits: dict[str, frozenset[str]],
    total: Counter[str],
    of: int,
) -> Cause:
    state, code, about = key
    report = group[0].report
    worst = worst_of(report) if report is not None else None
    return Cause(
        state,
        code,
        about,
        tuple(sorted(one.host.name for one in group)),
        worst.summary if worst is not None else group[0].error,
        _in_common([traits[one.host.name] for one in group], total, of),
    )


def _in_common(group: Sequence[frozenset[str]], total: Counter[str], of: int) -> tuple[str, ...]:
    if len(group) < 2 or len(group) == of:
        return ()
    own = Counter(trait for traits in group for trait in traits)
    told = [
        trait
        for trait, count in own.most_common()
        if count >= SHARED * len(group) and (total[trait] - count) < ELSEWHERE * (of - len(group))
    ]
    return tuple(told[:MOST_TRAITS])


def _traits(one: Polled) -> frozenset[str]:
    """Everything a site may share with others."""
    told = {f"{key} {value}" for key, value in one.host.labels.items()}
    if one.report is not None:
        told.add(f"agent {one.report.agent.version}")
        told |= {f"SBC {sbc.uri}" for sbc in one.report.sbcs}
        told |= {f"phones {phone.profile} {phone.firmware}".strip() for phone in one.report.phones if phone.profile}
    return frozenset(told)
