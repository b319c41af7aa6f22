"""How a family of commands adds itself to the parser, so that all of them look alike."""

from __future__ import annotations

import textwrap
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from typing import TypeAlias

Families: TypeAlias = "_SubParsersAction[ArgumentParser]"


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
