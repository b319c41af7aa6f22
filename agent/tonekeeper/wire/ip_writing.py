"""IP packets as a phone or a server sends them: UDP, and the first two segments of a TCP connection.

Every packet carries a number to be known again by, which nobody on the way changes: the identification of IPv4 (RFC
791), the flow label of IPv6 (RFC 6437).
"""

from __future__ import annotations

import struct
from ipaddress import ip_address

from tonekeeper.wire.endpoint import Endpoint

MOST_NUMBERS = 0xFFFF

SYN, SYN_ACK = 0x02, 0x12
FIRST_SEQUENCE = 0x10000000
"""Of every SYN made here, so that who answers it needs to remember nothing."""

_TCP, _UDP = 6, 17
_HOPS = 64
_DONT_FRAGMENT = 0x4000
_WINDOW = 64240
_MAXIMUM_SEGMENT = bytes((2, 4, 0x05, 0xB4))


def udp_packet(source: Endpoint, destination: Endpoint, payload: bytes, number: int) -> bytes:
    """An IP packet; `number` is 1 to MOST_NUMBERS."""
    header = struct.pack("!HHHH", source.port, destination.port, 8 + len(payload), 0)
    return _packet(source, destination, _UDP, header, payload, 6, number)


def tcp_packet(source: Endpoint, destination: Endpoint, flags: int, number: int) -> bytes:
    """The SYN of a connection, or the SYN-ACK to one that was made here."""
    sequence, acknowledged = (2 * FIRST_SEQUENCE, FIRST_SEQUENCE + 1) if flags == SYN_ACK else (FIRST_SEQUENCE, 0)
    ports = (source.port, destination.port)
    header = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 6 << 4, flags, _WINDOW, 0, 0) + _MAXIMUM_SEGMENT
    return _packet(source, destination, _TCP, header, b"", 16, number)


def number_of(packet: bytes) -> int | None:
    """The number of a packet that begins with its IP header; None for what is no IP."""
    match packet[0] >> 4 if len(packet) >= 20 else 0:
        case 4:
            return int.from_bytes(packet[4:6], "big")
        case 6:
            return int.from_bytes(packet[:4], "big") & 0xFFFFF
        case _:
            return None


def _packet(
    source: Endpoint, destination: Endpoint, protocol: int, header: bytes, payload: bytes, at: int, number: int
) -> bytes:
    """`at`: where the checksum stands in `header`."""
    sender, receiver = ip_address(source.host).packed, ip_address(destination.host).packed
    size = len(header) + len(payload)
    pseudo = sender + receiver + struct.pack("!II", size, protocol)
    checksum = _checksum(pseudo + header + payload) or 0xFFFF
    body = header[:at] + struct.pack("!H", checksum) + header[at + 2 :] + payload
    if len(sender) == 16:
        return struct.pack("!IHBB", 6 << 28 | number, size, protocol, _HOPS) + sender + receiver + body
    begin = struct.pack("!BBHHHBB", 0x45, 0, 20 + size, number, _DONT_FRAGMENT, _HOPS, protocol)
    return begin + struct.pack("!H", _checksum(begin + bytes(2) + sender + receiver)) + sender + receiver + body


def _checksum(data: bytes) -> int:
    """RFC 1071"""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
