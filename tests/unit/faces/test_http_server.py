"""Time-outs, back-pressure and the limit of connections: `HttpPeer` over a transport and a clock made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tonekeeper.faces.http.connection import Limits
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, Sink, plain
from tonekeeper.faces.http.server import HttpPeer, Peers

LIMITS = Limits(connections=2, request_time=10.0, idle_time=75.0)
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """The socket's side: what was written, in which pieces, and what was done to the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unread = 0
        self.done: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unread

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.done.append("write_eof")

    def is_closing(self) -> bool:
        return "close" in self.done or "abort" in self.done

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause_reading")

    def resume_reading(self) -> None:
        self.done.append("resume_reading")


class Timer:
    def __init__(self, delay: float, act: Callable[[], None]) -> None:
        self.delay = delay
        self.act = act
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Stands in for `loop.call_later`; a test says when a timer runs out."""

    def __init__(self) -> None:
        self._timers: list[Timer] = []

    def call_later(self, delay: float, act: Callable[[], None]) -> Any:
        self._timers.append(Timer(delay, act))
        return self._timers[-1]

    @property
    def running(self) -> list[float]:
        return [timer.delay for timer in self._timers if not timer.cancelled]

    def run_out(self) -> None:
        (timer,) = (timer for timer in self._timers if not timer.cancelled)
        timer.cancel()
        timer.act()


def ok(request: HttpRequest) -> HttpResponse:
    return plain(HTTPStatus.OK, "ok")


def connect(peers: Peers | None = None) -> tuple[HttpPeer, Wire, Clock]:
    wire, clock = Wire(), Clock()
    peer = HttpPeer(ok, LIMITS, Peers(LIMITS) if peers is None else peers, clock.call_later)
    peer.connection_made(wire)
    return peer, wire, clock


def test_an_answer_leaves_in_one_write():
    peer, wire, _ = connect()
    peer.data_received(REQUEST)

    assert len(wire.writes) == 1
    assert wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.writes[0].endswith(b"\r\n\r\nok\n")


def test_a_peer_that_says_nothing_is_let_go_after_the_idle_time():
    _, wire, clock = connect()

    assert clock.running == [75.0]
    clock.run_out()
    assert wire.done == ["close"]
    assert wire.writes == []


def test_a_request_must_be_complete_in_time_however_it_trickles_in():
    peer, wire, clock = connect()
    for byte in REQUEST[:-1]:
        peer.data_received(bytes([byte]))

    assert clock.running == [10.0]
    assert len(clock._timers) == 2, "the timer of the first byte goes on; later bytes buy no time"
    clock.run_out()
    assert wire.writes[0].startswith(b"HTTP/1.1 408 ")
    assert wire.done[-1] == "close"


def test_after_an_answer_the_idle_time_begins_again():
    peer, _, clock = connect()
    peer.data_received(REQUEST[:5])
    peer.data_received(REQUEST[5:])

    assert clock.running == [75.0]


def test_a_peer_that_does_not_read_is_not_written_to():
    peer, wire, clock = connect()
    peer.pause_writing()
    peer.data_received(REQUEST + REQUEST)

    assert wire.writes == []
    assert wire.done == ["pause_reading"]
    assert clock.running == [10.0]

    peer.resume_writing()
    assert len(wire.writes) == 2
    assert wire.done == ["pause_reading", "resume_reading"]


def test_a_peer_that_does_not_take_its_answer_is_dropped():
    peer, wire, clock = connect()
    peer.data_received(REQUEST)
    wire.unread = 1
    peer.pause_writing()
    peer.data_received(REQUEST)
    clock.run_out()

    assert wire.done[-1] == "abort"


def test_a_last_answer_is_followed_by_the_end_of_our_side_only():
    peer, wire, clock = connect()
    peer.data_received(b"nonsense\r\n\r\n")

    assert wire.writes[0].startswith(b"HTTP/1.1 400 ")
    assert wire.done == ["write_eof"]
    peer.data_received(b"more nonsense")
    assert len(wire.writes) == 1
    clock.run_out()
    assert wire.done[-1] == "close"


def test_a_peer_that_ends_its_side_lets_the_transport_close():
    peer, wire, _ = connect()
    peer.data_received(REQUEST)

    assert peer.eof_received() is False
    assert len(wire.writes) == 1


def test_a_newcomer_takes_the_place_of_the_longest_idle_connection():
    peers = Peers(LIMITS)
    first, first_wire, _ = connect(peers)
    _, second_wire, _ = connect(peers)
    first.data_received(REQUEST)
    connect(peers)

    assert second_wire.done == ["close"]
    assert first_wire.done == []
    assert len(peers) == 2


def test_when_all_connections_are_busy_a_newcomer_is_answered_503():
    peers = Peers(LIMITS)
    for peer, _, _ in (connect(peers), connect(peers)):
        peer.data_received(REQUEST[:5])
    _, wire, clock = connect(peers)

    assert wire.writes[0].startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in wire.writes[0]
    assert wire.done == ["close"]
    assert clock.running == []


def test_a_connection_that_is_lost_makes_room():
    peers = Peers(LIMITS)
    peer, _, clock = connect(peers)
    peer.connection_lost(None)

    assert len(peers) == 0
    assert clock.running == []


def test_closing_lets_go_of_everyone():
    peers = Peers(LIMITS)
    _, idle, _ = connect(peers)
    _, stuck, _ = connect(peers)
    stuck.unread = 1
    peers.close()

    assert idle.done == ["close"]
    assert stuck.done == ["abort"]
    assert len(peers) == 0


class Source:
    """Answers every request with a stream; a test writes into it, and sees who has left."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self.left = 0

    def respond(self, request: HttpRequest) -> HttpStream:
        return HttpStream("text/event-stream", self._open)

    def _open(self, sink: Sink) -> Callable[[], None]:
        self.sinks.append(sink)
        sink.write(b"hello")
        return self._leave

    def _leave(self) -> None:
        self.left += 1


