"""The journal over HTTP, in pieces: nothing is read faster than the peer takes it, and nothing while probing waits.

An answer is read in a thread, a piece at a time. It ends after a bounded part of the journal, with the cursor to go on
from (core/journal_reading.py), so that nobody has to wait for the whole, and what was read is never read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus

from tonekeeper.core.journal_reading import JournalReader, read_since
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.faces.http.compression import Squeezer, takes_gzip
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, Sink, plain
from tonekeeper.faces.http.operation import Operation, Parameter

MEDIA_TYPE = "application/x-ndjson"
MOST = 2
"""Answers under way at once."""
PIECE = 64 * 1024
"""Bytes, before compression."""
_PAUSE = 0.05
"""Seconds between two looks at a peer that is behind."""
_HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Vary", "Accept-Encoding"))


class JournalRoute:
    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._under_way = 0

    def operations(self) -> dict[str, Operation]:
        since = Parameter("since", str, "Seconds back from now, or a cursor of an earlier answer; all that is left")
        refusals = (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
        summary = "What happened and what was done about it, line by line"
        return {"GET": Operation(self.show, summary, (MEDIA_TYPE,), refusals=refusals, parameters=(since,))}

    def show(self, request: HttpRequest) -> HttpResponse | HttpStream:
        try:
            since = read_since(_since_in(request.query))
        except DecodeError as error:
            return plain(HTTPStatus.BAD_REQUEST, str(error))
        if self._under_way >= MOST:
            text = "cannot read the journal for one more; try again soon"
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, text, ("Retry-After", "5"))
        try:
            lines = self._journal(since)
        except EdgeError as error:
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        is_squeezed = takes_gzip(request.headers.get("accept-encoding", ""))
        headers = (*_HEADERS, ("Content-Encoding", "gzip")) if is_squeezed else _HEADERS
        pieces = _squeezed(_in_pieces(lines)) if is_squeezed else _in_pieces(lines)
        return HttpStream(MEDIA_TYPE, lambda sink: self._send(pieces, sink), headers)

    def _send(self, pieces: Iterator[bytes], sink: Sink) -> Callable[[], None]:
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(_hand_over(pieces, sink))
        task.add_done_callback(self._ended)
        return lambda: _cancel(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way -= 1
        if not task.cancelled() and (bug := task.exception()) is not None:
            raise bug


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _hand_over(pieces: Iterator[bytes], sink: Sink) -> None:
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(None, next, pieces, b""):
        while sink.is_behind:
            await asyncio.sleep(_PAUSE)
        sink.write(piece)
    sink.end()


def _in_pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    piece = bytearray()
    for line in lines:
        piece += line
        piece += b"\n"
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _squeezed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    squeezer = Squeezer()
    for piece in pieces:
        if squeezed := squeezer.squeeze(piece):
            yield squeezed
    yield squeezer.finish()


def _since_in(query: str) -> str:
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "since":
            return value.replace("%3A", ":").replace("%3a", ":")
    return ""
