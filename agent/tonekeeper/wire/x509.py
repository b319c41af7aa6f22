"""What is to be said of a server's certificate, read from its DER (X.690) as RFC 5280 lays it out.

Whether the certificate is genuine is OpenSSL's to say. Here is read what a technician must know of one that was
refused, which Python's ssl module keeps to itself, and whom it is for as SIP understands that (RFC 5922 section 7).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.wire.calendar import unix_time
from tonekeeper.wire.sip.uri import SipUri, parse_uri

Element = tuple[int, bytes]
"""Tag, as its octet stands there, and content."""

_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _URI_NAME, _ADDRESS_NAME = 0x82, 0x86, 0x87
_FIELDS = (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE)
"""Serial number, signature algorithm, issuer, validity, subject, key."""
_MOST_LENGTH_OCTETS = 4
_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")
_COMMON_NAME = bytes.fromhex("550403")
_ATTRIBUTES = {
    _COMMON_NAME: "CN",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("0992268993f22c640119"): "DC",
}
_MOST_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Certificate:
    subject: str
    """`CN=sbc1.example.net, O=Example`: the attributes that people know; what cannot be printed shows as ?."""
    issuer: str
    not_before: int
    """Unix seconds."""
    not_after: int
    identities: tuple[str, ...]
    """SIP domains that it is for, lower case: sip URIs without a user, else DNS names, else the common name."""
    addresses: tuple[str, ...]
    """Numeric addresses that it is for."""

    def is_for(self, host: str) -> bool:
        """Whether `host`, a name or a numeric address, is one of them. A wildcard matches nothing (RFC 5922 7.2)."""
        try:
            return str(ipaddress.ip_address(host)) in self.addresses
        except ValueError:
            return host.lower() in self.identities


def decode_certificate(der: bytes) -> Certificate:
    """The certificate; `DecodeError` for anything else. Signature and key are not looked at."""
    fields = _elements(_first(_elements(_only(_SEQUENCE, der)), _SEQUENCE))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    if tuple(tag for tag, _ in fields[: len(_FIELDS)]) != _FIELDS:
        raise DecodeError("certificate", "its fields are not those of RFC 5280 section 4.1")
    issuer, subject = _attributes(fields[2][1]), _attributes(fields[4][1])
    not_before, not_after = _validity(fields[3][1])
    names = _alternative_names(fields[len(_FIELDS) :])
    return Certificate(
        subject=_shown(subject),
        issuer=_shown(issuer),
        not_before=not_before,
        not_after=not_after,
        identities=_identities(names) if names is not None else _common_names(subject),
        addresses=tuple(_address(value) for tag, value in names or () if tag == _ADDRESS_NAME),
    )


def _elements(data: bytes) -> list[Element]:
    """What stands in `data`, one after the other: tag and content."""
    found: list[Element] = []
    at = 0
    while at < len(data):
        tag, begin, end = _extent(data, at)
        found.append((tag, data[begin:end]))
        at = end
    return found


def _extent(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag of the element at `at`, and where its content begins and ends."""
    header = data[at : at + 2]
    if len(header) < 2:
        raise DecodeError("certificate", "an element of it has no length")
    tag, length = header
    begin = at + 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= _MOST_LENGTH_OCTETS:
            raise DecodeError("certificate", f"an element of it has a length of {octets} octets")
        begin += octets
        length = int.from_bytes(data[at + 2 : begin], "big")
    if begin + length > len(data):
        raise DecodeError("certificate", f"{length} octets are promised, {max(0, len(data) - begin)} are there")
    return tag, begin, begin + length


def _only(tag: int, data: bytes) -> bytes:
    """The content of the one element in `data`."""
    elements = _elements(data)
    if len(elements) != 1:
        raise DecodeError("certificate", f"one element is expected where {len(elements)} are")
    return _first(elements, tag)


