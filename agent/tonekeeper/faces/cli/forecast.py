"""`forecast`: what a phone does in the first five minutes of an incident, before and after tuning.

The answer is in `forecast_answer`: an agent that never looks at a phone need not load what a phone is.
"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass

from tonekeeper.faces.cli.families import Families, add_command

INCIDENTS = (
    "primary-silent",
    "primary-rejects-503",
    "primary-rejects-503-retry-after",
    "primary-rejects-403",
    "primary-tcp-reset",
    "dns-dead",
    "wan-switched",
    "alternate-blocked",
    "all-silent",
)
AIMS = ("fast-failover", "gentle", "battery")
MOST_SERVERS = 8


@dataclass(frozen=True, slots=True)
class ForecastIncident:
    """`changes`: settings that are not the factory's, as (capability, value) the way they were typed. `lasts_s`
    infinite: nobody mends it. `html`: a file to write, or empty."""

    profile: str
    incident: str = INCIDENTS[0]
    changes: tuple[tuple[str, str], ...] = ()
    servers: int = 2
    aim: str = AIMS[0]
    firmware: str = ""
    granted_s: float | None = None
    lasts_s: float = math.inf
    retry_after_s: float = 120.0
    seed: int = 1
    directory: str = ""
    html: str = ""
    json: bool = False


def add_forecast(families: Families) -> None:
    parser = add_command(
        families,
        "forecast",
        _read_forecast,
        help="the first five minutes of an incident at a phone",
        description="Plays an incident at a phone of one model, from every moment between two registrations: when it "
        "notices, when it is registered again, when calls work, and what people hear; with the settings it has and "
        "with tuned ones. What the profile does not know is unknown.",
        example="tonekeeper forecast --profile yealink-desk --incident primary-silent --set registration-expiry=600",
    )
    parser.add_argument(
        "--profile", metavar="ID", required=True, help="the model, as 'tonekeeper profiles list' names it"
    )
    parser.add_argument(
        "--incident", metavar="NAME", choices=INCIDENTS, default=INCIDENTS[0], help=f"one of {', '.join(INCIDENTS)}"
    )
    parser.add_argument(
        "--set",
        metavar="CAPABILITY=VALUE",
        dest="changes",
        type=_change,
        action="append",
        default=[],
        help="a setting that is not the factory's, times in seconds; may be repeated",
    )
    parser.add_argument(
        "--servers", metavar="N", type=_servers, default=2, help="how many the phone knows (default: 2)"
    )
    parser.add_argument("--aim", choices=AIMS, default=AIMS[0], help="of the tuning (default: %(default)s)")
    parser.add_argument("--firmware", metavar="VERSION", default="", help="of the phone")
    parser.add_argument(
        "--granted", metavar="S", dest="granted_s", type=_seconds, help="the expiry that the registrar grants at most"
    )
    parser.add_argument(
        "--lasts", metavar="S", dest="lasts_s", type=_seconds, default=math.inf, help="the incident is mended after S"
    )
    parser.add_argument(
        "--retry-after", metavar="S", dest="retry_after_s", type=_seconds, default=120.0, help="in the 503 that has one"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="of the chance in it (default: %(default)s)")
    parser.add_argument(
        "--profiles", metavar="DIR", dest="directory", default="", help="default: the installed profiles"
    )
    parser.add_argument("--html", metavar="FILE", default="", help="write a page with drawings as well")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _read_forecast(arguments: Namespace) -> ForecastIncident:
    return ForecastIncident(
        profile=arguments.profile,
        incident=arguments.incident,
        changes=tuple(arguments.changes),
        servers=arguments.servers,
        aim=arguments.aim,
        firmware=arguments.firmware,
        granted_s=arguments.granted_s,
        lasts_s=arguments.lasts_s,
        retry_after_s=arguments.retry_after_s,
        seed=arguments.seed,
        directory=arguments.directory,
        html=arguments.html,
        json=arguments.json,
    )


def _change(text: str) -> tuple[str, str]:
    capability, separator, value = text.partition("=")
    if not separator or not capability:
        raise ArgumentTypeError(f"{text[:60]!r} is not CAPABILITY=VALUE; write registration-expiry=600")
    return capability, value


def _servers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_SERVERS:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of servers between 1 and {MOST_SERVERS}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1.0 <= seconds <= 86400.0:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of seconds between 1 and 86400")
    return seconds
