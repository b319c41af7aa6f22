"""Evidence that needs no second question: an ICMP error, or the kernel refusing to send.

RFC 3261 18.4: unreachable (host, net, port, protocol) and parameter problem are failures; source quench and time
exceeded are not. Fragmentation needed is about one packet's size. An ICMP error whose sender is this host was made up
here (no neighbour answers, a local rule rejects): the path is just as closed, and the sentence says where.
"""

from __future__ import annotations

import errno

from tonekeeper.core.events import IcmpReceived

_V4_CODES = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    9: "network administratively prohibited",
    10: "host administratively prohibited",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "communication administratively prohibited",
}
_V6_CODES = {
    0: "no route to destination",
    1: "communication administratively prohibited",
    2: "beyond scope of source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "reject route to destination",
}

_CLOSED_HERE = {
    errno.EPERM: "a rule on this host forbids sending (EPERM)",
    errno.EACCES: "a rule on this host forbids sending (EACCES)",
    errno.ENETUNREACH: "no route over this WAN (ENETUNREACH)",
    errno.EHOSTUNREACH: "no way to the host over this WAN (EHOSTUNREACH)",
    errno.ENETDOWN: "the interface is down (ENETDOWN)",
    errno.ENODEV: "the interface is gone (ENODEV)",
    errno.ENXIO: "the interface is gone (ENXIO)",
    errno.EADDRNOTAVAIL: "the source address is gone (EADDRNOTAVAIL)",
    errno.EINVAL: "the source address does not fit the route (EINVAL)",
}


_CLOSED_THERE = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: "the connection was reset before it could be used",
    errno.ETIMEDOUT: "nobody answers the connection attempt",
    errno.EPIPE: "the connection was closed before it could be used",
}


def connection_verdict(number: int, reason: str) -> str | None:
    """Why the far side is to blame for a connection that did not come about; None where it is this host."""
    return reason if number == 0 else _CLOSED_THERE.get(number)


def icmp_verdict(event: IcmpReceived, local_host: str) -> str | None:
    """Why the path is down, or None where the message proves nothing."""
    what = _icmp_name(event)
    if what is None:
        return None
    by = "this host" if event.offender in ("", local_host) else event.offender
    return f"ICMP {what}, says {by}"


def _icmp_name(event: IcmpReceived) -> str | None:
    v6 = event.path.address.is_ipv6
    match event.type, v6:
        case (3, False):
            return _V4_CODES.get(event.code)
        case (1, True):
            return _V6_CODES.get(event.code)
        case (12, False) | (4, True):
            return "parameter problem"
        case _:
            return None


def refusal_verdict(number: int) -> str | None:
    """Why the path is down when `sendmsg` fails with this errno; None for what passes (buffers full, try again)."""
    return _CLOSED_HERE.get(number)
