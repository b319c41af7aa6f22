"""All profiles in one JSON document: what an agent reads, so that it can do without a YAML reader."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tonekeeper.errors import DecodeError
from tonekeeper.phones.match import ProfileSet
from tonekeeper.phones.profile import SCHEMA, Profile


class _Compiled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    profiles: tuple[Profile, ...]


def write_compiled(profiles: Sequence[Profile]) -> bytes:
    ordered = tuple(sorted(profiles, key=lambda profile: profile.id))
    return msgspec.json.encode(_Compiled(SCHEMA, ordered)) + b"\n"


def read_compiled(content: bytes) -> ProfileSet:
    """DecodeError where `content` was not written by `write_compiled` of this version."""
    try:
        compiled = msgspec.json.decode(content, type=_Compiled)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("compiled profiles", str(error)) from None
    if compiled.schema != SCHEMA:
        raise DecodeError("compiled profiles", f"schema {compiled.schema}, and this program knows {SCHEMA}")
    return ProfileSet(compiled.profiles)
