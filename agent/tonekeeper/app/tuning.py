"""`tonekeeper tune`: timers for one model, from what was given on the command line or measured by a running agent."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

from tonekeeper import __version__
from tonekeeper.app.delivering import Outside, put_onto_phone
from tonekeeper.app.measured import crowd, measured, server_of
from tonekeeper.app.profile_set import load_profiles
from tonekeeper.app.profiles import profiles_directory
from tonekeeper.core.findings import CATALOGUE
from tonekeeper.core.keepalive import SAFE_FRACTION
from tonekeeper.core.report import FindingReport
from tonekeeper.edge.entropy import token
from tonekeeper.edge.phone_notice import notify_phone
from tonekeeper.edge.provisioning import read_settings_file, write_settings_file
from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.fetch import fetch_report
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.status import Status, decode_report
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import TunePhones
from tonekeeper.faces.cli.tune_answer import show_changes, show_tuning
from tonekeeper.faces.cli.tune_delivery import OntoPhone
from tonekeeper.phones.conditions import Aim, Conditions, Interval, Server
from tonekeeper.phones.native_formats.writing import fragment, patched
from tonekeeper.phones.profile import Profile
from tonekeeper.phones.server_rules import SERVERS_THEMSELVES
from tonekeeper.phones.tune import tune
from tonekeeper.phones.tuned import Tuning


def tune_phones(command: TunePhones, terminal: Terminal) -> Exit:
    """ProfilesRefusedError where the profiles cannot be used, AgentUnreachableError where there is no agent."""
    if command.out and not command.base:
        terminal.say("cannot write --out without --base: a phone's file holds more than timers")
        return Exit.USAGE
    profiles = load_profiles(profiles_directory(command.directory), terminal.say)
    profile = profiles.get(command.profile)
    if profile is None:
        near = difflib.get_close_matches(command.profile[:64], [each.id for each in profiles.profiles], n=1)
        remedy = f"did you mean {near[0]}?" if near else "tonekeeper profiles list names them all"
        terminal.say(f"cannot tune {command.profile[:64]!r}: there is no such profile; {remedy}")
        return Exit.USAGE
    if command.onto is not None:
        return _put_onto_phone(command, command.onto, profile, terminal)
    tuning = _tuned(profile, command)
    if command.base:
        return _patch(command, tuning, terminal)
    return show_tuning(command, tuning, findings_of(tuning), fragment(tuning.format, tuning.settings), terminal)


def _patch(command: TunePhones, tuning: Tuning, terminal: Terminal) -> Exit:
    try:
        done = patched(tuning.format, read_settings_file(Path(command.base)), tuning.settings)
    except DecodeError as error:
        terminal.say(f"cannot use {command.base!r}: {error.reason}; name a settings file of {tuning.profile}")
        return Exit.USAGE
    if command.out:
        write_settings_file(Path(command.out), done.content, like=Path(command.base))
    return show_changes(command, done, terminal)


def _put_onto_phone(command: TunePhones, onto: OntoPhone, profile: Profile, terminal: Terminal) -> Exit:
    def tuned(firmware: str) -> Tuning:
        return _tuned(profile, replace(command, firmware=firmware))

    return put_onto_phone(command, onto, profile, tuned, terminal, outside_of(command))


def _tuned(profile: Profile, command: TunePhones) -> Tuning:
    tuning = tune(profile, conditions_of(command), Aim(command.aim))
    return tuning.without(SERVERS_THEMSELVES, "its servers stay") if command.keep_servers else tuning


def outside_of(command: TunePhones) -> Outside:
    """The agent at --url, and the LAN as this host reaches it."""
    status = Status(command.url, token_file=command.token_file)
    return Outside(
        report=lambda: decode_report(fetch_report(status), command.url),
        notify=lambda address, event: notify_phone(address, event, token(), f"tonekeeper/{__version__}"),
    )


def findings_of(tuning: Tuning) -> tuple[FindingReport, ...]:
    """What the model cannot do, as the catalogue words it."""
    found = []
    for each in tuning.shortcomings:
        entry, words = CATALOGUE[each.code], {"subject": tuning.profile, **each.evidence}
        summary, remedy = entry.summary.format_map(words), entry.remedy.format_map(words)
        found.append(FindingReport(each.code, entry.severity, tuning.profile, summary, each.evidence, remedy, 0.0))
    return tuple(found)


def conditions_of(command: TunePhones) -> Conditions:
    """What was given wins over what an agent measured."""
    conditions = Conditions(
        SAFE_FRACTION,
        servers=tuple(server_of(uri) for uri in command.sbcs),
        flapping=command.flapping,
        phones=command.phones or 1,
        min_expiry_s=command.min_expiry_s,
        registrar_rate=command.registrar_rate,
        firmware=command.firmware,
        number=command.number or 1,
        account=command.account,
    )
    if command.url:
        status = Status(command.url, token_file=command.token_file)
        report = decode_report(fetch_report(status), command.url)
        seen, place = crowd(report, command.profile, command.onto.mac if command.onto is not None else "")
        conditions = measured(conditions, report)
        conditions = replace(conditions, phones=command.phones or seen, number=command.number or place)
    given: Interval | None = None if command.lifetime_s is None else (command.lifetime_s, None)
    if given is not None:
        conditions = replace(conditions, replied=given, stream=given, tcp=given)
    return replace(conditions, servers=tuple(_as_given(command, each) for each in conditions.servers))


def _as_given(command: TunePhones, server: Server) -> Server:
    rtt = server.rtt_s if command.rtt_s is None else command.rtt_s
    return replace(server, rtt_s=rtt, loss=server.loss if command.loss is None else command.loss)
