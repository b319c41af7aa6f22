"""STUN over a connection: one message after the other, each as long as its header says (RFC 8489 section 6.2.2)."""

from __future__ import annotations

from tonekeeper.errors import DecodeError
from tonekeeper.wire.stun.attributes import MAGIC_COOKIE
from tonekeeper.wire.stun.codec import HEADER

LONGEST_MESSAGE = 4096
"""Octets. Whoever announces more is not asking for its address."""


def split_stream(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole messages at the beginning of what came over a connection, undecoded, and the rest.

    `DecodeError` as soon as what follows can be no STUN message: then nothing after it can be found either.
    """
    messages: list[bytes] = []
    while len(data) >= HEADER:
        length = HEADER + int.from_bytes(data[2:4], "big")
        if data[0] & 0xC0 or data[4:8] != MAGIC_COOKIE or length > LONGEST_MESSAGE:
            most = f"of up to {LONGEST_MESSAGE} octets"
            raise DecodeError("STUN stream", f"{data[:8].hex()} begins no STUN message {most}")
        if len(data) < length:
            break
        messages.append(data[:length])
        data = data[length:]
    return messages, data
