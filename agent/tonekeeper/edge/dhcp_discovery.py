"""Who answers a DHCPDISCOVER on an interface: all of them, the server on this host itself included.

The question leaves from port 68 as a broadcast, which the kernel shows to this host's own servers too. What comes back
is heard by a packet socket where there may be one: it hears what this host's firewall would drop, and an offer of this
host's own on its way out. Nothing is ever requested, so no lease is taken; the MAC is the interface's own, so that a
server which sets an address aside for a while sets aside the same one each time.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack

from tonekeeper.edge.sip_filter import attach
from tonekeeper.errors import DecodeError, EdgeError
from tonekeeper.wire.dhcp import CLIENT_PORT, SERVER_PORT, DhcpReply, decode_dhcp_reply, encode_discover
from tonekeeper.wire.ip_packet import decode_ip_packet

LISTENING = 5.0
"""Seconds: dnsmasq looks for three whether anybody has an address before it offers it."""
AGAIN = 1.0
"""Seconds after which the question is repeated, for it may be lost."""
MOST_OFFERS = 64

_LARGEST = 4096
_ETH_P_ALL = 3
_SIOCGIFHWADDR, _ETHERNET = 0x8927, 1
_IFREQ = struct.Struct("16s24x")
_REMEDIES = {
    errno.EACCES: "give it CAP_NET_BIND_SERVICE, or run it as root",
    errno.EPERM: "give it CAP_NET_RAW, or run it as root; or a rule of this host forbids it",
    errno.EADDRINUSE: "a DHCP client of this host has port 68",
    errno.ENODEV: "name an interface that `ip link` shows",
    errno.ENETUNREACH: "the interface needs an IPv4 address",
}
_TO_CLIENTS = b"".join(
    struct.pack("=HBBI", *step)
    for step in (
        (0x30, 0, 0, 0),  # A = first octet of the IP header
        (0x54, 0, 0, 0xF0),
        (0x15, 0, 8, 0x40),  # version 4
        (0x30, 0, 0, 9),
        (0x15, 0, 6, 17),  # UDP
        (0x28, 0, 0, 6),
        (0x45, 4, 0, 0x1FFF),  # and no later fragment
        (0xB1, 0, 0, 0),  # X = length of the header
        (0x48, 0, 0, 2),
        (0x15, 0, 1, CLIENT_PORT),
        (0x06, 0, 0, _LARGEST),
        (0x06, 0, 0, 0),
    )
)
"""Classic BPF for a packet socket: what is for a DHCP client, of all that passes."""


async def collect_offers(interface: str) -> tuple[DhcpReply, ...]:
    """What servers said within LISTENING, in its order. `EdgeError` where nobody can be asked."""
    transaction = int.from_bytes(os.urandom(4), "big")
    offers: list[DhcpReply] = []
    doing = f"ask for DHCP servers on '{interface}'"
    with ExitStack() as stack:
        try:
            question = encode_discover(transaction, _mac_of(interface))
            asking = stack.enter_context(_asking_socket(interface))
            hearing, payload_of = _hearing_socket(interface, asking)
            stack.enter_context(hearing)
            loop = asyncio.get_running_loop()
            loop.add_reader(hearing.fileno(), _hear, hearing, payload_of, transaction, offers)
            stack.callback(loop.remove_reader, hearing.fileno())
            for pause in (AGAIN, LISTENING - AGAIN):
                asking.sendto(question, ("255.255.255.255", SERVER_PORT))
                await asyncio.sleep(pause)
        except OSError as error:
            raise EdgeError(doing, error, remedy=_REMEDIES.get(error.errno or 0, "")) from None
    return tuple(offers)


def _mac_of(interface: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock.fileno(), _SIOCGIFHWADDR, _IFREQ.pack(interface.encode()))
    if int.from_bytes(answer[16:18], sys.byteorder) != _ETHERNET:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    return answer[18:24].hex(":")


def _asking_socket(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind(("", CLIENT_PORT))
    except BaseException:
        sock.close()
        raise
    return sock


def _hearing_socket(interface: str, asking: socket.socket) -> tuple[socket.socket, Callable[[bytes], bytes]]:
    """With how to take the message out of what it reads. The asking socket itself where packet sockets are refused."""
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
    except OSError:
        return asking, bytes
    try:
        attach(sock, _TO_CLIENTS)
        sock.bind((interface, _ETH_P_ALL))
    except BaseException:
        sock.close()
        raise
    return sock, lambda packet: decode_ip_packet(packet).payload


def _hear(sock: socket.socket, payload_of: Callable[[bytes], bytes], transaction: int, offers: list[DhcpReply]) -> None:
    """One packet a call: whoever floods leaves the loop its rest."""
    try:
        reply = decode_dhcp_reply(payload_of(sock.recv(_LARGEST)))
    except (OSError, DecodeError):
        return
    if reply.transaction == transaction and len(offers) < MOST_OFFERS:
        offers.append(reply)
