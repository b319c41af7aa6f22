"""Patterns for User-Agents: literal text with named fields, matched in one pass.

    Yealink SIP-{model=T2*|T4*|CP9*} {firmware}[ {mac}]

A field in braces stands for characters of its kind, `[...]` for a part that may be absent. A field never takes the
character that has to follow it, so there is one way to read a text and nothing to go back over; two fields that touch
are refused. Whether two patterns could both match some text is decided by walking them in step, not by trying examples.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from tonekeeper.errors import DecodeError

LONGEST_PATTERN = 400
LONGEST_USER_AGENT = 256
"""Characters; the longest known one has 90."""

_FEWEST_LETTERS = 3

_PRINTABLE = frozenset(map(chr, range(32, 127)))
_ALPHANUMERIC = frozenset(string.ascii_letters + string.digits)
_SPECIAL = frozenset("{}[]")
_FIELD = re.compile(r"\{(?P<name>[a-z]+)(?:=(?P<choices>[^{}\[\]]*))?\}")


@dataclass(frozen=True, slots=True)
class _Sort:
    """Which characters a field takes: one of `first`, then of `more`, `most` at most in all."""

    first: frozenset[str]
    more: frozenset[str]
    most: int
    least: int = 1


_SORTS = {
    "model": _Sort(_ALPHANUMERIC | frozenset("_.+-"), _ALPHANUMERIC | frozenset("_.+-"), 32),
    "firmware": _Sort(frozenset(string.digits), _ALPHANUMERIC | frozenset("_.+~()-"), 64),
    "mac": _Sort(frozenset(string.hexdigits), frozenset(string.hexdigits + ":-"), 17, least=12),
    "word": _Sort(_PRINTABLE - {" "}, _PRINTABLE - {" "}, 64),
    "rest": _Sort(_PRINTABLE, _PRINTABLE, LONGEST_USER_AGENT),
}
_CAPTURED = ("model", "firmware")


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    choices: tuple[str, ...] = ()
    """The texts it may be, each with one `*` at most; empty: any of its sort."""


@dataclass(frozen=True, slots=True)
class _Optional:
    parts: tuple[_Literal | _Field, ...]


_Part = _Literal | _Field | _Optional


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read; `read` says what it finds."""

    text: str
    _parts: tuple[_Part, ...]
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
        return _common_text(_Walk(_ways(self._parts)), _Walk(_ways(other._parts)))


def parse_pattern(text: str) -> Pattern:
    """DecodeError where `text` is no pattern."""
    if not 0 < len(text) <= LONGEST_PATTERN:
        raise _refused(f"has {len(text)} characters; 1 to {LONGEST_PATTERN} are allowed")
    parts = tuple(_parts(text, may_be_optional=True))
    names = [part.name for part in _flat(parts) if isinstance(part, _Field)]
    for name in _CAPTURED:
        if names.count(name) > 1:
            raise _refused(f"has more than one {{{name}}}")
    for way in _ways(parts):
        _check(way)
    return Pattern(text, parts, re.compile(_regex(parts)))


def _refused(reason: str) -> DecodeError:
    return DecodeError("User-Agent pattern", reason)


def _parts(text: str, *, may_be_optional: bool) -> Iterator[_Part]:
    at = 0
    while at < len(text):
        if text[at] == "{":
            field = _FIELD.match(text, at)
            if field is None:
                raise _refused(f"{text[at : at + 20]!r} is not a field such as {{model}}")
            yield _field(field["name"], field["choices"])
            at = field.end()
        elif text[at] == "[" and may_be_optional:
            end = text.find("]", at)
            if end < at + 2:
                raise _refused(f"{text[at : at + 20]!r} is not an optional part such as [ {{mac}}]")
            inner = tuple(_parts(text[at + 1 : end], may_be_optional=False))
            yield _Optional(tuple(part for part in inner if not isinstance(part, _Optional)))
            at = end + 1
        else:
            literal = _literal_at(text, at)
            yield _Literal(literal)
            at += len(literal)


