"""`tune`: timers for one model, from what was measured.

The answer is in `tune_answer`: an agent that never looks at a phone need not load what a phone is.
"""

from __future__ import annotations

import math
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from tonekeeper.errors import DecodeError
from tonekeeper.faces.cli.families import Families, add_command
from tonekeeper.faces.cli.tune_delivery import OntoPhone, add_delivery, read_delivery
from tonekeeper.wire.sip.uri import SipUri, parse_sip_uri

AIMS = ("fast-failover", "gentle", "battery")
MOST_SBCS = 8

_URL = re.compile(r"https?://[^\s/]+(/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class TunePhones:
    """None and empty: not given. `base`: a file of the phone's to patch, `out`: where to."""

    profile: str
    aim: str = AIMS[0]
    sbcs: tuple[SipUri, ...] = ()
    lifetime_s: float | None = None
    rtt_s: float | None = None
    loss: float | None = None
    flapping: bool = False
    phones: int | None = None
    number: int | None = None
    account: int = 1
    firmware: str = ""
    registrar_rate: float | None = None
    min_expiry_s: float | None = None
    url: str = ""
    token_file: str = ""
    directory: str = ""
    json: bool = False
    native: bool = False
    base: str = ""
    out: str = ""
    keep_servers: bool = False
    onto: OntoPhone | None = None


def add_tune(families: Families) -> None:
    parser = add_command(
        families,
        "tune",
        _read_tune,
        help="timers for one phone model, computed",
        description="Computes registration, keepalive, retry and failover settings of one model from what was measured "
        "at the site, with the reason for each value and what it costs. Measurements are given, or taken from a "
        "running agent with --url. Nothing is changed anywhere but in the file that --out names, or with --deliver.",
        example="tonekeeper tune --profile yealink-desk --lifetime 60 --rtt 40 --phones 12 "
        "--sbc sip:sbc1.example.net --sbc 'sip:198.51.100.20:5060;transport=udp'",
    )
    parser.add_argument(
        "--profile", metavar="ID", required=True, help="the model, as 'tonekeeper profiles list' names it"
    )
    parser.add_argument("--aim", choices=AIMS, default=AIMS[0], help="what matters most (default: %(default)s)")
    _add_site(parser)
    _add_phones(parser)
    parser.add_argument(
        "--profiles", metavar="DIR", dest="directory", default="", help="default: the installed profiles"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document on standard output")
    form.add_argument("--native", action="store_true", help="only the settings, in the model's own syntax")
    parser.add_argument(
        "--base",
        metavar="FILE",
        default="",
        help="the phone's settings as they are: shows what would change in it, and nothing else of it",
    )
    parser.add_argument("--out", metavar="FILE", default="", help="with --base: write it there with the new values")
    add_delivery(parser)


def _add_site(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--sbc", metavar="URI", dest="sbcs", type=_sbc, action="append", default=[], help="in order; may be repeated"
    )
    parser.add_argument(
        "--lifetime", metavar="S", type=_between(1, 1e6, "seconds"), help="that an idle binding outlives for sure"
    )
    parser.add_argument("--rtt", metavar="MS", type=_between(0, 60_000, "milliseconds"), help="to the farthest SBC")
    parser.add_argument("--loss", metavar="SHARE", type=_between(0, 1, "a share"), help="of requests, 0 to 1")
    parser.add_argument("--flapping", action="store_true", help="a WAN keeps coming and going")
    parser.add_argument(
        "--registrar-rate",
        metavar="R",
        type=_between(0.01, 1e6, "per second"),
        help="registrations per second it takes",
    )
    parser.add_argument(
        "--min-expiry", metavar="S", type=_between(1, 86_400, "seconds"), help="the shortest the registrar accepts"
    )
    parser.add_argument("--keep-servers", action="store_true", help="leave the servers that the phone has now")
    parser.add_argument("--url", type=_url, help="of a running agent: take its SBCs and measurements")
    parser.add_argument("--token-file", metavar="FILE", default="", help="the agent's [http] token_file, if it has one")


def _add_phones(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--phones",
        metavar="N",
        type=_count(1_000_000),
        help="of the model, that share the registrar (default: those that the agent at --url has seen, else 1)",
    )
    parser.add_argument(
        "--phone",
        metavar="K",
        dest="number",
        type=_count(1_000_000),
        help="which of them: models without jitter get values that differ from phone to phone (default: the place of "
        "--mac among those that the agent has seen, else 1)",
    )
    parser.add_argument("--account", metavar="N", type=_count(100), default=1, help="of the phone (default: 1)")
    parser.add_argument("--firmware", metavar="VERSION", default="", help="of the phone")


def _read_tune(arguments: Namespace) -> TunePhones:
    return TunePhones(
        profile=arguments.profile,
        aim=arguments.aim,
        sbcs=tuple(arguments.sbcs[:MOST_SBCS]),
        lifetime_s=arguments.lifetime,
        rtt_s=None if arguments.rtt is None else arguments.rtt / 1000,
        loss=arguments.loss,
        flapping=arguments.flapping,
        phones=arguments.phones,
        number=arguments.number,
        account=arguments.account,
        firmware=arguments.firmware,
        registrar_rate=arguments.registrar_rate,
        min_expiry_s=arguments.min_expiry,
        url=arguments.url or "",
        token_file=arguments.token_file,
        directory=arguments.directory,
        json=arguments.json,
        native=arguments.native,
        base=arguments.base,
        out=arguments.out,
        keep_servers=arguments.keep_servers,
        onto=read_delivery(arguments),
    )


def _sbc(text: str) -> SipUri:
    try:
        return parse_sip_uri(text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}")
    except DecodeError as error:
        raise ArgumentTypeError(f"{error.reason}; write sip:sbc1.example.net or sip:192.0.2.20:5060") from None


def _between(least: float, most: float, what: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise ArgumentTypeError(f"{text[:60]!r} is not {what} between {least:g} and {most:g}")
        return number

    return read


def _count(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= most:
            raise ArgumentTypeError(f"{text[:60]!r} is not a whole number between 1 and {most}")
        return int(text)

    return read


def _url(text: str) -> str:
    if _URL.fullmatch(text) is None:
        raise ArgumentTypeError(f"{text[:60]!r} is not a URL; write http://ADDRESS:PORT")
    return text
