"""HTTPS on a real socket of loopback: who is let in, which certificate is shown, and what is new of it."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.certificates import Authority, Issued, self_signed
from tests.unit.faces import reports
from tonekeeper.errors import AgentUnreachableError, EdgeError
from tonekeeper.faces.cli.fetch import fetch_report
from tonekeeper.faces.cli.status import Status
from tonekeeper.faces.cli.trust import Trust
from tonekeeper.faces.http.connection import Limits
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.faces.http.tls import Certificates
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

REQUEST = b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SHORT = replace(Limits(), request_time=0.2)


class Site:
    """The files that an operator renews, and a second authority that nobody asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.authority = Authority(directory)
        self.stranger = Authority(directory, "Another Root")
        self.certificate, self.key = directory / "cert.pem", directory / "key.pem"
        self.install(self.authority.issue("127.0.0.1"))

    def install(self, issued: Issued) -> None:
        shutil.copy(issued.certificate, self.certificate)
        shutil.copy(issued.key, self.key)

    def certificates(self, client_ca: Path | None = None) -> Certificates:
        return Certificates(self.certificate, self.key, client_ca)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(made):
    made.install(made.authority.issue("127.0.0.1"))
    return made


def while_serving(
    ask: Callable[[Endpoint], object], certificates: Certificates, limits: Limits | None = None
) -> object:
    async def serve() -> object:
        routes = Routes(reports.failed_over, lambda: True)
        server = HttpServer(Endpoint("127.0.0.1", 0), routes.respond, limits, certificates)
        where = await server.start()
        try:
            return await asyncio.to_thread(ask, where)
        finally:
            await server.close()

    return asyncio.run(serve())


def status_with(trust: Trust) -> Callable[[Endpoint], object]:
    return lambda where: fetch_report(Status(f"https://{where}", trust=trust))


def converse(where: Endpoint, context: ssl.SSLContext, sent: bytes = REQUEST) -> tuple[str, bytes]:
    """The serial number of the certificate that is shown, and everything that is answered."""
    with (
        socket.create_connection(where, timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=where.host) as peer,
    ):
        peer.sendall(sent)
        shown = peer.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"]), b"".join(iter(lambda: peer.recv(65536), b""))


def trusting(site: Site, client: Issued | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=site.authority.root)
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


def test_the_status_command_gets_the_report_from_an_agent_it_has_reason_to_trust(site):
    trust = Trust(ca_file=str(site.authority.root))

    assert b'"schema":1' in while_serving(status_with(trust), site.certificates())


@pytest.mark.parametrize("ca", ["nobody", "another"])
def test_an_agent_that_nobody_vouches_for_is_not_asked(site, ca):
    trust = Trust() if ca == "nobody" else Trust(ca_file=str(site.stranger.root))

    with pytest.raises(
        AgentUnreachableError, match=r"its certificate is not trusted, .*; name who vouches .* --ca-file"
    ):
        while_serving(status_with(trust), site.certificates())


def test_a_certificate_that_is_pinned_is_trusted_whatever_name_it_is_for(site):
    site.install(site.authority.issue("gateway.example.net"))

    assert b'"schema":1' in while_serving(
        status_with(Trust(str(site.certificate), is_pinned=True)), site.certificates()
    )
    with pytest.raises(AgentUnreachableError, match="mismatch"):
        while_serving(status_with(Trust(str(site.authority.root))), site.certificates())


def test_an_answer_larger_than_a_record_and_pipelined_requests_arrive_whole(site):
    more = REQUEST.replace(b"Connection: close\r\n", b"")
    _, said = while_serving(lambda where: converse(where, trusting(site), 50 * more + REQUEST), site.certificates())

    assert said.count(b"HTTP/1.1 200 OK\r\n") == 51
    assert said.endswith(b"}")


def test_a_version_before_1_2_is_refused(site):
    context = trusting(site)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        while_serving(lambda where: converse(where, context), site.certificates())


def test_plain_http_is_not_answered(site):
    def ask(where: Endpoint) -> bytes:
        with socket.create_connection(where, timeout=5) as peer:
            peer.sendall(REQUEST)
            return b"".join(iter(lambda: peer.recv(65536), b""))

    assert b"HTTP" not in while_serving(ask, site.certificates())


def test_a_peer_that_does_not_finish_its_handshake_is_let_go(site):
    def ask(where: Endpoint) -> bytes:
        with socket.create_connection(where, timeout=5) as peer:
            peer.sendall(b"\x16\x03\x01\x02\x00")
            try:
                return peer.recv(1)
            except ConnectionResetError:
                return b""

    assert while_serving(ask, site.certificates(), SHORT) == b""


