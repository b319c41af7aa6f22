"""What a diagnosis looks at, and how one look ended.

A check ends as `ok`, as `problem` (its observations say which) or as `not checked` (its detail says why, and what
would make it possible). Nothing that was not looked at is ever `ok`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tonekeeper.core.findings import Observation


class Check(StrEnum):
    WANS = "wans"
    DNS = "dns"
    SBCS = "sbcs"
    MEDIA = "media"
    NAT = "nat"
    SIP_ALG = "sip-alg"
    DOUBLE_NAT = "double-nat"
    FIREWALL = "firewall"
    EGRESS = "egress"
    """Real packets to every SBC address, and where they stop."""
    PATH_MTU = "path-mtu"
    PHONES = "phones"
    RP_FILTER = "rp-filter"
    CONNTRACK = "conntrack"
    """How full the table of connections is."""
    CLOCK = "clock"
    PORTAL = "captive-portal"
    DHCP = "dhcp"
    """Whether more than one server answers on the LAN."""


class Outcome(StrEnum):
    OK = "ok"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class CheckResult:
    check: Check
    outcome: Outcome
    detail: str
    """One line: what was seen ("2 servers agree, 0.01 s off"), or why it was not checked."""
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A result, and when it came."""

    result: CheckResult
    at: float
