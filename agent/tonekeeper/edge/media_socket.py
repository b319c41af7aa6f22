"""The UDP socket of one probe's voice: RTP out and in, each packet with the time at which the kernel saw it come.

The loop may be busy when a packet arrives, and its delay would be measured as jitter of the line. So the kernel stamps
every packet (SO_TIMESTAMPNS, socket(7)), by the wall clock; its age when it is read gives the monotonic instant.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable

from tonekeeper.core.depth.messages import MediaBroken, RtpReceived, SendRtp
from tonekeeper.edge.bound_socket import bound_socket, endpoint_of
from tonekeeper.edge.error_queue import ORIGIN_LOCAL, read_errors
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import decode_rtp, encode_rtp

MOST_PACKETS = 2000
"""Read in the life of the socket, ten times what a call of two seconds brings; then it is deaf."""
MOST_AT_ONCE = 64

_TRIES_FOR_EVEN = 8
_LARGEST = 2048
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_OLDEST = 1.0
"""Seconds. What seems to be older was stamped before somebody moved the wall clock."""

Report = Callable[[RtpReceived | MediaBroken], None]


class MediaSocket:
    """To be made and closed inside the running loop. `EdgeError` where there is no such socket.

    `peer` tells the IP version; `source` is the address that signalling leaves with, so that SDP and packets agree.
    """

    def __init__(self, peer: Endpoint, interface: str, source: str, report: Report) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._sock = _even_socket(peer, interface, source)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._read = 0
        self._closed = False
        self.local = endpoint_of(self._sock.getsockname())
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def close(self) -> None:
        self._closed = True
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def send(self, command: SendRtp) -> None:
        try:
            self._sock.sendto(encode_rtp(command.packet), command.destination)
        except OSError as error:
            self._read_errors()
            if not self._closed:
                self._report(MediaBroken(str(EdgeError(f"send voice to {command.destination}", error))))

    def _wake(self) -> None:
        self._read_errors()
        for _ in range(MOST_AT_ONCE):
            if self._closed or self._read >= MOST_PACKETS:
                break
            try:
                data, ancillary, _, source = self._sock.recvmsg(_LARGEST, 128)
            except OSError:
                break
            self._read += 1
            self._take(data, endpoint_of(source), self._arrival(ancillary))
        if self._read >= MOST_PACKETS and not self._closed:
            self._loop.remove_reader(self._sock.fileno())

    def _take(self, data: bytes, source: Endpoint, arrival: float) -> None:
        try:
            packet = decode_rtp(data)
        except DecodeError:
            return  # what is no voice is voice that is missing
        self._report(RtpReceived(source, packet, arrival))

    def _arrival(self, ancillary: list[tuple[int, int, bytes]]) -> float:
        """Monotonic seconds."""
        now = self._loop.time()
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) >= _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack_from(data)
                age = time.time() - (seconds + nanoseconds / 1e9)
                return now - age if 0 <= age <= _OLDEST else now
        return now

    def _read_errors(self) -> None:
        if self._closed:
            return
        for error in read_errors(self._sock, MOST_AT_ONCE):
            if error.origin != ORIGIN_LOCAL and not self._closed:
                self._report(MediaBroken(f"ICMP {error.type}/{error.code} from {error.offender}"))


def _even_socket(peer: Endpoint, interface: str, source: str) -> socket.socket:
    """On an even port, as RFC 3550 section 11 has it for RTP; after some tries on any."""
    for _ in range(_TRIES_FOR_EVEN):
        sock = bound_socket(socket.SOCK_DGRAM, peer, interface, source)
        if sock.getsockname()[1] % 2 == 0:
            return sock
        sock.close()
    return bound_socket(socket.SOCK_DGRAM, peer, interface, source)
