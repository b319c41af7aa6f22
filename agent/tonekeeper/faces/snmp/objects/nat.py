"""The NATs behind the WANs, and for how long they remember."""

from collections.abc import Iterator
from typing import NamedTuple

from tonekeeper.core.report import NatReport
from tonekeeper.faces.snmp.definition import Index, Leaf, Served, Table, of
from tonekeeper.faces.snmp.objects.wans import FACT
from tonekeeper.faces.snmp.syntax import (
    ENDPOINT_ADDRESS,
    ENDPOINT_ADDRESS_TYPE,
    ENDPOINT_PORT,
    GAUGE,
    NAME,
    TEXT,
    gauge,
    words,
)

MAPPING = words(
    "TonekeeperNatBehaviour",
    "Mapping or filtering of a NAT (RFC 4787); none: nothing on the way translates addresses.",
    "none",
    "endpoint-independent",
    "address-dependent",
    "address-and-port-dependent",
    "not checked",
)
KIND = words(
    "TonekeeperBindingKind",
    "What a binding had seen before it fell idle: a packet that nobody answered, one question and its answer, traffic "
    "both ways, or an established TCP connection.",
    "unreplied",
    "replied",
    "stream",
    "tcp",
)


class BindingRow(NamedTuple):
    wan: str
    kind: str
    low: float
    high: float | None


def _bindings(served: Served) -> Iterator[BindingRow]:
    for nat in served.report.nat:
        for kind, interval in nat.lifetime_s.items():
            if interval is not None:
                yield BindingRow(nat.wan, kind, *interval)


def _reasons(nat: NatReport) -> str:
    return "; ".join(f"{part}: {reason}" for part, reason in nat.reasons.items())


NATS = Table(
    20,
    "Nat",
    lambda served: served.report.nat,
    (Index("WanName", NAME, of("wan")),),
    (
        Leaf(1, "Mapping", MAPPING, of("mapping"), "How the NAT maps."),
        Leaf(2, "Filtering", MAPPING, of("filtering"), "How the NAT filters."),
        Leaf(
            3,
            "MappedAddressType",
            ENDPOINT_ADDRESS_TYPE,
            of("mapped_address"),
            "The type of tkNatMappedAddress. Like that, it has no instance where no server answered.",
        ),
        Leaf(4, "MappedAddress", ENDPOINT_ADDRESS, of("mapped_address"), "The address that a server saw."),
        Leaf(5, "MappedPort", ENDPOINT_PORT, of("mapped_address"), "The port that a server saw."),
        Leaf(6, "SipAlg", FACT, of("sip_alg"), "Whether something on the way rewrites SIP."),
        Leaf(
            7,
            "Keepalive",
            gauge(1000),
            of("keepalive_s"),
            "The longest interval at which a keepalive holds a UDP binding; no instance: no lifetime is known.",
            "milliseconds",
        ),
        Leaf(8, "Unchecked", TEXT, _reasons, "Why something was not checked; empty where all was."),
        Leaf(9, "Age", GAUGE, of("age_s"), "Time since it was measured.", "seconds"),
    ),
    "What was measured of the NAT behind each WAN; a WAN that was not measured has no row.",
    most=16,
    always=False,
)

BINDINGS = Table(
    21,
    "Binding",
    _bindings,
    (Index("WanName", NAME, of("wan")), Index("BindingKind", KIND, of("kind"), 1, "What the binding had seen.")),
    (
        Leaf(2, "Low", gauge(1000), of("low"), "A binding that was idle for so long lived.", "milliseconds"),
        Leaf(
            3,
            "High",
            gauge(1000),
            of("high"),
            "A binding that was idle for so long was dead; no instance: it outlived the measurement.",
            "milliseconds",
        ),
    ),
    "For how long the NAT behind each WAN remembers; what was not checked has no row.",
    most=64,
    always=False,
)
