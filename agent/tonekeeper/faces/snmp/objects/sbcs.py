"""The SBCs, the paths to them, and what is proven of them."""

from collections.abc import Iterator
from typing import NamedTuple

from tonekeeper.core.report import (
    AttemptsReport,
    CallQualityReport,
    FunctionReport,
    PathReport,
    SbcReport,
    TlsReport,
)
from tonekeeper.faces.snmp.definition import Index, Leaf, Read, Served, Table, of
from tonekeeper.faces.snmp.syntax import (
    COUNTER,
    ENDPOINT_ADDRESS,
    ENDPOINT_ADDRESS_TYPE,
    ENDPOINT_PORT,
    GAUGE,
    HUNDREDTHS,
    MILLISECONDS_COUNTER,
    NAME,
    SIGNED,
    TEXT,
    TRUTH,
    UNSIGNED,
    gauge,
    words,
)

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
PATH_STATE = words(
    "TonekeeperPathState",
    "State of a path: up, suspect (it missed a probe, which is being confirmed), down, unknown (no verdict yet).",
    "up",
    "suspect",
    "down",
    "unknown",
)
TRANSPORT = words("TonekeeperTransport", "How SIP is carried.", "udp", "tcp", "tls")
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

SBC_NAME = Index("SbcName", NAME, of("sbc.name"))
WAN_NAME_OF_PATH = Index("WanName", NAME, of("path.wan"))


class PathRow(NamedTuple):
    sbc: SbcReport
    path: PathReport

    @property
    def tls(self) -> TlsReport | None:
        return self.path.tls


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


class ResponsesRow(NamedTuple):
    sbc: SbcReport
    code: str
    responses: int


def _paths(served: Served) -> Iterator[PathRow]:
    return (PathRow(sbc, path) for sbc in served.report.sbcs for path in sbc.paths)


def _functions(served: Served) -> Iterator[FunctionRow]:
    return (FunctionRow(sbc, function) for sbc in served.report.sbcs for function in sbc.functions)


def _attempts(served: Served) -> Iterator[AttemptsRow]:
    for sbc in served.report.sbcs:
        tried = {"registration": sbc.registrations, "call": sbc.calls, "voicemail": sbc.voicemail}
        yield from (AttemptsRow(sbc, name, attempts) for name, attempts in tried.items() if attempts is not None)


def _calls(served: Served) -> Iterator[CallRow]:
    return (CallRow(sbc, sbc.call_quality) for sbc in served.report.sbcs if sbc.call_quality is not None)


def _responses(served: Served) -> Iterator[ResponsesRow]:
    return (ResponsesRow(sbc, code, count) for sbc in served.report.sbcs for code, count in sbc.responses.items())


def _of_tls(path: str) -> Read:
    """None where there was no handshake."""
    read = of(path)

    def of_row(row: PathRow) -> object:
        return None if row.tls is None else read(row.tls)

    return of_row


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

PATHS = Table(
    12,
    "Path",
    _paths,
    (
        WAN_NAME_OF_PATH,
        SBC_NAME,
        Index("PathTransport", TRANSPORT, of("path.transport"), 1, "How SIP is carried on this path."),
        Index("PathAddressType", ENDPOINT_ADDRESS_TYPE, of("path.address"), 2, "The type of tkPathAddress."),
        Index("PathAddress", ENDPOINT_ADDRESS, of("path.address"), 3, "The address of the SBC on this path."),
        Index("PathPort", ENDPOINT_PORT, of("path.address"), 4, "The port of the SBC on this path."),
    ),
    (
        Leaf(5, "State", PATH_STATE, of("path.state"), "The state of the path."),
        Leaf(6, "StateAge", GAUGE, of("path.since_s"), "Time that the path has been in its state.", "seconds"),
        Leaf(7, "Reason", TEXT, of("path.reason"), "Why the path is in its state."),
        Leaf(
            8,
            "RoundTrip",
            gauge(1000),
            of("path.rtt_ms"),
            "The round-trip time of OPTIONS on the path, smoothed.",
            "microseconds",
        ),
        Leaf(
            9,
            "Loss",
            gauge(10000),
            of("path.loss"),
            "Share of the steady probes that stayed unanswered.",
            "hundredths of a percent",
        ),
        Leaf(
            10,
            "LastReply",
            TEXT,
            of("path.last_reply"),
            "The status code of the latest reply, or an ICMP or local error; empty: none yet.",
        ),
        Leaf(11, "LastReplyAge", GAUGE, of("path.last_reply_s"), "Time since the latest reply.", "seconds"),
        Leaf(12, "Sent", COUNTER, of("path.sent"), "Probes sent on the path."),
        Leaf(13, "Received", COUNTER, of("path.received"), "Replies to these probes."),
        Leaf(
            14,
            "Ignored",
            COUNTER,
            of("path.ignored"),
            "Datagrams and replies that were not ours: forged, stray, garbage.",
        ),
        Leaf(
            15,
            "Confirmations",
            GAUGE,
            of("path.confirmations"),
            "How many confirming probes a verdict of down takes on this path now.",
        ),
        Leaf(16, "Timeout", GAUGE, of("path.timeout_ms"), "How long a probe waits for its reply.", "milliseconds"),
        Leaf(
            17,
            "TlsProblem",
            TEXT,
            _of_tls("problem"),
            "Why the certificate is not acceptable; empty: it is. Like the other objects about TLS, it has no instance "
            "where there was no handshake.",
        ),
        Leaf(18, "TlsVersion", TEXT, _of_tls("version"), "The version of TLS."),
        Leaf(19, "TlsCipher", TEXT, _of_tls("cipher"), "The cipher suite."),
        Leaf(20, "TlsSubject", TEXT, _of_tls("subject"), "Whom the certificate is for."),
        Leaf(21, "TlsIssuer", TEXT, _of_tls("issuer"), "Who signed the certificate."),
        Leaf(
            22,
            "TlsExpiry",
            SIGNED,
            _of_tls("expires_s"),
            "Time until the certificate expires; negative once it has.",
            "seconds",
        ),
    ),
    "The paths: every WAN with every address of every SBC, each probed by itself.",
    most=256,
)

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
