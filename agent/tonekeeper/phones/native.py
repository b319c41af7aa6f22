"""A parameter's value in the phone's own words, and back.

Our side counts seconds and speaks one vocabulary; the phone's side has minutes, hundredths of a second, hexadecimal
numbers, words of its own, and numbers that are not what they seem. What is written here is read back as it was meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from tonekeeper.errors import DecodeError
from tonekeeper.phones.parameter import NUMBERS, SECONDS, UNKNOWN, WORDS, Meaning, Notation, Parameter

Value = float | str | Meaning | Mapping[str, str]
"""Seconds, percent or a count; a word of ours or a text; what a number means that is not what it seems; the places of a
template, as the phone writes them."""

_PLACE = re.compile(r"\{([a-z]+)\}")
_DECIMAL = re.compile("-?[0-9]{1,15}(?:[.][0-9]{1,9})?|[.][0-9]{1,9}")
_HEXADECIMAL = re.compile("0x[0-9a-fA-F]{1,12}")
_LONGEST = 512


def write_value(parameter: Parameter, value: Value) -> str:
    """`value` as the phone writes it. ValueError where the parameter cannot hold it: `fit` first."""
    if isinstance(value, Meaning):
        return _special(parameter, value)
    if isinstance(value, Mapping):
        return _filled(parameter, value)
    if isinstance(value, str):
        return _word(parameter, value)
    if parameter.unit not in NUMBERS or parameter.template or not math.isfinite(value):
        raise ValueError(f"{parameter.name} cannot hold the number {value}")
    number = _in_unit(parameter, value)
    if not _is_allowed(parameter, number):
        raise ValueError(f"{parameter.name} cannot hold {number:.12g} {parameter.unit}")
    if parameter.notation is Notation.HEXADECIMAL:
        return hex(int(number))
    return f"{number:.12g}" if number != int(number) else str(int(number))


def read_value(parameter: Parameter, native: str) -> Value:
    """What `native` means. DecodeError where the phone could not have written it."""
    if len(native) > _LONGEST:
        raise DecodeError(parameter.name, f"{len(native)} characters are too many")
    if native in parameter.special:
        return parameter.special[native]
    if parameter.unit in WORDS:
        for word, written in parameter.choices.items():
            if str(written) == native:
                return word
        raise DecodeError(parameter.name, f"{native[:40]!r} is none of its choices")
    if parameter.template:
        return _places(parameter, native)
    if parameter.unit not in NUMBERS:
        return native
    pattern = _HEXADECIMAL if parameter.notation is Notation.HEXADECIMAL else _DECIMAL
    if not pattern.fullmatch(native):
        raise DecodeError(parameter.name, f"{native[:40]!r} is no number")
    return _from_unit(parameter, int(native, 16) if parameter.notation is Notation.HEXADECIMAL else float(native))


def default_value(parameter: Parameter) -> Value | None:
    """What the factory setting means; None where nobody knows it."""
    if parameter.default == UNKNOWN:
        return None
    if isinstance(parameter.default, str):
        return parameter.special.get(parameter.default, parameter.default)
    special = parameter.special.get(f"{parameter.default:.12g}")
    return special if special is not None else _from_unit(parameter, parameter.default)


def fit(parameter: Parameter, value: float) -> float:
    """The nearest that the parameter can hold and that is not above `value`; the least it can hold where all are.
    In seconds where it is a time."""
    wanted = value / SECONDS.get(parameter.unit, 1.0)
    if parameter.steps:
        below = [step for step in parameter.steps if step <= wanted + 1e-9]
        return _from_unit(parameter, max(below) if below else min(parameter.steps))
    grain = _grain(parameter)
    least = -math.inf if parameter.min is None else math.ceil(parameter.min / grain - 1e-9) * grain
    most = math.inf if parameter.max is None else parameter.max
    number = max(least, math.floor(min(wanted, most) / grain + 1e-9) * grain)
    while f"{number:.12g}" in parameter.special:
        number += grain
    return _from_unit(parameter, round(number, 9))


def _grain(parameter: Parameter) -> float:
    """The finest step: a tenth where the vendor's own numbers have decimals, else 1."""
    own = (parameter.default, parameter.min, *parameter.steps)
    return 0.1 if any(isinstance(each, float | int) and each != int(each) for each in own) else 1.0


def _in_unit(parameter: Parameter, value: float) -> float:
    return round(value / SECONDS.get(parameter.unit, 1.0), 9)


def _from_unit(parameter: Parameter, number: float) -> float:
    return round(number * SECONDS.get(parameter.unit, 1.0), 9)


def _is_allowed(parameter: Parameter, number: float) -> bool:
    if parameter.steps and number not in parameter.steps:
        return False
    if f"{number:.12g}" in parameter.special:
        return False
    whole = abs(number / _grain(parameter) - round(number / _grain(parameter))) < 1e-6
    return (
        whole
        and (parameter.min is None or number >= parameter.min)
        and (parameter.max is None or number <= parameter.max)
        and (parameter.notation is Notation.DECIMAL or number >= 0)
    )


def _special(parameter: Parameter, meaning: Meaning) -> str:
    for native, meant in parameter.special.items():
        if meant is meaning:
            return native
    raise ValueError(f"{parameter.name} has no value that means {meaning}")


def _word(parameter: Parameter, word: str) -> str:
    if parameter.unit in WORDS:
        if word not in parameter.choices:
            raise ValueError(f"{parameter.name} has no choice {word!r}")
        return str(parameter.choices[word])
    if parameter.unit in NUMBERS or parameter.template or word in parameter.special or len(word) > _LONGEST:
        raise ValueError(f"{parameter.name} cannot hold the text {word[:40]!r}")
    return word


def _filled(parameter: Parameter, places: Mapping[str, str]) -> str:
    wanted = _PLACE.findall(parameter.template)
    if set(wanted) != set(places):
        raise ValueError(f"{parameter.name} wants {', '.join(wanted) or 'no places'}")
    written = _PLACE.sub(lambda place: places[place[1]], parameter.template)
    if read_value(parameter, written) != dict(places):
        raise ValueError(f"{parameter.name} cannot hold {written[:60]!r}")
    return written


def _places(parameter: Parameter, native: str) -> dict[str, str]:
    """The text between the template's own characters; each place ends where the next of those begins."""
    found: dict[str, str] = {}
    rest = native
    literals = _PLACE.split(parameter.template)
    if not rest.startswith(literals[0]):
        raise DecodeError(parameter.name, f"{native[:40]!r} is not {parameter.template}")
    rest = rest[len(literals[0]) :]
    for place, literal in zip(literals[1::2], literals[2::2], strict=True):
        text, separator, rest = rest.partition(literal) if literal else (rest, "", "")
        if (literal and not separator) or found.setdefault(place, text) != text:
            raise DecodeError(parameter.name, f"{native[:40]!r} is not {parameter.template}")
    if rest:
        raise DecodeError(parameter.name, f"{native[:40]!r} is not {parameter.template}")
    return found
