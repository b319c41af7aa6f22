"""How packets leave through an interface: on a socket of their own, with which address, and onto what kind of line.

On a system that cannot bind a socket to an interface it leaves as the routes have it: a laptop has one way out mostly.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys

from tonekeeper.edge.bound_socket import step
from tonekeeper.edge.measuring_socket import measuring_socket, socket_through
from tonekeeper.wire.endpoint import Endpoint

_SIOCGIFFLAGS, _SIOCGIFADDR = 0x8913, 0x8915
_IFF_POINTOPOINT = 0x10
_IFREQ = struct.Struct("=16sH22x")
_IS_LINUX = sys.platform.startswith("linux")


def leaving_socket(kind: socket.SocketKind, address: Endpoint, interface: str, source: str) -> socket.socket:
    """Non-blocking, of the family of `address`; `EdgeError` names the step that failed."""
    device = interface if _IS_LINUX else ""
    if source:
        return measuring_socket(source, 0, device, kind)
    if device and not address.is_ipv6:
        with step(f"find an IPv4 address on '{device}'"):
            _ask(device, _SIOCGIFADDR)  # without one, the kernel would take another interface's
    return socket_through(address.is_ipv6, device, kind)


def own_address(towards: Endpoint, interface: str = "", source: str = "") -> str:
    """Numeric. `EdgeError` where there is no way there, no such interface, or no address of that family on it."""
    with leaving_socket(socket.SOCK_DGRAM, towards, interface, source) as sock:
        with step(f"reach {towards}" + (f" through '{interface}'" if interface else "")):
            sock.connect(towards)
        return str(sock.getsockname()[0])


def is_point_to_point(interface: str) -> bool:
    """Whether the line has just one other end (PPP, LTE); False where that cannot be asked."""
    if not _IS_LINUX:
        return False
    try:
        return bool(_ask(interface, _SIOCGIFFLAGS) & _IFF_POINTOPOINT)
    except OSError:
        return False


def _ask(interface: str, request: int) -> int:
    """The first two octets of the answer, as a number; OSError where there is none (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock.fileno(), request, _IFREQ.pack(interface.encode(), 0))
    number: int = _IFREQ.unpack(answer)[1]
    return number
