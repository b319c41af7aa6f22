"""`demo`: embedded SBCs and a scripted incident on loopback."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.wire.endpoint import Endpoint, parse_endpoint

LISTEN = Endpoint("127.0.0.1", 8642)


@dataclass(frozen=True, slots=True)
class Demo:
    """Play the incident; `once`: end after it, instead of leaving the page up."""

    listen: Endpoint = LISTEN
    once: bool = False


def add_demo(families: Families) -> None:
    parser = add_command(
        families,
        "demo",
        _read_demo,
        help="watch a scripted incident on loopback, as an ordinary user",
        description="Starts SBCs of its own on loopback and an agent that watches them; the primary dies, the "
        "decision comes, the primary returns, and the way back waits. The status page shows it.",
        example="tonekeeper demo --listen 127.0.0.1:8642",
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=_endpoint,
        default=LISTEN,
        help="where the status page is (default: %(default)s)",
    )
    parser.add_argument("--once", action="store_true", help="end after the incident, and take the page away")


def _read_demo(arguments: Namespace) -> Demo:
    return Demo(arguments.listen, arguments.once)


def _endpoint(text: str) -> Endpoint:
    try:
        return parse_endpoint(text)
    except DecodeError as error:
        raise ArgumentTypeError(f"{error.reason}; write 127.0.0.1:8642") from None
