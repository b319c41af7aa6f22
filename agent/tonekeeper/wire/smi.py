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
    NULL = 5
    OBJECT_IDENTIFIER = 6
    IP_ADDRESS = 64
    COUNTER32 = 65
    GAUGE32 = 66
    """Unsigned32 as well."""
    TIME_TICKS = 67
    """Hundredths of a second."""
    OPAQUE = 68
    COUNTER64 = 70
    NO_SUCH_OBJECT = 128
    """This and the next two stand where there is no value (RFC 3416 section 3)."""
    NO_SUCH_INSTANCE = 129
    END_OF_MIB_VIEW = 130


Content = int | bytes | Oid | None
"""A number, octets (OCTET_STRING, IP_ADDRESS, OPAQUE), an OID, or nothing, as the tag says."""


class Value(NamedTuple):
    tag: Tag
    content: Content


NO_SUCH_OBJECT = Value(Tag.NO_SUCH_OBJECT, None)
NO_SUCH_INSTANCE = Value(Tag.NO_SUCH_INSTANCE, None)
END_OF_MIB_VIEW = Value(Tag.END_OF_MIB_VIEW, None)


class Varbind(NamedTuple):
    oid: Oid
    value: Value


def dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))
