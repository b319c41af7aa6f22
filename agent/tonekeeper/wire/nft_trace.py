"""What nftables says of a packet with `meta nftrace set 1`: messages NFT_MSG_TRACE (linux/netfilter/nf_tables.h).

One message for each rule that matched and for the end of each chain, in the order in which the packet met them. Rules
that did not match are not mentioned. The packet's first bytes come with the first message of each base chain.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

from tonekeeper.errors import DecodeError

_GENERIC_HEADER = 4
_read_header = struct.Struct("=HH").unpack_from
"""Of an attribute: its length with these four bytes, its number."""
_TYPE_MASK = 0x3FFF
_TABLE, _CHAIN, _HANDLE, _KIND, _VERDICT, _ID = 1, 2, 3, 4, 5, 6
_NETWORK_HEADER, _TRANSPORT_HEADER, _IN, _OUT, _POLICY = 8, 9, 10, 12, 16
_VERDICT_CODE, _VERDICT_CHAIN = 1, 2
_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_LONGEST_NAME = 256
_FLOW_LABEL = 0xFFFFF


class TraceKind(Enum):
    POLICY = 1
    RETURN = 2
    RULE = 3


class TraceVerdict(Enum):
    DROP = 0
    ACCEPT = 1
    STOLEN = 2
    QUEUE = 3
    CONTINUE = -1
    BREAK = -2
    JUMP = -3
    GOTO = -4
    RETURN = -5


_KINDS = {kind.value: kind for kind in TraceKind}
_VERDICTS = {verdict.value & 0xFFFFFFFF: verdict for verdict in TraceVerdict}


@dataclass(frozen=True, slots=True)
class TraceStep:
    id: int
    kind: TraceKind
    verdict: TraceVerdict
    family: str
    """As rules name it: ip, ip6, inet, netdev, bridge, arp."""
    table: str
    chain: str
    handle: int | None
    """Of the rule; None at the end of a chain."""
    to_chain: str
    """Of a jump or goto."""
    packet: int | None
    """What the sender had put into the packet to know it again: identification (IPv4) or flow label (IPv6). None where
    the message shows no packet."""
    is_icmp: bool
    """The packet shown is an ICMP message: the answer to one of ours, not ours."""
    input_index: int
    """0 for none, likewise `output_index`."""
    output_index: int


def decode_trace(data: bytes) -> TraceStep:
    """`data` is the netlink message after its header; DecodeError for anything that is no trace."""
    if len(data) < _GENERIC_HEADER:
        raise DecodeError("nftables trace", f"{len(data)} bytes are no header")
    found = _attributes(data, _GENERIC_HEADER)
    verdict = _attributes(found.get(_VERDICT, b""), 0)
    code = _number(found, _POLICY) if _KIND in found and _VERDICT not in found else _number(verdict, _VERDICT_CODE)
    network = found.get(_NETWORK_HEADER, b"")
    kind = _KINDS.get(_number(found, _KIND))
    meaning = _VERDICTS.get(code)
    if kind is None or meaning is None:
        raise DecodeError("nftables trace", f"there is no verdict {code}, or no such kind of message")
    return TraceStep(
        id=_number(found, _ID),
        kind=kind,
        verdict=meaning,
        family=_FAMILIES.get(data[0], ""),
        table=_text(found, _TABLE),
        chain=_text(found, _CHAIN),
        handle=_handle(found),
        to_chain=_text(verdict, _VERDICT_CHAIN),
        packet=_identification(network),
        is_icmp=_is_icmp(network),
        input_index=_number(found, _IN, 0),
        output_index=_number(found, _OUT, 0),
    )


def _attributes(data: bytes, offset: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    size = len(data)
    while offset + 4 <= size:
        length, kind = _read_header(data, offset)
        if length < 4 or offset + length > size:
            raise DecodeError("nftables trace", f"an attribute of {length} bytes at {offset} of {size}")
        found[kind & _TYPE_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def _number(found: dict[int, bytes], attribute: int, missing: int | None = None) -> int:
    """In network byte order, as all of nfnetlink."""
    value = found.get(attribute)
    if value is None and missing is not None:
        return missing
    if value is None or len(value) != 4:
        raise DecodeError("nftables trace", f"attribute {attribute} is {value!r}, not a number of 4 bytes")
    return int.from_bytes(value, "big")


def _handle(found: dict[int, bytes]) -> int | None:
    value = found.get(_HANDLE)
    if value is not None and len(value) != 8:
        raise DecodeError("nftables trace", f"a handle has 8 bytes, not {len(value)}")
    return None if value is None else int.from_bytes(value, "big")


def _text(found: dict[int, bytes], attribute: int) -> str:
    value = found.get(attribute, b"").rstrip(b"\0")
    if len(value) > _LONGEST_NAME:
        raise DecodeError("nftables trace", f"a name of {len(value)} bytes")
    return value.decode(errors="replace")


def _identification(network: bytes) -> int | None:
    match network[0] >> 4 if len(network) >= 8 else 0:
        case 4:
            return int.from_bytes(network[4:6], "big")
        case 6:
            return int.from_bytes(network[:4], "big") & _FLOW_LABEL
        case _:
            return None


def _is_icmp(network: bytes) -> bool:
    is_ipv4 = len(network) >= 20 and network[0] >> 4 == 4
    return network[9] == 1 if is_ipv4 else len(network) >= 8 and network[0] >> 4 == 6 and network[6] == 58
