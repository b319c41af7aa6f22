"""What goes wrong at the other end of the line, as a phone meets it: which request fails, how, and until when.

Servers are numbered in the phone's order; 0 is the primary. The incident begins at 0 s, when the phone is registered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tonekeeper.phones.conditions import Server

PRIMARY = 0
_STREAMS = frozenset({"tcp", "tls", "tcp-preferred"})


class IncidentKind(StrEnum):
    PRIMARY_SILENT = "primary-silent"
    PRIMARY_REJECTS_503 = "primary-rejects-503"
    PRIMARY_REJECTS_503_RETRY_AFTER = "primary-rejects-503-retry-after"
    PRIMARY_REJECTS_403 = "primary-rejects-403"
    PRIMARY_TCP_RESET = "primary-tcp-reset"
    """Its host is up and nothing listens: a TCP reset, or ICMP port unreachable over UDP."""
    DNS_DEAD = "dns-dead"
    WAN_SWITCHED = "wan-switched"
    """The site has a new public address, and every NAT binding is gone. The servers are well."""
    ALTERNATE_BLOCKED = "alternate-blocked"
    """The primary is silent, and a firewall drops what goes to the second server."""
    ALL_SILENT = "all-silent"


class Failure(StrEnum):
    """How a request fails; as the keys under `failures` of a behaviour."""

    NO_ANSWER = "no-answer"
    ICMP_UNREACHABLE = "icmp-unreachable"
    TCP_RESET = "tcp-reset"
    ANSWER_403 = "answer-403"
    ANSWER_503 = "answer-503"
    ANSWER_503_RETRY_AFTER = "answer-503-retry-after"
    DNS_FAILURE = "dns-failure"

    @property
    def code(self) -> str:
        """Of the answer; "" where there was none."""
        return self.value.split("-")[1] if self.startswith("answer-") else ""


@dataclass(frozen=True, slots=True)
class Incident:
    """`lasts_s` infinite: nobody mends it. `retry_after_s`: in the 503 that has one."""

    kind: IncidentKind
    lasts_s: float = math.inf
    retry_after_s: float = 120.0

    def breaks(self, server: int, servers: Sequence[Server], transport: str) -> Failure | None:
        """How a request to this server fails while the incident lasts; None where it is answered."""
        match self.kind:
            case IncidentKind.WAN_SWITCHED:
                return None
            case IncidentKind.DNS_DEAD:
                return Failure.DNS_FAILURE if servers[server].is_name else None
            case IncidentKind.ALL_SILENT:
                return Failure.NO_ANSWER
            case IncidentKind.ALTERNATE_BLOCKED:
                return Failure.NO_ANSWER if server <= 1 else None
            case IncidentKind.PRIMARY_SILENT:
                failure = Failure.NO_ANSWER
            case IncidentKind.PRIMARY_REJECTS_503:
                failure = Failure.ANSWER_503
            case IncidentKind.PRIMARY_REJECTS_503_RETRY_AFTER:
                failure = Failure.ANSWER_503_RETRY_AFTER
            case IncidentKind.PRIMARY_REJECTS_403:
                failure = Failure.ANSWER_403
            case IncidentKind.PRIMARY_TCP_RESET:
                failure = Failure.ICMP_UNREACHABLE if transport == "udp" else Failure.TCP_RESET
            case _:
                assert_never(self.kind)
        return failure if server == PRIMARY else None

    @property
    def keeps_registrations(self) -> bool:
        """Whether calls still reach a phone that registered before it began."""
        return self.kind is IncidentKind.DNS_DEAD

    @property
    def voids_registrations(self) -> bool:
        """Whether every server has an address of the phone that is no longer its own."""
        return self.kind is IncidentKind.WAN_SWITCHED

    def breaks_links(self, transport: str) -> bool:
        """Whether a connection to the primary that was open ends at once."""
        return transport in _STREAMS and self.kind in (IncidentKind.PRIMARY_TCP_RESET, IncidentKind.WAN_SWITCHED)
