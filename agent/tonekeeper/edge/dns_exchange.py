"""One question to one DNS server and what comes back (RFC 1035 section 4.2), over the WAN that it is asked about.

Each question has a socket of its own, connected, so the kernel passes on nothing but datagrams of the server that was
asked; its port is random, and so is the id of the question. A datagram with another id or another question is passed
over. The question is sent again while nothing comes; an answer that did not fit is fetched over TCP; a server that does
not understand EDNS0 is asked without.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import Answer, NoAnswer, Question, Reply
from tonekeeper.edge.bound_socket import bind_to_device
from tonekeeper.edge.dns_messages import Unusable, decode_answer, encode_query
from tonekeeper.edge.entropy import token
from tonekeeper.edge.error_queue import keep_errors
from tonekeeper.edge.nameservers import Nameserver
from tonekeeper.errors import DecodeError

PORT = 53
MOST_STRANGERS = 64
"""Datagrams that are no answer, before nothing is expected of this server any more."""

_LARGEST = 65535


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    limit: float = 2.0
    """For everything one server is asked in one look-up."""
    resend_after: float = 0.7
    """Short enough for a second try to come back in time, long enough for a satellite."""


async def ask(nameserver: Nameserver, question: Question, port: int = PORT, patience: Patience = Patience()) -> Reply:
    """What this server says, within `patience.limit`. Nothing is raised."""
    try:
        async with asyncio.timeout(patience.limit):
            said = await _over_udp(nameserver, question, port, patience)
    except TimeoutError:
        return NoAnswer(NameFailure.TIMEOUT, f"no answer within {patience.limit:g} s")
    except OSError as error:
        return NoAnswer(NameFailure.UNREACHABLE, f"the resolver cannot be reached ({_reason(error)})")
    except DecodeError as error:
        return NoAnswer(NameFailure.MALFORMED, str(error))
    if isinstance(said, Unusable):
        return NoAnswer(NameFailure.MALFORMED, "the resolver does not understand the question")
    return said


async def _over_udp(
    nameserver: Nameserver, question: Question, port: int, patience: Patience, *, edns: bool = True
) -> Answer | NoAnswer | Unusable:
    ident = _random_id()
    query = encode_query(question, ident, edns=edns)
    with _open(nameserver, port, socket.SOCK_DGRAM) as (sock, there):
        keep_errors(sock)  # else the kernel keeps most ICMP errors to itself
        sock.connect(there)
        said = await _insist(sock, query, question, ident, patience)
    if said is Unusable.PLAIN_ONLY and edns:
        return await _over_udp(nameserver, question, port, patience, edns=False)
    if said is Unusable.TRUNCATED:
        return await _over_tcp(nameserver, question, port, edns=edns)
    return said


async def _insist(
    sock: socket.socket, query: bytes, question: Question, ident: int, patience: Patience
) -> Answer | NoAnswer | Unusable:
    """Send, and send again, until there is an answer; the caller's time-out is the end of it."""
    while True:
        with suppress(BlockingIOError):
            sock.send(query)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.resend_after):
                return await _hear(sock, question, ident)


async def _hear(sock: socket.socket, question: Question, ident: int) -> Answer | NoAnswer | Unusable:
    loop = asyncio.get_running_loop()
    for _ in range(MOST_STRANGERS):
        said = decode_answer(await loop.sock_recv(sock, _LARGEST), question, ident)
        if said is not Unusable.STRANGER:
            return said
        await asyncio.sleep(0)  # a flood does not suspend this coroutine, and others have work to do
    return NoAnswer(NameFailure.MALFORMED, f"{MOST_STRANGERS} datagrams of the resolver are no answer")


async def _over_tcp(
    nameserver: Nameserver, question: Question, port: int, *, edns: bool
) -> Answer | NoAnswer | Unusable:
    """Two octets of length stand before each message (RFC 1035 section 4.2.2)."""
    loop = asyncio.get_running_loop()
    ident = _random_id()
    query = encode_query(question, ident, edns=edns)
    with _open(nameserver, port, socket.SOCK_STREAM) as (sock, there):
        await loop.sock_connect(sock, there)
        await loop.sock_sendall(sock, len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await _read(sock, 2), "big")
        said = decode_answer(await _read(sock, size), question, ident)
    if isinstance(said, Unusable):
        return NoAnswer(NameFailure.MALFORMED, "what came over TCP is not the answer")
    return said


async def _read(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    read = bytearray()
    while len(read) < size:
        part = await loop.sock_recv(sock, size - len(read))
        if not part:
            raise ConnectionResetError("the connection ended before the answer")
        read += part
    return bytes(read)


@contextmanager
def _open(
    nameserver: Nameserver, port: int, kind: socket.SocketKind
) -> Iterator[tuple[socket.socket, tuple[Any, ...]]]:
    """A non-blocking socket bound to the WAN, and where to connect it."""
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    family, _, protocol, _, there = socket.getaddrinfo(nameserver.address, port, type=kind, flags=numeric)[0]
    with socket.socket(family, kind, protocol) as sock:
        sock.setblocking(False)
        bind_to_device(sock, nameserver.interface)
        if nameserver.source:
            sock.bind((nameserver.source, 0))
        yield sock, there


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):  # its numbers are others, below zero
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error)


def _random_id() -> int:
    return int(token()[:4], 16)
