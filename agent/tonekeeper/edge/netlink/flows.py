"""Connection tracking entries as values: those to certain destinations are listed, single ones are deleted.

Steering wants to know where they lead, of many; NAT what becomes of them, of few: how long the kernel keeps them if
nothing passes, and which helper rewrites them.

The kernel itself picks the entries of one IPv4 address (CTA_FILTER, Linux 5.8). It cannot do so for a network, does the
opposite for IPv6 (6.18 still lists all but those asked for), and ignores the question where it is older. Then all
entries come, and those that lack a destination's bytes are passed over undecoded.

Entries are decoded here, not by pyroute2: a busy site has many, and this takes a seventh of the time
(docs/decisions/0004-netlink.md). The tests hold it against pyroute2.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tonekeeper.core.kernel import Flow, Protocol
from tonekeeper.core.nat.result import BindingKind
from tonekeeper.core.nat.tracked import TrackedFlow
from tonekeeper.edge.netlink.exchange import HEADER, NESTED, Exchange, Message, attributes, packed_attribute
from tonekeeper.edge.steering import Network

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE, _CT_GET_STATS = (1 << 8 | message for message in (1, 2, 5))
"""Of the subsystem CTNETLINK."""
_NFGENMSG = struct.Struct("=BBH")
_FLAGS = struct.Struct("=I")

# linux/netfilter/nfnetlink_conntrack.h
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_MARK, _CTA_ZONE = 1, 2, 8, 18
_CTA_STATUS, _CTA_HELP, _CTA_TIMEOUT = 3, 5, 7
_CTA_HELP_NAME = 1
_SEEN_REPLY, _ASSURED = 1 << 1, 1 << 2
_CTA_COUNTERS_ORIG, _CTA_COUNTERS_REPLY = 9, 10
_CTA_FILTER, _CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 25, 1, 2
_FILTER_IP_DST = 1 << 1
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
        self._kernel.ask(_CT_GET_STATS, _request(socket.AF_UNSPEC))

    def flows_to(self, destinations: Iterable[Network]) -> Iterator[list[Flow]]:
        """UDP and TCP entries whose original destination is in one of `destinations`, some at a time."""
        for part, sought in self._entries_to(list(destinations)):
            yield [flow for flow in map(decode_flow, part) if flow is not None and _is_to(flow, sought)]

    def tracked_to(self, destinations: Iterable[Network]) -> Iterator[list[TrackedFlow]]:
        """The same entries, with what the kernel does to them."""
        for part, sought in self._entries_to(list(destinations)):
            yield [one for one in map(decode_tracked_flow, part) if one is not None and _is_to(one.flow, sought)]

    def _entries_to(self, destinations: list[Network]) -> Iterator[tuple[Iterator[Message], list[Network]]]:
        """Those that may lead there, undecoded."""
        for request, sought in questions(destinations):
            needles = [_bytes_of_original_destination(destination) for destination in sought]
            for part in self._kernel.dump_in_parts(_CT_GET, request):
                yield (message for message in part if any(map(message.data.__contains__, needles))), sought

    def delete(self, flow: Flow) -> None:
        """This entry and no other. One that has gone is fine."""
        from tonekeeper.edge.netlink.requests import deletion_body  # noqa: PLC0415  8 MiB that not every agent needs

        try:
            self._kernel.change(_CT_DELETE, deletion_body(flow))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


def questions(destinations: list[Network]) -> Iterator[tuple[bytes, list[Network]]]:
    """Each request to the kernel, and the destinations whose entries are among the answers."""
    addresses = [one for one in destinations if one.version == 4 and one.prefixlen == one.max_prefixlen]
    for address in addresses:
        yield _request_filtered_by(address), [address]
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        rest = [one for one in destinations if one.version == version and one not in addresses]
        if rest:
            yield _request(family), rest


def _request(family: int) -> bytes:
    return _NFGENMSG.pack(family, 0, 0)


def _request_filtered_by(address: Network) -> bytes:
    host = packed_attribute(_CTA_IP_V4_DST, address.network_address.packed)
    original = packed_attribute(_CTA_TUPLE_ORIG | NESTED, packed_attribute(_CTA_TUPLE_IP | NESTED, host))
    flags = packed_attribute(_CTA_FILTER_ORIG_FLAGS, _FLAGS.pack(_FILTER_IP_DST))
    flags += packed_attribute(_CTA_FILTER_REPLY_FLAGS, _FLAGS.pack(0))
    return _request(socket.AF_INET) + original + packed_attribute(_CTA_FILTER | NESTED, flags)


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
    entry = attributes(message.data, HEADER.size + _NFGENMSG.size)
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


def decode_tracked_flow(message: Message) -> TrackedFlow | None:
    """None as for `decode_flow`, and where the kernel does not say for how long (the entry is just dying)."""
    flow = decode_flow(message)
    entry = attributes(message.data, HEADER.size + _NFGENMSG.size)
    if flow is None or _CTA_TIMEOUT not in entry:
        return None
    kind = _kind(flow.protocol, _number(entry.get(_CTA_STATUS, b"")))
    name = attributes(entry.get(_CTA_HELP, b"")).get(_CTA_HELP_NAME, b"")
    helper = name.rstrip(b"\0").decode("ascii", errors="replace")
    return TrackedFlow(flow, kind, _number(entry[_CTA_TIMEOUT]), helper)


def _kind(protocol: Protocol, status: int) -> BindingKind:
    if protocol is Protocol.TCP:
        return BindingKind.TCP
    if status & _ASSURED:
        return BindingKind.STREAM
    return BindingKind.REPLIED if status & _SEEN_REPLY else BindingKind.UNREPLIED


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
