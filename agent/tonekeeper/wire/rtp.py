"""RTP packets (RFC 3550 section 5.1) from and to octets."""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.errors import DecodeError

PCMU, PCMA = 0, 8
"""Payload types of G.711 (RFC 3551 table 4); 8000 samples a second, one octet each."""
CLOCK_RATE = 8000

_VERSION = 2
_HEADER = 12


@dataclass(frozen=True, slots=True)
class RtpPacket:
    payload_type: int
    """0-127"""
    sequence: int
    """16 bits, wraps"""
    timestamp: int
    """32 bits, wraps; in samples"""
    ssrc: int
    payload: bytes
    marker: bool = False


def encode_rtp(packet: RtpPacket) -> bytes:
    """The octets of `packet`, without padding, extension and contributing sources. `OverflowError` where a number does
    not fit its field."""
    return b"".join(
        (
            bytes((_VERSION << 6, packet.marker << 7 | _seven_bits(packet.payload_type))),
            packet.sequence.to_bytes(2, "big"),
            packet.timestamp.to_bytes(4, "big"),
            packet.ssrc.to_bytes(4, "big"),
            packet.payload,
        )
    )


def decode_rtp(data: bytes) -> RtpPacket:
    """The packet in one datagram; `DecodeError` for anything else. Contributing sources and an extension are skipped,
    padding is removed."""
    if len(data) < _HEADER:
        raise DecodeError("RTP packet", f"{len(data)} octets are fewer than its header has")
    if data[0] >> 6 != _VERSION:
        raise DecodeError("RTP packet", f"its version is {data[0] >> 6}, not 2")
    begin = _HEADER + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        begin += _extension(data, begin)
    end = len(data) - _padding(data)
    if begin > end:
        raise DecodeError("RTP packet", "what its header announces is longer than the packet")
    return RtpPacket(
        payload_type=data[1] & 0x7F,
        sequence=int.from_bytes(data[2:4], "big"),
        timestamp=int.from_bytes(data[4:8], "big"),
        ssrc=int.from_bytes(data[8:12], "big"),
        payload=data[begin:end],
        marker=bool(data[1] & 0x80),
    )


def _seven_bits(value: int) -> int:
    if not 0 <= value <= 0x7F:
        raise OverflowError(f"payload type {value} is not between 0 and 127")
    return value


def _extension(data: bytes, begin: int) -> int:
    """Octets of the header extension at `begin` (section 5.3.1)."""
    head = data[begin : begin + 4]
    if len(head) < 4:
        raise DecodeError("RTP packet", "its header extension is cut off")
    return 4 + 4 * int.from_bytes(head[2:], "big")


def _padding(data: bytes) -> int:
    if not data[0] & 0x20:
        return 0
    if not data[-1]:
        raise DecodeError("RTP packet", "its padding has no length")
    return data[-1]
