"""Who may ask by SNMP, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.secret import Secret


class Level(IntEnum):
    """RFC 3411 section 3.4.3."""

    AUTHENTICATED = 2
    ENCRYPTED = 3


@dataclass(frozen=True, slots=True)
class User:
    """Of the USM (RFC 3414)."""

    name: str
    auth: str
    """sha1, sha224, sha256, sha384, sha512"""
    auth_key: Secret
    priv: str = ""
    """aes128, aes192, aes256; empty: nothing is encrypted."""
    priv_key: Secret | None = None

    @property
    def level(self) -> Level:
        return Level.ENCRYPTED if self.priv else Level.AUTHENTICATED


@dataclass(frozen=True, slots=True)
class Target:
    """A manager that is told."""

    name: str
    address: Endpoint
    user: str = ""
    """By whose keys; empty: by the community."""
    acknowledged: bool = True
    """By an inform that it has to answer; else by a trap."""
