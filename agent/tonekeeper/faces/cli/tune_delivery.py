"""`tune --deliver`: which phone gets its file, and how far to go."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from ipaddress import ip_address

from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

SIP_PORT = 5060
LONGEST_WAIT = 86_400

_MAC = re.compile(r"[0-9a-f]{2}([:-]?)[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}")


@dataclass(frozen=True, slots=True)
class OntoPhone:
    """None and empty: not given."""

    directory: str = ""
    mac: str = ""
    """00:15:65:00:00:01"""
    address: Endpoint | None = None
    dry_run: bool = False
    reboot: bool = False
    within_s: int | None = None


def add_delivery(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("putting it onto a phone", "off unless --deliver is given")
    group.add_argument(
        "--deliver",
        metavar="DIR",
        default="",
        help="patch the phone's file in this directory of the provisioning server, have the phone read it, and take it "
        "back unless the phone registers with the new values",
    )
    group.add_argument("--mac", type=_mac, help="of the phone: its file is named after it")
    group.add_argument("--notify", metavar="ADDRESS[:PORT]", type=_address, help="of the phone (default port: 5060)")
    group.add_argument("--dry-run", action="store_true", help="only show what would change")
    group.add_argument("--reboot", action="store_true", help="go on although the phone may restart")
    group.add_argument(
        "--within", metavar="S", type=_seconds, help="how long to wait for its REGISTER (default: 300 or more)"
    )


def read_delivery(arguments: Namespace) -> OntoPhone | None:
    onto = OntoPhone(
        directory=arguments.deliver,
        mac=arguments.mac or "",
        address=arguments.notify,
        dry_run=arguments.dry_run,
        reboot=arguments.reboot,
        within_s=arguments.within,
    )
    return None if onto == OntoPhone() else onto


def _mac(text: str) -> str:
    if _MAC.fullmatch(text.lower()) is None:
        raise ArgumentTypeError(f"{text[:60]!r} is not a MAC address; write 00:15:65:00:00:01")
    plain = re.sub("[:-]", "", text.lower())
    return ":".join(plain[at : at + 2] for at in range(0, 12, 2))


def _address(text: str) -> Endpoint:
    try:
        return Endpoint(str(ip_address(text.strip("[]"))), SIP_PORT)
    except ValueError:
        pass
    try:
        return parse_endpoint(text)
    except DecodeError as error:
        raise ArgumentTypeError(f"{error.reason}; write 192.0.2.10 or 192.0.2.10:5060") from None


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:12]) <= LONGEST_WAIT:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of seconds between 1 and {LONGEST_WAIT}")
    return int(text)
