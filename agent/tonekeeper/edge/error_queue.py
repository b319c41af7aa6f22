"""The error queue of a socket: what routers, the far host or this host say about datagrams that were sent on it.

A UDP socket with `IP_RECVERR` (`IPV6_RECVERR`) keeps every ICMP error in a queue of its own, with the address of the
host that sent it (ip(7), ipv6(7)). Each entry is a `struct sock_extended_err` of linux/errqueue.h followed by the
socket address of that offender:

    u32 errno | u8 origin | u8 type | u8 code | u8 pad | u32 info | u32 data | sockaddr_in or sockaddr_in6
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint

ORIGIN_LOCAL = 1
ORIGIN_ICMP = 2
ORIGIN_ICMP6 = 3

_IP_RECVERR = 11
_IPV6_RECVERR = 25
_QUEUE_ENTRIES = ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR))
_EXTENDED_ERROR = struct.Struct("=IBBBxII")
_FAMILY = struct.Struct("=H")
_ROOM_FOR_ANCILLARY = 512


@dataclass(frozen=True, slots=True)
class ExtendedError:
    errno: int
    origin: int
    """ORIGIN_LOCAL, ORIGIN_ICMP or ORIGIN_ICMP6; nothing else is asked for."""
    type: int
    code: int
    offender: str
    """Numeric address of the host that sent the ICMP error; empty for a local error."""
    info: int = 0
    """The MTU, where a packet was too long for it."""


def keep_errors(sock: socket.socket) -> None:
    """From now on ICMP errors for `sock` are kept in its error queue; an open stream has none, its next call fails.

    Other systems than Linux have no such queue: there the next call fails, and nobody says who sent the error.
    """
    if sys.platform != "linux":
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def read_errors(sock: socket.socket, most: int) -> list[ExtendedError]:
    """Up to `most` entries of the error queue, oldest first. Reading the last one clears the socket's pending error."""
    return [error for _, error in read_errors_to(sock, most)]


def read_errors_to(sock: socket.socket, most: int) -> list[tuple[Endpoint | None, ExtendedError]]:
    """The same with where each datagram was going: for a socket that is not connected. None where nobody knows."""
    found: list[tuple[Endpoint | None, ExtendedError]] = []
    if sys.platform != "linux":
        return found
    while len(found) < most:
        try:
            _, ancillary, _, there = sock.recvmsg(1, _ROOM_FOR_ANCILLARY, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            break
        destination = Endpoint(there[0].partition("%")[0], there[1]) if there else None
        entries = (data for level, kind, data in ancillary if (level, kind) in _QUEUE_ENTRIES)
        found += [(destination, parse_extended_error(data)) for data in entries]
    return found


def parse_extended_error(data: bytes) -> ExtendedError:
    """One entry; `DecodeError` where `data` is too short for it."""
    try:
        number, origin, kind, code, info, _ = _EXTENDED_ERROR.unpack_from(data)
        return ExtendedError(number, origin, kind, code, _offender(data[_EXTENDED_ERROR.size :]), info)
    except (struct.error, ValueError) as error:
        raise DecodeError("sock_extended_err", f"{len(data)} bytes: {error}") from None


def _offender(data: bytes) -> str:
    if not data:
        return ""
    (family,) = _FAMILY.unpack_from(data)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    if family == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    return ""
