"""A profile as a document, into values: every mistake with its key path, what stands there, and what to write."""

from __future__ import annotations

import difflib
import re
from typing import TypeVar

import msgspec
from msgspec import inspect

from tonekeeper.errors import Mistake
from tonekeeper.phones.lint import mistakes_in
from tonekeeper.phones.parameter import Parameter
from tonekeeper.phones.profile import Example, Profile, Quirk

T = TypeVar("T")

_ITEMS: dict[str, type[Parameter] | type[Quirk] | type[Example]] = {
    "examples": Example,
    "parameters": Parameter,
    "quirks": Quirk,
}
"""Lists whose items are read one by one, so that a mistake in one hides none in the next."""
_MOST_UNKNOWN_KEYS = 20

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING_KEY = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected `(?P<wanted>.*)`, got `(?P<got>.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")
_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "object": "a map of keys",
    "array": "a list",
}


def read_profile(document: object) -> tuple[Profile | None, list[Mistake]]:
    """The profile in plain maps, lists, texts and numbers, or None with everything that is wrong."""
    mistakes: list[Mistake] = []
    if not isinstance(document, dict):
        wrong = Mistake("file", "", "is no map of keys", "begin with schema: 1 and id: VENDOR-MODEL")
        return None, [wrong]
    rest = dict(document)
    for key, kind in _ITEMS.items():
        items = document.get(key)
        if isinstance(items, list):
            rest[key] = []
            for index, item in enumerate(items):
                _converted(item, kind, f"{key}[{index}]", mistakes)
    _converted(rest, Profile, "", mistakes)
    if mistakes:
        return None, mistakes
    profile = msgspec.convert(document, Profile)
    mistakes += mistakes_in(profile)
    return (None if mistakes else profile), mistakes


def json_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a profile, for editors and for the checks of others."""
    schema = msgspec.json.schema(Profile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tonekeeper firmware profile"} | schema


def _converted(value: object, kind: type[T], path: str, mistakes: list[Mistake]) -> T | None:
    for _ in range(_MOST_UNKNOWN_KEYS):
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            mistake, unknown = _explained(str(error), value, kind, path)
            mistakes.append(mistake)
            if unknown is None:
                return None
            value = _without(value, unknown)
    return None


def _explained(message: str, value: object, kind: type, path: str) -> tuple[Mistake, tuple[str | int, ...] | None]:
    """The mistake that `message` tells of, and the steps to the key that nobody knows, if that is it."""
    read = _MESSAGE.fullmatch(message)
    assert read is not None
    steps = tuple(key or int(index) for key, index in _STEP.findall(read["path"] or ""))
    what = read["what"]
    known = _known_at(kind, steps)
    if unknown := _UNKNOWN_KEY.fullmatch(what):
        key = unknown[1]
        shown = as_shown(_at(value, (*steps, key)))
        near = difflib.get_close_matches(key[:64], known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return Mistake(_path(path, (*steps, key)), shown, "unknown key", remedy), (*steps, key)
    if missing := _MISSING_KEY.fullmatch(what):
        return Mistake(
            _path(path, (*steps, missing[1])), "", "is missing", "write it; what no source says is unknown"
        ), None
    shown = as_shown(_at(value, steps))
    if read["key"]:
        return Mistake(_path(path, steps), shown, "has a key that is no text", "put the key in quotes"), None
    if what.startswith("Invalid enum value"):
        return Mistake(_path(path, steps), shown, "is no known word", _words(shown, known)), None
    if wrong := _WRONG_TYPE.match(what):
        return Mistake(_path(path, steps), shown, f"is {_typed(wrong['got'])}", _wanted(wrong["wanted"], known)), None
    return Mistake(_path(path, steps), shown, what[:1].lower() + what[1:], "see docs/profiles.md"), None


def _words(shown: str, known: list[str]) -> str:
    near = difflib.get_close_matches(shown.strip('"')[:64], known, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _typed(got: str) -> str:
    return _TYPES.get(got, got)


def _wanted(wanted: str, known: list[str]) -> str:
    kinds = " or ".join(_typed(part) for part in wanted.split(" | ") if part != "null")
    quotes = ", in quotes" if wanted == "str" else ""
    words = f" ({', '.join(known)})" if known and "str" in wanted else ""
    return f"write {kinds}{quotes}{words}"


def _known_at(kind: type, steps: tuple[str | int, ...]) -> list[str]:
    """The keys of the record, or the words of the enumeration, that belong at this place."""
    types: list[inspect.Type] = [inspect.type_info(kind)]
    for step in steps:
        types = [inner for each in _alternatives(types) for inner in _inside(each, step)]
    found: list[str] = []
    for each in _alternatives(types):
        match each:
            case inspect.StructType():
                found += [field.encode_name for field in each.fields]
            case inspect.EnumType():
                found += [str(member.value) for member in each.cls]
            case _:
                pass
    return found


def _alternatives(types: list[inspect.Type]) -> list[inspect.Type]:
    return [inner for each in types for inner in (each.types if isinstance(each, inspect.UnionType) else (each,))]


def _inside(outer: inspect.Type, step: str | int) -> list[inspect.Type]:
    match outer:
        case inspect.StructType():
            return [field.type for field in outer.fields if field.encode_name == step]
        case inspect.VarTupleType():
            return [outer.item_type]
        case inspect.TupleType() if isinstance(step, int) and step < len(outer.item_types):
            return [outer.item_types[step]]
        case _:
            return []


def _at(value: object, steps: tuple[str | int, ...]) -> object:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _without(value: object, steps: tuple[str | int, ...]) -> object:
    """`value` without the key at the end of `steps`; what is not on the way there is shared."""
    step, *rest = steps
    if isinstance(value, dict):
        changed = dict(value)
        if rest:
            changed[step] = _without(value[step], tuple(rest))
        else:
            changed.pop(step, None)
        return changed
    if isinstance(value, list) and isinstance(step, int) and rest:
        return [_without(each, tuple(rest)) if i == step else each for i, each in enumerate(value)]
    return value


def _path(path: str, steps: tuple[str | int, ...]) -> str:
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else (f".{step}" if path else step)
    return path


def as_shown(value: object) -> str:
    """`value` on one short line."""
    match value:
        case None | dict() | list():
            return ""
        case str():
            cut = value if len(value) <= 60 else f"{value[:60]}..."
            return msgspec.json.encode(cut).decode(errors="replace")
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)[:60]
