"""The paths: every WAN with every address of every SBC."""

from collections.abc import Iterator
from typing import NamedTuple

from tonekeeper.core.report import PathReport, SbcReport, TlsReport
from tonekeeper.faces.snmp.definition import Index, Leaf, Read, Served, Table, of
from tonekeeper.faces.snmp.objects.sbcs import SBC_NAME
from tonekeeper.faces.snmp.syntax import (
    COUNTER,
    ENDPOINT_ADDRESS,
    ENDPOINT_ADDRESS_TYPE,
    ENDPOINT_PORT,
    GAUGE,
    NAME,
    SIGNED,
    TEXT,
    gauge,
    words,
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


class PathRow(NamedTuple):
    sbc: SbcReport
    path: PathReport

    @property
    def tls(self) -> TlsReport | None:
        return self.path.tls


def _paths(served: Served) -> Iterator[PathRow]:
    return (PathRow(sbc, path) for sbc in served.report.sbcs for path in sbc.paths)


def _of_tls(path: str) -> Read:
    """None where there was no handshake."""
    read = of(path)

    def of_row(row: PathRow) -> object:
        return None if row.tls is None else read(row.tls)

    return of_row


PATHS = Table(
    12,
    "Path",
    _paths,
    (
        Index("WanName", NAME, of("path.wan")),
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
