"""How long a packet is, and whether anybody may fragment it (ip(7), ipv6(7), RFC 1191, RFC 8201)."""

from __future__ import annotations

import fcntl
import socket
import struct

from tonekeeper.wire.endpoint import Endpoint

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _IPV6_DONTFRAG = 10, 23, 62
_NEVER_WHOLE, _PROBE = 0, 3
"""IP_PMTUDISC_DONT, and IP_PMTUDISC_PROBE: in one piece, whatever the kernel believes of the way."""
_SIOCGIFMTU = 0x8921
_REQUEST = struct.Struct("16si12x")


def headers_of(address: Endpoint) -> int:
    """Octets of IP and UDP before the payload."""
    return 48 if address.is_ipv6 else 28


def send_whole(sock: socket.socket) -> None:
    """What leaves on `sock` from now on, nobody fragments; longer than the interface takes is EMSGSIZE."""
    _discover(sock, _PROBE)


def let_be_cut(sock: socket.socket) -> None:
    """What leaves on `sock` from now on may be fragmented, here and (IPv4) by any router."""
    _discover(sock, _NEVER_WHOLE)


def _discover(sock: socket.socket, mode: int) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, mode)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, int(mode == _PROBE))
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, mode)


def interface_mtu(sock: socket.socket, interface: str) -> int:
    """Octets; `OSError` where there is no such interface."""
    answer = fcntl.ioctl(sock.fileno(), _SIOCGIFMTU, _REQUEST.pack(interface.encode(), 0))
    mtu: int = _REQUEST.unpack(answer)[1]
    return mtu
