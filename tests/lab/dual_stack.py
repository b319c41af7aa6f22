"""IPv6 for the standing lab, for as long as a test needs it: the same lines, the same roles, a third SBC.

    phone              cpe                        fibre                      core             primary
    2001:db8:a::10 --- ::1  2001:db8:f::2 ------- ::1  2001:db8:f1::2 ------ ::1
                            2001:db8:1::2 --+     lte                        2001:db8:5::1 --- ::2  answers SIP
                            (NAT66)         +---- ::1  2001:db8:11::2 ------ 2001:db8:11::1

Kamailio is not told of it: what answers there is a few lines of Python that say 200 and where they saw the request.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from types import TracebackType

from tests.lab.namespace import Namespace
from tests.lab.topology import Lab

SBC = "2001:db8:5::2"
URI = f"sip:[{SBC}]:5060"
PHONE = "2001:db8:a::10"
BY_FIBRE, BY_LTE = "2001:db8:f::1", "2001:db8:1::1"
ON_FIBRE, ON_LTE = "2001:db8:f::2", "2001:db8:1::2"

_ADDRESSES = {
    "phone": {"eth0": f"{PHONE}/64"},
    "cpe": {"lan0": "2001:db8:a::1/64", "eth0": f"{ON_FIBRE}/64", "wwan0": f"{ON_LTE}/64"},
    "fibre": {"access": f"{BY_FIBRE}/64", "uplink": "2001:db8:f1::2/64"},
    "lte": {"access": f"{BY_LTE}/64", "uplink": "2001:db8:11::2/64"},
    "core": {"fibre": "2001:db8:f1::1/64", "lte": "2001:db8:11::1/64", "primary": "2001:db8:5::1/64"},
    "primary": {"eth0": f"{SBC}/64"},
}
_ROUTES = {
    "phone": ("default via 2001:db8:a::1",),
    "cpe": (f"default via {BY_FIBRE} metric 100", f"default via {BY_LTE} metric 200"),
    "fibre": ("default via 2001:db8:f1::1",),
    "lte": ("default via 2001:db8:11::1",),
    "core": ("2001:db8:f::/64 via 2001:db8:f1::2", "2001:db8:1::/64 via 2001:db8:11::2"),
    "primary": ("default via 2001:db8:5::1",),
}
_NAT = """
table ip6 nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip6 saddr 2001:db8:a::/64 oifname { eth0, wwan0 } masquerade
    }
}
"""


class DualStack:
    """Inside `with`; the SBC answers, and everything is gone at the end."""

    def __init__(self, lab: Lab) -> None:
        self._namespaces: dict[str, Namespace] = {
            "phone": lab.phone,
            "cpe": lab.cpe.namespace,
            "core": lab.core,
            "primary": lab.sbc("primary").namespace,
            **{provider.name: provider.namespace for provider in lab.providers},
        }

    def __enter__(self) -> DualStack:
        for role, addresses in _ADDRESSES.items():
            namespace = self._namespaces[role]
            namespace.set_sysctls({"net.ipv6.conf.all.forwarding": "1"})
            for device in addresses:
                conf = f"net.ipv6.conf.{device}"
                namespace.set_sysctls({f"{conf}.accept_dad": "0", f"{conf}.disable_ipv6": "0"})
            lines = [f"address add {address} dev {device} nodad" for device, address in addresses.items()]
            lines += [f"route add {route}" for route in _ROUTES[role]]
            namespace.run("ip", "-6", "-batch", "-", stdin="\n".join(lines))
        self._namespaces["cpe"].nft(_NAT)
        self._answering = _Answering(self._namespaces["primary"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answering.close()
        self._namespaces["cpe"].run("nft", "delete", "table", "ip6", "nat")
        for role, addresses in _ADDRESSES.items():
            for device in addresses:
                self._namespaces[role].set_sysctls({f"net.ipv6.conf.{device}.disable_ipv6": "1"})

    def seen_from(self, within: float = 0.5) -> str:
        """Send a request from the phone, always from the same port: the address it was seen from; "" for silence."""
        with self._namespaces["phone"].socket(socket.AF_INET6) as phone:
            phone.bind((PHONE, 5062))
            phone.settimeout(within)
            phone.sendto(b"REGISTER sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP lab;branch=z9hG4bKlab\r\n\r\n", (SBC, 5060))
            with contextlib.suppress(TimeoutError):
                found = re.search(rb";received=(\S+)", phone.recv(2048))
                return found[1].decode() if found else ""
            return ""


class _Answering:
    """200 to every request (RFC 3261 8.2.6), on a thread until closed."""

    _COPIED = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.socket(socket.AF_INET6)
        self._socket.bind((SBC, 5060))
        self._socket.settimeout(0.1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _answer(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                request, source = self._socket.recvfrom(4096)
                lines = [line for line in request.split(b"\r\n") if line.lower().startswith(self._COPIED)]
                lines[0] += b";received=" + source[0].encode()
                answer = b"\r\n".join((b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""))
                self._socket.sendto(answer, source)
