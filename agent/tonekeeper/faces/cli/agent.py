"""`run` and `check`: the agent itself, and its configuration."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tonekeeper.core.site import Site
from tonekeeper.errors import ConfigError, Mistake
from tonekeeper.faces.cli.families import Families, add_command, begin_parser
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal

if TYPE_CHECKING:
    from tonekeeper.faces.cli.self_check import SelfCheck

RUN = "run"


@dataclass(frozen=True, slots=True)
class Run:
    """Be the daemon, in the foreground."""

    config: str


@dataclass(frozen=True, slots=True)
class Check:
    """Validate a configuration."""

    file: str
    json: bool = False


def add_run(families: Families) -> None:
    parser = add_command(
        families,
        RUN,
        _read_run,
        help="watch every path from every WAN, decide, and serve what is known",
        description="Runs the agent in the foreground. SIGHUP reads the configuration again and keeps the history; "
        "SIGTERM leaves the kernel as it was found.",
        example="tonekeeper run -c /etc/tonekeeper/site.toml",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration (TOML)")


def add_check(families: Families) -> None:
    parser = add_command(
        families,
        "check",
        _read_check,
        help="validate a configuration",
        description="Reads a configuration and says everything that is wrong with it: key, value, reason, remedy. "
        "Exit code 2 when there is anything. With --self it is this build and this host that are looked at, and exit "
        "code 4 says that something is missing that the site needs; without FILE, that every site needs.",
        example="tonekeeper check /etc/tonekeeper/site.toml",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the configuration (TOML)")
    parser.add_argument("--self", action="store_true", dest="self_check", help="try what this build and host can do")
    parser.set_defaults(refuse=parser.error)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def parse_run(words: Sequence[str]) -> Run:
    """`words` begin with RUN. As the parser of everything reads them; SystemExit likewise."""
    parser, families = begin_parser()
    add_run(families)
    namespace = parser.parse_args(words)
    command: Run = namespace.read(namespace)
    return command


def _read_run(arguments: Namespace) -> Run:
    return Run(config=arguments.config)


def _read_check(arguments: Namespace) -> Check | SelfCheck:
    if arguments.self_check:
        from tonekeeper.faces.cli.self_check import SelfCheck  # noqa: PLC0415 - the daemon, which loads us, does without

        return SelfCheck(file=arguments.file or "", json=arguments.json)
    if arguments.file is None:
        arguments.refuse("cannot check: give FILE, --self, or both")
    return Check(file=arguments.file, json=arguments.json)


def show_valid(command: Check, site: Site, notices: Sequence[str], terminal: Terminal) -> Exit:
    """The answer of `check` to a configuration that can be used."""
    if command.json:
        terminal.show_json(_document(command.file, valid=True, notices=notices))
        return Exit.FINE
    for notice in notices:
        terminal.say(f"{command.file}: note: {notice}")
    wans = _count(len(site.wans), "WAN") if site.wans else "the default route's interface as WAN"
    sbcs = _count(len(site.sbcs), "SBC")
    terminal.show(f"{command.file}: fine: {site.name}, {wans}, {sbcs}, mode {site.failover.mode}\n")
    return Exit.FINE


def show_mistakes(command: Check, error: ConfigError, terminal: Terminal) -> Exit:
    """The answer of `check` to one that cannot be used: every mistake."""
    if command.json:
        terminal.show_json(_document(command.file, valid=False, mistakes=error.mistakes))
    else:
        terminal.say(str(error))
    return Exit.USAGE


def _document(
    file: str, *, valid: bool, mistakes: Sequence[Mistake] = (), notices: Sequence[str] = ()
) -> dict[str, object]:
    return {"file": file, "valid": valid, "mistakes": mistakes, "notices": notices}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
