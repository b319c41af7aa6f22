"""A socket of a measurement: bound to an address and maybe a port of this host, and to a device where one is named."""

from __future__ import annotations

import errno
import socket

from tonekeeper.edge.bound_socket import bind_to_device
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

REMEDIES = {
    errno.EPERM: "run it as root: kernels before 5.7 ask for CAP_NET_RAW to bind to a device",
    errno.ENODEV: "name an interface that `ip link` shows",
    errno.EADDRINUSE: "something on this host uses the port",
    errno.EADDRNOTAVAIL: "the interface needs an address of the server's family",
    errno.ENETUNREACH: "add a route that leads to the server through this interface",
    errno.EMFILE: "allow more open files: ulimit -n 1024",
}


def measuring_socket(
    local: str, port: int, interface: str, kind: socket.SocketKind = socket.SOCK_DGRAM
) -> socket.socket:
    sock = socket_through(":" in local, interface, kind)
    try:
        sock.bind((local, port))
    except OSError as error:
        sock.close()
        endpoint = Endpoint(local, port)
        raise EdgeError(f"bind a socket to {endpoint}", error, remedy=REMEDIES.get(error.errno or 0, "")) from None
    return sock


def socket_through(is_ipv6: bool, interface: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    """Non-blocking, bound to the device where one is named."""
    try:
        sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, kind)
    except OSError as error:
        raise EdgeError("open a socket", error, remedy=REMEDIES.get(error.errno or 0, "")) from None
    try:
        sock.setblocking(False)
        bind_to_device(sock, interface)
    except OSError as error:
        sock.close()
        doing = f"bind a socket to interface '{interface}'"
        raise EdgeError(doing, error, remedy=REMEDIES.get(error.errno or 0, "")) from None
    return sock
