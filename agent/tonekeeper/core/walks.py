"""Whether two WANs share their fate: the routers on the way to an SBC, compared over each WAN.

A walk is a handful of packets with rising TTL. One path is walked at a time, each WAN and SBC at most once an hour (or
when the operator asks, by a reload), and none on a metered WAN. Two WANs that leave through the same first router fail
together, whatever their names.
"""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.commands import WalkPath
from tonekeeper.core.events import PathWalked
from tonekeeper.core.instants import LONG_AGO, NEVER
from tonekeeper.core.report import PathState
from tonekeeper.core.site import Path
from tonekeeper.core.situation import Situation, Walk
from tonekeeper.core.turn import Turn

FIRST = 60.0
"""Seconds after the start: by then the paths are proven, or not."""
SOON = 1.0
"""Seconds until a walk that was asked for."""
SPACING = 20.0
"""Seconds between two walks."""
AGAIN = 3600.0
"""Seconds until the same path is walked again."""


def plan_first(turn: Turn) -> None:
    if len(turn.situation.site.wans) > 1:
        turn.situation.walk_at = turn.now + FIRST


def walk_again(turn: Turn) -> None:
    """Somebody asks: walk all paths anew, now. What is known stays until it is known better."""
    situation = turn.situation
    situation.walks = [replace(walk, at=LONG_AGO) for walk in situation.walks]
    situation.walk_at = turn.now + SOON if len(situation.site.wans) > 1 else NEVER


def hasten(turn: Turn) -> None:
    """Somebody waits for the first walks."""
    if turn.situation.walk_at < NEVER:
        turn.situation.walk_at = min(turn.situation.walk_at, turn.now + SOON)


def walk(turn: Turn) -> None:
    """Walk one path whose turn it is."""
    situation = turn.situation
    situation.walk_at = turn.now + SPACING
    situation.walks = [walk for walk in situation.walks if walk.path in situation.probes]
    lately = {walk.path for walk in situation.walks if turn.now < walk.at + AGAIN}
    path = next((path for path in _walkable(situation) if path not in lately), None)
    if path is None:
        return
    wan = situation.wan_of(path.wan)
    before = next((walk for walk in situation.walks if walk.path == path), Walk(path, turn.now))
    _remember(situation, replace(before, at=turn.now))
    turn.commands.append(WalkPath(path, wan.interface, wan.source))


def walked(turn: Turn, event: PathWalked) -> None:
    if event.path in turn.situation.probes:
        _remember(turn.situation, Walk(event.path, turn.now, event.hops))
        turn.stale = True


def shared_router(situation: Situation) -> tuple[str, str, str] | None:
    """Two WANs and the first router that both go through; None as far as is known."""
    firsts = [(walk.path, next((hop for hop in walk.hops if hop), "")) for walk in situation.walks]
    for path, hop in firsts:
        for other, other_hop in firsts:
            if path.wan < other.wan and hop and hop == other_hop and hop != path.address.host:
                return path.wan, other.wan, hop
    return None


def _walkable(situation: Situation) -> list[Path]:
    """The first address of each WAN and SBC, where it answers and costs nothing."""
    first: dict[tuple[str, str], Path] = {}
    for path, probe in situation.probes.items():
        if probe.state is PathState.UP and not situation.wan_of(path.wan).metered:
            first.setdefault((path.wan, path.sbc), path)
    return list(first.values())


def _remember(situation: Situation, walk: Walk) -> None:
    situation.walks = [known for known in situation.walks if known.path != walk.path] + [walk]
