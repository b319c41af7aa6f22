"""The composition root: the only package that sees everything. Commands are read by the faces and carried out here.

`daemon` puts a running agent together, `checking` looks at its configuration first, `recording` keeps its journal,
`replaying` reads one, `nat` measures, `reflector` answers such measurements at the provider, `demo` plays an incident
on loopback. Each command imports what it needs when it is given: `status` on a router should not load the daemon.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from tonekeeper.errors import TonekeeperError
from tonekeeper.faces.cli.agent import Check, Run
from tonekeeper.faces.cli.demo import Demo
from tonekeeper.faces.cli.diagnose import Diagnose
from tonekeeper.faces.cli.firewall import CheckFirewall, ShowAllowList
from tonekeeper.faces.cli.fleet import PollFleet, ShowTargets, SimulateFleet
from tonekeeper.faces.cli.forecast import ForecastIncident
from tonekeeper.faces.cli.mib import Mib
from tonekeeper.faces.cli.nat import Nat
from tonekeeper.faces.cli.outcome import Exit, exit_for_error
from tonekeeper.faces.cli.parser import Command, parse_command
from tonekeeper.faces.cli.profiles import (
    CompileProfiles,
    LintProfiles,
    ListProfiles,
    MatchProfile,
    ShowProfile,
    ShowSchema,
)
from tonekeeper.faces.cli.reflector import Reflector
from tonekeeper.faces.cli.replay import Replay
from tonekeeper.faces.cli.status import Status, show_status
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.tune import TunePhones


def main(arguments: Sequence[str] | None = None) -> int:
    """The `tonekeeper` command; the exit code of the contract."""
    command = parse_command(arguments)
    terminal = Terminal(sys.stdout, sys.stderr)
    try:
        return _carry_out(command, terminal)
    except TonekeeperError as error:
        terminal.say(str(error))
        return exit_for_error(error)
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.FINE
    except KeyboardInterrupt:
        return Exit.FINE


def _carry_out(command: Command, terminal: Terminal) -> Exit:
    match command:
        case Run():
            from tonekeeper.app.daemon import run_daemon

            return run_daemon(Path(command.config))
        case Check():
            from tonekeeper.app.checking import check

            return check(command, terminal)
        case Status():
            return show_status(command, terminal)
        case Replay():
            from tonekeeper.app.replaying import replay_journal

            return replay_journal(command, terminal)
        case Nat():
            from tonekeeper.app.nat import measure_nat

            return measure_nat(command, terminal)
        case ListProfiles() | ShowProfile() | MatchProfile() | LintProfiles() | ShowSchema() | CompileProfiles():
            from tonekeeper.app.profiles import carry_out

            return carry_out(command, terminal)
        case TunePhones():
            from tonekeeper.app.tuning import tune_phones

            return tune_phones(command, terminal)
        case ForecastIncident():
            from tonekeeper.app.forecasting import forecast_incident

            return forecast_incident(command, terminal)
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
