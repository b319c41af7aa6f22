"""AgentX PDUs to octets, in network byte order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from tonekeeper.wire.agentx.header import INTERNET, NETWORK, VERSION, Flag, Kind
from tonekeeper.wire.agentx.pdus import (
    CleanupSet,
    Close,
    CommitSet,
    Get,
    GetBulk,
    GetNext,
    Notify,
    Open,
    Pdu,
    Ping,
    Register,
    Response,
    SearchRange,
    TestSet,
    UndoSet,
)
from tonekeeper.wire.smi import Oid, Tag, Value, Varbind

_MOST_PREFIXED = 255


def encode(pdu: Pdu, *, session: int, transaction: int, packet: int) -> bytes:
    """A Response has the transaction and the packet of what it answers."""
    kind, payload = _payload(pdu)
    flags = Flag.NETWORK_BYTE_ORDER
    return NETWORK.header.pack(VERSION, kind, flags, 0, session, transaction, packet, len(payload)) + payload


def _payload(pdu: Pdu) -> tuple[Kind, bytes]:
    match pdu:
        case Open():
            return Kind.OPEN, bytes((pdu.timeout, 0, 0, 0)) + _oid(pdu.oid) + _octets(pdu.description.encode())
        case Close():
            return Kind.CLOSE, bytes((pdu.reason, 0, 0, 0))
        case Register():
            return Kind.REGISTER, bytes((pdu.timeout, pdu.priority, 0, 0)) + _oid(pdu.subtree)
        case Get():
            return Kind.GET, b"".join(_oid(name) + _oid(()) for name in pdu.names)
        case GetNext():
            return Kind.GET_NEXT, _ranges(pdu.ranges)
        case GetBulk():
            counts = NETWORK.short.pack(pdu.non_repeaters) + NETWORK.short.pack(pdu.max_repetitions)
            return Kind.GET_BULK, counts + _ranges(pdu.ranges)
        case TestSet():
            return Kind.TEST_SET, _varbinds(pdu.varbinds)
        case CommitSet():
            return Kind.COMMIT_SET, b""
        case UndoSet():
            return Kind.UNDO_SET, b""
        case CleanupSet():
            return Kind.CLEANUP_SET, b""
        case Notify():
            return Kind.NOTIFY, _varbinds(pdu.varbinds)
        case Ping():
            return Kind.PING, b""
        case Response():
            head = NETWORK.word.pack(pdu.up_time) + NETWORK.short.pack(pdu.error) + NETWORK.short.pack(pdu.index)
            return Kind.RESPONSE, head + _varbinds(pdu.varbinds)
        case _:
            assert_never(pdu)


def _ranges(ranges: Sequence[SearchRange]) -> bytes:
    return b"".join(_oid(one.start, include=one.include) + _oid(one.end) for one in ranges)


def _varbinds(varbinds: Sequence[Varbind]) -> bytes:
    return b"".join(_varbind(*one) for one in varbinds)


def _varbind(oid: Oid, value: Value) -> bytes:
    return NETWORK.short.pack(value.tag) + b"\0\0" + _oid(oid) + _content(value)


def _content(value: Value) -> bytes:
    match value.tag, value.content:
        case Tag.INTEGER, int(number):
            return NETWORK.signed.pack(number)
        case ((Tag.COUNTER32 | Tag.GAUGE32 | Tag.TIME_TICKS), int(number)):
            return NETWORK.word.pack(number)
        case Tag.COUNTER64, int(number):
            return NETWORK.long.pack(number)
        case ((Tag.OCTET_STRING | Tag.IP_ADDRESS | Tag.OPAQUE), bytes(octets)):
            return _octets(octets)
        case Tag.OBJECT_IDENTIFIER, tuple(oid):
            return _oid(oid)
        case _:
            return b""


def _oid(oid: Oid, *, include: bool = False) -> bytes:
    prefix = 0
    if oid[: len(INTERNET)] == INTERNET and len(oid) > len(INTERNET) and 0 < oid[4] <= _MOST_PREFIXED:
        prefix, oid = oid[4], oid[5:]
    return bytes((len(oid), prefix, include, 0)) + b"".join(map(NETWORK.word.pack, oid))


def _octets(octets: bytes) -> bytes:
    return NETWORK.word.pack(len(octets)) + octets + bytes(-len(octets) % 4)
