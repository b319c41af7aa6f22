"""The SBCs, and what they answered to all probes."""

from collections.abc import Iterator
from typing import NamedTuple

from tonekeeper.core.report import SbcReport
from tonekeeper.faces.snmp.definition import Index, Leaf, Served, Table, of
from tonekeeper.faces.snmp.syntax import COUNTER, GAUGE, NAME, TEXT, TRUTH, UNSIGNED, words

SBC_STATE = words(
    "TonekeeperSbcState",
    "State of an SBC: healthy, degraded, draining (it asked to be left alone), down, unknown (nobody can tell), "
    "notChecked (nobody has looked).",
    "healthy",
    "degraded",
    "draining",
    "down",
    "unknown",
    "not checked",
)
SBC_NAME = Index("SbcName", NAME, of("sbc.name"))
"""Of a row that has the SBC under `sbc`."""


class ResponsesRow(NamedTuple):
    sbc: SbcReport
    code: str
    responses: int


def _responses(served: Served) -> Iterator[ResponsesRow]:
    return (ResponsesRow(sbc, code, count) for sbc in served.report.sbcs for code, count in sbc.responses.items())


def _code(row: ResponsesRow) -> int | None:
    """`503` as it is; `5xx`, what has no line of its own, as 5."""
    code = row.code.removesuffix("xx")
    return int(code) if code.isascii() and code.isdigit() else None


SBCS = Table(
    11,
    "Sbc",
    lambda served: served.report.sbcs,
    (Index("SbcName", NAME, of("name"), 1, "The name of the SBC, as it is configured."),),
    (
        Leaf(2, "Uri", TEXT, of("uri"), "Where the SBC is, as it is configured."),
        Leaf(3, "State", SBC_STATE, of("state"), "The state of the SBC."),
        Leaf(4, "StateAge", GAUGE, of("since_s"), "Time that the SBC has been in its state.", "seconds"),
        Leaf(5, "Reason", TEXT, of("reason"), "Why the SBC is in its state."),
        Leaf(6, "Control", SBC_STATE, of("control"), "The state of its signalling alone."),
        Leaf(7, "Media", SBC_STATE, of("media"), "What calls over it sound like; notChecked without test calls."),
        Leaf(8, "Active", TRUTH, of("active"), "Whether the site is on this SBC."),
        Leaf(9, "Penalty", GAUGE, of("penalty"), "The damping penalty at this moment (RFC 2439)."),
        Leaf(
            10,
            "ReuseWait",
            GAUGE,
            of("suppressed_s"),
            "Time until a flapping SBC is trusted again. An SBC that is trusted has no instance.",
            "seconds",
        ),
        Leaf(
            11,
            "ConfirmedAge",
            GAUGE,
            of("confirmed_s"),
            "Time since a DNS server last confirmed its addresses. An SBC that is configured by address has no "
            "instance.",
            "seconds",
        ),
    ),
    "The SBCs of the site.",
    most=64,
)

RESPONSES = Table(
    16,
    "Response",
    _responses,
    (
        SBC_NAME,
        Index(
            "ResponseCode",
            UNSIGNED,
            _code,
            1,
            "A SIP status code. 1 to 6 stand for what has no row of its own: 5 for other responses of the class 5xx.",
        ),
    ),
    (Leaf(2, "Count", COUNTER, of("responses"), "Responses to all probes with this code, since the agent started."),),
    "SIP responses of each SBC to all probes.",
    most=640,
)
