"""Connection tracking entries as values: those to certain destinations are listed, single ones are deleted.

The kernel itself picks the entries of one IPv4 address (CTA_FILTER, Linux 5.8). It cannot do so for a network, does the
opposite for IPv6 (6.18 still lists all but those asked for), and ignores the question where it is older. Then all
entries come, and those that lack a destination's bytes are passed over undecoded.

Entries are decoded here, not by pyroute2: an hour's worth of calls is many entries, and this takes a tenth of the time
(docs/decisions/0004-netlink.md). The tests hold it against pyroute2.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK
from pyroute2.netlink.nfnetlink.nfctsocket import (
    IPCTNL_MSG_CT_DELETE,
    IPCTNL_MSG_CT_GET,
    IPCTNL_MSG_CT_GET_STATS,
    nfct_msg,
)

from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.edge.netlink.exchange import HEADER, Codec, Exchange, Message, attributes, body_of
from tonekeeper.edge.steering import Network

_NETLINK_NETFILTER = 12
_SUBSYSTEM = NFNL_SUBSYS_CTNETLINK << 8
_NFGENMSG_SIZE = 4
_FILTER_IP_DST = 1 << 1

# linux/netfilter/nfnetlink_conntrack.h
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_MARK, _CTA_ZONE = 1, 2, 8, 18
_CTA_COUNTERS_ORIG, _CTA_COUNTERS_REPLY = 9, 10
_CTA_COUNTERS_PACKETS = 1
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_CTA_IP_V4_SRC, _CTA_IP_V4_DST, _CTA_IP_V6_SRC, _CTA_IP_V6_DST = 1, 2, 3, 4
_CTA_PROTO_NUM, _CTA_PROTO_SRC_PORT, _CTA_PROTO_DST_PORT = 1, 2, 3
_PROTOCOLS = {bytes([protocol]): protocol for protocol in Protocol}

_ADDRESS_HEADER = struct.Struct("=HH")


class FlowTable:
    """One netlink socket to connection tracking. Everything raises `OSError`; it takes CAP_NET_ADMIN even to read."""

    def __init__(self) -> None:
        self._kernel = Exchange(_NETLINK_NETFILTER)

    def __enter__(self) -> FlowTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._kernel.close()

    def check(self) -> None:
        """Raise what `flows_to` would raise."""
        self._kernel.ask(_SUBSYSTEM | IPCTNL_MSG_CT_GET_STATS, body_of(_request(socket.AF_UNSPEC)))

    def flows_to(self, destinations: Iterable[Network]) -> Iterator[list[Flow]]:
        """UDP and TCP entries whose original destination is in one of `destinations`, some at a time."""
        for request, sought in _questions(list(destinations)):
            needles = [_bytes_of_original_destination(destination) for destination in sought]
            for part in self._kernel.dump_in_parts(_SUBSYSTEM | IPCTNL_MSG_CT_GET, body_of(request)):
                candidates = (decode_flow(message) for message in part if any(map(message.data.__contains__, needles)))
                yield [flow for flow in candidates if flow is not None and _is_to(flow, sought)]

    def delete(self, flow: Flow) -> None:
        """This entry and no other: a deletion without a tuple would flush the table. One that has gone is fine."""
        family = socket.AF_INET6 if ":" in flow.source else socket.AF_INET
        zone = [("CTA_ZONE", flow.zone)] if flow.zone else []
        body = body_of(_request(family, ("CTA_TUPLE_ORIG", _original_tuple(flow)), *zone))
        try:
            self._kernel.change(_SUBSYSTEM | IPCTNL_MSG_CT_DELETE, body)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def _request(family: int, *attrs: tuple[str, Any]) -> Codec:
    request = nfct_msg()
    request["nfgen_family"] = family
    request["attrs"] = list(attrs)
    return request


def _questions(destinations: list[Network]) -> Iterator[tuple[Codec, list[Network]]]:
    """Each request to the kernel, and the destinations whose entries are among the answers."""
    addresses = [one for one in destinations if one.version == 4 and one.prefixlen == one.max_prefixlen]
    for address in addresses:
        yield _request_filtered_by(address), [address]
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        rest = [one for one in destinations if one.version == version and one not in addresses]
        if rest:
            yield _request(family), rest


def _request_filtered_by(address: Network) -> Codec:
    host = {"attrs": [("CTA_IP_V4_DST", str(address.network_address))]}
    flags = {"attrs": [("CTA_FILTER_ORIG_FLAGS", _FILTER_IP_DST), ("CTA_FILTER_REPLY_FLAGS", 0)]}
    return _request(socket.AF_INET, ("CTA_TUPLE_ORIG", {"attrs": [("CTA_TUPLE_IP", host)]}), ("CTA_FILTER", flags))


def _bytes_of_original_destination(destination: Network) -> bytes:
    """What the message of an entry to `destination` has in it: the attribute's header and as many whole bytes as count.

    The destination of the reply looks the same, so this finds too much, and never too little.
    """
    kind = _CTA_IP_V4_DST if destination.version == 4 else _CTA_IP_V6_DST
    address = destination.network_address.packed
    return _ADDRESS_HEADER.pack(_ADDRESS_HEADER.size + len(address), kind) + address[: destination.prefixlen // 8]


def _is_to(flow: Flow, destinations: Iterable[Network]) -> bool:
    address = ipaddress.ip_address(flow.destination)
    return any(address in destination for destination in destinations)


class _Tuple(NamedTuple):
    protocol: Protocol
    source: str
    source_port: int
    destination: str
    destination_port: int


def decode_flow(message: Message) -> Flow | None:
    """None for an entry of another protocol than those we steer, and for what is no whole entry."""
    entry = attributes(message.data, HEADER.size + _NFGENMSG_SIZE)
    try:
        original, reply = _tuple(entry[_CTA_TUPLE_ORIG]), _tuple(entry[_CTA_TUPLE_REPLY])
        packets_out, packets_in = _packets(entry.get(_CTA_COUNTERS_ORIG)), _packets(entry.get(_CTA_COUNTERS_REPLY))
    except (KeyError, ValueError):
        return None
    return Flow(
        *original,
        nat_source=reply.destination,
        nat_source_port=reply.destination_port,
        zone=_number(entry.get(_CTA_ZONE, b"")),
        mark=_number(entry.get(_CTA_MARK, b"")),
        packets_out=packets_out,
        packets_in=packets_in,
    )


def _tuple(data: bytes) -> _Tuple:
    """`KeyError` where something is missing, or the protocol is another; `ValueError` where an address is cut short."""
    parts = attributes(data)
    addresses, ports = attributes(parts[_CTA_TUPLE_IP]), attributes(parts[_CTA_TUPLE_PROTO])
    if _CTA_IP_V4_SRC in addresses:
        family, source, destination = socket.AF_INET, _CTA_IP_V4_SRC, _CTA_IP_V4_DST
    else:
        family, source, destination = socket.AF_INET6, _CTA_IP_V6_SRC, _CTA_IP_V6_DST
    return _Tuple(
        _PROTOCOLS[ports[_CTA_PROTO_NUM]],
        socket.inet_ntop(family, addresses[source]),
        _number(ports[_CTA_PROTO_SRC_PORT]),
        socket.inet_ntop(family, addresses[destination]),
        _number(ports[_CTA_PROTO_DST_PORT]),
    )


def _packets(counters: bytes | None) -> int | None:
    return None if counters is None else _number(attributes(counters)[_CTA_COUNTERS_PACKETS])


def _number(data: bytes) -> int:
    """Connection tracking speaks in network byte order."""
    return int.from_bytes(data, "big")


def _original_tuple(flow: Flow) -> dict[str, Any]:
    version = "V6" if ":" in flow.source else "V4"
    addresses = [(f"CTA_IP_{version}_SRC", flow.source), (f"CTA_IP_{version}_DST", flow.destination)]
    ports = [
        ("CTA_PROTO_NUM", int(flow.protocol)),
        ("CTA_PROTO_SRC_PORT", flow.source_port),
        ("CTA_PROTO_DST_PORT", flow.destination_port),
    ]
    return {"attrs": [("CTA_TUPLE_IP", {"attrs": addresses}), ("CTA_TUPLE_PROTO", {"attrs": ports})]}
