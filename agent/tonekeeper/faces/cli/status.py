"""`status`: what the running agent knows, asked over HTTP."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from tonekeeper.core.report import Report
from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit, exit_for_report
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.trust import SYSTEM_TRUST, Trust, add_trust_options, read_trust
from tonekeeper.faces.text import render_text

DEFAULT_URL = "http://127.0.0.1:8642"
WATCH_SECONDS = 2.0
_INTERVALS = (0.5, 3600.0)

_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(:(?P<port>[0-9]{1,5}))?(/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class Status:
    """Show what the agent at `url` knows."""

    url: str = DEFAULT_URL
    json: bool = False
    watch: bool = False
    token_file: str = ""
    interval_s: float = WATCH_SECONDS
    trust: Trust = SYSTEM_TRUST


Fetch = Callable[[Status], bytes]
"""Gives the report's JSON, or raises AgentUnreachableError."""


def add_status(families: Families) -> None:
    parser = add_command(
        families,
        "status",
        _read_status,
        help="show what the running agent knows",
        description="Asks a running agent for its report. Exit code 1 when it has a critical finding, 3 when it "
        "does not answer; with --watch, as it was when you quit.",
        example="tonekeeper status --watch",
    )
    parser.add_argument("--url", type=_url, default=DEFAULT_URL, help="the agent's address (default: %(default)s)")
    parser.add_argument("--token-file", metavar="FILE", default="", help="the agent's [http] token_file, if it has one")
    add_trust_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the report as one JSON document")
    form.add_argument("--watch", action="store_true", help="on a full screen, as it changes")
    parser.add_argument(
        "--interval",
        metavar="S",
        dest="interval_s",
        type=_interval,
        default=WATCH_SECONDS,
        help="of --watch: ask again every S seconds (default: %(default)g)",
    )


def show_status(command: Status, terminal: Terminal, fetch: Fetch | None = None) -> Exit:
    """Does the command; AgentUnreachableError where there is no report to show."""
    ask = fetch or _http_client()
    if command.watch:
        return _watch(command, terminal, ask)
    body = ask(command)
    report = decode_report(body, command.url)
    if command.json:
        terminal.show_bytes(body.rstrip() + b"\n")
    else:
        terminal.show(render_text(report, colour=terminal.wants_colour, width=terminal.width))
    return exit_for_report(report)


def decode_report(body: bytes, url: str) -> Report:
    """The report in `body`; keys that a newer agent adds are ignored."""
    try:
        return msgspec.json.decode(body, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AgentUnreachableError(
            f"cannot read the report of the agent at {url}: {error}; "
            "is that a Tonekeeper agent, and not of a newer release than this command?"
        ) from error


def _http_client() -> Fetch:
    from tonekeeper.faces.cli.fetch import fetch_report  # noqa: PLC0415 - the daemon parses commands without it

    return fetch_report


def _watch(command: Status, terminal: Terminal, fetch: Fetch) -> Exit:
    """An agent that is gone may come back, so it goes on being asked until the person quits."""
    if not terminal.is_interactive:
        terminal.say("cannot watch: standard output is no terminal; use --json, or --watch on a terminal")
        return Exit.USAGE
    from tonekeeper.faces.watch.watching import watch  # noqa: PLC0415 - the daemon parses commands without it

    def ask() -> Report:
        return decode_report(fetch(command), command.url)

    seen = watch(ask, command.url, command.interval_s, terminal)
    return Exit.UNREACHABLE if seen.report is None or seen.silent_s is not None else exit_for_report(seen.report)


def _read_status(arguments: Namespace) -> Status:
    return Status(
        arguments.url,
        arguments.json,
        arguments.watch,
        arguments.token_file,
        arguments.interval_s,
        read_trust(arguments),
    )


def _url(text: str) -> str:
    match = _URL.fullmatch(text)
    if match is None or int(match["port"] or 80) > 65535:
        raise ArgumentTypeError(f"{text!r} is not a URL; write http://ADDRESS:PORT")
    return text


def _interval(text: str) -> float:
    least, most = _INTERVALS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not least <= seconds <= most:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of seconds between {least:g} and {most:g}")
    return seconds
