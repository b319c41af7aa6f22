"""From the command line to one frozen command, for `app` to carry out."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from tonekeeper.faces.cli.agent import Check, Run, add_check, add_run
from tonekeeper.faces.cli.demo import Demo, add_demo
from tonekeeper.faces.cli.diagnose import Diagnose, add_diagnose
from tonekeeper.faces.cli.families import begin_parser
from tonekeeper.faces.cli.firewall import Firewall, add_firewall
from tonekeeper.faces.cli.fleet import Fleet, add_fleet
from tonekeeper.faces.cli.forecast import ForecastIncident, add_forecast
from tonekeeper.faces.cli.mib import Mib, add_mib
from tonekeeper.faces.cli.nat import Nat, add_nat
from tonekeeper.faces.cli.profiles import Profiles, add_profiles
from tonekeeper.faces.cli.reflector import Reflector, add_reflector
from tonekeeper.faces.cli.replay import Replay, add_replay
from tonekeeper.faces.cli.self_check import SelfCheck
from tonekeeper.faces.cli.status import Status, add_status
from tonekeeper.faces.cli.tune import TunePhones, add_tune

Asked = Status | Diagnose | Nat | Firewall
"""About a site."""
Command = (
    Run | Check | SelfCheck | Asked | Profiles | TunePhones | ForecastIncident | Replay | Reflector | Mib | Demo | Fleet
)


def build_parser() -> ArgumentParser:
    """The parser of everything; wrong usage ends with exit code 2, as argparse does."""
    parser, families = begin_parser()
    for add in (add_run, add_check, add_status, add_diagnose, add_nat, add_profiles, add_tune, add_forecast):
        add(families)
    for add in (add_firewall, add_replay, add_fleet, add_reflector, add_mib, add_demo):
        add(families)
    return parser


def parse_command(arguments: Sequence[str] | None = None) -> Command:
    """The command in `arguments` (default: of this process). SystemExit for `--help`, `--version` and wrong usage."""
    namespace = build_parser().parse_args(arguments)
    command: Command = namespace.read(namespace)
    return command
