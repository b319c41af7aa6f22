"""DNS messages (RFC 1035, EDNS0 by RFC 6891): the one module that knows dnspython, in the values of core/location.

It costs memory, so it is loaded with the first name that must be looked up. The types of records it reads are imported
here by name: dnspython itself finds them as they come, which it cannot in a bundled agent.
"""

from __future__ import annotations

import struct
from enum import Enum, auto
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.NAPTR
import dns.rdtypes.IN.SRV

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import Answer, HostAddress, Naptr, NoAnswer, Question, Record, Srv
from tonekeeper.errors import DecodeError

PAYLOAD = 1232
"""Bytes of an answer over UDP: what crosses every link in one piece (DNS flag day 2020). Larger ones come over TCP."""

_HEADER = struct.Struct("!HH")
_RESPONSE = 0x8000
_TRUNCATED = 0x0200

_FAILURES = {
    dns.rcode.NXDOMAIN: NameFailure.NXDOMAIN,
    dns.rcode.REFUSED: NameFailure.REFUSED,
    dns.rcode.NOTAUTH: NameFailure.REFUSED,
    dns.rcode.NOTIMP: NameFailure.REFUSED,
}


class Unusable(Enum):
    """A datagram or an answer that is none, and what to do about it."""

    STRANGER = auto()
    """Not the answer to our question: go on listening."""
    TRUNCATED = auto()
    """Ask again over TCP."""
    PLAIN_ONLY = auto()
    """The server does not understand EDNS0: ask again without."""


def encode_query(question: Question, ident: int, *, edns: bool = True) -> bytes:
    """`DecodeError` for a name that cannot stand in a question (an empty or too long label)."""
    try:
        name = dns.name.from_text(question.name)
        message = dns.message.make_query(name, question.type, use_edns=0 if edns else False, payload=PAYLOAD, id=ident)
        return message.to_wire()
    except (dns.exception.DNSException, UnicodeError) as error:
        raise DecodeError("host name", f"{question.name!r}: {error}") from None


def decode_answer(data: bytes, question: Question, ident: int) -> Answer | NoAnswer | Unusable:
    """What `data` says to `question`. An answer that carries our id and cannot be read is a NoAnswer as well."""
    if len(data) < _HEADER.size:
        return Unusable.STRANGER
    said_ident, flags = _HEADER.unpack_from(data)
    if said_ident != ident or not flags & _RESPONSE:
        return Unusable.STRANGER
    if flags & _TRUNCATED:  # it may be cut anywhere, in the question even
        return Unusable.TRUNCATED
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
        if not _is_answer_to(message, question):
            return Unusable.STRANGER
        return _read(message)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error) or type(error).__name__
        return NoAnswer(NameFailure.MALFORMED, f"the answer cannot be read ({reason})")


def _is_answer_to(message: dns.message.Message, question: Question) -> bool:
    """A server that could not read the question may leave it out (RFC 1035 section 4.1.1)."""
    if not message.question:
        return message.rcode() != dns.rcode.NOERROR
    (asked, *others) = message.question
    return (
        not others
        and asked.name == dns.name.from_text(question.name)
        and asked.rdtype == dns.rdatatype.from_text(question.type)
        and asked.rdclass == dns.rdataclass.IN
    )


def _read(message: dns.message.Message) -> Answer | NoAnswer | Unusable:
    rcode = message.rcode()
    if rcode == dns.rcode.FORMERR:
        return Unusable.PLAIN_ONLY
    if rcode != dns.rcode.NOERROR:
        failure = _FAILURES.get(rcode, NameFailure.SERVFAIL)
        return NoAnswer(failure, f"the resolver answered {dns.rcode.to_text(rcode)}")
    if not isinstance(message, dns.message.QueryMessage):
        return NoAnswer(NameFailure.MALFORMED, "the answer is none to a query")
    chain = message.resolve_chaining()
    if chain.answer is None:
        return Answer()
    records = (_record(data) for data in chain.answer)
    return Answer(tuple(record for record in records if record is not None), float(chain.minimum_ttl))


def _record(data: Any) -> Record | None:  # noqa: ANN401  a record of dnspython
    match data:
        case dns.rdtypes.IN.A.A() | dns.rdtypes.IN.AAAA.AAAA():
            return HostAddress(data.address)
        case dns.rdtypes.IN.SRV.SRV():
            return Srv(data.priority, data.weight, data.port, _text(data.target))
        case dns.rdtypes.IN.NAPTR.NAPTR():
            flags, service = data.flags.decode("ascii", "replace"), data.service.decode("ascii", "replace")
            return Naptr(data.order, data.preference, flags, service, _text(data.replacement))
        case _:
            return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
