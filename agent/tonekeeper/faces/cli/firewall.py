"""`firewall`: what the ruleset does to every SBC, and what must stay open."""

from __future__ import annotations

import ipaddress
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tonekeeper.core.egress.result import EgressProgress
from tonekeeper.core.firewall.allow_list import AllowedFlow
from tonekeeper.core.firewall.flows import ASSUMED_RTP
from tonekeeper.core.report import EgressReport, FindingReport, FirewallReport, Severity
from tonekeeper.core.site import RtpRange
from tonekeeper.faces import firewall_text
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal

LONGEST_NAME = 15
"""Of an interface, in the kernel."""


class ListFormat(StrEnum):
    TEXT = "text"
    NFT = "nft"
    IPTABLES = "iptables"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class AssumedInterface:
    """Of a router that only its ruleset is known of."""

    name: str
    address: str = ""
    """With its network, "192.0.2.1/24"; empty: any will do."""


@dataclass(frozen=True, slots=True)
class CheckFirewall:
    config: str
    ruleset: str = ""
    """A file; empty: the live one."""
    lans: tuple[AssumedInterface, ...] = ()
    wans: tuple[AssumedInterface, ...] = ()
    rtp: RtpRange | None = None
    """None: as configured."""
    probes: bool = True
    """Whether real packets are sent, too; never where a file is looked at."""
    json: bool = False


@dataclass(frozen=True, slots=True)
class ShowAllowList:
    config: str
    format: ListFormat
    rtp: RtpRange | None = None
    json: bool = False


Firewall = CheckFirewall | ShowAllowList


@dataclass(frozen=True, slots=True)
class FirewallAnswer:
    flows: tuple[FirewallReport, ...]
    findings: tuple[FindingReport, ...]
    notes: tuple[str, ...]
    elapsed_s: float
    egress: tuple[EgressReport, ...] = ()
    """Empty where no real packets were sent."""
    egress_s: float = 0.0


def add_firewall(families: Families) -> None:
    parser = add_command(
        families,
        "firewall",
        _read_firewall,
        help="say what the ruleset does to every SBC, and by which rule",
        description="Copies the ruleset, interfaces, addresses and routes into a namespace of its own, sends there "
        "what a phone and this host would send to every SBC over every WAN, and reads the kernel's verdict and rule. "
        "Nothing leaves the host for that, and nothing of it is changed. A proposed change has been tried there first. "
        "Then this host itself sends real packets to every SBC over every WAN, and says where they stop. Exit code 1 "
        "when SIP, RTP or the answers to them are blocked; 4 where a permission or a kernel feature is missing.",
        example="tonekeeper firewall -c /etc/tonekeeper/site.toml\n"
        "  tonekeeper firewall -c site.toml --ruleset dump.nft --lan br-lan=192.0.2.1/24 --wan eth0=198.51.100.2/30",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration (TOML)")
    parser.add_argument(
        "--ruleset", metavar="FILE", default="", help="what 'nft list ruleset' or 'iptables-save' wrote on a router"
    )
    for option, what in (("--lan", "where phones are"), ("--wan", "one of its WANs")):
        parser.add_argument(
            option,
            metavar="IF[=ADDR]",
            type=_interface,
            action="append",
            default=[],
            help=f"with --ruleset: {what}; may be repeated",
        )
    parser.add_argument(
        "--rtp",
        metavar="LOW-HIGH",
        type=_range,
        help=f"ports of media (default: as configured, {ASSUMED_RTP} where nothing is)",
    )
    parser.add_argument("--no-probe", action="store_true", help="send no real packets")
    parser.add_argument("--allow-list", action="store_true", help="print what must stay open, and look at no ruleset")
    parser.add_argument(
        "--format", type=ListFormat, choices=list(ListFormat), default=ListFormat.TEXT, help="of the allow list"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _read_firewall(arguments: Namespace) -> Firewall:
    if arguments.allow_list:
        return ShowAllowList(arguments.config, arguments.format, arguments.rtp, arguments.json)
    return CheckFirewall(
        config=arguments.config,
        ruleset=arguments.ruleset,
        lans=tuple(arguments.lan),
        wans=tuple(arguments.wan),
        rtp=arguments.rtp,
        probes=not arguments.no_probe and not arguments.ruleset,
        json=arguments.json,
    )


def show_firewall(command: CheckFirewall, answer: FirewallAnswer, terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json(
            {
                "firewall": answer.flows,
                "egress": answer.egress,
                "findings": answer.findings,
                "notes": answer.notes,
                "elapsed_ms": round(answer.elapsed_s * 1000, 1),
            }
        )
    else:
        text = firewall_text.render_firewall(
            answer.flows,
            answer.egress,
            answer.findings,
            answer.notes,
            elapsed=(answer.elapsed_s, answer.egress_s),
            colour=terminal.wants_colour,
            width=terminal.width,
        )
        terminal.show(text)
    is_critical = any(finding.severity is Severity.CRITICAL for finding in answer.findings)
    return Exit.PROBLEMS if is_critical else Exit.FINE


def show_egress_progress(progress: EgressProgress, terminal: Terminal) -> None:
    """Over what was shown before; nothing where standard error is no terminal."""
    terminal.show_progress(firewall_text.render_egress_progress(progress, width=terminal.width))


def show_allow_list(command: ShowAllowList, flows: Sequence[AllowedFlow], terminal: Terminal) -> Exit:
    if command.json:
        terminal.show_json({"allow": flows})
        return Exit.FINE
    match command.format:
        case ListFormat.TEXT:
            terminal.show(firewall_text.allow_as_text(flows))
        case ListFormat.NFT:
            terminal.show(firewall_text.allow_as_nft(flows))
        case ListFormat.IPTABLES:
            terminal.show(firewall_text.allow_as_iptables(flows))
        case ListFormat.CSV:
            terminal.show(firewall_text.allow_as_csv(flows))
        case _:
            assert_never(command.format)
    return Exit.FINE


def _interface(text: str) -> AssumedInterface:
    name, _, address = text.partition("=")
    if not 0 < len(name) <= LONGEST_NAME or "/" in name or not name.isprintable() or " " in name:
        raise ArgumentTypeError(f"{text!r} names no interface; write eth0 or eth0=192.0.2.1/24")
    try:
        return AssumedInterface(name, str(ipaddress.ip_interface(address)) if address else "")
    except ValueError:
        raise ArgumentTypeError(f"{address!r} is no address; write {name}=192.0.2.1/24") from None


def _range(text: str) -> RtpRange:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    if found is None or not 0 < int(found[1]) <= int(found[2]) <= 65535:
        raise ArgumentTypeError(f"{text!r} is no range of ports; write 10000-20000")
    return RtpRange(int(found[1]), int(found[2]))
