"""What a profile that can be read may still get wrong: by itself, and against the others.

A profile is data that sets the timers of real phones, so it is held to more than its syntax: a range that is upside
down, a default outside its range, a time without a unit of time, a reaction that leans on a parameter that is not
there, an example that its own patterns do not match, a second family that claims the same User-Agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tonekeeper.errors import DecodeError, Mistake
from tonekeeper.phones.behaviour import Backoff, Behaviour, Refresh, Timeout
from tonekeeper.phones.firmware import FirmwareRange, is_version
from tonekeeper.phones.parameter import NUMBERS, SECONDS, UNKNOWN, WORDS, Capability, Parameter, Scope, Unit
from tonekeeper.phones.pattern import LONGEST_USER_AGENT, Pattern, parse_pattern
from tonekeeper.phones.profile import SCHEMA, Profile

_ID = re.compile("[a-z0-9]{1,32}(?:-[a-z0-9]{1,32}){1,8}")
_CODE = re.compile("[a-z0-9]{1,32}(?:-[a-z0-9]{1,32}){0,12}")
_MAC_PREFIX = re.compile("[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}")
_PLACE = re.compile(r"\{([a-z]*)\}")
_NAME_PLACES = frozenset({"account", "server"})
_TEMPLATE_PLACES = frozenset({"low", "high", "most", "first", "second", "third", "transport"})
_UNSOURCED = ("derived", "unsourced")
"""What a source may say instead of naming one; the statement is weak then, or arithmetic on sourced ones."""

_COUNTS = (Unit.COUNT,)
_TIMES = tuple(SECONDS)
_HOSTS = (Unit.HOST, Unit.ADDRESS, Unit.TEXT)
_SWITCHES = (Unit.SWITCH, Unit.CHOICE)
_COUNTED = frozenset(
    {
        Capability.REGISTRATION_ATTEMPTS,
        Capability.TCP_KEEPALIVE_COUNT,
        Capability.PROBE_LOSSES,
        Capability.REQUEST_RETRIES,
        Capability.REQUEST_SENDS,
        Capability.REQUEST_SENDS_BEFORE_FAILOVER,
        Capability.INVITE_RETRIES,
        Capability.FAILOVER_SERVERS,
    }
)
_TEXTS = frozenset({Capability.REGISTRATION_RETRY_CODES, Capability.FAILOVER_CODES, Capability.BACKUP_ACCOUNT})
_SERVERS = frozenset(
    {
        Capability.SERVER_PRIMARY,
        Capability.SERVER_SECONDARY,
        Capability.SERVER_TERTIARY,
        Capability.REGISTRAR_PRIMARY,
        Capability.REGISTRAR_SECONDARY,
        Capability.OUTBOUND_PROXY_PRIMARY,
        Capability.OUTBOUND_PROXY_SECONDARY,
        Capability.SERVER_LIST,
        Capability.STUN_SERVER,
    }
)
_PORTS = frozenset(each for each in Capability if each.endswith("-port"))
_SWITCHED = frozenset(
    {
        Capability.KEEPALIVE,
        Capability.KEEPALIVE_METHOD,
        Capability.CRLF_KEEPALIVE,
        Capability.TCP_KEEPALIVE,
        Capability.PROBE_METHOD,
        Capability.DNS_MODE,
        Capability.DNS_SRV_PREFIX,
        Capability.FAILOVER,
        Capability.FAILOVER_MODE,
        Capability.FAILOVER_ON_REJECTION,
        Capability.FAILOVER_REGISTERS_FIRST,
        Capability.FAILOVER_DROPS_REGISTRATION,
        Capability.SECOND_REGISTRATION,
        Capability.FAILBACK,
        Capability.FAILBACK_MODE,
        Capability.CALLS_FOLLOW_REGISTRATION,
        Capability.CALL_FAILURE_REGISTERS,
        Capability.TRANSPORT,
        Capability.RPORT,
        Capability.OUTBOUND,
        Capability.RESYNC_BY_NOTIFY,
    }
)
CHOICES: dict[Capability, frozenset[str]] = {
    Capability.KEEPALIVE_METHOD: frozenset({"off", "packet", "options", "notify", "register", "stun", "custom"}),
    Capability.PROBE_METHOD: frozenset({"off", "options", "notify", "register"}),
    Capability.DNS_MODE: frozenset({"a", "srv", "naptr", "fixed"}),
    Capability.FAILOVER_MODE: frozenset({"concurrent", "successive"}),
    Capability.FAILBACK_MODE: frozenset({"every-request", "registration", "dns-ttl", "interval", "probe", "never"}),
    Capability.TRANSPORT: frozenset({"udp", "tcp", "tls", "udp-tcp", "tcp-preferred", "naptr"}),
}
"""The words for capabilities that the tuner sets by meaning. `packet`: without a SIP method, answered by nobody."""


def mistakes_in(profile: Profile) -> Iterator[Mistake]:
    """Everything that is wrong with a profile by itself."""
    yield from _heading(profile)
    yield from _matching(profile)
    for index, parameter in enumerate(profile.parameters):
        yield from _parameter(parameter, f"parameters[{index}]")
    yield from _twice(profile.parameters)
    yield from _behaviour(profile)
    yield from _quirks(profile)
    yield from _sources(profile)


@dataclass(frozen=True, slots=True)
class Clash:
    """Two profiles that would both claim `user_agent`; the mistake is the second one's."""

    first: str
    second: str
    key_path: str
    pattern: str
    user_agent: str

    @property
    def mistake(self) -> Mistake:
        reason = f'is claimed by {self.first} too: both match "{self.user_agent}"'
        remedy = "name the models in one of the patterns, or give the two disjoint firmware ranges"
        return Mistake(self.key_path, f'"{self.pattern}"', reason, remedy)


