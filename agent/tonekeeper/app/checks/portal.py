"""Whether something answers HTTP for others: at addresses where nobody lives, and at the operator's own page."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tonekeeper.core.beside.knowledge import NOTHING_KNOWN, Knowledge
from tonekeeper.core.beside.portal import Asked, WanAsked, judge_portal
from tonekeeper.core.checks import CheckResult
from tonekeeper.core.site import HttpPage, Site, Wan
from tonekeeper.edge.http_question import ask_http
from tonekeeper.edge.system_resolver import look_up_within
from tonekeeper.edge.way_out import own_address
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

NOWHERE_V4 = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
"""One of each network that RFC 5737 keeps for documents."""
NOWHERE_V6 = "2001:db8::1"
"""RFC 3849."""
RESOLVED_WITHIN = 5.0
"""Seconds for the name of a page."""
_HTTP = 80


@dataclass(frozen=True, slots=True)
class _Located:
    """A page, and where it is; or why that is not known."""

    page: HttpPage
    addresses: Sequence[str]
    why: str


async def check_portal(site: Site, known: Knowledge = NOTHING_KNOWN, *, spare_metered: bool = False) -> CheckResult:
    """Over every WAN at the same time. `spare_metered` leaves out those where each byte costs."""
    nowhere = (_nowhere(), NOWHERE_V6)
    page = await _locate(site.checks.portal_page) if site.checks.portal_page is not None else None

    async def look(wan: Wan) -> WanAsked:
        if wan.metered and spare_metered:
            return WanAsked(wan.name, skipped="it is metered, and only a diagnosis asks over it")
        return await _look(wan, nowhere, page)

    return judge_portal(await asyncio.gather(*map(look, site.wans)), known.broken)


async def ask_page(page: HttpPage) -> Asked:
    """GET it, as the routes have it."""
    return await _ask_page(await _locate(page))


async def _look(wan: Wan, nowhere: Sequence[str], page: _Located | None) -> WanAsked:
    questions = [_ask_nowhere(host, wan) for host in nowhere]
    if page is not None:
        questions.append(_ask_page(page, wan))
    answers = await asyncio.gather(*questions)
    return WanAsked(
        wan.name,
        nowhere=tuple(answers[: len(nowhere)]),
        page=answers[-1] if page is not None else None,
        leased=_leased(wan) if any(one.answer is not None for one in answers) else "",
    )


def _leased(wan: Wan) -> str:
    from tonekeeper.edge.leased_portal import leased_portal

    return leased_portal(wan.interface)


async def _ask_nowhere(host: str, wan: Wan) -> Asked:
    source = wan.source if wan.source and (":" in wan.source) == (":" in host) else ""
    authority = f"[{host}]" if ":" in host else host
    return await ask_http(Endpoint(host, _HTTP), where=host, host=authority, interface=wan.interface, source=source)


async def _ask_page(located: _Located, wan: Wan | None = None) -> Asked:
    """At the first of its addresses that this WAN has a way to."""
    page = located.page
    interface, source = (wan.interface, wan.source) if wan is not None else ("", "")
    asked = Asked(str(page), why=located.why, sent=False)
    for host in located.addresses:
        if source and (":" in source) != (":" in host):
            continue
        where = Endpoint(host, page.port)
        asked = await ask_http(
            where, where=str(page), host=page.authority, path=page.path, interface=interface, source=source
        )
        if asked.sent:
            break
    return asked


async def _locate(page: HttpPage) -> _Located:
    try:
        found = await look_up_within(RESOLVED_WITHIN, page.host, page.port)
    except TimeoutError:
        return _Located(page, (), f"nobody resolves {page.host} in time")
    except (OSError, UnicodeError):
        return _Located(page, (), f"{page.host} leads nowhere")
    return _Located(page, tuple(dict.fromkeys(found)), "it has no address of this family")


def _nowhere() -> str:
    """An address that no network of this host contains: in a laboratory, documents come true."""
    for host in NOWHERE_V4:
        own = ""
        with suppress(EdgeError):
            own = own_address(Endpoint(host, _HTTP))
        if not own or ipaddress.ip_address(own) not in ipaddress.ip_network(f"{host}/24", strict=False):
            return host
    return NOWHERE_V4[-1]
