"""Probes over TCP and TLS against a real SBC: good and bad certificates, and every way a connection can end.

The topology is that of topology.py; the probes leave the CPE over fibre.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from tests.lab.certificates import DAY, Authority, Issued, self_signed
from tests.lab.edge_namespaces import Heard, namespaces, run_inside
from tests.lab.faults import Provider
from tests.lab.topology import Lab
from tonekeeper.core.commands import ClosePath, OpenPath, SendBindingRequest, SendCrlf, SendOptions
from tonekeeper.core.events import (
    DatagramIgnored,
    Event,
    PathOpened,
    PathRefused,
    ReplyReceived,
    SendRefused,
    StreamEnded,
    TlsSeen,
)
from tonekeeper.core.site import Path, TlsPolicy, Transport
from tonekeeper.edge.sockets import ProbeSockets
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.message import decode_request
from tonekeeper.wire.sip.render import render_response

pytestmark = pytest.mark.lab

E = TypeVar("E", bound=Event)


class Prober:
    """The probe sockets of a CPE, towards its primary SBC."""

    def __init__(self, lab: Lab, transport: Transport) -> None:
        self.sbc = lab.sbc("primary")
        self.heard = Heard()
        self.sockets = ProbeSockets(self.heard.report)
        port = self.sbc.tls_port if transport is Transport.TLS else self.sbc.port
        self.path = Path("fibre", "primary", transport, Endpoint(self.sbc.address, port))
        self._root = str(lab.authority.root)

    def open(self, server_name: str = "", **policy: str) -> None:
        """Trusting the lab's authority, unless told otherwise."""
        trusted = TlsPolicy(**{"ca_file": self._root} | policy)
        self.sockets.execute(OpenPath(self.path, "eth0", "", server_name or self.sbc.host, trusted))

    def send(self, branch: str = "z9hG4bK-1") -> None:
        self.sockets.execute(SendOptions(self.path, self.sbc.host, branch, "tag", "call", 1, "tonekeeper"))

    async def hear(self, kind: type[E], within: float = 5.0) -> E:
        return await self.heard.first(lambda event: isinstance(event, kind), within)


