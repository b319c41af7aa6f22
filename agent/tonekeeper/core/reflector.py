"""What the reflector answers: for any datagram that arrives, the one that leaves, or none.

Three protocols share every port and are told apart by their first octet (RFC 7983):

    STUN     with what RFC 5780 adds: RESPONSE-ORIGIN, OTHER-ADDRESS, CHANGE-REQUEST, RESPONSE-PORT, PADDING
    SIP      a mirror: the answer's body is the request as it arrived (wire/sip/mirror.py)
    RTP      an echo, octet for octet

STUN is spoken over TCP as well (RFC 8489 section 6.2.2), and a question over UDP may ask for its answer over a TCP
connection that the same host has open to the same endpoint: RESPONSE-PORT says which, REQUESTED-TRANSPORT that it is
one. That makes the server speak first on a connection that was idle, which alone tells whether a NAT still knows it.

A reflector must be of no use to anyone who forges a source address. An answer is at most 1.5 times as large as its
question, and the echo just as large: attributes and lines that do not fit are left out, and so is an answer that would
say nothing. What is no question gets no answer, nor does a port below 1024, where servers live; a port of the
reflector's own kind gets no echo, so two of them cannot be set on each other. How often one source may ask is the
socket's business.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import Request, decode_request
from tonekeeper.wire.sip.mirror import MIRROR_TYPE, render_copy
from tonekeeper.wire.sip.render import render_response
from tonekeeper.wire.stun.codec import decode_stun, encode_stun, looks_like_stun
from tonekeeper.wire.stun.message import BINDING, TCP, ChangeRequest, ErrorCode, StunClass, StunMessage

STUN_PORT = 3478
SIP_PORT = 5060

_FIRST_USER_PORT = 1024
_RTP_HEADER = 12
_CHANGE_REQUEST_TYPE = 0x0003
_FIRST_OPTIONAL_TYPE = 0x8000
_SOFTWARE = "tonekeeper"


@dataclass(frozen=True, slots=True)
class Datagram:
    """Or one message on a connection, which is answered just the same."""

    here: Endpoint
    """Of ours: where it arrived, or leaves from."""
    there: Endpoint
    data: bytes
    over_tcp: bool = False
    """It came, or leaves, as one message on the TCP connection between the two."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the reflector listens: on two ports of one address or of two, and where SIP is expected."""

    address: str
    alternate: str = ""
    """Empty: there is only one address."""
    port: int = STUN_PORT
    alternate_port: int = STUN_PORT + 1
    sip_port: int = SIP_PORT
    """0: none; the mirror answers on the other ports all the same."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address, self.alternate) if self.alternate else (self.address,)

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(port for port in (self.port, self.alternate_port, self.sip_port) if port)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(Endpoint(address, port) for address in self.addresses for port in self.ports)

    @property
    def tcp_endpoints(self) -> tuple[Endpoint, ...]:
        """Without the SIP port: a connection there is for an SBC to answer."""
        stun_ports = (self.port, self.alternate_port)
        return tuple(Endpoint(address, port) for address in self.addresses for port in stun_ports)

    def changed(self, here: Endpoint, change: ChangeRequest) -> Endpoint | None:
        """Where the answer to a question at `here` leaves from (RFC 5780 section 7.2); None: not from here."""
        if change.address and not self.alternate:
            return None
        host = self._other_address(here.host) if change.address else here.host
        return Endpoint(host, self._other_port(here.port) if change.port else here.port)

    def other(self, here: Endpoint) -> Endpoint:
        """OTHER-ADDRESS for a question at `here`; the same address with the other port where there is but one."""
        return Endpoint(self._other_address(here.host), self._other_port(here.port))

    def _other_address(self, host: str) -> str:
        return (self.alternate or self.address) if host == self.address else self.address

    def _other_port(self, port: int) -> int:
        return self.port if port == self.alternate_port else self.alternate_port


def answer(question: Datagram, layout: Layout) -> Datagram | None:
    """The answer to `question`, or None where there is none."""
    if not question.data or not _may_be_answered(question.there):
        return None
    first = question.data[0]
    if looks_like_stun(question.data):
        return _answer_stun(question, layout)
    if question.over_tcp:
        return None
    if first & 0xC0 == 0x80:
        return _echo(question, layout)
    return _mirror(question) if chr(first).isascii() and chr(first).isalpha() else None


def _may_be_answered(there: Endpoint) -> bool:
    address = ipaddress.ip_address(there.host)
    return there.port >= _FIRST_USER_PORT and not address.is_multicast and not address.is_unspecified


def _room(question: Datagram) -> int:
    return len(question.data) * 3 // 2


def _echo(question: Datagram, layout: Layout) -> Datagram | None:
    """An echo looks like the question, so another reflector's port gets none."""
    from_reflector = question.there.port in (*layout.ports, STUN_PORT, STUN_PORT + 1)
    return None if from_reflector or len(question.data) < _RTP_HEADER else question


