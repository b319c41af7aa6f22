"""`mib`: the MIB that describes what the agent answers by SNMP."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

from tonekeeper.faces.cli.families import Families, add_command

DOCUMENTATION = 32473
"""The enterprise that RFC 5612 keeps for documentation."""
MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Mib:
    """Print it for `enterprise`, the arc under 1.3.6.1.4.1."""

    enterprise: int = DOCUMENTATION


def add_mib(families: Families) -> None:
    parser = add_command(
        families,
        "mib",
        _read_mib,
        help="print the MIB",
        description="Prints TONEKEEPER-MIB: what the agent answers by SNMP, and what it notifies. It imports "
        "SNMPv2-SMI, SNMPv2-TC, SNMPv2-CONF, SNMP-FRAMEWORK-MIB and INET-ADDRESS-MIB, which managers have.",
        example="tonekeeper mib --enterprise 32473 > TONEKEEPER-MIB",
    )
    parser.add_argument(
        "--enterprise",
        metavar="N",
        type=_number,
        default=DOCUMENTATION,
        help="the arc under 1.3.6.1.4.1, as in [snmp] enterprise (default: %(default)s, kept for documentation)",
    )


def _read_mib(arguments: Namespace) -> Mib:
    return Mib(arguments.enterprise)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise ArgumentTypeError(f"{text!r} is no enterprise number; write a whole number between 1 and {MOST}")
    return int(text)
