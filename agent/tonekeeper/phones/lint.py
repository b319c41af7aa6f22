"""What a profile that can be read may still get wrong.

A profile is data that sets the timers of real phones, so it is held to more than its syntax: an example that its own
patterns do not match, a reaction that leans on a parameter that is not there, a statement without a source. What a
parameter has to be is in `parameter_rules`, what two profiles may not both claim in `clash`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tonekeeper.errors import DecodeError, Mistake
from tonekeeper.phones.behaviour import Backoff, Behaviour, Refresh, Timeout
from tonekeeper.phones.clash import pattern_texts
from tonekeeper.phones.parameter import UNKNOWN
from tonekeeper.phones.parameter_rules import given_twice, mistakes_in_parameter, mistakes_in_range
from tonekeeper.phones.pattern import Pattern, parse_pattern
from tonekeeper.phones.pattern_parts import LONGEST_USER_AGENT
from tonekeeper.phones.profile import SCHEMA, Profile

_ID = re.compile("[a-z0-9]{1,32}(?:-[a-z0-9]{1,32}){1,8}")
_CODE = re.compile("[a-z0-9]{1,32}(?:-[a-z0-9]{1,32}){0,12}")
_MAC_PREFIX = re.compile("[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}")
_UNSOURCED = ("derived", "unsourced")
"""What a source may say instead of naming one; the statement is weak then, or arithmetic on sourced ones."""


def mistakes_in(profile: Profile) -> Iterator[Mistake]:
    """Everything that is wrong with a profile by itself."""
    yield from _heading(profile)
    yield from _matching(profile)
    for index, parameter in enumerate(profile.parameters):
        yield from mistakes_in_parameter(parameter, f"parameters[{index}]")
    yield from given_twice(profile.parameters)
    yield from _behaviour(profile)
    yield from _quirks(profile)
    yield from _sources(profile)


def _heading(profile: Profile) -> Iterator[Mistake]:
    if profile.schema != SCHEMA:
        yield Mistake("schema", str(profile.schema), "is a version this program does not know", f"write {SCHEMA}")
    if not _ID.fullmatch(profile.id):
        yield Mistake("id", profile.id[:60], "is no name for a profile", "write VENDOR-MODEL in small letters")
    for key, text in (("vendor", profile.vendor), ("family", profile.family)):
        if not text.strip():
            yield Mistake(key, '""', "is empty", "write the name as the vendor does")


def _matching(profile: Profile) -> Iterator[Mistake]:
    patterns: list[Pattern] = []
    for path, text in pattern_texts(profile):
        try:
            patterns.append(parse_pattern(text))
        except DecodeError as error:
            yield Mistake(path, f'"{text[:60]}"', error.reason, "see docs/profiles.md, Patterns")
    for index, prefix in enumerate(profile.match.mac_prefixes):
        if not _MAC_PREFIX.fullmatch(prefix):
            path = f"match.mac_prefixes[{index}]"
            yield Mistake(path, prefix[:60], "is no prefix of a MAC address", 'write it as "00:15:65"')
    yield from mistakes_in_range(profile.match.firmware, "match.firmware")
    yield from _examples(profile, patterns)


def _examples(profile: Profile, patterns: Sequence[Pattern]) -> Iterator[Mistake]:
    if patterns and not profile.examples:
        yield Mistake("examples", "", "are missing", "give at least one real User-Agent, or leave out the patterns")
    for index, example in enumerate(profile.examples):
        path, shown = f"examples[{index}].user_agent", f'"{example.user_agent[:60]}"'
        found = [read for pattern in patterns if (read := pattern.read(example.user_agent)) is not None]
        if not found:
            remedy = f"correct the pattern, or the example (at most {LONGEST_USER_AGENT} printable characters)"
            yield Mistake(path, shown, "is matched by no pattern of this profile", remedy)
        elif (example.model, example.firmware) != found[0]:
            reason = f'is read as model "{found[0][0]}", firmware "{found[0][1]}"'
            yield Mistake(path, shown, reason, "correct the pattern, or model and firmware of the example")
        elif profile.match.firmware.contains(example.firmware) is False:
            yield Mistake(path, shown, "is outside match.firmware", "correct one of the two")


def _behaviour(profile: Profile) -> Iterator[Mistake]:
    given = {parameter.capability for parameter in profile.parameters}
    for path, capability in _capabilities_in(msgspec.to_builtins(profile.behaviour), "behaviour"):
        if capability not in given:
            yield Mistake(path, capability, "is no parameter of this profile", "add the parameter, or write the value")
    yield from _one_key_each(profile.behaviour)
    for requirement in profile.behaviour.failover.needs:
        words = [p.choices for p in profile.parameters if p.capability is requirement.capability]
        if requirement.value and words and not any(requirement.value in choices for choices in words):
            path = "behaviour.failover.needs"
            yield Mistake(
                path, requirement.value[:60], f"is no choice of {requirement.capability}", "use one of its words"
            )


_REFERRING = frozenset(
    {"first", "most", "at_once", "plus", "attempts", "after", "sends", "retries", "margin", "percent"}
    | {"switch", "interval", "losses", "capability", "dead_server_hold", "set"}
)


def _capabilities_in(value: object, path: str, key: str = "") -> Iterator[tuple[str, str]]:
    """Where a behaviour leans on a parameter: (key path, capability)."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _capabilities_in(each, f"{path}.{inner}", inner)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _capabilities_in(each, f"{path}[{index}]")
    elif isinstance(value, str) and key in _REFERRING and value != UNKNOWN:
        yield path, value


