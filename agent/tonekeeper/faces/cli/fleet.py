"""`fleet`: the provider's side. Many agents polled, handed to Prometheus, or simulated."""

from __future__ import annotations

import csv
import io
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tonekeeper.errors import DecodeError, Mistake
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.fleet_page import render_fleet_page
from tonekeeper.faces.fleet_text import render_fleet
from tonekeeper.fleet.summary import Polled, SiteState, Summary, worst_first, worst_of
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

FIRST_PORT = 20000


@dataclass(frozen=True, slots=True)
class PollFleet:
    inventory: str
    workers: int = 50
    timeout: float = 5.0
    retries: int = 2
    ca_file: str = ""
    json: bool = False
    csv: bool = False
    html: str = ""


@dataclass(frozen=True, slots=True)
class ShowTargets:
    inventory: str
    listen: Endpoint | None = None
    """Serve them there; None: print them."""


@dataclass(frozen=True, slots=True)
class SimulateFleet:
    agents: int
    first_port: int = FIRST_PORT
    delay: float = 0.0
    """Seconds until an agent answers."""
    broken: float = 0.1
    """Share of sites whose primary SBC is down."""
    inventory: str = ""
    """A file to write."""


Fleet = PollFleet | ShowTargets | SimulateFleet


def add_fleet(families: Families) -> None:
    parser = add_command(
        families,
        "fleet",
        _no_command,
        help="ask many agents, at the provider",
        description="An inventory is CSV or YAML: name, address, method (http), credentials (file:/path or "
        "env:NAME), and any more columns, which group sites (wan_provider, region).",
        example="tonekeeper fleet poll sites.csv",
    )
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_poll(commands)
    _add_targets(commands)
    _add_simulate(commands)


def _add_poll(families: Families) -> None:
    parser = add_command(
        families,
        "poll",
        _read_poll,
        help="ask every agent once, and say what they have in common",
        description="Sites by state, and one line for each cause that sites share. Exit code 1 where a site is "
        "critical or does not answer, 2 where a line of the inventory is broken; the others are polled.",
        example="tonekeeper fleet poll sites.csv --html fleet.html",
    )
    parser.add_argument("inventory", metavar="INVENTORY", help="a file, .csv, .yaml or .yml")
    parser.add_argument("--workers", type=_count(1000), default=50, help="asked at once (default: %(default)s)")
    parser.add_argument("--timeout", type=_seconds, default=5.0, help="seconds for one answer (default: %(default)s)")
    parser.add_argument("--retries", type=_count(20), default=2, help="for one agent (default: %(default)s)")
    parser.add_argument("--ca-file", metavar="FILE", default="", help="roots of the agents' certificates")
    parser.add_argument("--html", metavar="FILE", default="", help="write one HTML page, too")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document on standard output")
    form.add_argument("--csv", action="store_true", help="one line for each site on standard output")


def _add_targets(families: Families) -> None:
    parser = add_command(
        families,
        "targets",
        _read_targets,
        help="the agents as Prometheus discovers them (http_sd_config)",
        description="Prints the groups of targets, or serves them at /targets, reading the inventory anew each time.",
        example="tonekeeper fleet targets sites.csv --listen 127.0.0.1:8643",
    )
    parser.add_argument("inventory", metavar="INVENTORY", help="a file, .csv, .yaml or .yml")
    parser.add_argument("--listen", metavar="ADDR:PORT", type=_endpoint, default=None, help="serve them there")


def _add_simulate(families: Families) -> None:
    parser = add_command(
        families,
        "simulate",
        _read_simulate,
        help="play a fleet on loopback, for load tests",
        description="Serves the API of that many agents on ports of 127.0.0.1, until Ctrl-C. What they report comes "
        "from a simulated site.",
        example="tonekeeper fleet simulate 2000 --delay 0.05 --inventory sites.csv",
    )
    parser.add_argument("agents", metavar="N", type=_count(40000), help="how many")
    parser.add_argument("--first-port", type=_count(65535), default=FIRST_PORT, help="(default: %(default)s)")
    parser.add_argument("--delay", metavar="S", type=_seconds, default=0.0, help="seconds until an agent answers")
    parser.add_argument("--broken", metavar="SHARE", type=_share, default=0.1, help="of sites with a dead primary SBC")
    parser.add_argument("--inventory", metavar="FILE", default="", help="write the inventory of them")


