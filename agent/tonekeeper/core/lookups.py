"""Where the SBCs are: names asked again and again, addresses kept until an answer replaces them."""

from __future__ import annotations

from tonekeeper.core import paths
from tonekeeper.core.commands import ResolveSbc
from tonekeeper.core.events import SbcResolved, SbcUnresolved
from tonekeeper.core.instants import NEVER
from tonekeeper.core.situation import Lookup
from tonekeeper.core.turn import Turn

RETRY, RETRY_MOST = 5.0, 60.0
"""Seconds until a name that led nowhere is asked again, doubling."""
REFRESH = 60.0
"""Seconds between two look-ups of a name that has led somewhere."""


def look_up_all(turn: Turn) -> None:
    for sbc in turn.situation.site.sbcs:
        look_up(turn, sbc.name)


def look_up(turn: Turn, name: str) -> None:
    sbc = turn.situation.sbc_of(name)
    turn.situation.lookups.setdefault(name, Lookup()).again_at = NEVER
    turn.commands.append(ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport))


def resolved(turn: Turn, event: SbcResolved) -> None:
    lookup = turn.situation.lookups.get(event.sbc)
    if lookup is None:
        return
    numeric = turn.situation.sbc_of(event.sbc).host == event.addresses[0].host
    turn.stale = turn.stale or bool(lookup.failure)
    lookup.failure = ""
    lookup.failures = 0
    lookup.again_at = NEVER if numeric else turn.now + REFRESH
    if set(event.addresses) != set(lookup.addresses):
        lookup.addresses = event.addresses
        paths.reconcile(turn)


def unresolved(turn: Turn, event: SbcUnresolved) -> None:
    lookup = turn.situation.lookups.get(event.sbc)
    if lookup is None:
        return
    lookup.failure = event.reason
    lookup.again_at = turn.now + min(RETRY_MOST, RETRY * 2.0 ** min(lookup.failures, 10))
    lookup.failures += 1
    turn.stale = True
