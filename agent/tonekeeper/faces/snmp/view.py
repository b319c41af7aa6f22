"""A report as a manager sees it: every instance of every object in the order of the OIDs, found by bisection.

A view never changes. Whoever walks over several of them, one after the other, sees each OID that is in all of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from tonekeeper.faces.snmp.definition import ENTERPRISES, OBJECTS, Group, Index, Leaf, Served, Table
from tonekeeper.faces.snmp.objects import table
from tonekeeper.faces.snmp.syntax import Syntax
from tonekeeper.wire.smi import NO_SUCH_INSTANCE, NO_SUCH_OBJECT, Oid, Value, Varbind

_ENTRY = 1
_SCALAR: Oid = (0,)


class View:
    def __init__(self, instances: Mapping[Oid, Value], enterprise: int) -> None:
        self._values = instances
        self._oids = sorted(instances)
        self._root = (*ENTERPRISES, enterprise)

    def __len__(self) -> int:
        return len(self._oids)

    def __iter__(self) -> Iterator[Varbind]:
        return (Varbind(oid, self._values[oid]) for oid in self._oids)

    def get(self, oid: Oid) -> Value:
        """Where there is none, why (RFC 3416 section 4.2.1)."""
        found = self._values.get(oid)
        if found is not None:
            return found
        return NO_SUCH_INSTANCE if self._is_of_an_object(oid) else NO_SUCH_OBJECT

    def after(self, oid: Oid) -> Varbind | None:
        """The first instance behind `oid`; None: there is no more."""
        at = bisect_right(self._oids, oid)
        return Varbind(self._oids[at], self._values[self._oids[at]]) if at < len(self._oids) else None

    def _is_of_an_object(self, oid: Oid) -> bool:
        below = oid[len(self._root) :] if oid[: len(self._root)] == self._root else ()
        return below[:_SCALAR_LENGTH] in _READABLE or below[:_COLUMN_LENGTH] in _READABLE


def read_view(served: Served, enterprise: int, beyond: Mapping[Oid, Value] | None = None) -> View:
    """Every instance of our objects. `beyond`: instances of other modules that are answered as well."""
    instances = {varbind.oid: varbind.value for varbind in _instances(served, enterprise)}
    return View({**(beyond or {}), **instances}, enterprise)


def scalar(group: Group, leaf: Leaf, served: Served, enterprise: int) -> Varbind | None:
    """One object of a group; None where it has no value."""
    return _varbind(group, leaf, served, _SCALAR, enterprise)


def cell(table: Table, leaf: Leaf, row: object, enterprise: int) -> Varbind | None:
    """One column of one row; None where it has no value."""
    instance = instance_of(table.indices, row)
    return None if instance is None else _varbind(table, leaf, row, instance, enterprise)


def object_oid(part: Group | Table, leaf: Leaf, enterprise: int) -> Oid:
    return (*ENTERPRISES, enterprise, *_below(part, leaf))


def instance_of(indices: tuple[Index, ...], row: object) -> Oid | None:
    """The end of a row's OIDs (RFC 2578 section 7.7); None for one that cannot be written so."""
    parts: Oid = ()
    for index in indices:
        content = index.syntax.encode(index.read(row))
        if content is None:
            return None
        parts += _subidentifiers(index.syntax, content)
    return parts


def _subidentifiers(syntax: Syntax, content: int | bytes | Oid) -> Oid:
    if isinstance(content, int):
        return (content,)
    return (len(content), *content) if syntax.is_variable else tuple(content)


def _instances(served: Served, enterprise: int) -> Iterator[Varbind]:
    for part in table.OBJECTS:
        if isinstance(part, Table):
            for instance, row in _rows(part, served):
                found = (_varbind(part, leaf, row, instance, enterprise) for leaf in part.columns)
                yield from (varbind for varbind in found if varbind is not None)
        else:
            found = (_varbind(part, leaf, served, _SCALAR, enterprise) for leaf in part.leaves)
            yield from (varbind for varbind in found if varbind is not None)


def _rows(part: Table, served: Served) -> Iterator[tuple[Oid, object]]:
    """Of two rows with one index the first counts: the other could not be asked for."""
    known: dict[Oid, None] = {}
    for row in part.rows(served):
        instance = instance_of(part.indices, row)
        if instance is None or instance in known:
            continue
        if len(known) == part.most:
            return
        known[instance] = None
        yield instance, row


def _varbind(part: Group | Table, leaf: Leaf, source: object, instance: Oid, enterprise: int) -> Varbind | None:
    if leaf.read is None:
        return None
    content = leaf.syntax.encode(leaf.read(source))
    if content is None:
        return None
    return Varbind((*object_oid(part, leaf, enterprise), *instance), Value(leaf.syntax.tag, content))


def _below(part: Group | Table, leaf: Leaf) -> Oid:
    """Of an object, below the enterprise."""
    if isinstance(part, Table):
        return (*OBJECTS, part.number, _ENTRY, leaf.number)
    return (*OBJECTS, part.number, leaf.number)


_SCALAR_LENGTH, _COLUMN_LENGTH = len(OBJECTS) + 2, len(OBJECTS) + 3
_READABLE = {
    _below(part, leaf)
    for part in table.OBJECTS
    for leaf in (part.columns if isinstance(part, Table) else part.leaves)
    if leaf.read is not None
}