def stream(peers: Peers | None = None, request: bytes = REQUEST) -> tuple[Source, HttpPeer, Wire, Clock]:
    source, wire, clock = Source(), Wire(), Clock()
    peer = HttpPeer(source.respond, LIMITS, Peers(LIMITS) if peers is None else peers, clock.call_later)
    peer.connection_made(wire)
    peer.data_received(request)
    return source, peer, wire, clock


def test_a_stream_sends_its_head_and_then_each_piece_at_once():
    source, _, wire, _ = stream()
    source.sinks[0].write(b"world")

    assert wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Transfer-Encoding: chunked\r\n" in wire.writes[0]
    assert wire.writes[1:] == [b"5\r\nhello\r\n", b"5\r\nworld\r\n"]


def test_a_stream_has_no_time_limit_while_its_peer_takes_it():
    _, _, _, clock = stream()

    assert clock.running == []


def test_a_stream_whose_peer_does_not_take_it_is_behind_and_then_dropped():
    source, peer, wire, clock = stream()
    wire.unread = 1
    peer.pause_writing()

    assert source.sinks[0].is_behind
    assert clock.running == [10.0]
    clock.run_out()
    assert wire.done[-1] == "abort"
    assert source.left == 1


def test_a_stream_whose_peer_takes_it_again_goes_on():
    source, peer, wire, clock = stream()
    peer.pause_writing()
    peer.resume_writing()

    assert not source.sinks[0].is_behind
    assert clock.running == []
    assert wire.done == ["pause_reading", "resume_reading"]


def test_a_stream_ends_once_with_its_connection():
    source, peer, _, _ = stream()
    peer.connection_lost(None)
    peer.connection_lost(None)

    assert source.left == 1


def test_a_peer_that_says_anything_more_or_ends_its_side_has_left():
    for leave in (lambda peer: peer.data_received(REQUEST), lambda peer: peer.eof_received()):
        source, peer, wire, _ = stream()
        leave(peer)

        assert wire.done == ["close"]
        assert source.left == 1


def test_what_is_written_after_the_end_goes_nowhere():
    source, peer, wire, _ = stream()
    peer.close()
    source.sinks[0].write(b"world")

    assert len(wire.writes) == 2


def test_a_request_behind_that_of_a_stream_is_not_answered():
    source, _, wire, _ = stream(request=REQUEST + REQUEST)

    assert len(source.sinks) == 1
    assert len(wire.writes) == 2


def test_a_stream_makes_no_room_for_a_newcomer():
    peers = Peers(LIMITS)
    _, _, first, _ = stream(peers)
    stream(peers)
    _, newcomer, _ = connect(peers)

    assert newcomer.writes[0].startswith(b"HTTP/1.1 503 ")
    assert first.done == []


def test_closing_ends_every_stream():
    peers = Peers(LIMITS)
    source, _, wire, _ = stream(peers)
    peers.close()

    assert wire.done == ["close"]
    assert source.left == 1


def test_head_of_a_stream_is_its_head_and_the_connection_stays():
    source, peer, wire, clock = stream(request=REQUEST.replace(b"GET", b"HEAD"))

    assert source.sinks == []
    assert len(wire.writes) == 1
    assert clock.running == [75.0]
    assert peer.is_idle
