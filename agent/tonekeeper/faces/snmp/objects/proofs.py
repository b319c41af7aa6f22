"""What deep probes prove of each SBC: its functions, how often they succeed, and what calls sound like."""

from collections.abc import Iterator
from typing import NamedTuple

from tonekeeper.core.report import AttemptsReport, CallQualityReport, FunctionReport, SbcReport
from tonekeeper.faces.snmp.definition import Index, Leaf, Served, Table, of
from tonekeeper.faces.snmp.objects.sbcs import SBC_NAME
from tonekeeper.faces.snmp.syntax import COUNTER, GAUGE, HUNDREDTHS, MILLISECONDS_COUNTER, TEXT, gauge, words

FUNCTION = words(
    "TonekeeperFunction",
    "What an SBC can do for a site.",
    "signalling",
    "registration",
    "calls",
    "media",
    "voicemail",
)
FUNCTION_STATE = words(
    "TonekeeperFunctionState",
    "State of a function: ok over any WAN, failed over one and ok over none, unknown.",
    "ok",
    "failed",
    "unknown",
)
TRIED = words("TonekeeperTried", "What deep probes try.", "registration", "call", "voicemail")


class FunctionRow(NamedTuple):
    sbc: SbcReport
    function: FunctionReport


class AttemptsRow(NamedTuple):
    sbc: SbcReport
    tried: str
    attempts: AttemptsReport


class CallRow(NamedTuple):
    sbc: SbcReport
    call: CallQualityReport


def _functions(served: Served) -> Iterator[FunctionRow]:
    return (FunctionRow(sbc, function) for sbc in served.report.sbcs for function in sbc.functions)


def _attempts(served: Served) -> Iterator[AttemptsRow]:
    for sbc in served.report.sbcs:
        tried = {"registration": sbc.registrations, "call": sbc.calls, "voicemail": sbc.voicemail}
        yield from (AttemptsRow(sbc, name, attempts) for name, attempts in tried.items() if attempts is not None)


def _calls(served: Served) -> Iterator[CallRow]:
    return (CallRow(sbc, sbc.call_quality) for sbc in served.report.sbcs if sbc.call_quality is not None)


FUNCTIONS = Table(
    13,
    "Function",
    _functions,
    (SBC_NAME, Index("FunctionKind", FUNCTION, of("function.function"), 1, "Which function this is.")),
    (
        Leaf(2, "State", FUNCTION_STATE, of("function.state"), "The state of the function, over all WANs."),
        Leaf(
            3,
            "FailingWans",
            TEXT,
            lambda row: ", ".join(row.function.failing_wans),
            "The WANs over which it fails, by commas; empty where it does not.",
        ),
        Leaf(4, "Reason", TEXT, of("function.reason"), "Why it fails; empty where it does not."),
        Leaf(
            5,
            "PassAge",
            GAUGE,
            of("function.passed_s"),
            "Time since a probe of it last passed over any WAN; no instance: never.",
            "seconds",
        ),
        Leaf(6, "Recoveries", COUNTER, of("function.recoveries"), "Outages of it that have ended."),
        Leaf(7, "LastOutage", GAUGE, of("function.recovery_s"), "How long the latest of them lasted.", "seconds"),
        Leaf(
            8, "LongestOutage", GAUGE, of("function.worst_recovery_s"), "How long the longest of them was.", "seconds"
        ),
        Leaf(
            9,
            "OutageTime",
            MILLISECONDS_COUNTER,
            of("function.recoveries_sum_s"),
            "How long they lasted, together.",
            "milliseconds",
        ),
    ),
    "What probes say of each function of an SBC; one that is not probed has no row.",
    most=320,
)

ATTEMPTS = Table(
    14,
    "Attempt",
    _attempts,
    (SBC_NAME, Index("AttemptKind", TRIED, of("tried"), 1, "What is tried.")),
    (
        Leaf(2, "Count", COUNTER, of("attempts.attempts"), "How often it was tried."),
        Leaf(3, "Successes", COUNTER, of("attempts.successes"), "How often it succeeded."),
        Leaf(
            4,
            "Time",
            MILLISECONDS_COUNTER,
            of("attempts.latency.sum_s"),
            "How long the successful ones took, together.",
            "milliseconds",
        ),
    ),
    "Deep probes of the SBCs, counted since the agent started; what is not probed has no row.",
    most=192,
    always=False,
)

CALLS = Table(
    15,
    "Call",
    _calls,
    (SBC_NAME,),
    (
        Leaf(
            1,
            "Loss",
            gauge(10000),
            of("call.loss"),
            "Share of the voice that was lost in the latest call, both ways together.",
            "hundredths of a percent",
        ),
        Leaf(2, "Jitter", gauge(1000), of("call.jitter_ms"), "The jitter of the latest call.", "microseconds"),
        Leaf(
            3,
            "RoundTrip",
            gauge(1000),
            of("call.round_trip_ms"),
            "The round-trip time of the latest call.",
            "microseconds",
        ),
        Leaf(4, "Mos", HUNDREDTHS, of("call.mos"), "How the latest call sounded, 1.00 to 4.50 (ITU-T G.107)."),
        Leaf(5, "PacketsSent", COUNTER, of("call.packets_sent"), "RTP packets sent in all calls.", "packets"),
        Leaf(6, "PacketsLost", COUNTER, of("call.packets_lost"), "Of them, those that were lost.", "packets"),
        Leaf(7, "OneWayCalls", COUNTER, of("call.one_way_calls"), "Calls that were heard one way only."),
    ),
    "Test calls over each SBC; an SBC without one has no row.",
    most=64,
    always=False,
)
