"""The parts of a User-Agent pattern: literal text, fields, and what may be absent.

    Yealink SIP-{model=T2*|T4*|CP9*} {firmware}[ {mac}]

A field in braces stands for characters of its sort, `[...]` for a part that may be absent. A field never takes the
character that has to follow it, so there is one way to read a text; two fields that touch are refused.
"""

from __future__ import annotations

import re
import string
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
class Sort:
    """Which characters a field takes: one of `first`, then of `more`, `most` at most in all."""

    first: frozenset[str]
    more: frozenset[str]
    most: int
    least: int = 1


SORTS = {
    "model": Sort(_ALPHANUMERIC | frozenset("_.+-"), _ALPHANUMERIC | frozenset("_.+-"), 32),
    "firmware": Sort(frozenset(string.digits), _ALPHANUMERIC | frozenset("_.+~()-"), 64),
    "mac": Sort(frozenset(string.hexdigits), frozenset(string.hexdigits + ":-"), 17, least=12),
    "word": Sort(_PRINTABLE - {" "}, _PRINTABLE - {" "}, 64),
    "rest": Sort(_PRINTABLE, _PRINTABLE, LONGEST_USER_AGENT),
}
CAPTURED = ("model", "firmware")


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    choices: tuple[str, ...] = ()
    """The texts it may be, each with one `*` at most; empty: any of its sort."""


@dataclass(frozen=True, slots=True)
class Optional:
    parts: tuple[Literal | Field, ...]


Part = Literal | Field | Optional


def read_parts(text: str) -> tuple[Part, ...]:
    """DecodeError where `text` is no pattern."""
    if not 0 < len(text) <= LONGEST_PATTERN:
        raise refused(f"has {len(text)} characters; 1 to {LONGEST_PATTERN} are allowed")
    parts = tuple(_parts(text, may_be_optional=True))
    names = [part.name for part in _flat(parts) if isinstance(part, Field)]
    for name in CAPTURED:
        if names.count(name) > 1:
            raise refused(f"has more than one {{{name}}}")
    for way in ways(parts):
        _check(way)
    return parts


def firsts(part: Literal | Field) -> frozenset[str]:
    """The characters it can begin with."""
    return frozenset(part.text[0]) if isinstance(part, Literal) else SORTS[part.name].first


def refused(reason: str) -> DecodeError:
    return DecodeError("User-Agent pattern", reason)


def _parts(text: str, *, may_be_optional: bool) -> Iterator[Part]:
    at = 0
    while at < len(text):
        if text[at] == "{":
            field = _FIELD.match(text, at)
            if field is None:
                raise refused(f"{text[at : at + 20]!r} is not a field such as {{model}}")
            yield _field(field["name"], field["choices"])
            at = field.end()
        elif text[at] == "[" and may_be_optional:
            end = text.find("]", at)
            if end < at + 2:
                raise refused(f"{text[at : at + 20]!r} is not an optional part such as [ {{mac}}]")
            inner = tuple(_parts(text[at + 1 : end], may_be_optional=False))
            yield Optional(tuple(part for part in inner if not isinstance(part, Optional)))
            at = end + 1
        else:
            literal = _literal_at(text, at)
            yield Literal(literal)
            at += len(literal)


def _literal_at(text: str, at: int) -> str:
    end = next((i for i in range(at, len(text)) if text[i] in _SPECIAL), len(text))
    literal = text[at:end]
    if not literal:
        raise refused(f"{text[at]!r} at position {at} has no counterpart, or stands inside another bracket")
    if not _PRINTABLE.issuperset(literal):
        raise refused(f"{literal!r} has characters other than printable ASCII")
    return literal


def _field(name: str, choices: str | None) -> Field:
    if name not in SORTS:
        raise refused(f"{{{name}}} is not one of {', '.join(f'{{{known}}}' for known in SORTS)}")
    if choices is None:
        return Field(name)
    if name != "model":
        raise refused(f"{{{name}}} takes no choices, only {{model}} does")
    read = tuple(choices.split("|"))
    for choice in read:
        if not choice.strip("*") or choice.count("*") > 1 or not _PRINTABLE.issuperset(choice):
            raise refused(f"{choice!r} is not a model, with one * at most and not only that")
    return Field(name, read)


def _flat(parts: Sequence[Part]) -> Iterator[Literal | Field]:
    for part in parts:
        if isinstance(part, Optional):
            yield from part.parts
        else:
            yield part


Way = tuple[Literal | Field, ...]


def ways(parts: Sequence[Part]) -> list[Way]:
    """The sequences a pattern stands for: with and without each optional part."""
    if sum(isinstance(part, Optional) for part in parts) > 3:
        raise refused("has more than three optional parts")
    each = [((), part.parts) if isinstance(part, Optional) else ((part,),) for part in parts]
    return [tuple(part for chosen in choice for part in chosen) for choice in product(*each)]


def _check(way: Way) -> None:
    for here, following in pairwise(way):
        if isinstance(here, Field) and isinstance(following, Field):
            raise refused(f"{{{here.name}}} and {{{following.name}}} touch; put a character between them")
        if isinstance(here, Field) and here.name == "rest":
            raise refused("{rest} can only stand at the end")
    if sum(_own_letters(part) for part in way) < _FEWEST_LETTERS:
        raise refused(f"has fewer than {_FEWEST_LETTERS} letters or digits of its own; write the vendor's words out")


def _own_letters(part: Literal | Field) -> int:
    texts = [part.text] if isinstance(part, Literal) else part.choices or ("",)
    return min(sum(character.isalnum() for character in text) for text in texts)
