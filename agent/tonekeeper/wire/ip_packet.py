"""IP packets as they pass by: who sends what to whom over UDP or TCP (RFC 791, RFC 8200, RFC 768, RFC 9293).

Of a datagram in fragments the first one counts, and is all there is: SIP says what matters first. IPv6 extension
headers are not followed; phones send none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint

_TCP, _UDP = 6, 17
_IPV4_LEAST, _IPV6_SIZE = 20, 40
_UDP_SIZE, _TCP_LEAST = 8, 20
_FRAGMENT_OFFSET = 0x1FFF
_SYN, _SYN_ACK = 0x02, 0x12
_NUMBER = struct.Struct("!H")


@dataclass(frozen=True, slots=True)
class IpPacket:
    source: Endpoint
    destination: Endpoint
    payload: bytes
    """As far as it was captured."""
    is_tcp: bool
    opens_connection: bool = False
    """It is the first SYN of a TCP connection."""


def decode_ip_packet(data: bytes) -> IpPacket:
    """`data` begins with the IP header; `DecodeError` for anything but UDP and TCP."""
    version = data[0] >> 4 if data else 0
    if version == 4:
        source, destination, protocol, begin = _ipv4(data)
    elif version == 6:
        source, destination, protocol, begin = _ipv6(data)
    else:
        raise DecodeError("IP packet", f"version {version} is neither 4 nor 6")
    if protocol not in (_UDP, _TCP):
        raise DecodeError("IP packet", f"protocol {protocol} is neither UDP nor TCP")
    is_tcp = protocol == _TCP
    if len(data) < begin + (_TCP_LEAST if is_tcp else _UDP_SIZE):
        raise DecodeError("IP packet", f"{len(data)} bytes end within its header")
    size = (data[begin + 12] >> 4) * 4 if is_tcp else _UDP_SIZE
    return IpPacket(
        Endpoint(source, _number(data, begin)),
        Endpoint(destination, _number(data, begin + 2)),
        data[begin + size :],
        is_tcp,
        is_tcp and data[begin + 13] & _SYN_ACK == _SYN,
    )


def _ipv4(data: bytes) -> tuple[str, str, int, int]:
    """Source, destination, protocol, and where that begins."""
    size = (data[0] & 0x0F) * 4
    if size < _IPV4_LEAST or len(data) < size:
        raise DecodeError("IP packet", f"{len(data)} bytes are no IPv4 header of {size}")
    if _number(data, 6) & _FRAGMENT_OFFSET:
        raise DecodeError("IP packet", "a later fragment says nothing of its ports")
    stated = _number(data, 2)
    if stated < size:
        raise DecodeError("IP packet", f"its length {stated} is less than its header's {size}")
    return str(ip_address(data[12:16])), str(ip_address(data[16:20])), data[9], size


def _ipv6(data: bytes) -> tuple[str, str, int, int]:
    if len(data) < _IPV6_SIZE:
        raise DecodeError("IP packet", f"{len(data)} bytes are no IPv6 header")
    return str(ip_address(data[8:24])), str(ip_address(data[24:40])), data[6], _IPV6_SIZE


def _number(data: bytes, at: int) -> int:
    number: int = _NUMBER.unpack_from(data, at)[0]
    return number
