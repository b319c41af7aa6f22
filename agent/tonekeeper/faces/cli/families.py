"""How a family of commands adds itself to the parser, so that all of them look alike."""

from __future__ import annotations

import textwrap
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from typing import TypeAlias

from tonekeeper.faces.cli.version import version_line

Families: TypeAlias = "_SubParsersAction[ArgumentParser]"

_DESCRIPTION = "Keeps the dial tone of hosted-VoIP sites: watches every path to every SBC, and says what is wrong."
_EPILOG = (
    "exit codes: 0 fine; 1 problems found; 2 wrong usage or configuration; 3 agent not reachable; "
    "4 a permission or a kernel feature is missing"
)


def begin_parser() -> tuple[ArgumentParser, Families]:
    """The parser of `tonekeeper`, and where its commands are added."""
    parser = ArgumentParser(prog="tonekeeper", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=version_line())
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_command(
    families: Families,
    name: str,
    read: Callable[[Namespace], object],
    *,
    help: str,
    description: str,
    example: str,
) -> ArgumentParser:
    """A subparser whose `--help` ends with an example, and whose arguments `read` makes into a command."""
    parser = families.add_parser(
        name,
        help=help,
        description=textwrap.fill(description, 78),
        epilog=f"example:\n  {example}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.set_defaults(read=read)
    return parser
