"""`tonekeeper forecast`: an incident at a phone, with the settings it has and with tuned ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tonekeeper.app.profile_set import load_profiles
from tonekeeper.app.profiles import profiles_directory
from tonekeeper.core.chance import Chance
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.edge.whole_file import write_text
from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.forecast import ForecastIncident
from tonekeeper.faces.cli.forecast_answer import show_forecast, titled
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.forecast_page import render_forecast_page
from tonekeeper.phones.conditions import Aim, Conditions, Server
from tonekeeper.phones.forecast import Forecast, forecast
from tonekeeper.phones.incident import Incident, IncidentKind
from tonekeeper.phones.native import Value, read_value, write_value
from tonekeeper.phones.parameter import NUMBERS, Capability, Meaning, Parameter
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.tune import tune

_TIMES_IN_TEMPLATES = frozenset({"low", "high", "most"})


def forecast_incident(command: ForecastIncident, terminal: Terminal) -> Exit:
    """ProfilesRefusedError where the profiles cannot be used."""
    profiles = load_profiles(profiles_directory(command.directory), terminal.say)
    profile = profiles.get(command.profile)
    if profile is None:
        near = difflib.get_close_matches(command.profile[:64], [each.id for each in profiles.profiles], n=1)
        remedy = f"did you mean {near[0]}?" if near else "tonekeeper profiles list names them all"
        terminal.say(f"cannot forecast for {command.profile[:64]!r}: there is no such profile; {remedy}")
        return Exit.USAGE
    try:
        settings = dict(_settings(profile, command))
    except DecodeError as error:
        terminal.say(f"cannot set {error.subject}: {error.reason}")
        return Exit.USAGE
    now, tuned = _before_and_after(profile, settings, command)
    if command.html:
        page = render_forecast_page(f"{profile.vendor}: {profile.family}", titled(now, tuned, command.aim))
        write_text(Path(command.html), page)
        terminal.say(f"{command.html}: written")
    return show_forecast(command, now, tuned, terminal)


def _before_and_after(
    profile: Profile, settings: dict[Capability, Value], command: ForecastIncident
) -> tuple[Forecast, Forecast]:
    servers = tuple(Server(f"sbc{number}.example.net") for number in range(1, command.servers + 1))
    incident = Incident(IncidentKind(command.incident), command.lasts_s, command.retry_after_s)

    def play(values: dict[Capability, Value]) -> Forecast:
        return forecast(
            profile,
            values,
            servers,
            incident,
            Chance(command.seed),
            granted_s=command.granted_s,
            firmware=command.firmware,
        )

    conditions = Conditions(SAFE_FRACTION, servers, firmware=command.firmware)
    return play(settings), play(settings | tune(profile, conditions, Aim(command.aim)).values)


def _settings(profile: Profile, command: ForecastIncident) -> Iterator[tuple[Capability, Value]]:
    """DecodeError, with the setting's name, for what the model cannot hold."""
    for name, text in command.changes:
        parameter = _parameter(profile, name, command.firmware)
        try:
            value = _value(parameter, text)
            write_value(parameter, value)
        except ValueError as error:
            raise DecodeError(name, f"{error}; see tonekeeper profiles show {profile.id}") from None
        yield parameter.capability, value


def _parameter(profile: Profile, name: str, firmware: str) -> Parameter:
    known = tuple(each.capability for each in profile.parameters)
    parameter = profile.setting(Capability(name), firmware) if name in known else None
    if parameter is None:
        near = difflib.get_close_matches(name[:64], known, n=1)
        raise DecodeError(name[:64], f"this model has no such setting{f'; did you mean {near[0]}?' if near else ''}")
    return parameter


def _value(parameter: Parameter, text: str) -> Value:
    """As it was typed: a number in seconds, one of our words, what a special value means; a template as it stands."""
    if text in tuple(parameter.special.values()):
        return Meaning(text)
    if parameter.template:
        places = read_value(parameter, text)
        if isinstance(places, Mapping):
            _check_numbers(places)
        return places
    return float(text) if parameter.unit in NUMBERS else text


def _check_numbers(places: Mapping[str, str]) -> None:
    """ValueError where a place that is a time holds none."""
    for place in _TIMES_IN_TEMPLATES & places.keys():
        float(places[place])
