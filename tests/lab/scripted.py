"""An SBC of a few lines of Python, for what no real one says: forged replies, and whatever a test wants it to claim.

Each request goes through `respond`, which gives the replies to it; `answered` is the one that answers everything well.
"""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from tests.lab.namespace import Namespace
from tests.lab.wiretap import Address, Datagram, answer_to

Respond = Callable[[Datagram], list[bytes]]

_END = b"\r\n\r\n"


def answered(request: Datagram) -> list[bytes]:
    """200 and nothing more."""
    return [answer_to(request).payload]


@dataclass(slots=True)
class Described:
    """`respond` of an SBC with these header fields in its answers to OPTIONS, which asks for a password in `realm`."""

    headers: dict[str, str] = field(default_factory=dict)
    realm: str = "example.net"

    def __call__(self, request: Datagram) -> list[bytes]:
        if request.payload.startswith(b"OPTIONS "):
            return [_with(answer_to(request).payload, **self.headers)]
        if b"\r\nAuthorization:" not in request.payload:
            challenge = f'Digest realm="{self.realm}", nonce="lab", algorithm=MD5, qop="auth"'
            return [_with(answer_to(request, "401 Unauthorized").payload, WWW_Authenticate=challenge)]
        contact = re.search(rb"\r\nContact: ([^\r]*)", request.payload)
        told = contact[1].decode() if contact and b"expires=0" not in contact[1] else ""
        return [_with(answer_to(request).payload, **({"Contact": told} if told else {}))]


def _with(reply: bytes, **headers: str) -> bytes:
    start, _, rest = reply.partition(b"\r\n")
    added = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return start + b"\r\n" + added.encode() + rest


class Scripted:
    """On UDP and TCP at `address`, inside `with`. `respond` may be changed at any time."""

    def __init__(self, namespace: Namespace, address: Address, respond: Respond = answered) -> None:
        self.address = address
        self.respond = respond
        self.connections = 0
        """Accepted so far."""
        self._udp = namespace.socket()
        self._udp.bind(address)
        self._listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(address)
        self._listener.listen()
        self._streams: dict[socket.socket, bytes] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        for each in (self._udp, self._listener, *self._streams):
            each.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            readable, _, _ = select.select([self._udp, self._listener, *self._streams], [], [], 0.05)
            for each in readable:
                with suppress(OSError):
                    self._read(each)

    def _read(self, ready: socket.socket) -> None:
        if ready is self._udp:
            payload, source = self._udp.recvfrom(65535)
            for reply in self.respond(Datagram(source, self.address, payload)):
                self._udp.sendto(reply, source)
        elif ready is self._listener:
            stream, _ = self._listener.accept()
            self.connections += 1
            self._streams[stream] = b""
        else:
            self._read_stream(ready)

    def _read_stream(self, stream: socket.socket) -> None:
        received = stream.recv(65535)
        if not received:
            del self._streams[stream]
            stream.close()
            return
        source = stream.getpeername()
        for request in self._requests(stream, received):
            for reply in self.respond(Datagram(source, self.address, request)):
                stream.sendall(reply)

    def _requests(self, stream: socket.socket, received: bytes) -> Iterator[bytes]:
        """None of the lab's requests has a body."""
        buffered = (self._streams[stream] + received).lstrip(b"\r\n")
        while _END in buffered:
            request, _, buffered = buffered.partition(_END)
            buffered = buffered.lstrip(b"\r\n")
            yield request + _END
        self._streams[stream] = buffered
