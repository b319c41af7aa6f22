"""Patterns for User-Agents, matched in one pass.

What the parts of a pattern say becomes a regular expression whose every repetition is possessive: it holds what it has
taken, so a text of any kind costs no more than it is long. Whether two patterns could both match some text is decided
by walking them in step (`pattern_overlap`), not by trying examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonekeeper.phones.pattern_overlap import common_text
from tonekeeper.phones.pattern_parts import (
    CAPTURED,
    LONGEST_USER_AGENT,
    SORTS,
    Field,
    Literal,
    Optional,
    Part,
    Sort,
    firsts,
    read_parts,
    refused,
    ways,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read; `read` says what it finds."""

    text: str
    _parts: tuple[Part, ...]
    _expression: re.Pattern[str]

    def read(self, user_agent: str) -> tuple[str, str] | None:
        """(model, firmware) in `user_agent`, empty where the pattern has no such field; None where it is another."""
        if len(user_agent) > LONGEST_USER_AGENT:
            return None
        found = self._expression.fullmatch(user_agent)
        if found is None:
            return None
        groups = found.groupdict()
        return groups.get("model") or "", groups.get("firmware") or ""

    def common_text(self, other: Pattern) -> str | None:
        """A text that both match, if there is one."""
        return common_text(ways(self._parts), ways(other._parts))


def parse_pattern(text: str) -> Pattern:
    """DecodeError where `text` is no pattern."""
    parts = read_parts(text)
    return Pattern(text, parts, re.compile(_regex(parts)))


def _regex(parts: Sequence[Part]) -> str:
    written = []
    for index, part in enumerate(parts):
        following = _following(parts, index)
        match part:
            case Literal(text):
                written.append(re.escape(text))
            case Field():
                written.append(_field_regex(part, following))
            case Optional(inner):
                written.append(f"(?:{''.join(_inner_regex(inner, following))})?")
    return "".join(written)


def _inner_regex(inner: Sequence[Literal | Field], after: frozenset[str]) -> Iterator[str]:
    for index, part in enumerate(inner):
        following = firsts(inner[index + 1]) if index + 1 < len(inner) else after
        yield re.escape(part.text) if isinstance(part, Literal) else _field_regex(part, following)


def _following(parts: Sequence[Part], index: int) -> frozenset[str]:
    """The characters that may come right after part `index`."""
    found: frozenset[str] = frozenset()
    for part in parts[index + 1 :]:
        if not isinstance(part, Optional):
            return found | firsts(part)
        found |= firsts(part.parts[0])
    return found


def _field_regex(field: Field, following: frozenset[str]) -> str:
    sort = SORTS[field.name]
    if field.choices:
        inside = "|".join(_choice_regex(choice, sort, following) for choice in field.choices)
    else:
        inside = _run(sort.first - following, 1, 1) + _run(sort.more - following, sort.least - 1, sort.most - 1)
    return f"(?P<{field.name}>{inside})" if field.name in CAPTURED else f"(?:{inside})"


def _choice_regex(choice: str, sort: Sort, following: frozenset[str]) -> str:
    before, star, after = choice.partition("*")
    run = _run(sort.more - (frozenset(after[0]) if after else following), 0, sort.most) if star else ""
    return re.escape(before) + run + re.escape(after)


def _run(characters: frozenset[str], least: int, most: int) -> str:
    """So many of these, and no way back once they are taken."""
    if not characters:
        raise refused("has a field that can be nothing: what follows it takes every character")
    return f"[{''.join(re.escape(c) for c in sorted(characters))}]{{{least},{most}}}+"
