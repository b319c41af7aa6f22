"""REGISTERs that pass by on a LAN interface, and their answers: a packet socket with a filter in the kernel.

Only the LAN side is looked at: there a phone has its own address, and what the agent itself sends to an SBC never
comes by. A request counts where it comes in, an answer where it goes out.

Two bounds hold under a flood. So many packets a second are read, and what does not fit into the socket's buffer
meanwhile the kernel drops. Of what is read, each source and all together have an allowance of messages that are
decoded; the rest is forgotten.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

from tonekeeper.core.events import PhoneSeen
from tonekeeper.edge.allowance import Allowance
from tonekeeper.edge.phone_traffic import PhoneTraffic
from tonekeeper.edge.sip_filter import attach, sip_filter
from tonekeeper.edge.source_allowances import SourceAllowances
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.ip_packet import decode_ip_packet

READ_PER_SECOND, READ_AT_ONCE = 500.0, 200.0
"""Packets."""
PAUSE = 0.1
"""Seconds the socket rests when it was read that much, or is out of order."""
RECEIVE_BUFFER = 512 * 1024
LARGEST_PACKET = 4096
"""Bytes read of each."""
PER_SOURCE, BURST = 5.0, 20.0
"""Messages a second of one source, and at once."""
ALL_TOGETHER = 100.0
MOST_SOURCES = 1024

_ETH_P_ALL = 3
_PACKET_OUTGOING = 4
_REMEDIES = {
    errno.EPERM: "give the agent CAP_NET_RAW",
    errno.EACCES: "give the agent CAP_NET_RAW",
    errno.ENODEV: "name an interface that `ip link` shows",
    errno.EAFNOSUPPORT: "this kernel runs without packet sockets (CONFIG_PACKET)",
}


class RegisterWatch:
    """Listens on `interface` until closed. To be made inside the running loop; `EdgeError` where that cannot be."""

    def __init__(
        self,
        interface: str,
        ports: Sequence[int],
        traffic: PhoneTraffic,
        report: Callable[[PhoneSeen], None],
    ) -> None:
        self._traffic = traffic
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        self._allowances = SourceAllowances(
            per_second=PER_SOURCE,
            burst=BURST,
            most_sources=MOST_SOURCES,
            all_per_second=ALL_TOGETHER,
            now=self._loop.time(),
        )
        self._share = Allowance(READ_PER_SECOND, READ_AT_ONCE, self._loop.time())
        self.interface = interface
        self.index, self._sock = _open(interface, ports)
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def close(self) -> None:
        """Nothing is reported from now on."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    @property
    def is_alive(self) -> bool:
        """Whether the interface it listens on is still the one of that name."""
        try:
            return socket.if_nametoindex(self.interface) == self.index
        except OSError:
            return False

    def _wake(self) -> None:
        while self._share.take(self._loop.time()):
            try:
                data, (_, _, direction, *_) = self._sock.recvfrom(LARGEST_PACKET)
            except BlockingIOError:
                return
            except OSError:  # the interface went down or away: is_alive tells
                break
            self._take(data, outgoing=direction == _PACKET_OUTGOING)
        self._loop.remove_reader(self._sock.fileno())
        self._rest = self._loop.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock.fileno(), self._wake)

    def _take(self, data: bytes, *, outgoing: bool) -> None:
        try:
            packet = decode_ip_packet(data)
        except DecodeError:
            return
        now = self._loop.time()
        host = packet.destination.host if outgoing else packet.source.host
        if not self._allowances.take(host, now):
            return
        seen = self._traffic.take_to_phone(packet) if outgoing else self._traffic.take_from_phone(packet, now)
        if seen is not None:
            self._report(seen)


def _open(interface: str, ports: Sequence[int]) -> tuple[int, socket.socket]:
    """The interface's index, and a socket that hears it. The filter stands before the first packet can come."""
    try:
        index = socket.if_nametoindex(interface)
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            attach(sock, sip_filter(ports))
            sock.bind((interface, _ETH_P_ALL))
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise EdgeError(f"listen for REGISTERs on '{interface}'", error, remedy=remedy) from None
    return index, sock
