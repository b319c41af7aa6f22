"""Where a SIP server is: RFC 3263 section 4 as a function of what has been answered so far.

`locate` says what to ask next, or where the server is, or why that cannot be known. Whoever carries the questions calls
it again with the replies, until it asks no more:

    host is an address             no question
    port named                     A and AAAA
    transport named                SRV of that transport, then A and AAAA of its targets
    neither                        NAPTR, then SRV of what it names; without NAPTR, SRV of each transport we speak
    no SRV at all                  A and AAAA of the host, at the default port

Only a definite "there is none" leads on to the next step: an SRV record that could not be read must not turn the web
server of the domain into an SBC. NAPTR is the exception, for many a server fails at types it does not know.

Every address is a target, not only the first. They come by priority, then by descending weight; the lot that RFC 2782
draws among weights is of no use to somebody who probes them all, so the weight is kept in the target instead. The same
records in another order make the same targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from tonekeeper.core.events import NameFailure
from tonekeeper.core.site import Target, Transport
from tonekeeper.wire.endpoint import Endpoint

MOST_TARGETS = 32
MOST_SERVICES = 8
"""SRV names that NAPTR may lead to."""
MOST_SERVERS = 16
"""Hosts that SRV may lead to. With the two above it takes at most 1 + 8 + 2 * 16 questions."""
NUMERIC_TTL = 86400.0
"""Seconds; of a host that is an address, and stays one."""


class RecordType(StrEnum):
    A = "A"
    AAAA = "AAAA"
    SRV = "SRV"
    NAPTR = "NAPTR"


class Question(NamedTuple):
    name: str
    """Lower case, without the final dot."""
    type: RecordType

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class HostAddress(NamedTuple):
    """A (RFC 1035) and AAAA (RFC 3596)."""

    address: str
    """Numeric"""


class Srv(NamedTuple):
    """RFC 2782"""

    priority: int
    weight: int
    port: int
    target: str
    """`.` where the service is decidedly not available."""


class Naptr(NamedTuple):
    """RFC 3403 section 4. SIP uses no regular expression (RFC 3263 section 4.1), so none is kept."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


Record = HostAddress | Srv | Naptr


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is, aliases followed. No records: the name exists, and has none of this type."""

    records: tuple[Record, ...] = ()
    ttl: float = 0.0
    """Seconds; the smallest of the records and of the aliases on the way to them."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    failure: NameFailure
    reason: str
    """What the resolver did, for the end of a sentence: "no answer within 2 s"."""


Reply = Answer | NoAnswer
Replies = Mapping[Question, Reply]


