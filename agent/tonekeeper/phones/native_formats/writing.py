"""Tuned settings in the model's own syntax: as a fragment to paste, or in the file that the phone has today.

In a file, the values of these settings change and nothing else does, to the byte; a setting that is not there yet is
added among its like. No value of any other setting is looked at, kept or told: a password stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.phones.native_formats.asterisk import ASTERISK
from tonekeeper.phones.native_formats.attributes import POLYCOM
from tonekeeper.phones.native_formats.baresip import BARESIP
from tonekeeper.phones.native_formats.elements import CISCO, HTEK, SNOM
from tonekeeper.phones.native_formats.fanvil import FANVIL
from tonekeeper.phones.native_formats.freeswitch import FREESWITCH
from tonekeeper.phones.native_formats.grandstream import GRANDSTREAM
from tonekeeper.phones.native_formats.lines import (
    AASTRA,
    AUDIOCODES_CFG,
    AUDIOCODES_INI,
    FANVIL_TEXT,
    PANASONIC,
    PJSUA,
    SNOM_TEXT,
    TWINKLE,
    YEALINK,
)
from tonekeeper.phones.native_formats.linphone import LINPHONE
from tonekeeper.phones.native_formats.named import GIGASET, GIGASET_FRAME, UNIFY
from tonekeeper.phones.native_formats.objects import OBI
from tonekeeper.phones.native_formats.setting_places import Entry, Place, Syntax
from tonekeeper.phones.parameter import Scope
from tonekeeper.phones.profile import Format
from tonekeeper.phones.tuned import Setting

SYNTAXES: dict[Format, Syntax] = {
    Format.YEALINK_CFG: YEALINK,
    Format.POLYCOM_XML: POLYCOM,
    Format.CISCO_XML: CISCO,
    Format.GRANDSTREAM_XML: GRANDSTREAM,
    Format.SNOM_XML: SNOM,
    Format.SNOM_TEXT: SNOM_TEXT,
    Format.FANVIL_XML: FANVIL,
    Format.FANVIL_TEXT: FANVIL_TEXT,
    Format.AUDIOCODES_INI: AUDIOCODES_INI,
    Format.AUDIOCODES_CFG: AUDIOCODES_CFG,
    Format.AASTRA_CFG: AASTRA,
    Format.GIGASET_XML: GIGASET,
    Format.GIGASET_FRAME: GIGASET_FRAME,
    Format.PANASONIC_CFG: PANASONIC,
    Format.OBI_XML: OBI,
    Format.HTEK_XML: HTEK,
    Format.UNIFY_WPI: UNIFY,
    Format.ASTERISK_CONF: ASTERISK,
    Format.FREESWITCH_XML: FREESWITCH,
    Format.BARESIP_ACCOUNTS: BARESIP,
    Format.LINPHONE_XML: LINPHONE,
    Format.PJSUA_CFG: PJSUA,
    Format.TWINKLE_CFG: TWINKLE,
}
"""All but `unknown`."""

LONGEST_FILE = 4 * 1024 * 1024
"""Bytes; a full export of a phone with twenty lines is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for a setting that the file did not have."""

    name: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Patched:
    content: bytes
    changes: tuple[Change, ...]
    left_out: tuple[str, ...]
    """Settings that have no place in this file."""


def entry_of(setting: Setting) -> Entry:
    account = 0 if setting.parameter.scope is Scope.PHONE else setting.account
    places = {"account": str(setting.account), "server": str(setting.server or 1)}
    aliases = (_named(alias, places) for alias in setting.parameter.aliases)
    return Entry((setting.name, *(alias for alias in aliases if alias != setting.name)), setting.native, account)


def _named(text: str, places: dict[str, str]) -> str:
    for place, number in places.items():
        text = text.replace(f"{{{place}}}", number)
    return text


def fragment(format: Format, settings: Iterable[Setting]) -> str | None:
    """None where the format is not known."""
    syntax = SYNTAXES.get(format)
    return None if syntax is None else syntax.fragment([entry_of(setting) for setting in settings])


def patched(format: Format, content: bytes, settings: Iterable[Setting]) -> Patched:
    """DecodeError where `content` is no file of this format, or nobody knows that format."""
    syntax = SYNTAXES.get(format)
    if syntax is None:
        raise DecodeError("settings file", "nobody knows the syntax of this model's files")
    if b"\x00" in content or len(content) > LONGEST_FILE:
        raise DecodeError("settings file", f"it is no text of at most {LONGEST_FILE} bytes in an 8-bit encoding")
    text = content.decode("latin-1")
    if next(iter(syntax.places(text)), None) is None and text.strip():
        raise DecodeError("settings file", f"there is no setting in it that is written as {format} has it")
    changes: list[Change] = []
    left_out: list[str] = []
    for setting in settings:
        entry = entry_of(setting)
        text, change = _written(syntax, text, entry)
        if change is None:
            left_out.append(entry.name)
        else:
            changes.append(change)
    return Patched(
        text.encode("latin-1"), tuple(each for each in changes if each.before != each.after), tuple(left_out)
    )


def read_back(format: Format, text: str, entry: Entry) -> str | None:
    """The value that `text` has for this setting; the last one counts. None where it has none."""
    syntax = SYNTAXES[format]
    found = [place for place in syntax.places(text) if place.holds(entry)]
    return syntax.decoded(found[-1].raw(text)) if found else None


def _written(syntax: Syntax, text: str, entry: Entry) -> tuple[str, Change | None]:
    found = [place for place in syntax.places(text) if place.holds(entry)]
    if found:
        before = syntax.decoded(found[-1].raw(text))
        return _replaced(text, found, syntax.encoded(entry.value)), Change(entry.name, before, entry.value)
    addition = syntax.addition(text, entry)
    if addition is None:
        return text, None
    at, written = addition
    return f"{text[:at]}{written}{text[at:]}", Change(entry.name, None, entry.value)


def _replaced(text: str, places: Sequence[Place], value: str) -> str:
    for place in sorted(places, key=lambda each: each.start, reverse=True):
        text = f"{text[: place.start]}{place.opening}{value}{place.closing}{text[place.end :]}"
    return text