def _no_command(arguments: Namespace) -> Fleet:
    parser: ArgumentParser = arguments.parser
    parser.error("name a command: poll, targets or simulate")


def _read_poll(arguments: Namespace) -> PollFleet:
    return PollFleet(
        arguments.inventory,
        arguments.workers,
        arguments.timeout,
        arguments.retries,
        arguments.ca_file,
        arguments.json,
        arguments.csv,
        arguments.html,
    )


def _read_targets(arguments: Namespace) -> ShowTargets:
    return ShowTargets(arguments.inventory, arguments.listen)


def _read_simulate(arguments: Namespace) -> SimulateFleet:
    if arguments.first_port + arguments.agents > 65536:
        arguments.parser.error(f"{arguments.agents} agents from port {arguments.first_port} on exceed the last port")
    return SimulateFleet(arguments.agents, arguments.first_port, arguments.delay, arguments.broken, arguments.inventory)


def show_poll(
    command: PollFleet, polled: Sequence[Polled], summary: Summary, mistakes: Sequence[Mistake], terminal: Terminal
) -> Exit:
    if command.json:
        terminal.show_json({"schema": 1, "polled": len(polled), **_summary_document(summary), "sites": _sites(polled)})
    elif command.csv:
        terminal.show(_as_csv(polled))
    else:
        terminal.show(render_fleet(polled, summary, colour=terminal.wants_colour, width=terminal.width))
    for mistake in mistakes:
        value = f" = {mistake.value}" if mistake.value else ""
        terminal.say(f"{command.inventory}: {mistake.key_path}{value}: {mistake.reason}; {mistake.remedy}")
    if mistakes:
        return Exit.USAGE
    ill = summary.states[SiteState.CRITICAL] + summary.states[SiteState.UNREACHABLE]
    return Exit.PROBLEMS if ill else Exit.FINE


def fleet_page(polled: Sequence[Polled], summary: Summary, made_at: str) -> str:
    return render_fleet_page(polled, summary, made_at)


def _summary_document(summary: Summary) -> dict[str, object]:
    return {"states": summary.states, "causes": summary.causes}


def _sites(polled: Sequence[Polled]) -> list[dict[str, object]]:
    return [
        {
            "name": one.host.name,
            "address": one.host.address,
            "state": one.state,
            "error": one.error,
            "version": one.report.agent.version if one.report is not None else "",
            "active": f"{one.report.active.sbc} over {one.report.active.wan}" if one.report is not None else "",
            "findings": [f"{finding.code} {finding.subject}".strip() for finding in one.report.findings]
            if one.report is not None
            else [],
            "elapsed_s": one.elapsed_s,
            "attempts": one.attempts,
        }
        for one in worst_first(polled)
    ]


def _as_csv(polled: Sequence[Polled]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("name", "address", "state", "code", "subject", "summary"))
    for one in worst_first(polled):
        worst = worst_of(one.report) if one.report is not None else None
        told = (worst.code, worst.subject, worst.summary) if worst is not None else ("", "", one.error)
        writer.writerow(_harmless(cell) for cell in (one.host.name, one.host.address, one.state, *told))
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell


def _count(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text[:9]) <= most):
            raise ArgumentTypeError(f"{text!r} is not a number from 0 to {most}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= 600.0:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 600")
    return seconds


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return share


def _endpoint(text: str) -> Endpoint:
    try:
        return parse_endpoint(text)
    except DecodeError:
        raise ArgumentTypeError(f"{text!r} is not an address and port; write 127.0.0.1:8643") from None