def test_peers_that_do_not_shake_hands_take_no_place_from_one_who_does(site):
    def ask(where: Endpoint) -> object:
        silent = [socket.create_connection(where, timeout=5) for _ in range(40)]
        try:
            return converse(where, trusting(site))[1]
        finally:
            for one in silent:
                one.close()

    said = while_serving(ask, site.certificates())

    assert isinstance(said, bytes)
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_of_the_right_authority_is_let_in(site):
    ours = site.authority.issue("noc.example.net")
    trust = Trust(str(site.authority.root), str(ours.certificate), str(ours.key))

    assert b'"schema":1' in while_serving(status_with(trust), site.certificates(site.authority.root))


@pytest.mark.parametrize("who", ["nobody", "self-signed", "another authority", "expired"])
def test_a_client_without_the_right_certificate_is_refused_in_the_handshake(site, tmp_path, who):
    match who:
        case "nobody":
            shown = None
        case "self-signed":
            shown = self_signed(tmp_path, "noc.example.net")
        case "another authority":
            shown = site.stranger.issue("noc.example.net")
        case _:
            shown = site.authority.issue("noc.example.net", begins=-7 * 86400, ends=-86400)
    trust = Trust(str(site.authority.root), *((str(shown.certificate), str(shown.key)) if shown is not None else ()))

    with pytest.raises(AgentUnreachableError, match=r"client.*certificate"):
        while_serving(status_with(trust), site.certificates(site.authority.root))


def renew_twice(site: Site, first: Callable[[], object], then: Callable[[], object]) -> tuple[str, str, str]:
    """Serial numbers that are shown: before anything, after `first`, after `then`."""
    certificates = site.certificates()

    def ask(where: Endpoint) -> tuple[str, str, str]:
        before, _ = converse(where, trusting(site))
        first()
        between, _ = converse(where, trusting(site))
        then()
        after, _ = converse(where, trusting(site))
        return before, between, after

    def change(install: Callable[[], object]) -> Callable[[], object]:
        def installed() -> None:
            install()
            try:
                certificates.renew()
            except EdgeError as error:
                refused.append(error)

        return installed

    refused: list[EdgeError] = []
    first, then = change(first), change(then)
    shown = while_serving(ask, certificates)
    assert isinstance(shown, tuple)
    assert len(refused) == (shown[0] == shown[1])
    return shown


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(site):
    renewed, again = site.authority.issue("127.0.0.1"), site.authority.issue("127.0.0.1")
    before, between, after = renew_twice(site, lambda: site.install(renewed), lambda: site.install(again))

    assert len({before, between, after}) == 3


def test_a_certificate_stays_in_use_while_the_new_one_lacks_its_key(site):
    renewed = site.authority.issue("127.0.0.1")
    before, between, after = renew_twice(
        site,
        lambda: shutil.copy(renewed.certificate, site.certificate),
        lambda: shutil.copy(renewed.key, site.key),
    )

    assert before == between != after


def test_a_certificate_stays_in_use_while_the_new_one_is_not_there_or_cannot_be_read(site):
    before, between, after = renew_twice(
        site, site.certificate.unlink, lambda: site.install(site.authority.issue("127.0.0.1"))
    )
    assert before == between != after
    before, between, _ = renew_twice(
        site, lambda: site.key.write_text("half a fi"), lambda: site.install(site.authority.issue("127.0.0.1"))
    )
    assert before == between


def test_files_that_cannot_be_used_are_told_once_for_each_state_of_them(site):
    certificates = site.certificates()
    assert not certificates.renew()
    site.key.write_text("half a file")
    with pytest.raises(
        EdgeError, match=r"cannot use '.*cert.pem' with '.*key.pem' for HTTPS .*; see \[http\] tls_cert"
    ):
        certificates.renew()
    assert not certificates.renew()
    site.key.unlink()
    with pytest.raises(EdgeError, match="No such file") as missing:
        certificates.renew()
    assert missing.value.errno == errno.ENOENT
    site.install(site.authority.issue("127.0.0.1"))
    assert certificates.renew()


def test_a_handshake_alone_keeps_no_connection_open_for_ever(site):
    """After it, the idle time begins as it does without TLS."""
    limits = replace(Limits(), idle_time=0.2)

    def ask(where: Endpoint) -> float:
        began = time.monotonic()
        converse(where, trusting(site), b"")
        return time.monotonic() - began

    assert while_serving(ask, site.certificates(), limits) >= 0.2
