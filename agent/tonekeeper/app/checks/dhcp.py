"""Whether more than one DHCP server answers where the phones are."""

from __future__ import annotations

import asyncio

from tonekeeper.core.beside.dhcp import LanAsked, judge_dhcp
from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.site import Role, Site
from tonekeeper.errors import EdgeError


async def check_dhcp(site: Site) -> CheckResult:
    """On every LAN interface at the same time; a laptop asks where it is a guest itself."""
    try:
        from tonekeeper.edge.dhcp_discovery import collect_offers
    except ImportError as error:
        return CheckResult(Check.DHCP, Outcome.NOT_CHECKED, f"this system cannot be asked ({error})")
    interfaces = site.lan.interfaces
    if not interfaces and site.role is Role.ENDPOINT:
        interfaces = tuple(dict.fromkeys(wan.interface for wan in site.wans))

    async def ask(interface: str) -> LanAsked:
        try:
            return LanAsked(interface, await collect_offers(interface))
        except EdgeError as error:
            return LanAsked(interface, refused=str(error))

    return judge_dhcp(await asyncio.gather(*map(ask, interfaces)))
