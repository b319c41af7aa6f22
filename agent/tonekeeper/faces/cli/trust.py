"""How an agent that is asked over HTTPS is known, and how we are known to it: options of the commands that ask."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """Files, PEM."""

    ca_file: str = ""
    """Who vouches for the agent's certificate; empty: whom this system trusts."""
    client_cert: str = ""
    """Ours; empty: none."""
    client_key: str = ""
    """Empty: in the file of the certificate."""
    is_pinned: bool = False
    """`ca_file` is the agent's own certificate, whatever name that is for."""


SYSTEM_TRUST = Trust()


def add_trust_options(parser: ArgumentParser) -> None:
    parser.add_argument("--ca-file", metavar="FILE", default="", help="who vouches for the agent's certificate (PEM)")
    parser.add_argument("--client-cert", metavar="FILE", default="", help="our certificate, if it asks for one (PEM)")
    parser.add_argument("--client-key", metavar="FILE", default="", help="its key, if that is in a file of its own")


def read_trust(arguments: Namespace) -> Trust:
    return Trust(arguments.ca_file, arguments.client_cert, arguments.client_key)