def _one_key_each(behaviour: Behaviour) -> Iterator[Mistake]:
    timeouts = {
        "behaviour.timeout": behaviour.timeout,
        "behaviour.last_timeout": behaviour.last_timeout,
        "behaviour.calls.timeout": behaviour.calls.timeout,
    }
    for path, timeout in timeouts.items():
        if isinstance(timeout, Timeout):
            ways = (timeout.after, timeout.times_t1, timeout.sends, timeout.retries)
            if sum(way is not None for way in ways) != 1:
                yield Mistake(path, "", "needs exactly one key", "write one of after, times_t1, sends, retries")
    refresh = behaviour.refresh
    if isinstance(refresh, Refresh) and (refresh.margin is None) == (refresh.percent is None):
        yield Mistake("behaviour.refresh", "", "needs exactly one key", "write margin or percent")
    for name in behaviour.failures.__struct_fields__:
        retry = getattr(getattr(behaviour.failures, name), "retry", None)
        if isinstance(retry, Backoff) and not 0 <= retry.spread[0] <= retry.spread[1]:
            path = f"behaviour.failures.{name.replace('_', '-')}.retry.spread"
            yield Mistake(path, str(list(retry.spread)), "is upside down", "write the smaller factor first")


def _quirks(profile: Profile) -> Iterator[Mistake]:
    for index, quirk in enumerate(profile.quirks):
        if not _CODE.fullmatch(quirk.code):
            yield Mistake(f"quirks[{index}].code", quirk.code[:60], "is no code", "write kebab-case: stuck-after-403")
        yield from mistakes_in_range(quirk.firmware, f"quirks[{index}].firmware")
        if quirk.code in [other.code for other in profile.quirks[:index]]:
            yield Mistake(f"quirks[{index}].code", quirk.code, "stands here a second time", "give each quirk its own")
    for index, reread in enumerate(profile.delivery.reread):
        yield from mistakes_in_range(reread.firmware, f"delivery.reread[{index}].firmware")
        if bool(reread.event) == bool(reread.action):
            yield Mistake(f"delivery.reread[{index}]", "", "needs an event or an action", "write one of the two")


def _sources(profile: Profile) -> Iterator[Mistake]:
    """Each statement names a source that the profile lists, and each source listed is named."""
    used: set[str] = set()
    for path, source in _sources_in(msgspec.to_builtins(profile), ""):
        for part in source.split(";"):
            key = part.strip().split(" ")[0].rstrip(",:")
            used.add(key)
            if key not in profile.sources and key not in _UNSOURCED:
                remedy = f"begin with one of {', '.join(profile.sources)}, or derived, or unsourced"
                yield Mistake(path, part.strip()[:60], f'names the source "{key[:30]}" that is not listed', remedy)
    for key in profile.sources:
        if key not in used:
            yield Mistake(f"sources.{key[:60]}", "", "is named by no statement", "leave it out")


def _sources_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if key == "source" and isinstance(each, str):
                yield inner, each
            elif key != "sources":
                yield from _sources_in(each, inner)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _sources_in(each, f"{path}[{index}]")
