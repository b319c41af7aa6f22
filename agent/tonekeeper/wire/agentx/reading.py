"""Octets to AgentX PDUs: a value, or `DecodeError`."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import assert_never

from tonekeeper.errors import DecodeError
from tonekeeper.wire.agentx.header import (
    HEADER_OCTETS,
    INTERNET,
    LITTLE_ENDIAN,
    MOST_PAYLOAD,
    NETWORK,
    VERSION,
    ByteOrder,
    Flag,
    Header,
    Kind,
)
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
from tonekeeper.wire.smi import LONGEST_OID, Content, Oid, Tag, Value, Varbind


def decode_header(data: bytes) -> Header:
    """The first HEADER_OCTETS of a PDU; `DecodeError` for what no PDU begins with."""
    if len(data) != HEADER_OCTETS:
        raise DecodeError("AgentX header", f"{len(data)} octets instead of {HEADER_OCTETS}")
    version, kind, flags, _, *_ = data
    if version != VERSION:
        raise DecodeError("AgentX header", f"version {version}")
    if kind not in Kind._value2member_map_:
        raise DecodeError("AgentX header", f"PDU type {kind}")
    _, _, _, _, session, transaction, packet, length = _order_of(flags).header.unpack(data)
    if length > MOST_PAYLOAD or length % 4:
        raise DecodeError("AgentX header", f"a payload of {length} octets")
    return Header(Kind(kind), session, transaction, packet, length, flags)


def decode_payload(header: Header, payload: bytes) -> Pdu:
    """The PDU that `header` announces; `DecodeError` for what is none."""
    reader = _Reader(payload, header.flags)
    if header.flags & Flag.NON_DEFAULT_CONTEXT and header.kind is not Kind.RESPONSE:
        reader.octets()
    pdu = _READERS[header.kind](reader)
    if not reader.is_at_end:
        raise DecodeError("AgentX PDU", f"{header.kind.name} has octets behind its end")
    return pdu


def _order_of(flags: int) -> ByteOrder:
    return NETWORK if flags & Flag.NETWORK_BYTE_ORDER else LITTLE_ENDIAN


class _Reader:
    def __init__(self, data: bytes, flags: int) -> None:
        self._data = data
        self._at = 0
        self._order = _order_of(flags)

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise DecodeError("AgentX PDU", "it ends too early")
        self._at += length
        return taken

    def number(self, kind: Struct) -> int:
        (number,) = kind.unpack(self.take(kind.size))
        return int(number)

    def word(self) -> int:
        return self.number(self._order.word)

    def short(self) -> int:
        return self.number(self._order.short)

    def octets(self) -> bytes:
        length = self.word()
        octets = self.take(length)
        self.take(-length % 4)
        return octets

    def text(self) -> str:
        return self.octets().decode("utf-8", "replace")

    def oid(self) -> tuple[Oid, bool]:
        """And its include flag."""
        count, prefix, include, _ = self.take(4)
        oid = tuple(self.word() for _ in range(count))
        if prefix:
            oid = (*INTERNET, prefix, *oid)
        if len(oid) > LONGEST_OID:
            raise DecodeError("AgentX PDU", f"an OID of {len(oid)} sub-identifiers")
        return oid, bool(include)

    def ranges(self) -> tuple[SearchRange, ...]:
        found = []
        while not self.is_at_end:
            start, include = self.oid()
            found.append(SearchRange(start, self.oid()[0], include))
        return tuple(found)

    def varbinds(self) -> tuple[Varbind, ...]:
        found = []
        while not self.is_at_end:
            tag = self.short()
            self.take(2)
            oid, _ = self.oid()
            found.append(Varbind(oid, self._value(tag)))
        return tuple(found)

    def _value(self, number: int) -> Value:
        if number not in Tag._value2member_map_:
            raise DecodeError("AgentX PDU", f"a value of type {number}")
        tag = Tag(number)
        return Value(tag, self._content(tag))

    def _content(self, tag: Tag) -> Content:
        match tag:
            case Tag.INTEGER:
                return self.number(self._order.signed)
            case Tag.COUNTER32 | Tag.GAUGE32 | Tag.TIME_TICKS:
                return self.word()
            case Tag.COUNTER64:
                return self.number(self._order.long)
            case Tag.OCTET_STRING | Tag.IP_ADDRESS | Tag.OPAQUE:
                return self.octets()
            case Tag.OBJECT_IDENTIFIER:
                return self.oid()[0]
            case Tag.NULL | Tag.NO_SUCH_OBJECT | Tag.NO_SUCH_INSTANCE | Tag.END_OF_MIB_VIEW:
                return None
            case _:
                assert_never(tag)


def _read_open(reader: _Reader) -> Open:
    timeout = reader.take(4)[0]
    return Open(timeout, reader.oid()[0], reader.text())


def _read_register(reader: _Reader) -> Register:
    timeout, priority, range_subid, _ = reader.take(4)
    if range_subid:
        raise DecodeError("AgentX PDU", "a registration of a range")
    return Register(reader.oid()[0], priority, timeout)


def _read_bulk(reader: _Reader) -> GetBulk:
    return GetBulk(reader.short(), reader.short(), reader.ranges())


def _read_response(reader: _Reader) -> Response:
    up_time, error, index = reader.word(), reader.short(), reader.short()
    return Response(error, index, reader.varbinds(), up_time)


_READERS: dict[Kind, Callable[[_Reader], Pdu]] = {
    Kind.OPEN: _read_open,
    Kind.CLOSE: lambda reader: Close(reader.take(4)[0]),
    Kind.REGISTER: _read_register,
    Kind.GET: lambda reader: Get(tuple(one.start for one in reader.ranges())),
    Kind.GET_NEXT: lambda reader: GetNext(reader.ranges()),
    Kind.GET_BULK: _read_bulk,
    Kind.TEST_SET: lambda reader: TestSet(reader.varbinds()),
    Kind.COMMIT_SET: lambda _: CommitSet(),
    Kind.UNDO_SET: lambda _: UndoSet(),
    Kind.CLEANUP_SET: lambda _: CleanupSet(),
    Kind.NOTIFY: lambda reader: Notify(reader.varbinds()),
    Kind.PING: lambda _: Ping(),
    Kind.RESPONSE: _read_response,
}
