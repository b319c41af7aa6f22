"""Values as SNMP carries them: the base types of SMIv2 (RFC 2578 section 7), under the tags of ASN.1 and AgentX."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

Oid = tuple[int, ...]

LONGEST_OID = 128
"""Sub-identifiers (RFC 2578 section 3.5)."""
LARGEST_SUBIDENTIFIER = 2**32 - 1


class Tag(IntEnum):
    INTEGER = 2
    """Integer32: -2**31 to 2**31-1."""
    OCTET_STRING = 4
    OBJECT_IDENTIFIER = 6
    IP_ADDRESS = 64
    COUNTER32 = 65
    GAUGE32 = 66
    """Unsigned32 as well."""
    TIME_TICKS = 67
    """Hundredths of a second."""
    COUNTER64 = 70


class Value(NamedTuple):
    tag: Tag
    content: int | bytes | Oid
    """A number, octets (OCTET_STRING, IP_ADDRESS) or an OID, as the tag says."""


class Varbind(NamedTuple):
    oid: Oid
    value: Value


def dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))
