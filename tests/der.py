"""Certificates as DER, put together field by field: nothing is signed, so only what reads them can be tested."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

SEQUENCE, SET, INTEGER, OID, OCTETS, UTF8, UTC_TIME, GENERALIZED_TIME = 0x30, 0x31, 0x02, 0x06, 0x04, 0x0C, 0x17, 0x18
DNS, URI, ADDRESS = 0x82, 0x86, 0x87
COMMON_NAME, ORGANIZATION, ALTERNATIVE_NAMES = "550403", "55040a", "551d11"


def element(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def name(*attributes: tuple[str, str]) -> bytes:
    """Pairs of object identifier (hex) and value."""
    pairs = (
        element(SEQUENCE, element(OID, bytes.fromhex(key)), element(UTF8, value.encode())) for key, value in attributes
    )
    return element(SEQUENCE, *(element(SET, pair) for pair in pairs))


def alternative_names(names: Iterable[tuple[int, str]]) -> bytes:
    """The extensions of a certificate, with DNS, URI and ADDRESS names."""
    general = (element(tag, ip_address(value).packed if tag == ADDRESS else value.encode()) for tag, value in names)
    extension = element(
        SEQUENCE, element(OID, bytes.fromhex(ALTERNATIVE_NAMES)), element(OCTETS, element(SEQUENCE, *general))
    )
    return element(0xA3, element(SEQUENCE, extension))


def utc(text: str) -> bytes:
    return element(UTC_TIME, text.encode())


def generalized(text: str) -> bytes:
    return element(GENERALIZED_TIME, text.encode())


def certificate(
    *,
    subject: bytes = name((COMMON_NAME, "sbc1.example.net")),
    issuer: bytes = name((COMMON_NAME, "Example Root")),
    validity: Iterable[bytes] = (utc("260101000000Z"), utc("270101000000Z")),
    extensions: bytes = b"",
    version: bytes = element(0xA0, element(INTEGER, b"\x02")),
) -> bytes:
    algorithm = element(SEQUENCE, element(OID, bytes.fromhex("2a8648ce3d040302")))
    key = element(SEQUENCE, algorithm, element(0x03, b"\x00"))
    serial = element(INTEGER, b"\x01")
    fields = (version, serial, algorithm, issuer, element(SEQUENCE, *validity), subject, key, extensions)
    return element(SEQUENCE, element(SEQUENCE, *fields), algorithm, element(0x03, b"\x00"))
