"""A socket that leaves through one WAN: bound to its device, and from a source address where one was named."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tonekeeper.edge.error_queue import keep_errors
from tonekeeper.errors import EdgeError
from tonekeeper.wire.endpoint import Endpoint

_REMEDIES = {
    errno.EPERM: "give the agent CAP_NET_RAW: kernels before 5.7 ask for it",
    errno.ENODEV: "name an interface that `ip link` shows",
    errno.EADDRNOTAVAIL: "the interface needs an address of this family, and `source` must be one of its own",
    errno.ECONNREFUSED: "nothing listens there, or a firewall rejects it",
    errno.EHOSTUNREACH: "a router on the way says that it knows no way there",
    errno.ENETUNREACH: "add a route that leaves through this interface",
    errno.EAFNOSUPPORT: "this kernel runs without the address family",
    errno.EMFILE: "allow more open files: LimitNOFILE in the unit, or ulimit -n",
}


def bound_socket(kind: socket.SocketKind, address: Endpoint, interface: str, source: str) -> socket.socket:
    """Non-blocking, of the family of `address`, told of ICMP errors; `EdgeError` names the step that failed."""
    with step(f"open a socket for {address}"):
        sock = socket.socket(socket.AF_INET6 if address.is_ipv6 else socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        keep_errors(sock)
        with step(f"bind a socket to interface '{interface}'"):
            bind_to_device(sock, interface)
        if source:
            with step(f"bind a socket on '{interface}' to source '{source}'"):
                sock.bind((source, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def bind_to_device(sock: socket.socket, interface: str) -> None:
    """Nothing without an interface. Other systems than Linux have no such option: their routes decide. OSError."""
    if interface and sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())


@contextmanager
def step(doing: str) -> Iterator[None]:
    """What goes wrong inside, as an `EdgeError` with its remedy."""
    try:
        yield
    except OSError as error:
        raise step_failed(doing, error) from None


def step_failed(doing: str, error: OSError) -> EdgeError:
    return EdgeError(doing, error, remedy=_REMEDIES.get(error.errno or 0, ""))


def endpoint_of(address: tuple[str, int] | tuple[str, int, int, int]) -> Endpoint:
    """Of a socket address; the zone of a link-local IPv6 address says nothing that the device does not say."""
    return Endpoint(address[0].partition("%")[0], address[1])
