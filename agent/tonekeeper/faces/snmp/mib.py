"""TONEKEEPER-MIB, written from the table of objects: SMIv2 (RFC 2578, 2579, 2580), by the guidelines of RFC 4181."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from tonekeeper.faces.snmp.definition import ARC, PREFIX, Group, Index, Leaf, NotificationType, Table
from tonekeeper.faces.snmp.objects.findings import NOTIFYING
from tonekeeper.faces.snmp.objects.table import NOTIFICATIONS, OBJECTS
from tonekeeper.faces.snmp.syntax import Convention, Syntax

REVISIONS = (("202611230000Z", "The first version."),)
"""Latest first."""

_WIDTH = 72
_STORY = """\
What a Tonekeeper agent knows of its site: the WANs, the SBCs of the hosted-VoIP provider and every path between them, \
where the site is and what keeps it there, the NATs and the firewall on the way, the phones, and what is wrong.

All objects are read-only. What is not known, or was not checked, has no instance: an object that is absent says that \
nobody has looked, a zero says no."""
_CONTACT = "The operator of the agent; the provider, where the enterprise number is his."
_CARRIED_BY_ALL = ("tkAgentName", "tkNotifySequence", "tkNotifyTime")

Imports = dict[str, set[str]]
"""Module: names."""


def render_mib(enterprise: int) -> str:
    """The whole module, for the arc under 1.3.6.1.4.1."""
    parts = [
        "TONEKEEPER-MIB DEFINITIONS ::= BEGIN\n",
        _imports(),
        _identity(enterprise),
        *(_convention(convention) for convention in _conventions()),
        _rule("The tree"),
        _arc("tkNotifications", "tonekeeperMIB", 0),
        _arc("tkObjects", "tonekeeperMIB", 1),
        _arc("tkConformance", "tonekeeperMIB", 2),
        *(_group(part) if isinstance(part, Group) else _table(part) for part in OBJECTS),
        _rule("Notifications"),
        *map(_notification, NOTIFICATIONS),
        *_conformance(),
        "END",
    ]
    return "\n".join(parts) + "\n"


# --- head


def _imports() -> str:
    needed: Imports = {
        "SNMPv2-SMI": {"MODULE-IDENTITY", "OBJECT-TYPE", "NOTIFICATION-TYPE", "enterprises"},
        "SNMPv2-TC": {"TEXTUAL-CONVENTION"},
        "SNMPv2-CONF": {"MODULE-COMPLIANCE", "OBJECT-GROUP", "NOTIFICATION-GROUP"},
    }
    for syntax in _syntaxes():
        if syntax.source is not None:
            name, module = syntax.source
            needed.setdefault(module, set()).add(name)
        base = syntax.text.partition(" ")[0] if syntax.convention is None else syntax.convention.base
        if base in ("Integer32", "Unsigned32", "Gauge32", "Counter32", "Counter64", "TimeTicks"):
            needed["SNMPv2-SMI"].add(base)
    lines = [
        textwrap.fill(", ".join(sorted(names)), _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
        + f"\n        FROM {module}"
        for module, names in needed.items()
    ]
    return "IMPORTS\n" + "\n".join(lines) + ";\n"


def _identity(enterprise: int) -> str:
    latest = REVISIONS[0][0]
    revisions = [f'    REVISION "{when}"\n{_described(what)}' for when, what in REVISIONS]
    return "\n".join(
        [
            "tonekeeperMIB MODULE-IDENTITY",
            f'    LAST-UPDATED "{latest}"',
            '    ORGANIZATION "Tonekeeper"',
            "    CONTACT-INFO",
            _quoted(_CONTACT),
            _described(_STORY),
            *revisions,
            f"    ::= {{ tonekeeperEnterprise {ARC} }}\n",
            _arc("tonekeeperEnterprise", "enterprises", enterprise),
        ]
    )


def _syntaxes() -> Iterator[Syntax]:
    for part in OBJECTS:
        if isinstance(part, Table):
            yield from (index.syntax for index in part.indices if index.number)
        yield from (leaf.syntax for leaf in leaves_of(part))


def _conventions() -> Iterable[Convention]:
    found = {syntax.convention.name: syntax.convention for syntax in _syntaxes() if syntax.convention is not None}
    return sorted(found.values(), key=lambda convention: convention.name)


def _convention(convention: Convention) -> str:
    hint = [f'    DISPLAY-HINT "{convention.hint}"'] if convention.hint else []
    syntax = f"    SYNTAX {_base_of(convention)}\n"
    return "\n".join(
        [
            f"{convention.name} ::= TEXTUAL-CONVENTION",
            *hint,
            "    STATUS current",
            _described(convention.description),
            syntax,
        ]
    )


def _base_of(convention: Convention) -> str:
    if not convention.numbered:
        return convention.base
    numbered = ",\n".join(f"        {label}({number})" for label, number in convention.labels)
    return f"{convention.base} {{\n{numbered}\n    }}"


# --- objects


def leaves_of(part: Group | Table) -> tuple[Leaf, ...]:
    return part.leaves if isinstance(part, Group) else part.columns


def name_of(part: Group | Table, leaf: Leaf) -> str:
    """`tkWanState`."""
    return f"{PREFIX}{part.name}{leaf.name}"


def _group(group: Group) -> str:
    parent = f"{PREFIX}{group.name}"
    leaves = [_object(name_of(group, leaf), leaf, parent) for leaf in group.leaves]
    return "\n".join([_rule(group.description), _arc(parent, "tkObjects", group.number), *leaves])


def _table(table: Table) -> str:
    stem = f"{PREFIX}{table.name}"
    own = [index for index in table.indices if index.number]
    sequence = [(f"{PREFIX}{index.name}", index.syntax) for index in own]
    sequence += [(name_of(table, leaf), leaf.syntax) for leaf in table.columns]
    fields = ",\n".join(f"    {name} {_in_sequence(syntax)}" for name, syntax in sequence)
    entry = f"{PREFIX[0].upper()}{PREFIX[1:]}{table.name}Entry"
    indices = ", ".join(f"{PREFIX}{index.name}" for index in table.indices)
    return "\n".join(
        [
            _rule(table.description),
            _object_type(f"{stem}Table", f"SEQUENCE OF {entry}", "not-accessible", table.description)
            + f"    ::= {{ tkObjects {table.number} }}\n",
            _object_type(f"{stem}Entry", entry, "not-accessible", f"One row of {stem}Table.")
            + _wrapped(f"INDEX {{ {indices} }}", 4)
            + f"\n    ::= {{ {stem}Table 1 }}\n",
            f"{entry} ::= SEQUENCE {{\n{fields}\n}}\n",
            *(_index(index, f"{stem}Entry") for index in own),
            *(_object(name_of(table, leaf), leaf, f"{stem}Entry") for leaf in table.columns),
        ]
    )


def _index(index: Index, parent: str) -> str:
    head = _object_type(f"{PREFIX}{index.name}", index.syntax.text, "not-accessible", index.description)
    return head + f"    ::= {{ {parent} {index.number} }}\n"


def _object(name: str, leaf: Leaf, parent: str) -> str:
    access = "read-only" if leaf.read is not None else "accessible-for-notify"
    head = _object_type(name, leaf.syntax.text, access, leaf.description, leaf.units)
    return head + f"    ::= {{ {parent} {leaf.number} }}\n"


def _object_type(name: str, syntax: str, access: str, description: str, units: str = "") -> str:
    return "\n".join(
        [
            f"{name} OBJECT-TYPE",
            f"    SYNTAX {syntax}",
            *([f'    UNITS "{units}"'] if units else []),
            f"    MAX-ACCESS {access}",
            "    STATUS current",
            _described(description),
            "",
        ]
    )


def _in_sequence(syntax: Syntax) -> str:
    """Without the size (RFC 2578 section 7.1.12)."""
    return syntax.text.partition(" (")[0]


def _notification(kind: NotificationType) -> str:
    carried = [*_CARRIED_BY_ALL, *(f"{PREFIX}{kind.of.name}{name}" for name in kind.carries)]
    return "\n".join(
        [
            f"{PREFIX}{kind.name} NOTIFICATION-TYPE",
            _wrapped(f"OBJECTS {{ {', '.join(carried)} }}", 4),
            "    STATUS current",
            _described(kind.description),
            f"    ::= {{ tkNotifications {kind.number} }}\n",
        ]
    )


# --- conformance


def _conformance() -> Iterator[str]:
    yield _rule("Conformance")
    yield _arc("tkCompliances", "tkConformance", 1)
    yield _arc("tkGroups", "tkConformance", 2)
    yield _compliance()
    for part in OBJECTS:
        names = ", ".join(name_of(part, leaf) for leaf in leaves_of(part))
        yield _conformance_group(f"{part.name}Group", "OBJECT-GROUP", "OBJECTS", names, part.number, part.description)
    names = ", ".join(f"{PREFIX}{kind.name}" for kind in NOTIFICATIONS)
    story = "What is told without being asked."
    yield _conformance_group("NotificationGroup", "NOTIFICATION-GROUP", "NOTIFICATIONS", names, 100, story)


def _conformance_group(name: str, macro: str, clause: str, names: str, number: int, description: str) -> str:
    return "\n".join(
        [
            f"{PREFIX}{name} {macro}",
            _wrapped(f"{clause} {{ {names} }}", 4),
            "    STATUS current",
            _described(description),
            f"    ::= {{ tkGroups {number} }}\n",
        ]
    )


def _compliance() -> str:
    always = [f"{PREFIX}{part.name}Group" for part in OBJECTS if _is_always(part) and part is not NOTIFYING]
    others = [f"{PREFIX}{part.name}Group" for part in OBJECTS if not _is_always(part)]
    conditions = dict.fromkeys(others, "For agents that are configured to look at it.")
    conditions["tkNotifyGroup"] = conditions["tkNotificationGroup"] = "For agents that notify."
    groups = [f"    GROUP {name}\n{_described(condition)}" for name, condition in conditions.items()]
    return "\n".join(
        [
            "tkCompliance MODULE-COMPLIANCE",
            "    STATUS current",
            _described("What every agent has."),
            "    MODULE",
            _wrapped(f"MANDATORY-GROUPS {{ {', '.join(always)} }}", 4),
            *groups,
            "    ::= { tkCompliances 1 }\n",
        ]
    )


def _is_always(part: Group | Table) -> bool:
    return not isinstance(part, Table) or part.always


# --- layout


def _arc(name: str, parent: str, number: int) -> str:
    return f"{name} OBJECT IDENTIFIER ::= {{ {parent} {number} }}\n"


def _rule(story: str) -> str:
    return textwrap.fill(story, _WIDTH, initial_indent="-- ", subsequent_indent="-- ") + "\n"


def _described(text: str) -> str:
    return f"    DESCRIPTION\n{_quoted(text)}"


def _quoted(text: str) -> str:
    paragraphs = [_wrapped(paragraph, 8) for paragraph in text.split("\n\n")]
    whole = "\n\n".join(paragraphs)
    return f'{whole[:8]}"{whole[8:]}"'


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if indent == 8 else indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
