"""Whether a route leads to an address through one device (rtnetlink(7), RTM_GETROUTE).

A socket bound to a device never fails for want of a route over IPv4: without one the kernel takes the address for a
neighbour on that link, and packets end in an ARP request that nobody answers. So the kernel is asked which entry of its
tables matches (RTM_F_FIB_MATCH, Linux 4.13; one before answers as if there were one). No privilege is needed.
"""

from __future__ import annotations

import socket
import struct

from tonekeeper.wire.endpoint import Endpoint

_RTM_GETROUTE, _NLMSG_ERROR, _REQUEST = 26, 2, 1
_FIB_MATCH = 0x2000
_DESTINATION, _SOURCE, _DEVICE = 1, 2, 4
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=8BI"), struct.Struct("=HH")
_NUMBER = struct.Struct("=i")
_LARGEST = 4096


def leads_there(address: Endpoint, interface: str, source: str) -> bool:
    """`source`: the numeric address that packets leave with. True where the kernel cannot be asked."""
    family = socket.AF_INET6 if address.is_ipv6 else socket.AF_INET
    try:
        device = socket.if_nametoindex(interface)
        request = _request(family, address.host, source, device)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
            asking.send(request)
            answer = asking.recv(_LARGEST)
    except OSError:
        return True
    kind: int = _HEADER.unpack_from(answer)[1]
    return kind != _NLMSG_ERROR


def _request(family: socket.AddressFamily, destination: str, source: str, device: int) -> bytes:
    there, here = (socket.inet_pton(family, host) for host in (destination, source))
    attributes = ((_DESTINATION, there), (_SOURCE, here), (_DEVICE, _NUMBER.pack(device)))
    bits = 8 * len(there)
    route = _ROUTE.pack(family, bits, bits, 0, 0, 0, 0, 0, _FIB_MATCH)
    body = route + b"".join(_ATTRIBUTE.pack(4 + len(value), kind) + value for kind, value in attributes)
    return _HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, _REQUEST, 1, 0) + body
