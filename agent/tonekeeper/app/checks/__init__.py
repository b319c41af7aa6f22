"""The checks beside the paths, for a diagnosis and for the daemon alike. Each is loaded when it is asked for.

Whoever asks hands in what the agent knows already; a check that cannot look says why, and what would make it possible.
"""

from __future__ import annotations

from tonekeeper.core.beside.knowledge import NOTHING_KNOWN, Knowledge
from tonekeeper.core.checks import Check, CheckResult
from tonekeeper.core.site import Site

AT_MOST = {
    Check.CONNTRACK: 2.0,
    Check.CLOCK: 18.0,
    Check.PORTAL: 10.0,
    Check.DHCP: 6.0,
    Check.DOUBLE_NAT: 6.0,
}
"""Seconds that each takes, at worst: with names that nobody resolves. All can be asked at the same time."""


async def look(check: Check, site: Site, known: Knowledge = NOTHING_KNOWN) -> CheckResult:
    """One of AT_MOST; metered WANs are asked over, for somebody wants to know."""
    match check:
        case Check.CONNTRACK:
            from tonekeeper.app.checks.conntrack import check_conntrack

            return await check_conntrack()
        case Check.CLOCK:
            from tonekeeper.app.checks.clock import check_clock

            return await check_clock(site, known)
        case Check.PORTAL:
            from tonekeeper.app.checks.portal import check_portal

            return await check_portal(site, known)
        case Check.DHCP:
            from tonekeeper.app.checks.dhcp import check_dhcp

            return await check_dhcp(site)
        case Check.DOUBLE_NAT:
            from tonekeeper.app.checks.double_nat import check_double_nat

            return await check_double_nat(site, known)
        case _:
            raise ValueError(f"{check} is not beside the paths: the agent itself knows")
