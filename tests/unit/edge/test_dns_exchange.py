"""Questions to a DNS server on loopback that misbehaves in every way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import Answer, HostAddress, NoAnswer, Question, RecordType
from tonekeeper.edge.dns_exchange import MOST_STRANGERS, Patience, ask
from tonekeeper.edge.nameservers import Nameserver

QUESTION = Question("sbc.example.net", RecordType.A)
EXPECTED = Answer((HostAddress("203.0.113.2"),), 300)
LOOPBACK = Nameserver("127.0.0.1")
LONG = Patience(limit=30.0, resend_after=20.0)
"""No time-out plays a part in a test that uses it."""

Answering = Callable[[dns.message.Message], list[bytes]]
"""A query to the datagrams, or the one message over TCP, that are sent back."""


def answer(query: dns.message.Message, address: str = "203.0.113.2") -> dns.message.Message:
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", address))
    return response


def truthfully(query: dns.message.Message) -> list[bytes]:
    return [answer(query).to_wire()]


def in_vain(_: dns.message.Message) -> list[bytes]:
    return []


class Server:
    """UDP and TCP on one port of loopback, inside the running loop."""

    def __init__(self, over_udp: Answering = truthfully, over_tcp: Answering | None = None) -> None:
        self._over_udp = over_udp
        self._over_tcp = over_tcp
        self.queries: list[dns.message.Message] = []
        self.ports: list[int] = []
        self.connections = 0

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)
        self._udp.bind(("127.0.0.1", 0))
        self.port = self._udp.getsockname()[1]
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", self.port) if self._over_tcp else None
        loop.add_reader(self._udp, self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._udp)
        self._udp.close()
        if self._tcp is not None:
            self._tcp.close()

    def _take(self) -> None:
        data, source = self._udp.recvfrom(4096)
        query = dns.message.from_wire(data)
        self.queries.append(query)
        self.ports.append(source[1])
        for datagram in self._over_udp(query):
            self._udp.sendto(datagram, source)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        size = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(size))
        assert self._over_tcp is not None
        for part in self._over_tcp(query):
            writer.write(part)
        writer.close()


def over_server(server: Server, scenario: Callable[[Server], Awaitable[None]]) -> None:
    async def run() -> None:
        async with server:
            await scenario(server)

    asyncio.run(run())


def asked(server: Server, patience: Patience = LONG) -> Answer | NoAnswer:
    """What `ask` gives."""
    given = []

    async def scenario(server: Server) -> None:
        given.append(await ask(LOOPBACK, QUESTION, server.port, patience))

    over_server(server, scenario)
    return given[0]


def test_a_question_is_answered():
    server = Server()
    assert asked(server) == EXPECTED
    (query,) = server.queries
    assert (query.edns, query.payload, query.flags & dns.flags.RD) == (0, 1232, dns.flags.RD)


def test_ids_and_ports_are_others_each_time():
    server = Server()

    async def scenario(server: Server) -> None:
        for _ in range(12):
            await ask(LOOPBACK, QUESTION, server.port, LONG)

    over_server(server, scenario)
    assert len({query.id for query in server.queries}) > 8
    assert len(set(server.ports)) > 8


@pytest.mark.parametrize(
    ("rcode", "failure"),
    [
        (dns.rcode.NXDOMAIN, NameFailure.NXDOMAIN),
        (dns.rcode.SERVFAIL, NameFailure.SERVFAIL),
        (dns.rcode.REFUSED, NameFailure.REFUSED),
        (dns.rcode.NOTIMP, NameFailure.REFUSED),
        (dns.rcode.YXDOMAIN, NameFailure.SERVFAIL),
    ],
)
def test_a_refusal_is_told_by_its_name(rcode, failure):
    def refusing(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return [response.to_wire()]

    assert asked(Server(refusing)) == NoAnswer(failure, f"the resolver answered {dns.rcode.to_text(rcode)}")


def test_aliases_are_followed_inside_the_answer_and_the_smallest_ttl_counts():
    def through_an_alias(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        response.answer += [
            dns.rrset.from_text("sbc.example.net.", 20, "IN", "CNAME", "pool.example.net."),
            dns.rrset.from_text("pool.example.net.", 300, "IN", "A", "203.0.113.2"),
        ]
        return [response.to_wire()]

    assert asked(Server(through_an_alias)) == Answer((HostAddress("203.0.113.2"),), 20)


def test_aliases_that_run_in_a_circle_lead_nowhere():
    def in_a_circle(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        response.answer += [
            dns.rrset.from_text("sbc.example.net.", 20, "IN", "CNAME", "pool.example.net."),
            dns.rrset.from_text("pool.example.net.", 20, "IN", "CNAME", "sbc.example.net."),
        ]
        return [response.to_wire()]

    assert asked(Server(in_a_circle)).failure is NameFailure.MALFORMED


def another_id(query: dns.message.Message) -> bytes:
    wire = answer(query, "192.0.2.66").to_wire()
    return bytes([wire[0] ^ 1]) + wire[1:]


def another_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("www.example.net", "A", id=query.id)
    return answer(other, "192.0.2.66").to_wire()


def our_own_question(query: dns.message.Message) -> bytes:
    return query.to_wire()


@pytest.mark.parametrize("stray", [another_id, another_question, our_own_question, lambda _: b"", lambda _: b"\0"])
def test_a_datagram_that_is_not_the_answer_is_passed_over(stray):
    assert asked(Server(lambda query: [stray(query), *truthfully(query)])) == EXPECTED


def test_an_answer_from_another_port_never_arrives():
    def from_elsewhere(query: dns.message.Message) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            forger.bind(("127.0.0.1", 0))
            forger.sendto(answer(query, "192.0.2.66").to_wire(), ("127.0.0.1", server.ports[-1]))
        return truthfully(query)

    server = Server(from_elsewhere)
    assert asked(server) == EXPECTED


def test_a_flood_of_other_datagrams_ends_the_wait():
    said = asked(Server(lambda query: [another_id(query)] * MOST_STRANGERS))
    assert said == NoAnswer(NameFailure.MALFORMED, f"{MOST_STRANGERS} datagrams of the resolver are no answer")


def test_an_answer_that_cannot_be_read_is_malformed():
    said = asked(Server(lambda query: [query.id.to_bytes(2, "big") + b"\x81\x80\xff\xff\xff\xff"]))
    assert said.failure is NameFailure.MALFORMED


def test_a_question_that_was_lost_is_sent_again():
    def the_second_time(query: dns.message.Message) -> list[bytes]:
        return truthfully(query) if len(server.queries) > 1 else []

    server = Server(the_second_time)
    assert asked(server, Patience(limit=30.0, resend_after=0.01)) == EXPECTED
    assert server.queries[0].id == server.queries[1].id
    assert server.ports[0] == server.ports[1]


def test_a_silent_server_is_given_up():
    said = asked(Server(in_vain), Patience(limit=0.05, resend_after=0.02))
    assert said == NoAnswer(NameFailure.TIMEOUT, "no answer within 0.05 s")


def test_a_closed_port_is_known_at_once():
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        said = await ask(LOOPBACK, QUESTION, port, LONG)
        assert said == NoAnswer(NameFailure.UNREACHABLE, "the resolver cannot be reached (Connection refused)")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("nameserver", "reason"),
    [
        (Nameserver("127.0.0.1", "nosuchdevice"), "No such device"),
        (Nameserver("127.0.0.1", "", "192.0.2.99"), "Cannot assign requested address"),
        (Nameserver("sbc.example.net"), "Name or service not known"),
    ],
)
def test_a_server_that_cannot_even_be_asked_is_unreachable(nameserver, reason):
    said = asyncio.run(ask(nameserver, QUESTION, 53, LONG))
    assert said == NoAnswer(NameFailure.UNREACHABLE, f"the resolver cannot be reached ({reason})")


def test_a_name_that_cannot_stand_in_a_question_is_malformed():
    said = asyncio.run(ask(LOOPBACK, Question("a..b", RecordType.A), 53, LONG))
    assert said == NoAnswer(NameFailure.MALFORMED, "cannot decode host name: 'a..b': A DNS label is empty.")


def test_a_server_that_does_not_know_edns_is_asked_without():
    def of_old(query: dns.message.Message) -> list[bytes]:
        if query.edns < 0:
            return truthfully(query)
        return [query.id.to_bytes(2, "big") + b"\x81\x81" + bytes(8)]  # FORMERR, and not even the question

    server = Server(of_old)
    assert asked(server) == EXPECTED
    assert [query.edns for query in server.queries] == [0, -1]


def test_a_server_that_understands_nothing_is_not_asked_for_ever():
    server = Server(lambda query: [query.id.to_bytes(2, "big") + b"\x81\x81" + bytes(8)])
    assert asked(server).failure is NameFailure.MALFORMED
    assert len(server.queries) == 2


# --- TCP


def cut_off(query: dns.message.Message) -> list[bytes]:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


def framed(query: dns.message.Message) -> list[bytes]:
    wire = answer(query).to_wire()
    return [len(wire).to_bytes(2, "big") + wire]


def test_a_truncated_answer_is_fetched_over_tcp():
    server = Server(cut_off, framed)
    assert asked(server) == EXPECTED
    assert server.connections == 1


def test_an_answer_cut_in_the_middle_of_a_record_is_fetched_over_tcp():
    def in_the_middle(query: dns.message.Message) -> list[bytes]:
        response = answer(query)
        response.flags |= dns.flags.TC
        return [response.to_wire()[:-20]]

    assert asked(Server(in_the_middle, framed)) == EXPECTED


def test_an_answer_over_tcp_may_come_octet_by_octet():
    assert asked(Server(cut_off, lambda query: [bytes([octet]) for octet in framed(query)[0]])) == EXPECTED


def test_a_truncated_answer_without_tcp_is_unreachable():
    said = asked(Server(cut_off))
    assert said == NoAnswer(NameFailure.UNREACHABLE, "the resolver cannot be reached (Connection refused)")


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (lambda _: [], NameFailure.UNREACHABLE),
        (lambda query: [framed(query)[0][:20]], NameFailure.UNREACHABLE),
        (lambda _: [b"\0\0"], NameFailure.MALFORMED),
        (lambda query: [b"\0\4\0\0\0\0"], NameFailure.MALFORMED),
        (lambda query: [len(cut_off(query)[0]).to_bytes(2, "big") + cut_off(query)[0]], NameFailure.MALFORMED),
    ],
    ids=["nothing", "a part", "an empty one", "another id", "truncated again"],
)
def test_a_tcp_answer_that_is_none_is_told_as_that(sent, failure):
    assert asked(Server(cut_off, sent)).failure is failure


def test_a_tcp_answer_that_never_comes_is_given_up():
    @contextmanager
    def listening_only() -> Iterator[int]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield listener.getsockname()[1]

    async def scenario(port: int) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            udp.bind(("127.0.0.1", port))
            asking = loop.create_task(ask(LOOPBACK, QUESTION, port, Patience(limit=0.05, resend_after=20.0)))
            data, source = await loop.sock_recvfrom(udp, 4096)
            udp.sendto(cut_off(dns.message.from_wire(data))[0], source)
            assert (await asking).failure is NameFailure.TIMEOUT

    with listening_only() as port:
        asyncio.run(scenario(port))
