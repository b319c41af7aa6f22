"""The journal over HTTP: in pieces, to the end, and no faster than it is taken. On a real socket where that matters."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import itertools
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.unit.faces import reports
from tonekeeper.core.journal_reading import Place, Since
from tonekeeper.errors import EdgeError
from tonekeeper.faces.http.journal import MOST, PIECE
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.wire.endpoint import Endpoint

LINE = b'{"at":1.0}'


class Journal:
    """`lines` of them, and what was asked for."""

    def __init__(self, lines: int = 3) -> None:
        self.asked: list[Since] = []
        self.read = 0
        self._lines = lines

    def __call__(self, since: Since) -> Iterator[bytes]:
        self.asked.append(since)
        return self._walk()

    def _walk(self) -> Iterator[bytes]:
        for _ in range(self._lines):
            self.read += 1
            yield LINE


class Reader:
    """Takes a stream by hand."""

    def __init__(self) -> None:
        self.is_behind = False
        self.pieces: list[bytes] = []
        self.ended = asyncio.Event()

    def write(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def end(self) -> None:
        self.ended.set()


def ask(journal: Journal, query: str = "", **headers: str) -> HttpResponse | HttpStream:
    routes = Routes(reports.healthy, lambda: True, journal=journal)
    return routes.respond(HttpRequest("GET", "/api/v1/journal", query, headers))


def told(stream: HttpResponse | HttpStream) -> list[bytes]:
    """The pieces."""

    async def take() -> list[bytes]:
        reader = Reader()
        stream.open(reader)
        await asyncio.wait_for(reader.ended.wait(), 10)
        return reader.pieces

    assert isinstance(stream, HttpStream)
    return asyncio.run(take())


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("", None),
        ("since=", None),
        ("since=60", 60.0),
        ("since=8:512", Place(8, 512)),
        ("a=b&since=8%3A512", Place(8, 512)),
    ],
)
def test_the_query_says_since_when(query, since):
    journal = Journal()
    ask(journal, query)
    assert journal.asked == [since]


def test_a_wrong_since_is_refused_with_what_to_write():
    response = ask(Journal(), "since=yesterday")
    assert isinstance(response, HttpResponse)
    assert response.status == HTTPStatus.BAD_REQUEST
    assert b"'yesterday' is neither seconds" in response.body


def test_lines_come_in_pieces_of_bounded_size():
    pieces = told(ask(Journal(50_000)))
    assert b"".join(pieces) == 50_000 * (LINE + b"\n")
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= PIECE + len(LINE)


def test_who_takes_gzip_gets_one_stream_of_it():
    stream = ask(Journal(50_000), **{"accept-encoding": "gzip"})
    assert isinstance(stream, HttpStream)
    assert ("Content-Encoding", "gzip") in stream.headers
    assert gzip.decompress(b"".join(told(stream))) == 50_000 * (LINE + b"\n")


def test_a_journal_that_cannot_be_read_is_said():
    def closed(since: Since) -> Iterator[bytes]:
        raise EdgeError("read the directory '/var/lib/tonekeeper'")

    response = Routes(reports.healthy, lambda: True, journal=closed).respond(HttpRequest("GET", "/api/v1/journal"))
    assert isinstance(response, HttpResponse)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_nothing_is_read_ahead_for_who_does_not_take_it_and_only_so_many_read_at_once():
    async def scene() -> None:
        journals = [Journal(10**6) for _ in range(MOST)]
        routes = Routes(reports.healthy, lambda: True, journal=lambda since: next(readers)(since))
        readers = itertools.cycle(journals)
        leave = []
        for _ in journals:
            stream = routes.respond(HttpRequest("GET", "/api/v1/journal"))
            assert isinstance(stream, HttpStream)
            reader = Reader()
            reader.is_behind = True
            leave.append(stream.open(reader))
        refused = routes.respond(HttpRequest("GET", "/api/v1/journal"))
        assert isinstance(refused, HttpResponse)
        assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
        await asyncio.sleep(0.1)
        assert all(journal.read * len(LINE) <= PIECE for journal in journals)
        for one in leave:
            one()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert isinstance(routes.respond(HttpRequest("GET", "/api/v1/journal")), HttpStream)

    asyncio.run(scene())


@pytest.mark.lab
def test_after_the_last_piece_the_connection_serves_the_next_request():
    def ask_twice(where: Endpoint) -> list[bytes]:
        client = http.client.HTTPConnection(where.host, where.port, timeout=10)
        answers = []
        for path in ("/api/v1/journal", "/api/v1/journal?since=5", "/healthz"):
            client.request("GET", path)
            answers.append(client.getresponse().read())
        client.close()
        return answers

    async def serve() -> list[bytes]:
        routes = Routes(reports.healthy, lambda: True, journal=Journal(100_000))
        server = HttpServer(Endpoint("127.0.0.1", 0), routes.respond)
        where = await server.start()
        try:
            return await asyncio.to_thread(ask_twice, where)
        finally:
            await server.close()

    first, second, third = asyncio.run(serve())
    assert first == second == 100_000 * (LINE + b"\n")
    assert third == b"ok\n"
