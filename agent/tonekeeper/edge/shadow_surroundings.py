"""What surrounds a ruleset: links, addresses, routes, policy rules and settings of the kernel, as they are or assumed.

Messages stay bytes: what the kernel says of an address or a route is what it takes to make the same one.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tonekeeper.edge.default_routes import DefaultRoute, gateway_of
from tonekeeper.edge.netlink.exchange import HEADER, Exchange, Message, attributes, packed_attribute
from tonekeeper.edge.netlink.link_messages import ALL_ADDRESSES, ALL_LINKS, RTM_GETADDR, RTM_GETLINK
from tonekeeper.edge.netlink.route_messages import RTM_GETROUTE, RouteMessage, read_route, routes_request
from tonekeeper.errors import EdgeError

RTM_GETRULE = 34
MOST_LINKS = 96
_IFINFOMSG = struct.Struct("=BxHiII")
_IFADDRMSG = struct.Struct("=BBBBI")
_FIB_RULE_HDR = struct.Struct("=BBBBBxxBI")
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_LINKINFO = 1, 3, 4, 10, 18
_IFLA_INFO_KIND = 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFF_UP = 1
_RTN_UNICAST, _RTN_THROW = 1, 9
_KINDS_COPIED = frozenset({_RTN_UNICAST, 6, 7, 8, _RTN_THROW})
"""Unicast, blackhole, unreachable, prohibit, throw."""
_KERNELS_OWN = 2
_LOCAL_TABLE = 255
_CLONED = 0x200
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_SYS = Path("/proc/sys/net")
_GLOBAL = (
    "ipv4/ip_forward",
    "ipv4/fwmark_reflect",
    "ipv4/tcp_fwmark_accept",
    "ipv4/fib_multipath_hash_policy",
    "ipv6/conf/all/forwarding",
    "netfilter/nf_conntrack_tcp_be_liberal",
    "netfilter/nf_conntrack_tcp_loose",
    "netfilter/nf_conntrack_checksum",
    "netfilter/nf_conntrack_helper",
)
_OF_A_LINK = (
    "ipv4/conf/{}/forwarding",
    "ipv4/conf/{}/rp_filter",
    "ipv4/conf/{}/src_valid_mark",
    "ipv4/conf/{}/accept_local",
    "ipv4/conf/{}/route_localnet",
    "ipv6/conf/{}/forwarding",
)


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    name: str
    mac: bytes
    mtu: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    links: tuple[Link, ...]
    addresses: tuple[bytes, ...]
    routes: tuple[bytes, ...]
    rules: tuple[bytes, ...]
    sysctls: tuple[tuple[str, str], ...]
    """Path below /proc/sys/net, value; in the order in which they are to be written."""
    notes: tuple[str, ...] = ()
    """What was assumed or left out, in sentences."""

    def networks(self, interface: str) -> tuple[ipaddress.IPv4Interface | ipaddress.IPv6Interface, ...]:
        """The addresses of an interface with their networks; link-local ones are left out."""
        index = next((link.index for link in self.links if link.name == interface), 0)
        found = (_interface_address(body) for body in self.addresses if _IFADDRMSG.unpack_from(body)[4] == index)
        return tuple(one for one in found if one is not None and not one.ip.is_link_local)

    def gateway(self, interface: str, version: int) -> str:
        """Empty where the link needs none, or where none is known."""
        index = next((link.index for link in self.links if link.name == interface), 0)
        return gateway_of(index, version, self._default_routes()) or ""

    def has(self, interface: str) -> bool:
        return any(link.name == interface for link in self.links)

    def _default_routes(self) -> Iterator[DefaultRoute]:
        for body in self.routes:
            route = read_route_body(body)
            if route is not None and route.prefix_length == 0:
                version = 4 if route.family == socket.AF_INET else 6
                for hop in route.hops:
                    yield DefaultRoute(version, route.table, route.metric, hop.interface, hop.gateway)


def read_surroundings(named: Iterable[str]) -> Surroundings:
    """Of the namespace this process is in. `named`: links that must not be left out. EdgeError with the errno."""
    try:
        with Exchange(socket.NETLINK_ROUTE) as kernel:
            messages = [kernel.dump(RTM_GETLINK, ALL_LINKS), kernel.dump(RTM_GETADDR, ALL_ADDRESSES)]
            routes = [one for family in _FAMILIES for one in kernel.dump(RTM_GETROUTE, routes_request(family))]
            rules = [one for family in _FAMILIES for one in _dump_rules(kernel, family)]
    except OSError as error:
        raise EdgeError("read the links, addresses and routes of this host", error) from None
    links, notes = _links([message.data[HEADER.size :] for message in messages[0]], frozenset(named))
    present = {link.index for link in links} | {1}
    addresses = (message.data[HEADER.size :] for message in messages[1])
    return Surroundings(
        links,
        tuple(body for body in addresses if _IFADDRMSG.unpack_from(body)[4] in present - {1}),
        tuple(body for one in routes if _is_copied(body := one.data[HEADER.size :], present)),
        tuple(one.data[HEADER.size :] for one in rules),
        tuple(_sysctls([link.name for link in links])),
        tuple(notes),
    )


def assumed_surroundings(
    lans: Sequence[tuple[str, str]], wans: Sequence[tuple[str, str]], named: Iterable[str]
) -> Surroundings:
    """Of a router that is known by its ruleset: interfaces with their addresses ("192.0.2.1/24"), and others named."""
    names = list(dict.fromkeys([*(name for name, _ in (*lans, *wans)), *named]))
    links = tuple(Link(index, name, bytes((2, 0, 0, 1, 0, index)), 1500) for index, name in enumerate(names, 2))
    addresses = tuple(
        _address_body(ipaddress.ip_interface(written), names.index(name) + 2)
        for name, written in (*lans, *wans)
        if written
    )
    sysctls = (("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"))
    off = tuple((f"ipv4/conf/{name}/rp_filter", "0") for name in ("all", "default", *names))
    return Surroundings(links, addresses, (), (), (*sysctls, *off), ("it routes, without rp_filter",))


def read_route_body(body: bytes) -> RouteMessage | None:
    return read_route(Message(0, 0, bytes(HEADER.size) + body))


def _dump_rules(kernel: Exchange, family: int) -> list[Message]:
    return kernel.dump(RTM_GETRULE, _FIB_RULE_HDR.pack(family, 0, 0, 0, 0, 0, 0))


def _links(bodies: Iterable[bytes], named: frozenset[str]) -> tuple[tuple[Link, ...], list[str]]:
    found, notes = [], []
    for body in bodies:
        _, _, index, flags, _ = _IFINFOMSG.unpack_from(body)
        told = attributes(body, _IFINFOMSG.size)
        name = told.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
        kind = attributes(told.get(_IFLA_LINKINFO, b"")).get(_IFLA_INFO_KIND, b"").rstrip(b"\0")
        if kind == b"vrf":
            notes.append(f"{name} is a VRF, which the copy does not have")
        is_port = _IFLA_MASTER in told and kind != b"vrf"
        if index == 1 or not (name in named or (flags & _IFF_UP and not is_port)):
            continue
        mac = told.get(_IFLA_ADDRESS, b"")
        mtu = int.from_bytes(told.get(_IFLA_MTU, b""), "little") or 1500
        found.append(Link(index, name, mac if len(mac) == 6 and any(mac) else b"", min(mtu, 65535)))
    if len(found) > MOST_LINKS:
        notes.append(f"of {len(found)} interfaces the first {MOST_LINKS} are copied")
        found = sorted(found, key=lambda link: link.name not in named)[:MOST_LINKS]
    return tuple(found), notes


def _is_copied(body: bytes, present: set[int]) -> bool:
    route = read_route_body(body)
    flags = int.from_bytes(body[8:12], "little")
    if route is None or flags & _CLONED or route.type not in _KINDS_COPIED or route.table == _LOCAL_TABLE:
        return False
    return route.protocol != _KERNELS_OWN and all(hop.interface in present | {0} for hop in route.hops)


def _sysctls(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    written = [*_GLOBAL, *(pattern.format(name) for name in ("all", "default", *names) for pattern in _OF_A_LINK)]
    for path in written:
        try:
            yield path, (_SYS / path).read_text().strip()
        except OSError:
            continue  # a kernel without IPv6 or without connection tracking has fewer


def _interface_address(body: bytes) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    _, prefix, _, _, _ = _IFADDRMSG.unpack_from(body)
    told = attributes(body, _IFADDRMSG.size)
    packed = told.get(_IFA_LOCAL) or told.get(_IFA_ADDRESS)
    return ipaddress.ip_interface((packed, prefix)) if packed else None


def _address_body(address: ipaddress.IPv4Interface | ipaddress.IPv6Interface, index: int) -> bytes:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    packed = address.ip.packed
    body = _IFADDRMSG.pack(family, address.network.prefixlen, 0, 0, index)
    return body + packed_attribute(_IFA_LOCAL, packed) + packed_attribute(_IFA_ADDRESS, packed)
