"""Whether the site is translated twice: by its addresses, by what a STUN server saw, and by the routers on the way."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from tonekeeper.core.beside.double_nat import WanSeen, judge_double_nat, needs_a_walk
from tonekeeper.core.beside.knowledge import NOTHING_KNOWN, Knowledge
from tonekeeper.core.checks import CheckResult, Outcome
from tonekeeper.core.commands import WalkPath
from tonekeeper.core.events import PathWalked
from tonekeeper.core.site import Path, Role, Site, Transport, Wan
from tonekeeper.edge.way_out import is_point_to_point, own_address
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

ANYWHERE = Endpoint("192.0.2.1", 9)
"""Where no SBC is known; nothing is sent there (RFC 5737)."""
WALKED_WITHIN = 5.0
"""Seconds."""

_TRANSLATES = re.compile(r"\b(?:masquerade|snat)\b", re.IGNORECASE)


async def check_double_nat(site: Site, known: Knowledge = NOTHING_KNOWN, *, spare_metered: bool = False) -> CheckResult:
    """Walks where the addresses leave doubt; `spare_metered` walks over no WAN where each byte costs."""

    async def look(wan: Wan) -> WanSeen:
        seen = _seen(wan, known)
        if not needs_a_walk(seen, site.role) or (wan.metered and spare_metered):
            return seen
        return replace(seen, hops=await _walk(wan, known.destinations[wan.name]))

    seen = await asyncio.gather(*map(look, site.wans))
    result = judge_double_nat(seen, site.role)
    if result.outcome is not Outcome.PROBLEM or site.role is not Role.ROUTER:
        return result
    return judge_double_nat(seen, site.role, translates=await asyncio.to_thread(_translates))


def _seen(wan: Wan, known: Knowledge) -> WanSeen:
    destination = known.destinations.get(wan.name)
    source = "" if ":" in wan.source else wan.source
    try:
        local = own_address(destination or ANYWHERE, wan.interface, source)
    except EdgeError as error:
        return WanSeen(wan.name, unknown=str(error))
    mapped = known.mapped.get(wan.name, "")
    return WanSeen(
        wan.name,
        local=local,
        mapped="" if ":" in mapped else mapped,
        destination=destination.host if destination is not None else "",
        hops=known.hops.get(wan.name),
        is_point_to_point=is_point_to_point(wan.interface),
    )


async def _walk(wan: Wan, destination: Endpoint) -> tuple[str, ...] | None:
    """None where nobody can walk here."""
    try:
        from tonekeeper.edge.ttl_walk import TtlWalk
    except ImportError:
        return None
    walked: asyncio.Future[PathWalked] = asyncio.get_running_loop().create_future()
    walk = TtlWalk(walked.set_result)
    try:
        path = Path(wan.name, "", Transport.UDP, destination)
        walk.execute(WalkPath(path, wan.interface, wan.source))
        async with asyncio.timeout(WALKED_WITHIN):
            return (await walked).hops
    except TimeoutError:
        return None
    finally:
        walk.close()


def _translates() -> bool | None:
    """Whether a rule of this host translates sources; None where its rules cannot be read."""
    try:
        from tonekeeper.edge.shadow_ruleset import read_ruleset

        return _TRANSLATES.search(read_ruleset().text) is not None
    except (EdgeError, ImportError):
        return None
