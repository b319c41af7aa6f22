"""An address and a port, as written `192.0.2.1:5060` or `[2001:db8::1]:5060`."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from tonekeeper.errors import DecodeError


class Endpoint(NamedTuple):
    """Where a datagram comes from or goes to. A NamedTuple because it is hashed for every packet."""

    host: str
    """A numeric address, IPv6 without brackets."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host


def parse_endpoint(text: str) -> Endpoint:
    """`text` as an Endpoint; `DecodeError` for a name, a missing or impossible port, an address that is none."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise DecodeError("endpoint", f"{text!r} is not ADDRESS:PORT")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise DecodeError("endpoint", f"{host!r} is not a numeric address") from None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise DecodeError("endpoint", f"{port!r} is not a port between 0 and 65535")
    return Endpoint(str(address), int(port))