def _first(elements: list[Element], tag: int) -> bytes:
    """The content of the first element, which must be a `tag`."""
    if not elements or elements[0][0] != tag:
        found = f"{elements[0][0]:#04x}" if elements else "nothing"
        raise DecodeError("certificate", f"an element {tag:#04x} is expected where {found} is")
    return elements[0][1]


def _attributes(name: bytes) -> list[tuple[bytes, str]]:
    """Object identifiers and values of a Name, in its order."""
    found: list[tuple[bytes, str]] = []
    for _, relative in _elements(name):
        for _, attribute in _elements(relative):
            pair = _elements(attribute)
            identifier = _first(pair, _OID)
            if len(pair) != 2:
                raise DecodeError("certificate", f"an attribute of a name has {len(pair)} parts")
            tag, value = pair[1]
            found.append((identifier, value.decode(_ENCODINGS.get(tag, "latin-1"), "replace")))
    return found


def _shown(attributes: list[tuple[bytes, str]]) -> str:
    """Most specific first, as RFC 4514 writes it."""
    known = [(_ATTRIBUTES[key], value) for key, value in reversed(attributes) if key in _ATTRIBUTES]
    return ", ".join(f"{name}={_printable(value)}" for name, value in known)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_MOST_SHOWN])


def _common_names(subject: list[tuple[bytes, str]]) -> tuple[str, ...]:
    return tuple(_printable(value).lower() for key, value in subject if key == _COMMON_NAME)


def _alternative_names(rest: list[Element]) -> list[Element] | None:
    """The GeneralNames of subjectAltName (4.2.1.6); None where there is no such extension."""
    for extension in (
        _elements(extension)
        for tag, content in rest
        if tag == _EXTENSIONS
        for _, extension in _elements(_only(_SEQUENCE, content))
    ):
        if _first(extension, _OID) == _ALTERNATIVE_NAMES:
            return _elements(_only(_SEQUENCE, _first(extension[-1:], _OCTETS)))
    return None


def _identities(names: list[Element]) -> tuple[str, ...]:
    """RFC 5922 section 7.1: a DNS name counts only where no sip URI is an identity."""
    uris = [_domain(value.decode("latin-1")) for tag, value in names if tag == _URI_NAME]
    domains = [domain for domain in uris if domain]
    return tuple(domains) or tuple(
        _printable(value.decode("latin-1")).lower() for tag, value in names if tag == _DNS_NAME
    )


def _domain(text: str) -> str:
    """Whom a URI in a certificate stands for; empty where that is no SIP domain."""
    try:
        uri = parse_uri(text)
    except DecodeError:
        return ""
    return uri.host.lower() if isinstance(uri, SipUri) and uri.scheme == "sip" and uri.user is None else ""


def _address(value: bytes) -> str:
    if len(value) not in (4, 16):
        raise DecodeError("certificate", f"an IP address in it has {len(value)} octets")
    return str(ipaddress.ip_address(value))


def _validity(content: bytes) -> tuple[int, int]:
    times = [_unix_time(tag, value) for tag, value in _elements(content)]
    if len(times) != 2:
        raise DecodeError("certificate", f"its validity has {len(times)} times")
    return times[0], times[1]


def _unix_time(tag: int, value: bytes) -> int:
    """RFC 5280 section 4.1.2.5: YYMMDDHHMMSSZ from 1950 to 2049, YYYYMMDDHHMMSSZ otherwise."""
    text = value.decode("latin-1")
    size = {_UTC_TIME: 12, _GENERALIZED_TIME: 14}.get(tag)
    if size is None or len(text) != size + 1 or text[-1] != "Z" or not (text[:-1].isascii() and text[:-1].isdigit()):
        raise DecodeError("certificate", f"{text[:16]!r} is not a time")
    year = int(text[: size - 10])
    if tag == _UTC_TIME:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(size - 10, size, 2))
    seconds = unix_time(year, month, day, hour, minute, second)
    if seconds is None:
        raise DecodeError("certificate", f"{text!r} is not a time")
    return seconds
