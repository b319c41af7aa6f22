"""What a simple client asks a time server, and what that answers (RFC 5905 section 7.3, RFC 4330 section 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tonekeeper.errors import DecodeError

PORT = 123
UNSYNCHRONISED = 16
"""Stratum from which on a server has no time to give; 0 is none either, but a kiss."""
ALARM = 3
"""Leap indicator of a server whose clock is not synchronised."""

_SIZE = 48
_PACKET = struct.Struct("!BBbbII4sQQQQ")
_VERSION, _CLIENT, _SERVER = 4, 3, 4
_BETWEEN_EPOCHS = 2208988800
"""Seconds from 1900 to 1970."""
_ERA = 1 << 32


@dataclass(frozen=True, slots=True)
class NtpAnswer:
    leap: int
    """0 to 3"""
    stratum: int
    reference: str
    """Of stratum 0 the kiss code ("RATE"), of 1 the kind of clock ("GPS"); else empty."""
    root_delay: float
    """Seconds to the clock that the server's time comes from, and back."""
    root_dispersion: float
    """Seconds by which the server's time may be wrong beside that."""
    origin: int
    """64 bits: what the question carried as its time of sending."""
    received: float | None
    """Unix seconds at which the question arrived there; None where the server has no time."""
    sent: float | None
    """Likewise for the answer."""


def encode_question(nonce: int) -> bytes:
    """`nonce`, 64 bits, stands where a client may tell its time: the answer repeats it, and nobody can guess it."""
    return _PACKET.pack(_VERSION << 3 | _CLIENT, 0, 0, 0, 0, 0, bytes(4), 0, 0, 0, nonce)


def decode_answer(data: bytes) -> NtpAnswer:
    """The answer in one datagram; `DecodeError` for anything else, a question included. What follows is not read."""
    if len(data) < _SIZE:
        raise DecodeError("NTP answer", f"{len(data)} octets are fewer than its {_SIZE}")
    first, stratum, _, _, delay, dispersion, reference, _, origin, received, sent = _PACKET.unpack_from(data)
    version, mode = first >> 3 & 7, first & 7
    if not 1 <= version <= _VERSION:
        raise DecodeError("NTP answer", f"its version is {version}, not 1 to {_VERSION}")
    if mode != _SERVER:
        raise DecodeError("NTP answer", f"its mode is {mode}, and a server's is {_SERVER}")
    return NtpAnswer(
        leap=first >> 6,
        stratum=stratum,
        reference=_word(reference) if stratum <= 1 else "",
        root_delay=delay / 65536,
        root_dispersion=dispersion / 65536,
        origin=origin,
        received=_unix_seconds(received),
        sent=_unix_seconds(sent),
    )


def _word(reference: bytes) -> str:
    """Up to four letters, filled up with zeros."""
    text = reference.rstrip(b"\0").decode("latin-1")
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def _unix_seconds(timestamp: int) -> float | None:
    """RFC 4330 section 3: the first bit says whether it is of the years 1968 to 2036, or of those to 2104."""
    if timestamp == 0:
        return None
    seconds, fraction = timestamp >> 32, timestamp & (_ERA - 1)
    return seconds - _BETWEEN_EPOCHS + (0 if seconds >> 31 else _ERA) + fraction / _ERA