def _literal_at(text: str, at: int) -> str:
    end = next((i for i in range(at, len(text)) if text[i] in _SPECIAL), len(text))
    literal = text[at:end]
    if not literal:
        raise _refused(f"{text[at]!r} at position {at} has no counterpart, or stands inside another bracket")
    if not _PRINTABLE.issuperset(literal):
        raise _refused(f"{literal!r} has characters other than printable ASCII")
    return literal


def _field(name: str, choices: str | None) -> _Field:
    if name not in _SORTS:
        raise _refused(f"{{{name}}} is not one of {', '.join(f'{{{known}}}' for known in _SORTS)}")
    if choices is None:
        return _Field(name)
    if name != "model":
        raise _refused(f"{{{name}}} takes no choices, only {{model}} does")
    read = tuple(choices.split("|"))
    for choice in read:
        if not choice.strip("*") or choice.count("*") > 1 or not _PRINTABLE.issuperset(choice):
            raise _refused(f"{choice!r} is not a model, with one * at most and not only that")
    return _Field(name, read)


def _flat(parts: Sequence[_Part]) -> Iterator[_Literal | _Field]:
    for part in parts:
        if isinstance(part, _Optional):
            yield from part.parts
        else:
            yield part


_Way = tuple[_Literal | _Field, ...]


def _ways(parts: Sequence[_Part]) -> list[_Way]:
    """The sequences a pattern stands for: with and without each optional part."""
    if sum(isinstance(part, _Optional) for part in parts) > 3:
        raise _refused("has more than three optional parts")
    each = [((), part.parts) if isinstance(part, _Optional) else ((part,),) for part in parts]
    return [tuple(part for chosen in choice for part in chosen) for choice in product(*each)]


def _check(way: _Way) -> None:
    for here, following in pairwise(way):
        if isinstance(here, _Field) and isinstance(following, _Field):
            raise _refused(f"{{{here.name}}} and {{{following.name}}} touch; put a character between them")
        if isinstance(here, _Field) and here.name == "rest":
            raise _refused("{rest} can only stand at the end")
    if sum(_own_letters(part) for part in way) < _FEWEST_LETTERS:
        raise _refused(f"has fewer than {_FEWEST_LETTERS} letters or digits of its own; write the vendor's words out")


def _own_letters(part: _Literal | _Field) -> int:
    texts = [part.text] if isinstance(part, _Literal) else part.choices or ("",)
    return min(sum(character.isalnum() for character in text) for text in texts)


def _regex(parts: Sequence[_Part]) -> str:
    written = []
    for index, part in enumerate(parts):
        following = _following(parts, index)
        match part:
            case _Literal(text):
                written.append(re.escape(text))
            case _Field():
                written.append(_field_regex(part, following))
            case _Optional(inner):
                written.append(f"(?:{''.join(_inner_regex(inner, following))})?")
    return "".join(written)


def _inner_regex(inner: Sequence[_Literal | _Field], after: frozenset[str]) -> Iterator[str]:
    for index, part in enumerate(inner):
        following = _firsts(inner[index + 1]) if index + 1 < len(inner) else after
        yield re.escape(part.text) if isinstance(part, _Literal) else _field_regex(part, following)


def _following(parts: Sequence[_Part], index: int) -> frozenset[str]:
    """The characters that may come right after part `index`."""
    found: frozenset[str] = frozenset()
    for part in parts[index + 1 :]:
        if not isinstance(part, _Optional):
            return found | _firsts(part)
        found |= _firsts(part.parts[0])
    return found


def _firsts(part: _Literal | _Field) -> frozenset[str]:
    return frozenset(part.text[0]) if isinstance(part, _Literal) else _SORTS[part.name].first


def _field_regex(field: _Field, following: frozenset[str]) -> str:
    sort = _SORTS[field.name]
    if field.choices:
        inside = "|".join(_choice_regex(choice, sort, following) for choice in field.choices)
    else:
        inside = _run(sort.first - following, 1, 1) + _run(sort.more - following, sort.least - 1, sort.most - 1)
    return f"(?P<{field.name}>{inside})" if field.name in _CAPTURED else f"(?:{inside})"


