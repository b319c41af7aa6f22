"""Asking where the SBCs are: every name over every WAN that carries packets, again as its TTL runs out.

What the answers mean is for whereabouts.py to say; here they are asked for, and paths follow from them.
"""

from __future__ import annotations

import ipaddress

from tonekeeper.core import paths
from tonekeeper.core.commands import RememberTargets, ResolveSbc
from tonekeeper.core.events import SbcResolved, SbcUnresolved, TargetsRecalled
from tonekeeper.core.instants import NEVER
from tonekeeper.core.site import Sbc, Wan
from tonekeeper.core.turn import Turn
from tonekeeper.core.whereabouts import LEAST_TTL, MOST_TTL, Whereabouts


def look_up_all(turn: Turn) -> None:
    for sbc in turn.situation.site.sbcs:
        look_up(turn, sbc)


def look_up(turn: Turn, sbc: Sbc) -> None:
    """Ask now, over every WAN. An address needs nobody's answer."""
    turn.situation.lookups.setdefault(sbc.name, Whereabouts())
    if is_address(sbc.host):
        turn.commands.append(ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport))
        return
    for wan in turn.situation.site.wans:
        ask(turn, sbc, wan)


def ask(turn: Turn, sbc: Sbc, wan: Wan) -> None:
    """Over a WAN that carries nothing nobody is asked until it does."""
    lookup = turn.situation.lookups[sbc.name]
    if turn.situation.dead(wan):
        lookup.again.pop(wan.name, None)
        return
    lookup.again[wan.name] = NEVER
    where = (wan.name, wan.interface, wan.source, wan.resolvers)
    turn.commands.append(ResolveSbc(sbc.name, sbc.host, sbc.port, sbc.transport, *where))


def serve(turn: Turn) -> bool:
    """Ask one name that is due; whether one was."""
    for name, lookup in turn.situation.lookups.items():
        for wan, at in lookup.again.items():
            if at <= turn.now:
                ask(turn, turn.situation.sbc_of(name), turn.situation.wan_of(wan))
                return True
    return False


def ask_where_silent(turn: Turn, interface: str) -> None:
    """The WANs of an interface may carry packets again: whoever could not be asked over them is asked now."""
    for wan in turn.situation.site.wans:
        if wan.interface != interface or turn.situation.dead(wan):
            continue
        for sbc in turn.situation.site.sbcs:
            lookup = turn.situation.lookups.get(sbc.name)
            if lookup is not None and wan.name not in lookup.again and not is_address(sbc.host):
                ask(turn, sbc, wan)


def resolved(turn: Turn, event: SbcResolved) -> None:
    lookup = turn.situation.lookups.get(event.sbc)
    if lookup is None:
        return
    turn.stale = turn.stale or bool(lookup.failure)
    lookup.hear((event.wan, event.resolver), event.targets, turn.now)
    if event.wan in lookup.again:
        due = turn.now + min(MOST_TTL, max(LEAST_TTL, event.ttl))
        lookup.again[event.wan] = min(lookup.again[event.wan], due)
    _settle(turn, event.sbc)


def unresolved(turn: Turn, event: SbcUnresolved) -> None:
    lookup = turn.situation.lookups.get(event.sbc)
    if lookup is None:
        return
    lookup.fail((event.wan, event.resolver), event.failure, event.reason, turn.now)
    if event.wan in lookup.again:
        again = turn.now + lookup.retry_after(event.wan)
        lookup.again[event.wan] = min(lookup.again[event.wan], again)
    turn.stale = True


def recalled(turn: Turn, event: TargetsRecalled) -> None:
    lookup = turn.situation.lookups.get(event.sbc)
    if lookup is not None and not is_address(turn.situation.sbc_of(event.sbc).host):
        lookup.recall(event.targets, event.age_s, turn.now)
        paths.reconcile(turn)


def spoke(turn: Turn, sbc: str) -> None:
    """An address of this SBC has spoken SIP for the first time."""
    _settle(turn, sbc)


def _settle(turn: Turn, sbc: str) -> None:
    lookup = turn.situation.lookups[sbc]
    if lookup.settle(turn.situation.spoken(sbc), turn.now):
        paths.reconcile(turn)
    if lookup.is_to_be_saved(turn.now) and not is_address(turn.situation.sbc_of(sbc).host):
        lookup.saved, lookup.saved_at = lookup.targets, turn.now
        turn.commands.append(RememberTargets(sbc, lookup.targets))


def is_address(host: str) -> bool:
    """Whether the operator wrote where the SBC is, so that no name has to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