def _answer_stun(question: Datagram, layout: Layout) -> Datagram | None:
    try:
        request = decode_stun(question.data)
    except DecodeError:
        return None
    if request.stun_class is not StunClass.REQUEST or request.method != BINDING:
        return None
    leaves_from = layout.changed(question.here, request.change_request or ChangeRequest(address=False, port=False))
    refusals = _refusals(request, can_change=leaves_from is not None, over_tcp=question.over_tcp)
    if refusals or leaves_from is None:
        return _fitting(question, question, refusals)
    way = _way_of_the_answer(question, request, leaves_from)
    successes = _successes(question, request, layout, leaves_from)
    return _fitting(question, way, successes) or _fitting(question, question, [_failure(request, 400)])


def _way_of_the_answer(question: Datagram, request: StunMessage, leaves_from: Endpoint) -> Datagram:
    """With nothing in it."""
    port = question.there.port if request.response_port is None else request.response_port
    over_tcp = question.over_tcp or request.requested_transport == TCP
    return Datagram(leaves_from, Endpoint(question.there.host, port), b"", over_tcp)


def _refusals(request: StunMessage, *, can_change: bool, over_tcp: bool) -> tuple[StunMessage, ...]:
    """What to say about a request that cannot be met, the fullest answer first; empty where it can."""
    bad_request = (_failure(request, 400, "Bad Request"), _failure(request, 400))
    if over_tcp and _leads_elsewhere(request):
        return bad_request
    unknown = tuple(other.type for other in request.others if other.type < _FIRST_OPTIONAL_TYPE)
    if not can_change:
        unknown = (*unknown, _CHANGE_REQUEST_TYPE)
    if unknown:
        refused = _failure(request, 420, "Unknown Attribute")
        return (replace(refused, unknown_attributes=unknown), _failure(request, 420))
    port = request.response_port
    if port is not None and (request.padding is not None or port < _FIRST_USER_PORT):
        return bad_request
    return () if request.requested_transport is None or _names_a_connection(request) else bad_request


def _leads_elsewhere(request: StunMessage) -> bool:
    """All of this is for datagrams only (RFC 5780 section 6)."""
    return (request.change_request, request.response_port, request.requested_transport) != (None, None, None)


def _names_a_connection(request: StunMessage) -> bool:
    """Of which one end is fixed: it is where the question went."""
    is_tcp = request.requested_transport == TCP
    return is_tcp and request.response_port is not None and request.change_request is None


def _failure(request: StunMessage, code: int, reason: str = "") -> StunMessage:
    return StunMessage(StunClass.ERROR, request.transaction_id, error=ErrorCode(code, reason))


def _successes(
    question: Datagram, request: StunMessage, layout: Layout, leaves_from: Endpoint
) -> Iterable[StunMessage]:
    """The same answer with less and less in it."""
    told = StunMessage(StunClass.SUCCESS, request.transaction_id, xor_mapped_address=question.there)
    with_other = replace(told, other_address=layout.other(question.here))
    with_origin = replace(with_other, response_origin=leaves_from)
    named = replace(with_origin, mapped_address=question.there, software=_SOFTWARE)
    if request.padding is not None:
        yield replace(named, padding=request.padding)
        yield replace(with_origin, padding=request.padding)
    yield from (named, with_origin, with_other, told)


def _fitting(question: Datagram, way: Datagram, said: Iterable[StunMessage]) -> Datagram | None:
    """The first of `said` that is not too large, with FINGERPRINT or without, to go the way of `way`."""
    for message in said:
        for fingerprint in (True, False):
            data = encode_stun(message, fingerprint=fingerprint)
            if len(data) <= _room(question):
                return replace(way, data=data)
    return None


def _mirror(question: Datagram) -> Datagram | None:
    try:
        request = decode_request(question.data)
    except DecodeError:
        return None
    if request.method == "ACK":
        return None
    head = len(_sip_answer(request, question, b"")) + len("9999")
    body = render_copy(question.data, question.there, _room(question) - head)
    return Datagram(question.here, question.there, _sip_answer(request, question, body)) if body else None


def _sip_answer(request: Request, question: Datagram, body: bytes) -> bytes:
    """An INVITE is declined: nobody is there to hold a dialog with."""
    status, reason = (488, "Not Acceptable Here") if request.method == "INVITE" else (200, "OK")
    headers = (("Content-Type", MIRROR_TYPE),)
    return render_response(request, status, reason, received=question.there, headers=headers, body=body)
