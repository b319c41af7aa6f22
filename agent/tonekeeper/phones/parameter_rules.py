"""What a parameter has to be: a unit that fits what it is for, limits the right way up, a default within them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tonekeeper.errors import Mistake
from tonekeeper.phones.firmware import FirmwareRange, is_version
from tonekeeper.phones.parameter import NUMBERS, SECONDS, UNKNOWN, WORDS, Capability, Parameter, Scope, Unit

_PLACE = re.compile(r"\{([a-z]*)\}")
_NAME_PLACES = frozenset({"account", "server"})
_TEMPLATE_PLACES = frozenset({"low", "high", "most", "first", "second", "third", "transport"})

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


def mistakes_in_parameter(parameter: Parameter, path: str) -> Iterator[Mistake]:
    """`path` is its key path."""
    units = _units_of(parameter.capability)
    if parameter.unit not in units:
        reason = f"is no unit for {parameter.capability}"
        yield Mistake(f"{path}.unit", parameter.unit, reason, f"write one of {', '.join(units)}")
        return
    yield from _names(parameter, path)
    yield from mistakes_in_range(parameter.firmware, f"{path}.firmware")
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


def given_twice(parameters: Sequence[Parameter]) -> Iterator[Mistake]:
    """Settings that stand in a profile more than once."""
    for index, parameter in enumerate(parameters):
        for other in parameters[:index]:
            same = (other.capability, other.name) == (parameter.capability, parameter.name)
            if same and not other.firmware.is_disjoint(parameter.firmware):
                reason = f"gives {parameter.capability} a second time for the same firmware"
                yield Mistake(
                    f"parameters[{index}].name", parameter.name[:60], reason, "keep one, or part their firmware"
                )


def mistakes_in_range(range_: FirmwareRange, path: str) -> Iterator[Mistake]:
    for key, version in (("since", range_.since), ("before", range_.before)):
        if version and not is_version(version):
            yield Mistake(f"{path}.{key}", version[:60], "is no version", 'write numbers with dots: "4.1" or "*.84"')
    if range_.is_upside_down:
        shown = f"{range_.since} - {range_.before}"
        yield Mistake(
            path, shown, "is upside down", "since is the first version that counts, before the first that does not"
        )