@dataclass(frozen=True, slots=True)
class Ask:
    """These come next; never empty, and none that was replied to."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Located:
    targets: tuple[Target, ...]
    """In order of use, each once, never empty."""
    ttl: float
    """Seconds; the smallest on the way."""


@dataclass(frozen=True, slots=True)
class NotLocated:
    failure: NameFailure
    reason: str
    """A sentence."""


class _Service(NamedTuple):
    """An SRV name, and what its records are good for."""

    transport: Transport
    name: str
    rank: int
    ttl: float


class _Server(NamedTuple):
    """A host whose addresses are wanted. `priority` and `weight` as in the target."""

    priority: int
    weight: int
    transport: Transport
    name: str
    port: int
    ttl: float


_SRV_PREFIX = {Transport.UDP: "_sip._udp", Transport.TCP: "_sip._tcp", Transport.TLS: "_sips._tcp"}
_DEFAULT_PORT = {Transport.UDP: 5060, Transport.TCP: 5060, Transport.TLS: 5061}
_BY_SERVICE = {"sip+d2u": Transport.UDP, "sip+d2t": Transport.TCP, "sips+d2t": Transport.TLS}
"""RFC 3263 section 4.1; SCTP and WebSocket are not spoken here."""
_ABSENT = (NameFailure.NXDOMAIN, NameFailure.EMPTY)
_UNHEARD = (NameFailure.TIMEOUT, NameFailure.UNREACHABLE)
_FOREVER = float("inf")
_NO_HOST = ip_address("255.255.255.255")


def locate(host: str, port: int, transport: Transport | None, replies: Replies) -> Ask | Located | NotLocated:
    """The next step towards `host`; `port` is 0 and `transport` None where the URI names none."""
    numeric = numeric_address(host)
    if numeric:
        spoken = transport or Transport.UDP
        return Located((Target(spoken, Endpoint(numeric, port or _DEFAULT_PORT[spoken])),), NUMERIC_TTL)
    name = host.rstrip(".").lower()
    if port:
        return _at_addresses(host, (_Server(0, 0, transport or Transport.UDP, name, port, _FOREVER),), replies)
    services = _services(host, name, transport, replies)
    if not isinstance(services, tuple):
        return services
    servers = _servers(host, name, services, replies)
    if not isinstance(servers, tuple):
        return servers
    return _at_addresses(host, servers, replies)


def numeric_address(host: str) -> str:
    """The address that `host` is, in its usual form; empty if it is a name."""
    try:
        return str(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return ""


# --- NAPTR: which services there are


def _services(
    host: str, name: str, transport: Transport | None, replies: Replies
) -> tuple[_Service, ...] | Ask | NotLocated:
    if transport is not None:
        return (_service(transport, name, 0),)
    question = Question(name, RecordType.NAPTR)
    reply = replies.get(question)
    if reply is None:
        return Ask((question,))
    if isinstance(reply, NoAnswer) and reply.failure in _UNHEARD:
        return _not_located(host, question, reply)
    named = _named_services(reply) if isinstance(reply, Answer) else ()
    return named or tuple(_service(spoken, name, rank) for rank, spoken in enumerate(_SRV_PREFIX))


def _service(transport: Transport, name: str, rank: int) -> _Service:
    return _Service(transport, f"{_SRV_PREFIX[transport]}.{name}", rank, _FOREVER)


def _named_services(answer: Answer) -> tuple[_Service, ...]:
    """Of the lowest order that has any we speak: higher ones must not be considered (RFC 3403 section 4.1)."""
    spoken = sorted(
        record
        for record in answer.records
        if isinstance(record, Naptr)
        and record.flags.lower() == "s"
        and record.service.lower() in _BY_SERVICE
        and record.replacement not in ("", ".")
    )
    lowest = [record for record in spoken if record.order == spoken[0].order]
    return tuple(
        _Service(_BY_SERVICE[record.service.lower()], record.replacement.lower(), rank, answer.ttl)
        for rank, record in enumerate(lowest[:MOST_SERVICES])
    )


# --- SRV: which hosts


def _servers(
    host: str, name: str, services: tuple[_Service, ...], replies: Replies
) -> tuple[_Server, ...] | Ask | NotLocated:
    questions = {service: Question(service.name, RecordType.SRV) for service in services}
    if unasked := _unasked(questions.values(), replies):
        return unasked
    servers: list[_Server] = []
    refusing: Question | None = None
    for service, question in questions.items():
        reply = replies[question]
        records = [r for r in reply.records if isinstance(r, Srv)] if isinstance(reply, Answer) else []
        offered = [record for record in records if _leads_on(record)]
        if records and not offered:
            refusing = question
        if isinstance(reply, Answer):
            servers += [_server(service, record, reply.ttl) for record in offered]
    if servers:
        return _bounded(servers)
    if failed := _worst(questions.values(), replies):
        return _not_located(host, *failed)
    if refusing is not None:
        refusal = NoAnswer(NameFailure.EMPTY, "the service is not available here (RFC 2782)")
        return _not_located(host, refusing, refusal)
    chosen = services[0]
    return (_Server(0, 0, chosen.transport, name, _DEFAULT_PORT[chosen.transport], chosen.ttl),)


def _leads_on(record: Srv) -> bool:
    if not 0 < record.port <= 65535 or record.target in ("", "."):
        return False
    numeric = numeric_address(record.target)
    return not numeric or _host_address(HostAddress(numeric)) is not None


def _server(service: _Service, record: Srv, ttl: float) -> _Server:
    """A less preferred service comes after all of a preferred one, whatever the priorities in its records."""
    priority = service.rank << 16 | record.priority
    return _Server(
        priority, record.weight, service.transport, record.target.lower(), record.port, min(ttl, service.ttl)
    )


def _bounded(servers: list[_Server]) -> tuple[_Server, ...]:
    """In order of use, those of the first MOST_SERVERS hosts."""
    ordered = sorted(servers, key=lambda server: (server.priority, -server.weight, server))
    hosts = list(dict.fromkeys(server.name for server in ordered))[:MOST_SERVERS]
    return tuple(server for server in ordered if server.name in hosts)


# --- A and AAAA: where these are


def _at_addresses(host: str, servers: tuple[_Server, ...], replies: Replies) -> Ask | Located | NotLocated:
    questions = {question: None for server in servers for question in _address_questions(server.name)}
    if unasked := _unasked(questions, replies):
        return unasked
    found: dict[tuple[Transport, Endpoint], Target] = {}
    ttls: list[float] = []
    for server in servers:
        for address, ttl in _addresses(server.name, replies):
            target = Target(server.transport, Endpoint(address, server.port), server.priority, server.weight)
            if len(found) < MOST_TARGETS:
                found.setdefault((target.transport, target.address), target)
                ttls.append(min(ttl, server.ttl))
    if found:
        return Located(tuple(found.values()), min(NUMERIC_TTL, *ttls))
    question, reason = _worst(questions, replies) or _nothing(questions, replies)
    return _not_located(host, question, reason)


def _address_questions(name: str) -> tuple[Question, ...]:
    return () if numeric_address(name) else (Question(name, RecordType.AAAA), Question(name, RecordType.A))


def _addresses(name: str, replies: Replies) -> list[tuple[str, float]]:
    """With their TTLs. IPv6 first, as RFC 7984 section 4 wants it by RFC 6724; within a family by number."""
    numeric = numeric_address(name)
    if numeric:  # no SRV target should be one, yet some are
        return [(numeric, _FOREVER)]
    found: list[tuple[str, float]] = []
    for question in _address_questions(name):
        reply = replies[question]
        if isinstance(reply, Answer):
            version = 6 if question.type is RecordType.AAAA else 4
            addresses = {address for r in reply.records if (address := _host_address(r)) and address.version == version}
            found += [(str(address), reply.ttl) for address in sorted(addresses, key=int)]
    return found


def _host_address(record: Record) -> IPv4Address | IPv6Address | None:
    """The address, if it is one that a host can have; some filters answer with 0.0.0.0."""
    if not isinstance(record, HostAddress) or "%" in record.address:
        return None
    try:
        address = ip_address(record.address)
    except ValueError:
        return None
    nowhere = address.is_unspecified or address.is_multicast or address.is_link_local or address == _NO_HOST
    return None if nowhere else address


# --- what led nowhere


def _unasked(questions: Iterable[Question], replies: Replies) -> Ask | None:
    unasked = tuple(dict.fromkeys(question for question in questions if question not in replies))
    return Ask(unasked) if unasked else None


def _worst(questions: Iterable[Question], replies: Replies) -> tuple[Question, NoAnswer] | None:
    """What failed, among what may simply not be there; the first of it."""
    for question in questions:
        reply = replies[question]
        if isinstance(reply, NoAnswer) and reply.failure not in _ABSENT:
            return question, reply
    return None


def _nothing(questions: Iterable[Question], replies: Replies) -> tuple[Question, NoAnswer]:
    """Every question was answered, and there is no address."""
    *_, question = questions
    reply = replies[question]
    return question, reply if isinstance(reply, NoAnswer) else NoAnswer(NameFailure.EMPTY, "leads to no address")


def _not_located(host: str, question: Question, reply: NoAnswer) -> NotLocated:
    return NotLocated(reply.failure, f"cannot locate '{host}': {question}: {reply.reason}")
