"""What an ICMP error or an errno says about a way that is closed.

Whose sign it is matters as much as what it says: nftables and iptables reject with "port unreachable" unless told
otherwise, so that from a router on the way it is a rule, and only from the SBC itself a port that nobody listens on.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from tonekeeper.core.egress.result import Icmp, Outcome

_UNREACHABLE_V4, _TIME_EXCEEDED_V4, _TOO_BIG_V4 = 3, 11, 4
_UNREACHABLE_V6, _TOO_BIG_V6, _TIME_EXCEEDED_V6 = 1, 2, 3
_PROHIBITED_V4 = frozenset({9, 10, 13})
"""RFC 1812 section 5.2.7.1."""
_PROHIBITED_V6 = frozenset({1, 5, 6})
"""RFC 4443 section 3.1."""
_PORT_V4, _PORT_V6 = 3, 4
_IN_TRANSIT = 0
"""The other code is about fragments of which some are missing."""

_WORDS = {
    Outcome.PROHIBITED: "administratively prohibited",
    Outcome.PORT_UNREACHABLE: "port unreachable",
    Outcome.UNREACHABLE: "unreachable",
}

_FORBIDDEN = frozenset({errno.EPERM, errno.EACCES})
_NO_WAY = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.EINVAL,
        errno.ENETDOWN,
        errno.ENODEV,
        errno.ENXIO,
    }
)


@dataclass(frozen=True, slots=True)
class Sign:
    """One piece of evidence that packets do not get through."""

    outcome: Outcome
    detail: str
    hop: str = ""


def sign_of_icmp(icmp: Icmp, local: str) -> Sign | None:
    """None where it says nothing about the way: a packet that was too big, a field that somebody dislikes."""
    v6 = ":" in icmp.offender or ":" in local
    outcome = _outcome_v6(icmp) if v6 else _outcome_v4(icmp)
    if outcome is None:
        return None
    name = f"ICMP {icmp.type}/{icmp.code}"
    if icmp.offender in ("", local):
        here = Outcome.NO_ROUTE if outcome is Outcome.UNREACHABLE else Outcome.FORBIDDEN_HERE
        why = "no neighbour answers" if here is Outcome.NO_ROUTE else "a rule on this host rejects it"
        return Sign(here, f"{why} ({name} of this host itself)")
    loops = icmp.type == (_TIME_EXCEEDED_V6 if v6 else _TIME_EXCEEDED_V4)
    words = "time exceeded, a routing loop" if loops else _WORDS[outcome]
    return Sign(outcome, f"{name} {words}, says {icmp.offender}", icmp.offender)


def is_too_big(icmp: Icmp) -> bool:
    """Fragmentation needed, or packet too big."""
    if ":" in icmp.offender:
        return icmp.type == _TOO_BIG_V6
    return (icmp.type, icmp.code) == (_UNREACHABLE_V4, _TOO_BIG_V4)


def sign_of_errno(number: int) -> Sign | None:
    """Of a packet that the kernel did not take; None where the errno says nothing of the way."""
    name = errno.errorcode.get(number, str(number))
    if number in _FORBIDDEN:
        return Sign(Outcome.FORBIDDEN_HERE, f"a rule on this host forbids sending ({name})")
    if number in _NO_WAY:
        return Sign(Outcome.NO_ROUTE, f"this host knows no way there over this WAN ({name})")
    return None


def sign_of_connection(number: int) -> Sign | None:
    """Of a connection that failed without an ICMP error; None where nothing but silence is behind it."""
    if number in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Sign(Outcome.RESET, "the connection was reset (RST)")
    return sign_of_errno(number)


def _outcome_v4(icmp: Icmp) -> Outcome | None:
    if icmp.type == _TIME_EXCEEDED_V4:
        return Outcome.UNREACHABLE if icmp.code == _IN_TRANSIT else None
    if icmp.type != _UNREACHABLE_V4 or icmp.code == _TOO_BIG_V4:
        return None
    if icmp.code in _PROHIBITED_V4:
        return Outcome.PROHIBITED
    return Outcome.PORT_UNREACHABLE if icmp.code == _PORT_V4 else Outcome.UNREACHABLE


def _outcome_v6(icmp: Icmp) -> Outcome | None:
    if icmp.type == _TIME_EXCEEDED_V6:
        return Outcome.UNREACHABLE if icmp.code == _IN_TRANSIT else None
    if icmp.type != _UNREACHABLE_V6:
        return None
    if icmp.code in _PROHIBITED_V6:
        return Outcome.PROHIBITED
    return Outcome.PORT_UNREACHABLE if icmp.code == _PORT_V6 else Outcome.UNREACHABLE
