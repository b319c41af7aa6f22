"""Each command of the command line, carried out with what it needs and nothing else loaded."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from tonekeeper.faces.cli.agent import Check, Run
from tonekeeper.faces.cli.demo import Demo
from tonekeeper.faces.cli.diagnose import Diagnose
from tonekeeper.faces.cli.firewall import CheckFirewall, ShowAllowList
from tonekeeper.faces.cli.fleet import PollFleet, ShowTargets, SimulateFleet
from tonekeeper.faces.cli.forecast import ForecastIncident
from tonekeeper.faces.cli.mib import Mib
from tonekeeper.faces.cli.nat import Nat
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.parser import Command
from tonekeeper.faces.cli.profiles import (
    CompileProfiles,
    LintProfiles,
    ListProfiles,
    MatchProfile,
    Profiles,
    ShowProfile,
    ShowSchema,
)
from tonekeeper.faces.cli.reflector import Reflector
from tonekeeper.faces.cli.replay import Replay
from tonekeeper.faces.cli.self_check import SelfCheck
from tonekeeper.faces.cli.status import Status, show_status
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import TunePhones

AboutPhones = Profiles | TunePhones | ForecastIncident


def carry_out(command: Command, terminal: Terminal) -> Exit:
    match command:
        case Run():
            from tonekeeper.app.daemon import run_daemon

            return run_daemon(Path(command.config))
        case Check():
            from tonekeeper.app.checking import check

            return check(command, terminal)
        case SelfCheck():
            from tonekeeper.app.self_check import check_self

            return check_self(command, terminal)
        case Status():
            return show_status(command, terminal)
        case Replay():
            from tonekeeper.app.replaying import replay_journal

            return replay_journal(command, terminal)
        case Nat():
            from tonekeeper.app.nat import measure_nat

            return measure_nat(command, terminal)
        case ListProfiles() | ShowProfile() | MatchProfile() | LintProfiles() | ShowSchema() | CompileProfiles():
            return _about_phones(command, terminal)
        case TunePhones() | ForecastIncident():
            return _about_phones(command, terminal)
        case CheckFirewall() | ShowAllowList():
            from tonekeeper.app.firewall import check_firewall

            return check_firewall(command, terminal)
        case Diagnose():
            from tonekeeper.app.diagnose import diagnose

            return diagnose(command, terminal)
        case PollFleet() | ShowTargets() | SimulateFleet():
            from tonekeeper.app.fleet import carry_out as carry_out_fleet

            return carry_out_fleet(command, terminal)
        case Reflector():
            from tonekeeper.app.reflector import run_reflector

            return run_reflector(command, terminal)
        case Mib():
            from tonekeeper.faces.snmp.mib import render_mib

            terminal.show(render_mib(command.enterprise))
            return Exit.FINE
        case Demo():
            from tonekeeper.app.demo import run_demo

            return run_demo(command, terminal)
        case _:
            assert_never(command)


def _about_phones(command: AboutPhones, terminal: Terminal) -> Exit:
    match command:
        case ListProfiles() | ShowProfile() | MatchProfile() | LintProfiles() | ShowSchema() | CompileProfiles():
            from tonekeeper.app.profiles import carry_out as carry_out_profiles

            return carry_out_profiles(command, terminal)
        case TunePhones():
            from tonekeeper.app.tuning import tune_phones

            return tune_phones(command, terminal)
        case ForecastIncident():
            from tonekeeper.app.forecasting import forecast_incident

            return forecast_incident(command, terminal)
        case _:
            assert_never(command)
