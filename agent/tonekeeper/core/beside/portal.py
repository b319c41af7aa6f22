"""Does something on the way answer HTTP in the name of others?

Nobody lives at the addresses that are asked (RFC 5737, RFC 3849): whoever answers HTTP there intercepts it. A captive
portal sends the visitor to its own page, by a redirection, by 511 (RFC 6585 section 6) or by that page itself; what
answers with an error is a proxy, which lets other traffic alone. A connection without an answer proves nothing: some
mobile networks accept every connection to port 80 and then close it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tonekeeper.core.checks import Check, CheckResult, Outcome
from tonekeeper.core.findings import Observation
from tonekeeper.core.report import Severity
from tonekeeper.wire.http_answer import HttpAnswer

UNRESTRICTED = "urn:ietf:params:capport:unrestricted"
"""What a lease says where there is no portal (RFC 8910 section 2)."""

_NO_CONTENT, _ERRORS, _LOGIN_REQUIRED = 204, 400, 511


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP question. `answer` is None where nobody answered in HTTP; then `why` says what happened instead."""

    where: str
    answer: HttpAnswer | None = None
    why: str = ""
    sent: bool = True
    """False where this host has no way to ask."""


@dataclass(frozen=True, slots=True)
class WanAsked:
    wan: str
    nowhere: tuple[Asked, ...] = ()
    """At addresses where nobody lives."""
    page: Asked | None = None
    """At [checks] portal_url, if there is one."""
    leased: str = ""
    """The portal that the WAN's DHCP lease names (RFC 8910)."""
    skipped: str = ""
    """Why nobody was asked over it."""


def judge_portal(wans: Sequence[WanAsked], broken: Collection[str] = ()) -> CheckResult:
    """`broken`: WANs over which every path is down."""
    found = [one for wan in wans if (one := _observation(wan, wan.wan in broken)) is not None]
    if found:
        told = "; ".join(f"{one.subject}: {one.evidence['why']}" for one in found)
        return CheckResult(Check.PORTAL, Outcome.PROBLEM, told, tuple(found))
    told = "; ".join(f"{wan.wan}: {_unasked(wan) or _silence(wan)}" for wan in wans)
    if not wans or any(_unasked(wan) for wan in wans):
        return CheckResult(Check.PORTAL, Outcome.NOT_CHECKED, told or "no WAN is known")
    return CheckResult(Check.PORTAL, Outcome.OK, told)


def _observation(wan: WanAsked, is_broken: bool) -> Observation | None:
    questions = ((wan.page, False), *((asked, True) for asked in wan.nowhere))
    caught = [one for asked, nobody_lives in questions if asked is not None and (one := _caught(asked, nobody_lives))]
    if not caught:
        return None
    why, is_portal = caught[0]
    evidence = {"why": why}
    if wan.leased and wan.leased != UNRESTRICTED:
        evidence = {"why": f"{why}; the DHCP lease names {wan.leased}", "portal": wan.leased}
    if not is_portal:
        return Observation("captive-portal", wan.wan, evidence, Severity.INFO)
    severity = Severity.CRITICAL if is_broken else Severity.WARNING
    return Observation("captive-portal", wan.wan, evidence, severity)


def _caught(asked: Asked, nobody_lives: bool) -> tuple[str, bool] | None:
    """What was seen and whether that is a portal; None where the answer is nobody else's."""
    answer = asked.answer
    if answer is None:
        return None
    is_portal = answer.status < _ERRORS or answer.status == _LOGIN_REQUIRED
    if not nobody_lives and (answer.status == _NO_CONTENT or not is_portal):
        return None
    where = f"{asked.where}, where nobody lives," if nobody_lives else asked.where
    said = f"{where} answers {answer.status} {answer.reason}".rstrip()
    page, server = answer.location.partition("?")[0], answer.server or answer.via
    if page:
        return f"{said} and sends to {page}", is_portal
    return said + (f" ({server})" if server else ""), is_portal


def _unasked(wan: WanAsked) -> str:
    """Why nothing is known of it; empty where something is."""
    if wan.skipped:
        return wan.skipped
    asked = [one for one in (wan.page, *wan.nowhere) if one is not None]
    if any(one.sent for one in asked):
        return ""
    return asked[0].why if asked else "nobody was asked"


def _silence(wan: WanAsked) -> str:
    page = wan.page
    if page is None or page.answer is None:
        missing = f", {page.where}: {page.why}" if page is not None else ""
        return f"nobody answers for others{missing}"
    return f"nobody answers for others, {page.where} answers {page.answer.status}"
