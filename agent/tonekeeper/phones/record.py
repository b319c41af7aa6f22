"""What every part of a profile is: frozen, and with no key that nobody knows."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The values of a profile decode and encode themselves, name what is wrong, and export their own JSON Schema."""


class Confidence(StrEnum):
    """`weak`: a template's value, a reading between the lines, or sources that disagree. Treat it with caution."""

    FACT = "fact"
    WEAK = "weak"


class Unknown(StrEnum):
    """Nobody could say. Written out, because what is merely absent may have been forgotten."""

    UNKNOWN = "unknown"
