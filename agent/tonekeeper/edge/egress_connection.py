"""One attempt to connect over one WAN, and what exactly came of it: accepted, reset, an ICMP error and whose, silence.

With IP_RECVERR an ICMP error ends the attempt at once, and the error queue says who sent it (since Linux 5.17; before
there is its errno alone).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from tonekeeper.core.commands import ExamineEgress
from tonekeeper.core.egress.messages import Connected, ConnectionFailed, SocketRefused
from tonekeeper.core.egress.result import Icmp
from tonekeeper.edge.bound_socket import bound_socket, endpoint_of
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, read_errors
from tonekeeper.edge.route_match import leads_there
from tonekeeper.errors import EdgeError

_MOST_ERRORS = 8

Report = Callable[[Connected | ConnectionFailed | SocketRefused], None]


class EgressConnection:
    """Connects by being constructed. Reports once, unless closed before; silence is reported by nobody."""

    def __init__(self, question: ExamineEgress, report: Report, loop: asyncio.AbstractEventLoop) -> None:
        self._report = report
        self._loop = loop
        self._sock: socket.socket | None = None
        address = question.path.address
        try:
            sock = bound_socket(socket.SOCK_STREAM, address, question.interface, question.source)
        except EdgeError as error:
            report(SocketRefused(error.errno, str(error)))
            return
        self._sock = sock
        number = sock.connect_ex(address)
        if number == errno.EINPROGRESS and not leads_there(address, question.interface, sock.getsockname()[0]):
            number = errno.ENETUNREACH
        if number in (0, errno.EINPROGRESS):
            loop.add_writer(sock.fileno(), self._decide, sock)
        else:
            self.close()
            report(ConnectionFailed(number))

    def close(self) -> None:
        """In good order: an SBC would log a reset. Nothing is reported from now on."""
        if self._sock is not None:
            self._loop.remove_writer(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _decide(self, sock: socket.socket) -> None:
        errors = [error for error in read_errors(sock, _MOST_ERRORS) if error.origin != ORIGIN_LOCAL]
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        local = endpoint_of(sock.getsockname()).host
        if errors:
            latest = errors[-1]
            icmp = Icmp(latest.type, latest.code, latest.offender, latest.info)
            outcome: Connected | ConnectionFailed = ConnectionFailed(number or latest.errno, icmp, local)
        else:
            outcome = ConnectionFailed(number, local=local) if number else Connected(local)
        self.close()
        self._report(outcome)
