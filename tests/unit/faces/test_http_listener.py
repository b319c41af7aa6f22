"""The listener on a real socket of loopback, asked by someone else's HTTP client."""

from __future__ import annotations

import asyncio
import errno
import http.client
import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.faces import reports
from tonekeeper.errors import AgentUnreachableError, EdgeError
from tonekeeper.faces.cli.fetch import fetch_report
from tonekeeper.faces.cli.status import Status, decode_report
from tonekeeper.faces.http.connection import Limits
from tonekeeper.faces.http.message import HttpStream, Sink
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

ANY = Endpoint("127.0.0.1", 0)
ROUTES = Routes(reports.failed_over, lambda: True)


def while_serving(ask: Callable[[Endpoint], object], routes: Routes = ROUTES, limits: Limits | None = None) -> object:
    """What `ask` gives, called in a thread with the address of a server that runs meanwhile."""

    async def serve() -> object:
        server = HttpServer(ANY, routes.respond, limits)
        where = await server.start()
        try:
            return await asyncio.to_thread(ask, where)
        finally:
            await server.close()

    return asyncio.run(serve())


def converse(where: Endpoint, sent: bytes) -> bytes:
    """Everything that comes back for `sent`, until the server ends its side."""
    with socket.create_connection(where, timeout=5) as peer:
        peer.sendall(sent)
        return b"".join(iter(lambda: peer.recv(65536), b""))


def test_the_standard_librarys_client_asks_twice_over_one_connection():
    def ask(where: Endpoint) -> list[tuple[int, int]]:
        client = http.client.HTTPConnection(where.host, where.port, timeout=5)
        answers = []
        for path in ("/metrics", "/"):
            client.request("GET", path)
            local_port = client.sock.getsockname()[1]
            answer = client.getresponse()
            answer.read()
            answers.append((answer.status, local_port))
        client.close()
        return answers

    (first, first_port), (second, second_port) = while_serving(ask)

    assert (first, second) == (200, 200)
    assert first_port == second_port


def test_the_status_command_gets_the_report():
    body = while_serving(lambda where: fetch_report(Status(f"http://{where}")))

    assert decode_report(body, "") == reports.failed_over()


def test_the_status_command_shows_the_token(tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text("secret\n")
    routes = Routes(reports.failed_over, lambda: True, "secret")
    ask = lambda where: fetch_report(Status(f"http://{where}", token_file=str(token_file)))  # noqa: E731

    assert while_serving(ask, routes) == while_serving(lambda where: fetch_report(Status(f"http://{where}")))


def test_without_the_token_the_status_command_says_what_to_do():
    routes = Routes(reports.failed_over, lambda: True, "secret")
    with pytest.raises(AgentUnreachableError, match="401 Unauthorized; name its token with --token-file"):
        while_serving(lambda where: fetch_report(Status(f"http://{where}")), routes)


def test_where_nobody_listens_the_status_command_says_what_to_do():
    with socket.socket() as unused:
        unused.bind(ANY)
        where = Endpoint(*unused.getsockname())
        with pytest.raises(AgentUnreachableError, match=r"Connection refused; start it with 'tonekeeper run -c FILE'"):
            fetch_report(Status(f"http://{where}"))


def test_a_refusal_reaches_a_peer_that_is_still_sending():
    limits = replace(Limits(), body_bytes=1000)
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + 300_000 * b"x"

    assert while_serving(lambda where: converse(where, request), limits=limits).startswith(b"HTTP/1.1 413 ")


def test_a_slow_peer_is_told_408():
    limits = replace(Limits(), request_time=0.01)

    assert while_serving(lambda where: converse(where, b"GET / HT"), limits=limits).startswith(b"HTTP/1.1 408 ")


def test_pipelined_requests_beyond_what_the_peer_reads_are_all_answered():
    request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    said = while_serving(lambda where: converse(where, 500 * request + last))

    assert said.count(b"HTTP/1.1 200 OK\r\n") == 501


def test_a_listener_hears_of_a_change():
    said = [reports.healthy()]
    routes = Routes(lambda: said[0], lambda: True)

    def ask(where: Endpoint) -> bytes:
        with socket.create_connection(where, timeout=10) as peer:
            peer.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n")
            heard = b""
            while b"Every path works" not in heard:
                heard += peer.recv(65536)
            said[0] = reports.failed_over()
            while b"SBC primary does not answer" not in heard:
                heard += peer.recv(65536)
            return heard

    heard = while_serving(ask, routes)

    assert isinstance(heard, bytes)
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.count(b"event: status\n") == 2


def test_a_listener_that_reads_nothing_is_let_go():
    limits = replace(Limits(), request_time=0.05)
    left = threading.Event()

    def flood(sink: Sink) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def more() -> None:
            if not sink.is_behind and not left.is_set():
                sink.write(1_000_000 * b"x")
                loop.call_soon(more)

        more()
        return left.set

    async def serve() -> None:
        server = HttpServer(ANY, lambda request: HttpStream("text/plain", flood), limits)
        where = await server.start()
        with socket.create_connection(where, timeout=10) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await asyncio.to_thread(left.wait, 10)
        await server.close()

    asyncio.run(serve())


def test_a_port_in_use_is_an_error_with_its_number_and_a_remedy():
    async def serve_twice(where: Endpoint) -> None:
        await HttpServer(where, ROUTES.respond).start()

    with pytest.raises(EdgeError, match="another program listens there") as refused:
        while_serving(lambda where: asyncio.run(serve_twice(where)))

    assert refused.value.errno == errno.EADDRINUSE


def test_an_address_of_another_host_is_an_error_with_its_number_and_a_remedy():
    with pytest.raises(EdgeError, match="this host does not have that address") as refused:
        asyncio.run(HttpServer(Endpoint("192.0.2.1", 0), ROUTES.respond).start())

    assert refused.value.errno == errno.EADDRNOTAVAIL
