"""MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5, 14.6).

On its own because it loads OpenSSL, which a daemon that measures without credentials never needs.
"""

from __future__ import annotations

import hashlib
import hmac

from tonekeeper.wire.stun.attributes import MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256
from tonekeeper.wire.stun.codec import HEADER, attributes_of

_SHORTEST_SHA256, _LONGEST_SHA256 = 16, 32


def short_term_key(password: str) -> bytes:
    """`password` after OpaqueString (RFC 8265), which ASCII already is (section 9.1.1)."""
    return password.encode()


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """Section 9.2.2; all three as they go over the wire."""
    return hashlib.md5(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).digest()


def message_integrity(covered: bytes, key: bytes) -> bytes:
    """Of a message up to the attribute, whose length field already counts it."""
    return hmac.digest(key, covered, "sha1")


def is_authentic(data: bytes, key: bytes) -> bool:
    """Whether a message that decodes has an integrity attribute, and every one it has was made with `key`."""
    verdicts = [
        _fits(type_, data[:at], value, key)
        for type_, at, value in attributes_of(data)
        if type_ in (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256)
    ]
    return bool(verdicts) and all(verdicts)


def _fits(type_: int, before: bytes, value: bytes, key: bytes) -> bool:
    length = len(before) - HEADER + 4 + len(value)
    covered = before[:2] + length.to_bytes(2, "big") + before[4:]
    if type_ == MESSAGE_INTEGRITY:
        return hmac.compare_digest(message_integrity(covered, key), value)
    if len(value) % 4 or not _SHORTEST_SHA256 <= len(value) <= _LONGEST_SHA256:
        return False
    return hmac.compare_digest(hmac.digest(key, covered, "sha256")[: len(value)], value)