def _choice_regex(choice: str, sort: _Sort, following: frozenset[str]) -> str:
    before, star, after = choice.partition("*")
    run = _run(sort.more - (frozenset(after[0]) if after else following), 0, sort.most) if star else ""
    return re.escape(before) + run + re.escape(after)


def _run(characters: frozenset[str], least: int, most: int) -> str:
    """So many of these, and no way back once they are taken."""
    if not characters:
        raise _refused("has a field that can be nothing: what follows it takes every character")
    return f"[{''.join(re.escape(c) for c in sorted(characters))}]{{{least},{most}}}+"


_Edge = tuple[frozenset[str], int]


class _Walk:
    """A pattern as states: from each, which characters lead where. Lengths are not counted, so it may take more."""

    def __init__(self, ways: Sequence[_Way]) -> None:
        self.edges: list[list[_Edge]] = [[]]
        self.skips: list[list[int]] = [[]]
        self.end = self._state()
        for way in ways:
            self._add(way)

    def reach(self, states: frozenset[int]) -> frozenset[int]:
        """These states, and those that are reached from them without a character."""
        found, open_ = set(states), list(states)
        while open_:
            for state in self.skips[open_.pop()]:
                if state not in found:
                    found.add(state)
                    open_.append(state)
        return frozenset(found)

    def step(self, states: frozenset[int], character: str) -> frozenset[int]:
        return self.reach(frozenset(to for s in states for taken, to in self.edges[s] if character in taken))

    def characters(self, states: frozenset[int]) -> frozenset[str]:
        return frozenset[str]().union(*(taken for s in states for taken, _ in self.edges[s]))

    def _state(self) -> int:
        self.edges.append([])
        self.skips.append([])
        return len(self.edges) - 1

    def _add(self, way: _Way) -> None:
        at = 0
        for index, part in enumerate(way):
            following = _firsts(way[index + 1]) if index + 1 < len(way) else frozenset[str]()
            at = self._literal(at, part.text) if isinstance(part, _Literal) else self._field(at, part, following)
        self.skips[at].append(self.end)

    def _literal(self, at: int, text: str) -> int:
        for character in text:
            at = self._one(at, frozenset(character))
        return at

    def _field(self, at: int, field: _Field, following: frozenset[str]) -> int:
        sort, end = _SORTS[field.name], self._state()
        for choice in field.choices:
            before, star, after = choice.partition("*")
            state = self._literal(at, before)
            if star:
                state = self._some(state, sort.more - (frozenset(after[0]) if after else following))
            self.skips[self._literal(state, after)].append(end)
        if not field.choices:
            state = self._one(at, sort.first - following)
            for _ in range(1, sort.least):
                state = self._one(state, sort.more - following)
            self.skips[self._some(state, sort.more - following)].append(end)
        return end

    def _one(self, at: int, characters: frozenset[str]) -> int:
        state = self._state()
        self.edges[at].append((characters, state))
        return state

    def _some(self, at: int, characters: frozenset[str]) -> int:
        """Any number of these; in a state of its own, so that nobody else who passes `at` takes them."""
        state = self._state()
        self.skips[at].append(state)
        self.edges[state].append((characters, state))
        return state


def _common_text(ours: _Walk, theirs: _Walk) -> str | None:
    start = (ours.reach(frozenset({0})), theirs.reach(frozenset({0})))
    seen, queue = {start}, deque([(*start, "")])
    while queue:
        one, two, text = queue.popleft()
        if ours.end in one and theirs.end in two:
            return text
        for character in _tellings(ours.characters(one) & theirs.characters(two)):
            pair = (ours.step(one, character), theirs.step(two, character))
            if pair not in seen:
                seen.add(pair)
                queue.append((*pair, text + character))
    return None


def _tellings(characters: frozenset[str]) -> list[str]:
    return sorted(characters, key=lambda c: (not c.isalnum(), c))
