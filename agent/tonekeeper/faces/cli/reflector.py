"""`reflector`: the provider-side peer of NAT and SIP ALG measurements."""

from __future__ import annotations

import ipaddress
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

STUN_PORT = 3478
SIP_PORT = 5060


@dataclass(frozen=True, slots=True)
class Reflector:
    """Answer what arrives at `listen` and its next port, until SIGTERM."""

    listen: Endpoint
    alternate: str = ""
    """A second address; empty: there is none."""
    sip_port: int = SIP_PORT
    """One more port; 0: none."""


def add_reflector(families: Families) -> None:
    parser = add_command(
        families,
        "reflector",
        _read_reflector,
        help="answer NAT and SIP ALG measurements, at the provider",
        description="Answers STUN with RFC 5780, over UDP and TCP, mirrors SIP requests and echoes RTP, on two ports "
        "of one address or of two. Rate-limited for each source, and no answer is larger than 1.5 times its question. "
        "Runs in the foreground, without privileges, until SIGTERM.",
        example="tonekeeper reflector --listen 203.0.113.18 --alternate 203.0.113.19",
    )
    parser.add_argument(
        "--listen",
        metavar="ADDR[:PORT]",
        type=_address_and_port,
        required=True,
        help=f"an address of this host (default port: {STUN_PORT}; the port after it is listened on, too)",
    )
    parser.add_argument("--alternate", metavar="ADDR", type=_address, help="a second one, on the same ports")
    parser.add_argument(
        "--sip-port",
        metavar="PORT",
        type=_port,
        default=SIP_PORT,
        help="one more port, which SIP ALGs look at; 0 where an SBC has it (default: %(default)s)",
    )


def _read_reflector(arguments: Namespace) -> Reflector:
    return Reflector(arguments.listen, arguments.alternate or "", arguments.sip_port)


def _address_and_port(text: str) -> Endpoint:
    try:
        endpoint = parse_endpoint(text)
    except DecodeError:
        return Endpoint(_address(text), STUN_PORT)
    _address(endpoint.host)
    if not 0 < endpoint.port < 65535:
        raise ArgumentTypeError(
            f"{text!r}: the port and the one after it must be ports; write 203.0.113.18:{STUN_PORT}"
        )
    return endpoint


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not an address; write 203.0.113.18") from None
    if address.is_unspecified or address.is_multicast:
        raise ArgumentTypeError(f"{text!r} is no single address of a host; an answer must leave from a certain one")
    return str(address)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port between 0 and 65535")
    return int(text)
