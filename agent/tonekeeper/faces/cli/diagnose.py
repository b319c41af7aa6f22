"""`diagnose`: everything that can be found out at a site within minutes, the cause first."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

from tonekeeper.core.checks import Check
from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit, exit_for_report
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.trust import SYSTEM_TRUST, Trust, add_trust_options, read_trust
from tonekeeper.faces.diagnosis_text import render_diagnosis


@dataclass(frozen=True, slots=True)
class Diagnose:
    config: str = ""
    """Empty: that of the running agent, or `uris` alone."""
    uris: tuple[str, ...] = ()
    """SIP URIs of SBCs, the first choice first."""
    quick: bool = False
    only: tuple[str, ...] = ()
    json: bool = False
    html: str = ""
    bundle: str = ""
    """Files to write; empty: none."""
    alone: bool = False
    """A running agent is not asked."""
    url: str = ""
    token_file: str = ""
    trust: Trust = SYSTEM_TRUST


@dataclass(frozen=True, slots=True)
class DiagnosisAnswer:
    report: Report
    examination: Examination
    notes: tuple[str, ...]
    """What was assumed, and what could not be seen."""


def add_diagnose(families: Families) -> None:
    parser = add_command(
        families,
        "diagnose",
        _read_diagnose,
        help="find out what is wrong at this site, the cause first",
        description="Looks at everything this host, role and permission allow: WANs, DNS, SBCs, media, NAT, firewall, "
        "phones, clock. Where an agent runs here, that one looks, with its history; otherwise this command does, with "
        "the SBCs of FILE or those named. Ctrl-C ends it with what is known by then. Exit code 1 when a critical "
        "problem is found.",
        example="tonekeeper diagnose --quick sip:sbc1.example.net sip:198.51.100.20\n"
        "  tonekeeper diagnose -c /etc/tonekeeper/site.toml --html report.html --bundle evidence.tar.gz",
    )
    parser.add_argument("uris", metavar="SIP-URI", nargs="*", help="an SBC, the first choice first, where no FILE is")
    parser.add_argument("-c", "--config", metavar="FILE", default="", help="the configuration (TOML)")
    parser.add_argument("--quick", action="store_true", help="the essentials, in 15 s")
    parser.add_argument(
        "--only", metavar="A,B", type=_checks, default=(), help=f"these checks alone: {', '.join(Check)}"
    )
    parser.add_argument("--html", metavar="FILE", default="", help="write the report as one HTML file, too")
    parser.add_argument(
        "--bundle", metavar="FILE", default="", help="write report, journal, ruleset and versions as tar.gz, too"
    )
    parser.add_argument("--alone", action="store_true", help="ask no running agent, look from this command")
    parser.add_argument("--url", default="", help="of the running agent (default: as FILE says, or the usual one)")
    parser.add_argument("--token-file", metavar="FILE", default="", help="the agent's [http] token_file, if it has one")
    add_trust_options(parser)
    parser.add_argument("--json", action="store_true", help="the report as one JSON document on standard output")


def _read_diagnose(arguments: Namespace) -> Diagnose:
    return Diagnose(
        config=arguments.config,
        uris=tuple(arguments.uris),
        quick=arguments.quick,
        only=arguments.only,
        json=arguments.json,
        html=arguments.html,
        bundle=arguments.bundle,
        alone=arguments.alone,
        url=arguments.url,
        token_file=arguments.token_file,
        trust=read_trust(arguments),
    )


def _checks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in list(Check):
            raise ArgumentTypeError(f"{name!r} is no check; there is {', '.join(Check)}")
    return names


def show_diagnosis(command: Diagnose, answer: DiagnosisAnswer, terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json(answer.report)
    else:
        terminal.show(
            render_diagnosis(
                answer.report, answer.examination, answer.notes, colour=terminal.wants_colour, width=terminal.width
            )
        )
    return exit_for_report(answer.report)
