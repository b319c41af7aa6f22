"""What managers are to be told: how the report differs from what they were told last.

Each subject has one word (a state, the severity of a finding, where the site is), and is told of when the word is
another one than the last time. What is well from the start is not told of. Ways that are closed because their WAN or
their SBC is down are not told of one by one.

Not more than AT_ONCE in one go and one each SPACING in the long run leave. What exceeds that stays untold, so that
later the difference is told, and not each step on the way: a subject that flaps fast costs no more than one that is
slow. It settles because a word that was told is told again only after another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tonekeeper.core.report import PathReport, PathState, SbcState, WanState
from tonekeeper.faces.snmp.definition import ENTERPRISES, NOTIFICATIONS, Leaf, NotificationType, Served, Table
from tonekeeper.faces.snmp.objects.agent import AGENT
from tonekeeper.faces.snmp.objects.findings import NOTIFYING
from tonekeeper.faces.snmp.objects.notifications import (
    ACTIVE_CHANGED,
    FINDING_CLEARED,
    FINDING_RAISED,
    PATH_CHANGED,
    SBC_CHANGED,
    WAN_CHANGED,
)
from tonekeeper.faces.snmp.objects.paths import PathRow
from tonekeeper.faces.snmp.view import cell, object_oid, scalar
from tonekeeper.wire.smi import Oid, Tag, Value, Varbind

AT_ONCE = 20
SPACING = 3.0
"""Seconds."""
SNMP_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)

Key = tuple[str, ...]
Notification = tuple[Varbind, ...]
"""Begins with snmpTrapOID.0."""

_WELL = frozenset({"up", "healthy"})
"""What a subject may be at first without being told of."""
_UNKNOWN = "unknown"
"""No word at all, as long as nothing else was told."""


@dataclass(frozen=True, slots=True)
class _Subject:
    kind: NotificationType
    key: Key
    word: str | None
    """None: nothing to say of it now; what was told of it still holds."""
    row: object


class Teller:
    """`began`: monotonic seconds, as every `now`; `wall` is seconds since 1970."""

    def __init__(self, enterprise: int, began: float) -> None:
        self._enterprise = enterprise
        self._told: dict[Key, _Subject] = {}
        self._sequence = 0
        self._allowed = float(AT_ONCE)
        self._refilled_at = began

    def tell(self, served: Served, now: float, wall: float) -> list[Notification]:
        """What is to be told now; the same report once more leads to nothing, or to what exceeded the limit before."""
        self._allowed = min(float(AT_ONCE), self._allowed + (now - self._refilled_at) / SPACING)
        self._refilled_at = now
        subjects = {subject.key: subject for subject in _subjects(served)}
        told = []
        for kind, subject in self._news(subjects):
            if self._allowed < 1:
                break
            self._allowed -= 1
            if subject.key in subjects:
                self._told[subject.key] = subject
            else:
                del self._told[subject.key]
            told.append(self._written(kind, subject, served, wall))
        return told

    def _news(self, subjects: dict[Key, _Subject]) -> list[tuple[NotificationType, _Subject]]:
        """What is new first, and then what is over."""
        news = []
        for key, subject in subjects.items():
            before = self._told.get(key)
            if subject.word in (None, before.word if before is not None else _UNKNOWN):
                continue
            if before is None and _is_expected(subject):
                self._told[key] = subject
            else:
                news.append((subject.kind, subject))
        for key in [key for key in self._told if key not in subjects]:
            if self._told[key].kind is FINDING_RAISED:
                news.append((FINDING_CLEARED, self._told[key]))
            else:
                del self._told[key]  # it is not configured any more
        return news

    def _written(self, kind: NotificationType, subject: _Subject, served: Served, wall: float) -> Notification:
        self._sequence += 1
        identity = (*ENTERPRISES, self._enterprise, *NOTIFICATIONS, kind.number)
        name, sequence, time = AGENT.leaves[0], NOTIFYING.leaves[0], NOTIFYING.leaves[1]
        found = [
            scalar(AGENT, name, served, self._enterprise),
            self._only_notified(sequence, self._sequence),
            self._only_notified(time, wall),
            *self._carried(kind, subject, served),
        ]
        return (
            Varbind(SNMP_TRAP_OID, Value(Tag.OBJECT_IDENTIFIER, identity)),
            *(varbind for varbind in found if varbind is not None),
        )

    def _only_notified(self, leaf: Leaf, content: float) -> Varbind:
        oid = (*object_oid(NOTIFYING, leaf, self._enterprise), 0)
        return Varbind(oid, Value(leaf.syntax.tag, leaf.syntax.encode(content)))

    def _carried(self, kind: NotificationType, subject: _Subject, served: Served) -> Iterator[Varbind | None]:
        if isinstance(kind.of, Table):
            columns = {leaf.name: leaf for leaf in kind.of.columns}
            for name in kind.carries:
                yield cell(kind.of, columns[name], subject.row, self._enterprise)
        else:
            leaves = {leaf.name: leaf for leaf in kind.of.leaves}
            for name in kind.carries:
                yield scalar(kind.of, leaves[name], served, self._enterprise)


def _is_expected(subject: _Subject) -> bool:
    """At first: that the site is somewhere, or that something is well."""
    return subject.kind is ACTIVE_CHANGED or (subject.kind is not FINDING_RAISED and subject.word in _WELL)


def _subjects(served: Served) -> Iterator[_Subject]:
    """What matters most first."""
    report = served.report
    for numbered in served.findings:
        finding = numbered.one
        yield _Subject(FINDING_RAISED, ("finding", finding.code, finding.subject), str(finding.severity), numbered)
    active = report.active
    place = f"{active.sbc} over {active.wan}" if active.sbc else None
    yield _Subject(ACTIVE_CHANGED, ("active",), place, served)
    for wan in report.wans:
        yield _Subject(WAN_CHANGED, ("wan", wan.name), str(wan.state), wan)
    for sbc in report.sbcs:
        yield _Subject(SBC_CHANGED, ("sbc", sbc.name), str(sbc.state), sbc)
    dead = {wan.name for wan in report.wans if wan.state is WanState.DOWN}
    for sbc in report.sbcs:
        for path in sbc.paths:
            is_explained = sbc.state is SbcState.DOWN or path.wan in dead
            key = ("path", path.wan, sbc.name, path.transport, path.address)
            yield _Subject(PATH_CHANGED, key, None if is_explained else _verdict(path), PathRow(sbc, path))


def _verdict(path: PathReport) -> str | None:
    """None while there is doubt."""
    match path.state:
        case PathState.UP | PathState.DOWN:
            return str(path.state)
        case PathState.SUSPECT | PathState.UNKNOWN:
            return None