def clashes(profiles: Sequence[Profile]) -> Iterator[Clash]:
    """The pairs of profiles that some User-Agent fits both of."""
    read = [(profile, _patterns(profile)) for profile in profiles]
    for index, (first, ours) in enumerate(read):
        for second, theirs in read[index + 1 :]:
            if not first.match.firmware.is_disjoint(second.match.firmware):
                yield from _clashes(first, ours, second, theirs)


def _clashes(
    first: Profile, ours: Sequence[tuple[str, Pattern]], second: Profile, theirs: Sequence[tuple[str, Pattern]]
) -> Iterator[Clash]:
    for path, pattern in theirs:
        for _, other in ours:
            text = other.common_text(pattern)
            if text is not None:
                yield Clash(first.id, second.id, path, pattern.text, text)


def _patterns(profile: Profile) -> list[tuple[str, Pattern]]:
    return [(path, parse_pattern(text)) for path, text in _pattern_texts(profile)]


def _pattern_texts(profile: Profile) -> list[tuple[str, str]]:
    match = profile.match
    strong = [(f"match.user_agents[{i}]", text) for i, text in enumerate(match.user_agents)]
    return strong + [(f"match.weak_user_agents[{i}]", text) for i, text in enumerate(match.weak_user_agents)]


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
    for path, text in _pattern_texts(profile):
        try:
            patterns.append(parse_pattern(text))
        except DecodeError as error:
            yield Mistake(path, f'"{text[:60]}"', error.reason, "see docs/profiles.md, Patterns")
    if not profile.match.user_agents and not profile.match.weak_user_agents:
        yield Mistake("match.user_agents", "", "has no pattern", 'write at least one: "Vendor {model} {firmware}"')
    for index, prefix in enumerate(profile.match.mac_prefixes):
        if not _MAC_PREFIX.fullmatch(prefix):
            path = f"match.mac_prefixes[{index}]"
            yield Mistake(path, prefix[:60], "is no prefix of a MAC address", 'write it as "00:15:65"')
    yield from _range(profile.match.firmware, "match.firmware")
    yield from _examples(profile, patterns)


def _examples(profile: Profile, patterns: Sequence[Pattern]) -> Iterator[Mistake]:
    if not profile.examples:
        yield Mistake("examples", "", "are missing", "give at least one real User-Agent")
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


def _range(range_: FirmwareRange, path: str) -> Iterator[Mistake]:
    for key, version in (("since", range_.since), ("before", range_.before)):
        if version and not is_version(version):
            yield Mistake(f"{path}.{key}", version[:60], "is no version", 'write numbers with dots: "4.1" or "*.84"')
    if range_.is_upside_down:
        shown = f"{range_.since} - {range_.before}"
        yield Mistake(
            path, shown, "is upside down", "since is the first version that counts, before the first that does not"
        )


def _parameter(parameter: Parameter, path: str) -> Iterator[Mistake]:
    units = _units_of(parameter.capability)
    if parameter.unit not in units:
        reason = f"is no unit for {parameter.capability}"
        yield Mistake(f"{path}.unit", parameter.unit, reason, f"write one of {', '.join(units)}")
        return
    yield from _names(parameter, path)
    yield from _range(parameter.firmware, f"{path}.firmware")
    if parameter.unit in NUMBERS and not parameter.template:
        yield from _number(parameter, path)
    else:
        yield from _word(parameter, path)
    for place in _PLACE.findall(parameter.template):
        if place not in _TEMPLATE_PLACES:
            remedy = f"known: {', '.join(sorted(_TEMPLATE_PLACES))}"
            yield Mistake(f"{path}.template", parameter.template[:60], f"has the unknown place {{{place}}}", remedy)