def probe(lab: Lab, transport: Transport, scenario: Callable[[Prober], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        prober = Prober(lab, transport)
        try:
            await scenario(prober)
        finally:
            prober.sockets.close()

    run_inside(lab.cpe.namespace, run)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_probes_on_one_connection_are_answered(lab, transport):
    async def scenario(prober: Prober) -> None:
        prober.open()
        opened = await prober.hear(PathOpened)
        assert (opened.path, opened.local.host) == (prober.path, "198.51.100.2")
        for number in range(3):
            prober.send(f"z9hG4bK-{number}")
            reply = await prober.hear(ReplyReceived)
            assert (reply.path, reply.source) == (prober.path, prober.path.address)
            assert (reply.reply.status, reply.reply.branch) == (200, f"z9hG4bK-{number}")
            assert (reply.reply.received or opened.local.host, reply.reply.rport) == opened.local

    probe(lab, transport, scenario)


def test_a_good_certificate_is_told_with_the_time_it_has_left(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        facts = (await prober.hear(TlsSeen)).facts
        assert (facts.problem, facts.version, facts.issuer) == ("", "TLSv1.3", "CN=Lab Root")
        assert facts.subject == f"CN={prober.sbc.host}"
        assert facts.cipher
        assert facts.expires_in_s is not None
        assert 89 * DAY < facts.expires_in_s <= 90 * DAY
        await prober.hear(PathOpened)

    probe(lab, Transport.TLS, scenario)


def test_a_certificate_may_be_for_an_address(lab):
    async def scenario(prober: Prober) -> None:
        prober.open(server_name=prober.sbc.address)
        await prober.hear(PathOpened)

    probe(lab, Transport.TLS, scenario)


def refused_for(lab: Lab, certificate: Issued) -> tuple[TlsSeen, PathRefused]:
    """What is told where the SBC shows `certificate`."""
    lab.sbc("primary").show(certificate)
    told: list[Any] = []

    async def scenario(prober: Prober) -> None:
        prober.open()
        told.extend(await prober.heard.until(lambda event: isinstance(event, PathOpened | PathRefused)))

    probe(lab, Transport.TLS, scenario)
    seen, refused = told
    assert isinstance(seen, TlsSeen)
    assert isinstance(refused, PathRefused)
    assert (refused.errno, refused.reason) == (0, f"its certificate is not acceptable: {seen.facts.problem}")
    return seen, refused


def test_a_certificate_for_somebody_else_is_refused_and_both_are_named(lab):
    seen, _ = refused_for(lab, lab.authority.issue("sbc9.example.net"))
    assert seen.facts.problem == "it is for sbc9.example.net, not for primary.example.net"
    assert (seen.facts.subject, seen.facts.issuer) == ("CN=sbc9.example.net", "CN=Lab Root")


def test_a_certificate_that_expired_is_refused_and_the_day_is_named(lab):
    seen, _ = refused_for(lab, lab.authority.issue("primary.example.net", begins=-30 * DAY, ends=-3.5 * DAY))
    assert seen.facts.problem.startswith("it expired on 20")
    assert seen.facts.problem.endswith(", 3 days ago")
    assert seen.facts.subject == "CN=primary.example.net"
    assert seen.facts.expires_in_s is not None
    assert -3.6 * DAY < seen.facts.expires_in_s < -3.4 * DAY


def test_a_certificate_that_is_not_valid_yet_makes_us_doubt_the_clock(lab):
    seen, _ = refused_for(lab, lab.authority.issue("primary.example.net", begins=5.5 * DAY))
    assert seen.facts.problem.endswith(", in 5 days: is the clock of this device right?")


def test_a_certificate_that_is_self_signed_is_refused(lab):
    seen, _ = refused_for(lab, self_signed(lab.directory, "primary.example.net"))
    assert seen.facts.problem == "it is self-signed: set ca_file to it, if it is the right one"
    assert seen.facts.subject == seen.facts.issuer == "CN=primary.example.net"
    assert seen.facts.version == "TLSv1.3"


def test_a_certificate_of_an_issuer_nobody_knows_is_refused_and_the_issuer_named(lab, tmp_path):
    seen, _ = refused_for(lab, Authority(tmp_path, "Other Root").issue("primary.example.net"))
    assert seen.facts.problem.startswith("its issuer 'CN=Other Root' is not known")


def test_a_ca_file_that_was_put_right_is_used_by_the_next_connection(lab, tmp_path):
    file = tmp_path / "trusted.pem"
    file.write_bytes(Authority(tmp_path, "Other Root").root.read_bytes())

    async def scenario(prober: Prober) -> None:
        prober.open(ca_file=str(file))
        refused = await prober.hear(PathRefused)
        assert "its issuer 'CN=Lab Root' is not known" in refused.reason
        file.write_bytes(lab.authority.root.read_bytes())
        prober.open(ca_file=str(file))
        await prober.hear(PathOpened)

    probe(lab, Transport.TLS, scenario)


def test_a_client_certificate_is_shown_where_it_is_asked_for(lab):
    ours = lab.authority.issue("site-0042.example.net")
    lab.sbc("primary").show(lab.authority.issue("primary.example.net"), clients=lab.authority.root)

    async def scenario(prober: Prober) -> None:
        prober.open(cert_file=str(ours.certificate), key_file=str(ours.key))
        await prober.hear(PathOpened)
        prober.send()
        assert (await prober.hear(ReplyReceived)).reply.status == 200

    probe(lab, Transport.TLS, scenario)


def test_a_client_certificate_that_is_missing_is_named_when_the_connection_ends(lab):
    lab.sbc("primary").show(lab.authority.issue("primary.example.net"), clients=lab.authority.root)

    async def scenario(prober: Prober) -> None:
        prober.open()
        ended = await prober.hear(StreamEnded)
        assert ended.reason.endswith(
            "certificate required; it asks for a client certificate: set cert_file and key_file"
        )

    probe(lab, Transport.TLS, scenario)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_process_that_stops_ends_the_connection_and_refuses_the_next(lab, transport):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        await asyncio.to_thread(prober.sbc.stop)
        ended = await prober.hear(StreamEnded)
        assert ended.errno in (0, errno.ECONNRESET)
        prober.send()
        assert await prober.hear(SendRefused) == SendRefused(prober.path, "z9hG4bK-1", errno.ENOTCONN)
        prober.open()
        refused = await prober.hear(PathRefused)
        assert refused.errno == errno.ECONNREFUSED
        assert "Connection refused; nothing listens there" in refused.reason

    probe(lab, transport, scenario)


def test_a_process_that_hangs_accepts_the_connection_and_answers_nothing(lab):
    async def scenario(prober: Prober) -> None:
        prober.sbc.freeze()
        prober.open()
        await prober.hear(PathOpened)
        prober.send()
        prober.sbc.thaw()
        assert (await prober.hear(ReplyReceived)).reply.status == 200

    probe(lab, Transport.TCP, scenario)


def test_a_process_that_hangs_never_finishes_the_handshake(lab):
    async def scenario(prober: Prober) -> None:
        prober.sbc.freeze()
        prober.open()
        refused = await prober.hear(PathRefused, within=8.0)
        assert refused.errno == errno.ETIMEDOUT
        assert refused.reason == (
            "cannot agree on TLS with primary.example.net at 203.0.113.2:5061 over tcp through interface 'eth0' "
            "within 4 s: Connection timed out"
        )

    probe(lab, Transport.TLS, scenario)


@contextmanager
def resetting(provider: Provider) -> Iterator[None]:
    """The provider answers every segment towards an SBC with a reset."""
    provider.namespace.nft(RESET)
    try:
        yield
    finally:
        provider.namespace.nft("delete table inet resetting")


RESET = """
table inet resetting {
    chain forward { type filter hook forward priority 0; iifname access tcp dport 5060 reject with tcp reset; }
}
"""


def test_a_firewall_that_resets_ends_the_connection_at_once(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        with resetting(lab.provider("fibre")):
            prober.send()
            ended = await prober.hear(StreamEnded)
        assert ended.errno == errno.ECONNRESET
        assert ended.reason == (
            "cannot keep the connection to 203.0.113.2:5060 over tcp through interface 'eth0': Connection reset by peer"
        )

    probe(lab, Transport.TCP, scenario)


def test_a_firewall_that_rejects_ends_the_connection_at_once_and_refuses_the_next(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        with lab.provider("fibre").reject(prober.sbc.address):
            prober.send()
            assert (await prober.hear(StreamEnded)).errno == errno.EHOSTUNREACH
            prober.open()
            assert (await prober.hear(PathRefused)).errno == errno.EHOSTUNREACH

    probe(lab, Transport.TCP, scenario)


def test_a_connection_that_lost_its_far_end_in_silence_times_out(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        with lab.silence(prober.sbc):
            prober.send()
            ended = await prober.hear(StreamEnded, within=20.0)
        assert ended.errno == errno.ETIMEDOUT

    probe(lab, Transport.TCP, scenario)


def test_a_way_that_leads_nowhere_is_refused_in_time(lab):
    async def scenario(prober: Prober) -> None:
        with lab.silence(prober.sbc):
            prober.open()
            refused = await prober.hear(PathRefused, within=8.0)
        assert refused.errno == errno.ETIMEDOUT

    probe(lab, Transport.TCP, scenario)


def test_a_connection_is_not_kept_by_stun(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        prober.sockets.execute(SendBindingRequest(prober.path, "5" * 24))
        assert prober.heard.events == [SendRefused(prober.path, "", errno.EOPNOTSUPP)]

    probe(lab, Transport.TCP, scenario)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_ping_is_taken_for_a_keepalive_by_a_real_server(lab, transport):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        for _ in range(3):
            prober.sockets.execute(SendCrlf(prober.path))
        prober.send()
        assert (await prober.hear(ReplyReceived)).reply.status == 200
        assert not [event for event in prober.heard.events if isinstance(event, DatagramIgnored | StreamEnded)]

    probe(lab, transport, scenario)


def test_a_path_that_was_closed_is_heard_of_no_more(lab):
    async def scenario(prober: Prober) -> None:
        prober.open()
        await prober.hear(PathOpened)
        prober.send()
        prober.sockets.execute(ClosePath(prober.path))
        prober.sockets.execute(SendCrlf(prober.path))
        assert prober.heard.events == [SendRefused(prober.path, "", errno.ENOTCONN)]

    probe(lab, Transport.TLS, scenario)


LINE = {
    "agent": ("address add 2001:db8:1::2/64 dev wan0 nodad", "link set wan0 up"),
    "sbc": ("address add 2001:db8:1::1/64 dev wan0 nodad", "link set wan0 up"),
}
SBC6 = Endpoint("2001:db8:1::1", 5061)


async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """In two pieces, so that each is a TLS record of its own."""
    request = decode_request(await reader.readuntil(b"\r\n\r\n"))
    answer = render_response(request, 200, "OK", received=Endpoint(*writer.get_extra_info("peername")[:2]))
    for piece in (answer[:40], answer[40:]):
        writer.write(piece)
        await writer.drain()
    writer.close()


def test_a_path_over_tls_and_ipv6_is_opened_answered_and_closed_by_the_far_end(tmp_path):
    authority = Authority(tmp_path)
    own = authority.issue("sbc6.example.net", SBC6.host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)

    async def scenario() -> None:
        sock = made["sbc"].socket(socket.AF_INET6, socket.SOCK_STREAM)
        sock.bind(SBC6)
        heard = Heard()
        sockets = ProbeSockets(heard.report)
        path = Path("wan0", "primary", Transport.TLS, SBC6)
        async with await asyncio.start_server(answer_one, sock=sock, ssl=context):
            sockets.execute(OpenPath(path, "wan0", "", SBC6.host, TlsPolicy(ca_file=str(authority.root))))
            opened = await heard.first(lambda event: isinstance(event, PathOpened))
            assert opened.local.host == "2001:db8:1::2"
            sockets.execute(SendOptions(path, SBC6.host, "z9hG4bK-6", "tag", "call", 1, "tonekeeper"))
            reply = await heard.first(lambda event: isinstance(event, ReplyReceived))
            assert (reply.source, reply.reply.branch, reply.reply.received) == (SBC6, "z9hG4bK-6", opened.local.host)
            ended = await heard.first(lambda event: isinstance(event, StreamEnded))
            assert (ended.path, ended.errno, ended.reason) == (path, 0, f"{SBC6.host} closed the connection")
        sockets.close()

    with namespaces("agent", "sbc") as made:
        made["agent"].run(
            "ip", "link", "add", "wan0", "type", "veth", "peer", "name", "wan0", "netns", made["sbc"].name
        )
        for role, lines in LINE.items():
            made[role].run("ip", "-batch", "-", stdin="\n".join(lines))
        run_inside(made["agent"], scenario)
