"""One HTTP question through one WAN, and how the answer to it begins. Nothing is followed, nothing is kept."""

from __future__ import annotations

import asyncio
import errno
import socket

from tonekeeper.core.beside.portal import Asked
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, keep_errors, read_errors
from tonekeeper.edge.way_out import leaving_socket
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.http_answer import LONGEST_HEAD, decode_http_answer, is_whole_head

PATIENCE = 4.0
"""Seconds, in which the kernel asks three times for the connection: after 0, 1 and 3 s."""
_MOST_ERRORS = 8
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM, errno.ENETDOWN)
"""From `connect` itself: this host did not even try."""


async def ask_http(
    address: Endpoint, *, where: str, host: str, path: str = "/", interface: str = "", source: str = ""
) -> Asked:
    """GET `path` of `host` at `address`. `where`: what to call it. Answers within PATIENCE, whatever happens."""
    try:
        sock = leaving_socket(socket.SOCK_STREAM, address, interface, source)
    except EdgeError as error:
        return Asked(where, why=str(error), sent=False)
    question = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tonekeeper\r\nConnection: close\r\n\r\n"
    with sock:
        keep_errors(sock)
        try:
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            return Asked(where, why=_reason(error), sent=error.errno not in _NO_WAY)
        return await _converse(sock, question.encode("ascii"), where)


async def _converse(sock: socket.socket, question: bytes, where: str) -> Asked:
    loop = asyncio.get_running_loop()
    head, is_connected = b"", False
    try:
        async with asyncio.timeout(PATIENCE):
            await loop.sock_sendall(sock, question)
            is_connected = True
            while not is_whole_head(head) and (piece := await loop.sock_recv(sock, LONGEST_HEAD)):
                head += piece
    except TimeoutError:
        if not head:
            return Asked(where, why="the connection is accepted, and nothing said" if is_connected else "no answer")
    except OSError as error:
        if not head:
            return Asked(where, why=_reason(error), sent=is_connected or not _stayed_here(sock))
    try:
        return Asked(where, decode_http_answer(head))
    except DecodeError as error:
        return Asked(where, why=str(error) if head else "the connection is closed without an answer")


def _stayed_here(sock: socket.socket) -> bool:
    """Whether this host itself made up the error: nobody on the line answers ARP, say."""
    own = sock.getsockname()[0]
    return any(one.origin == ORIGIN_LOCAL or one.offender == own for one in read_errors(sock, _MOST_ERRORS))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