def _units_of(capability: Capability) -> tuple[Unit, ...]:
    if capability in _COUNTED:
        return _COUNTS
    if capability in _SERVERS:
        return _HOSTS
    if capability in _PORTS:
        return (Unit.PORT,)
    if capability in _SWITCHED:
        return _SWITCHES
    if capability in _TEXTS:
        return (Unit.TEXT, Unit.COUNT)
    return (Unit.PERCENT,) if capability is Capability.REGISTRATION_REFRESH_PERCENT else _TIMES


def _names(parameter: Parameter, path: str) -> Iterator[Mistake]:
    if not parameter.name.strip():
        yield Mistake(f"{path}.name", '""', "is empty", "write the name as the vendor does")
    for place in _PLACE.findall(parameter.name):
        if place not in _NAME_PLACES:
            yield Mistake(
                f"{path}.name", parameter.name[:60], f"has the unknown place {{{place}}}", "use {account}, {server}"
            )
    if parameter.names and parameter.name != parameter.names[0]:
        yield Mistake(f"{path}.names", parameter.names[0][:60], "does not begin with the name", "list account 1 first")
    if ("{account}" in parameter.name or parameter.names) and parameter.scope is Scope.PHONE:
        yield Mistake(f"{path}.scope", parameter.scope, "does not fit a name by account", "write scope: account")


def _number(parameter: Parameter, path: str) -> Iterator[Mistake]:
    least, most, default = parameter.min, parameter.max, parameter.default
    if least is not None and most is not None and least > most:
        yield Mistake(f"{path}.min", f"{least:g}", f"is above max = {most:g}: the range is upside down", "swap the two")
    if parameter.choices:
        yield Mistake(f"{path}.choices", "", f"cannot be with unit {parameter.unit}", "use unit: choice, or steps")
    if isinstance(default, str):
        if default not in (UNKNOWN, "") and default not in parameter.special:
            yield Mistake(
                f"{path}.default", default[:60], f"is no number of {parameter.unit}", "write a number or unknown"
            )
        return
    if str(default) in parameter.special:
        return
    if (least is not None and default < least) or (most is not None and default > most):
        reason = f"is outside {_shown(least)} to {_shown(most)}"
        yield Mistake(f"{path}.default", f"{default:g}", reason, "correct one, or say under special what it means")
    if parameter.steps and default not in parameter.steps:
        yield Mistake(f"{path}.default", f"{default:g}", "is none of the steps", "correct one of the two")


def _shown(limit: float | None) -> str:
    return "any" if limit is None else f"{limit:g}"


def _word(parameter: Parameter, path: str) -> Iterator[Mistake]:
    if parameter.min is not None or parameter.max is not None or parameter.steps:
        yield Mistake(f"{path}.min", "", f"cannot be with unit {parameter.unit}", "leave min, max and steps out")
    if parameter.unit not in WORDS:
        if not isinstance(parameter.default, str):
            yield Mistake(f"{path}.default", str(parameter.default), "is a number", "put it in quotes")
        return
    wanted = frozenset({"on", "off"}) if parameter.unit is Unit.SWITCH else CHOICES.get(parameter.capability)
    if not parameter.choices:
        words = ", ".join(sorted(wanted)) if wanted else "our word"
        yield Mistake(f"{path}.choices", "", "are missing", f"write them as {{{words}: native value}}")
    for word in parameter.choices:
        if wanted is not None and word not in wanted:
            remedy = f"use {', '.join(sorted(wanted))}; leave out what has another meaning"
            yield Mistake(f"{path}.choices.{word[:60]}", "", f"is no word for {parameter.capability}", remedy)
    if len({str(native) for native in parameter.choices.values()}) < len(parameter.choices):
        yield Mistake(f"{path}.choices", "", "have one native value twice", "give each word its own")
    default = parameter.default
    if default not in parameter.choices and default not in (UNKNOWN, ""):
        remedy = f"write one of {', '.join(parameter.choices)}, or unknown"
        yield Mistake(f"{path}.default", str(default)[:60], "is none of the choices", remedy)


def _twice(parameters: Sequence[Parameter]) -> Iterator[Mistake]:
    for index, parameter in enumerate(parameters):
        for other in parameters[:index]:
            same = (other.capability, other.name) == (parameter.capability, parameter.name)
            if same and not other.firmware.is_disjoint(parameter.firmware):
                reason = f"gives {parameter.capability} a second time for the same firmware"
                yield Mistake(
                    f"parameters[{index}].name", parameter.name[:60], reason, "keep one, or part their firmware"
                )


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
    | {"switch", "interval", "losses", "capability", "dead_server_hold"}
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
        yield from _range(quirk.firmware, f"quirks[{index}].firmware")
        if quirk.code in [other.code for other in profile.quirks[:index]]:
            yield Mistake(f"quirks[{index}].code", quirk.code, "stands here a second time", "give each quirk its own")
    for index, reread in enumerate(profile.delivery.reread):
        yield from _range(reread.firmware, f"delivery.reread[{index}].firmware")
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
