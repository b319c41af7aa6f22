"""Whatever a peer and the network do in whatever order, a connection that may stream raises nothing, and ends once."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.faces.test_http_server import LIMITS, Clock, Wire
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, HttpStream, Sink, plain
from tonekeeper.faces.http.server import HttpPeer, Peers

HAPPENINGS = st.sampled_from(
    [
        "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /stream HTTP/1.0\r\n\r\n",
        "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HT",
        "\r\n",
        "piece",
        "pause",
        "resume",
        "full",
        "timer",
        "eof",
        "close",
    ]
)


class Both:
    """Streams under one path, answers under all others."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self.left = 0

    def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        if request.path == "/stream":
            return HttpStream("text/event-stream", self._open)
        return plain(HTTPStatus.OK, "ok")

    def _open(self, sink: Sink) -> Callable[[], None]:
        self.sinks.append(sink)
        sink.write(b"first")
        return self._leave

    def _leave(self) -> None:
        self.left += 1


@given(st.lists(HAPPENINGS, max_size=14))
def test_a_connection_survives_every_order_of_what_can_happen_to_it(happenings):
    wire, clock, site, peers = Wire(), Clock(), Both(), Peers(LIMITS)
    peer = HttpPeer(site.respond, LIMITS, peers, clock.call_later)
    peer.connection_made(wire)
    for one in happenings:
        happen(one, peer, wire, clock, site)
        assert len(clock.running) <= 1
        assert len(site.sinks) <= 1, "a stream is the last that a connection carries"
        if wire.is_closing():
            break
    peer.connection_lost(None)

    assert clock.running == []
    assert len(peers) == 0
    assert site.left == len(site.sinks)


def happen(one: str, peer: HttpPeer, wire: Wire, clock: Clock, site: Both) -> None:
    match one:
        case "piece" if site.sinks:
            site.sinks[0].write(b"more")
        case "piece":
            pass
        case "pause":
            peer.pause_writing()
        case "resume":
            peer.resume_writing()
        case "full":
            wire.unread = 1 - wire.unread
        case "timer":
            if clock.running:
                clock.run_out()
        case "eof":
            peer.eof_received()
        case "close":
            peer.close()
        case _:
            peer.data_received(one.encode())
