"""Findings about names: a resolver that is broken, an answer that lies, addresses that nobody confirms any more."""

from __future__ import annotations

from collections.abc import Iterator

from tonekeeper.core.events import NameFailure
from tonekeeper.core.findings import Observation
from tonekeeper.core.instants import LONG_AGO
from tonekeeper.core.situation import Situation
from tonekeeper.core.whereabouts import STALE_AFTER, Answer, Asked, Whereabouts

BROKEN_AFTER = 2
"""Failures in a row; one is a lost datagram."""
_ABOUT_THE_NAME = (NameFailure.NXDOMAIN, NameFailure.EMPTY)
"""Failures that say nothing against the resolver, unless somebody knows the name."""


def observe(situation: Situation, now: float) -> Iterator[Observation]:
    yield from _broken_resolvers(situation)
    for sbc in situation.site.sbcs:
        lookup = situation.lookups.get(sbc.name)
        if lookup is None:
            continue
        for (wan, resolver), answer in lookup.lies(situation.spoken(sbc.name), now):
            evidence = {"host": sbc.host, "resolver": resolver, "wan": wan, "named": _listed(answer)}
            yield Observation("dns-lies", sbc.name, evidence | {"kept": ", ".join(map(str, lookup.addresses))})
        if lookup.failure and not lookup.targets:
            yield Observation("sbc-unresolved", sbc.name, {"why": lookup.failure, "host": sbc.host})
        elif lookup.failure and now >= lookup.confirmed_at + STALE_AFTER:
            kept = ", ".join(map(str, lookup.addresses))
            evidence = {"why": lookup.failure, "host": sbc.host, "kept": kept, "age": _age(lookup, now)}
            yield Observation("dns-stale", sbc.name, evidence)


def _broken_resolvers(situation: Situation) -> Iterator[Observation]:
    """Those that fail for every name they are asked."""
    for (wan, resolver), answers in _by_resolver(situation).items():
        if any(situation.dead(each) for each in situation.site.wans if each.name == wan):
            continue
        if all(answer.failures >= BROKEN_AFTER and _is_its_fault(answer, known) for answer, known in answers):
            names = len(answers)
            evidence = {"resolver": resolver, "wan": wan, "why": answers[0][0].reason, "names": str(names)}
            yield Observation("dns-broken", wan, evidence)


def _by_resolver(situation: Situation) -> dict[Asked, list[tuple[Answer, bool]]]:
    """What each resolver says to each name, and whether another one knows the name."""
    found: dict[Asked, list[tuple[Answer, bool]]] = {}
    for lookup in situation.lookups.values():
        for asked, answer in lookup.asked():
            found.setdefault(asked, []).append((answer, _is_known_elsewhere(lookup, asked)))
    return found


def _is_known_elsewhere(lookup: Whereabouts, asked: Asked) -> bool:
    others = [answer for other, answer in lookup.asked() if other != asked]
    return any(answer.failure is None and answer.heard_at > LONG_AGO for answer in others)


def _is_its_fault(answer: Answer, known: bool) -> bool:
    return known or answer.failure not in _ABOUT_THE_NAME


def _listed(answer: Answer) -> str:
    return ", ".join(str(target.address) for target in answer.targets)


def _age(lookup: Whereabouts, now: float) -> str:
    minutes = (now - lookup.confirmed_at) / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
