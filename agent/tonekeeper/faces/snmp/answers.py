"""What a view has to say to a request, in the words of AgentX (RFC 2741 section 7.2.3). Nothing in it can be set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from tonekeeper.faces.snmp.view import View
from tonekeeper.wire.agentx.pdus import (
    CommitSet,
    Error,
    Get,
    GetBulk,
    GetNext,
    Request,
    Response,
    SearchRange,
    TestSet,
    UndoSet,
)
from tonekeeper.wire.smi import END_OF_MIB_VIEW, Tag, Varbind

MOST_VARBINDS = 256
"""Of one answer, however many repetitions are asked for."""


def answer(request: Request, view: View, most_octets: int | None = None) -> Response:
    """`most_octets`: about so many may the varbinds of a GetBulk take."""
    match request:
        case Get():
            return Response(varbinds=tuple(Varbind(name, view.get(name)) for name in request.names))
        case GetNext():
            return Response(varbinds=tuple(_next(view, one) for one in request.ranges))
        case GetBulk():
            return Response(varbinds=tuple(_fitting(_bulk(view, request), most_octets)))
        case TestSet():
            return Response(Error.NOT_WRITABLE, index=1)
        case CommitSet():
            return Response(Error.COMMIT_FAILED)
        case UndoSet():
            return Response(Error.UNDO_FAILED)
        case _:
            assert_never(request)


def _next(view: View, wanted: SearchRange) -> Varbind:
    if wanted.include and (here := view.get(wanted.start)).tag not in (Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE):
        return Varbind(wanted.start, here)
    found = view.after(wanted.start)
    if found is None or (wanted.end and found.oid >= wanted.end):
        return Varbind(wanted.start, END_OF_MIB_VIEW)
    return found


def _fitting(found: Iterator[Varbind], most_octets: int | None) -> Iterator[Varbind]:
    """One at least, and then no more than there is room for: the manager asks on from the last."""
    room = most_octets
    for one in found:
        if room is not None:
            size = _size(one)
            if room < size and room != most_octets:
                return
            room -= size
        yield one


def _size(varbind: Varbind) -> int:
    """In octets, rather too many: names are letters, of which each takes one, and few numbers take more than three."""
    content = varbind.value.content
    return len(varbind.oid) + 12 + (len(content) if isinstance(content, bytes | tuple) else 5)


def _bulk(view: View, request: GetBulk) -> Iterator[Varbind]:
    yield from (_next(view, one) for one in request.ranges[: request.non_repeaters])
    repeated = list(request.ranges[request.non_repeaters :])
    for _ in range(min(request.max_repetitions, MOST_VARBINDS // max(1, len(repeated)))):
        found = [_next(view, one) for one in repeated]
        yield from found
        if all(one.value is END_OF_MIB_VIEW for one in found):
            return
        repeated = [SearchRange(one.oid, old.end) for one, old in zip(found, repeated, strict=True)]
