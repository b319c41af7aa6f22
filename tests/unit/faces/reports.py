"""Reports to render: one site, two WANs, two SBCs, in the situations a person meets."""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.report import (
    ActiveReport,
    AgentReport,
    AttemptsReport,
    CallQualityReport,
    ChangeReport,
    FindingReport,
    FunctionReport,
    LatencyReport,
    NatReport,
    PathReport,
    PathState,
    PhoneReport,
    ProbingReport,
    Report,
    SbcReport,
    SbcState,
    Severity,
    SteeringReport,
    TlsReport,
    WanReport,
    WanState,
)

PRIMARY = "198.51.100.10:5060"
ALTERNATE = "198.51.100.20:5060"


def healthy() -> Report:
    """Everything answers; calls are where they belong."""
    return Report(
        agent=AgentReport("site-0042", "0.1.0", "router", 11532.2, "observe"),
        wans=(
            _wan("fibre", "eth0", "192.0.2.10"),
            replace(
                _wan("lte", "wwan0", "203.0.113.7"),
                metered=True,
                probing_bytes=234_000,
                probing_budget_bytes=50 * 1024 * 1024,
            ),
        ),
        sbcs=(
            SbcReport(
                "primary",
                "sip:sbc1.example.net",
                SbcState.HEALTHY,
                "healthy",
                "not checked",
                True,
                0.0,
                None,
                "",
                11530.0,
                (_up("fibre", PRIMARY, 21.3), _up("lte", PRIMARY, 55.2)),
            ),
            SbcReport(
                "alternate",
                "sip:198.51.100.20:5060",
                SbcState.HEALTHY,
                "healthy",
                "not checked",
                False,
                0.0,
                None,
                "",
                11530.0,
                (_up("fibre", ALTERNATE, 9.3), _up("lte", ALTERNATE, 63.0)),
            ),
        ),
        active=ActiveReport("fibre", "primary", 11530.0, "first choice", 0, "", None),
        steering=SteeringReport("off", "", (), 0, (), 0, 0),
        findings=(),
        probing=ProbingReport(2.4, 24, 33_177_600, 9222, 8_299_800, 0),
    )


def failed_over() -> Report:
    """The primary went silent 42 s ago; the alternate was chosen a second later."""
    primary, alternate = healthy().sbcs
    silent = tuple(
        replace(path, state=PathState.DOWN, since_s=42.0, last_reply_s=48.5, reason="4 probes unanswered", loss=0.025)
        for path in primary.paths
    )
    return replace(
        healthy(),
        sbcs=(
            replace(
                primary,
                state=SbcState.DOWN,
                control="down",
                active=False,
                since_s=42.0,
                reason="silent on every WAN",
                paths=silent,
            ),
            replace(alternate, active=True),
        ),
        active=ActiveReport("fibre", "alternate", 41.0, "primary is down", 1, "", 240.0),
        findings=(
            FindingReport(
                "sbc-down",
                Severity.CRITICAL,
                "primary",
                "SBC primary does not answer, and it is not this site's WANs: both reach alternate.",
                {"wans": "fibre, lte", "silent_for": "42 s"},
                "Report it to the SBC's operator; nothing on this site will mend it.",
                42.0,
            ),
        ),
        changes=(
            ChangeReport(42.0, "sbc primary", "healthy", "down", "silent on every WAN"),
            ChangeReport(41.0, "active", "fibre/primary", "fibre/alternate", "primary is down"),
        ),
    )


def steered() -> Report:
    """The fibre flaps; SIP and RTP have just been moved to the metered line, and one call stays where it was."""
    start = healthy()
    fibre, lte = start.wans
    primary, alternate = start.sbcs
    return replace(
        start,
        agent=replace(start.agent, mode="steer"),
        wans=(
            replace(
                fibre,
                state=WanState.SUPPRESSED,
                since_s=2.0,
                penalty=2640.3,
                losses_1h=3,
                suppressed_s=420.0,
                transitions=7,
            ),
            lte,
        ),
        sbcs=(primary, replace(alternate, penalty=2510.0, suppressed_s=398.0)),
        active=ActiveReport("lte", "primary", 2.0, "primary over fibre is down", 1, "", None),
        steering=SteeringReport(
            "flushing",
            "wwan0",
            ("198.51.100.10", "198.51.100.20", "203.0.113.128/25"),
            1,
            ("udp 192.168.1.20 5060 > 198.51.100.10 5060 as 192.0.2.10",),
            1,
            11,
        ),
        findings=(
            FindingReport(
                "wan-flapping",
                Severity.WARNING,
                "fibre",
                "WAN fibre keeps coming and going: 3 losses in the last hour. It is not trusted for 7 min more.",
                {"interface": "eth0", "losses": "3", "minutes": "7"},
                "Have the line measured.",
                2.0,
            ),
        ),
        changes=(ChangeReport(2.0, "active", "primary over fibre", "primary over lte", "primary over fibre is down"),),
    )


def behind_nat() -> Report:
    """The NAT of the fibre is known; that of the other line could only be asked by a server with one address."""
    alone = "stun.example.net:3478 has no other address"
    unanswered = "no answer came back"
    return replace(
        healthy(),
        nat=(
            NatReport(
                "fibre",
                "endpoint-independent",
                "address-and-port-dependent",
                "203.0.113.9:40312",
                {"unreplied": (0.0, 1.5), "replied": (28.0, 30.0), "stream": (300.0, None), "tcp": (300.0, None)},
                "no",
                21.0,
                {},
                7200.0,
            ),
            NatReport(
                "lte",
                "not checked",
                "not checked",
                "203.0.113.77:1024",
                {"unreplied": (58.4, 60.0), "replied": None, "stream": None, "tcp": None},
                "not checked",
                None,
                {"mapping": alone, "filtering": alone, "replied": unanswered, "stream": unanswered, "tcp": unanswered},
                42.0,
            ),
        ),
    )


def offline() -> Report:
    """The router has lost both its lines."""
    start = healthy()
    return replace(
        start,
        wans=tuple(replace(wan, state=WanState.DOWN, carrier="no", addresses=(), since_s=9.0) for wan in start.wans),
        sbcs=tuple(
            replace(
                sbc,
                state=SbcState.UNKNOWN,
                control="unknown",
                reason="no WAN works",
                since_s=9.0,
                paths=tuple(
                    replace(path, state=PathState.DOWN, last_reply="no route", reason="no carrier", since_s=9.0)
                    for path in sbc.paths
                ),
            )
            for sbc in start.sbcs
        ),
        findings=(
            FindingReport(
                "site-offline",
                Severity.CRITICAL,
                "",
                "No SBC answers over any WAN: no carrier on fibre and lte.",
                {},
                "Check this site's own connection first.",
                9.0,
            ),
        ),
        changes=(ChangeReport(9.0, "wan fibre", "up", "down", "no carrier"),),
    )


def at_start() -> Report:
    """The agent runs for half a second; nobody knows anything."""
    start = healthy()
    return replace(
        start,
        agent=replace(start.agent, uptime_s=0.5),
        wans=tuple(
            replace(wan, state=WanState.UNKNOWN, carrier="not checked", addresses=(), transitions=0, since_s=0.5)
            for wan in start.wans
        ),
        sbcs=tuple(
            replace(
                sbc,
                state=SbcState.UNKNOWN,
                control="unknown",
                active=False,
                since_s=0.5,
                paths=tuple(
                    replace(
                        path,
                        state=PathState.UNKNOWN,
                        rtt_ms=None,
                        loss=None,
                        last_reply="",
                        last_reply_s=None,
                        since_s=0.5,
                        sent=1,
                        received=0,
                        ignored=0,
                        reason="no probe has been answered yet",
                    )
                    for path in sbc.paths
                ),
            )
            for sbc in start.sbcs
        ),
        active=ActiveReport("", "", 0.0, "", 0, "", None),
    )


def proven() -> Report:
    """Deep probes are made: the primary's calls are heard one way only, and the alternate's mailbox is dark over the
    fibre."""
    start = healthy()
    primary, alternate = start.sbcs
    certificate = TlsReport("", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=sbc1.example.net", "O=Example CA", 3_542_400.0)
    primary = replace(
        primary,
        state=SbcState.DEGRADED,
        media="degraded",
        active=False,
        reason="calls are not heard well: nothing comes back",
        paths=tuple(replace(path, transport="tls", tls=certificate) for path in primary.paths),
        functions=(
            FunctionReport("signalling", "ok", (), "", 1.2, 1, 42.0, 42.0, 42.0),
            FunctionReport("registration", "ok", (), "", 130.0, 0, None, None),
            FunctionReport("calls", "ok", (), "", 64.0, 2, 30.0, 340.5, 370.5),
            FunctionReport("media", "failed", ("fibre", "lte"), "nothing comes back", 10_900.0, 0, None, None),
            FunctionReport("voicemail", "ok", (), "", 400.0, 0, None, None),
        ),
        responses={"200": 4611, "401": 78, "489": 12, "503": 3},
        registrations=_attempts(78, 77, 3.1),
        calls=_attempts(6, 6, 1.9),
        voicemail=_attempts(24, 12, 1.2),
        call_quality=CallQualityReport(1.0, None, 22.4, None, 600, 102.0, 1),
        confirmed_s=185.0,
    )
    alternate = _deep(replace(alternate, active=True))
    dark = FunctionReport("voicemail", "ok", ("fibre",), "SUBSCRIBE was answered 489 Bad Event", 64.0, 0, None, None)
    return replace(
        start,
        sbcs=(primary, replace(alternate, functions=(*alternate.functions[:-1], dark))),
        active=ActiveReport("fibre", "alternate", 60.0, "primary is degraded", 1, "alternate over lte", 240.0),
        probing=replace(start.probing, postponed=3),
        findings=(
            FindingReport(
                "media-one-way",
                Severity.CRITICAL,
                "primary",
                "Calls to primary are heard one way only: nothing comes back.",
                {"wans": "fibre and lte", "function": "media"},
                "Look for a NAT or firewall that lets RTP out and not in.",
                64.0,
            ),
        ),
    )


def _deep(sbc: SbcReport) -> SbcReport:
    """With all deep probes, and nothing to complain of."""
    names = ("signalling", "registration", "calls", "media", "voicemail")
    return replace(
        sbc,
        media="healthy",
        functions=tuple(FunctionReport(name, "ok", (), "", 64.0, 0, None, None) for name in names),
        responses={"200": 4711, "401": 78},
        registrations=_attempts(78, 78, 3.1),
        calls=_attempts(6, 6, 1.9),
        voicemail=_attempts(24, 24, 1.2),
        call_quality=CallQualityReport(0.01, 1.4, 22.4, 4.3, 600, 6.0, 0),
    )


def _attempts(attempts: int, successes: int, took_s: float) -> AttemptsReport:
    """All but one of the successful ones took less than 100 ms."""
    bounds = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 32.0)
    buckets = (*((bound, successes - (bound < 1.0)) for bound in bounds[1:]), (None, successes))
    return AttemptsReport(attempts, successes, LatencyReport(successes, took_s, ((bounds[0], 0), *buckets)))


def hostile(name: str) -> Report:
    """A report in which everything that is text, and comes from outside the agent, is `name`."""
    start = failed_over()
    return replace(
        start,
        agent=replace(start.agent, name=name),
        wans=tuple(replace(wan, name=name, interface=name, carrier=name, addresses=(name,)) for wan in start.wans[:1]),
        sbcs=tuple(
            replace(
                sbc,
                name=name,
                uri=name,
                reason=name,
                control=name,
                media=name,
                functions=(FunctionReport(name, name, (name,), name, 1.0, 1, 1.0, 1.0),),
                responses={"200": 1},
                confirmed_s=1.0,
                paths=tuple(
                    replace(
                        path,
                        wan=name,
                        transport=name,
                        address=name,
                        last_reply=name,
                        reason=name,
                        tls=TlsReport(name, name, name, name, name, 1.0),
                    )
                    for path in sbc.paths[:1]
                ),
            )
            for sbc in start.sbcs[:1]
        ),
        active=replace(start.active, wan=name, sbc=name, reason=name, voicemail=name),
        steering=SteeringReport(name, name, (name,), 1, (name,), 1, 1),
        findings=tuple(
            replace(one, code=name, subject=name, summary=name, remedy=name, evidence={name: name})
            for one in start.findings
        ),
        nat=(
            NatReport(name, name, name, name, {name: (1.0, 2.0), f"{name}!": None}, name, 1.0, {f"{name}!": name}, 1.0),
        ),
        changes=tuple(replace(one, subject=name, before=name, after=name, reason=name) for one in start.changes),
    )


def large(sbcs: int = 8) -> Report:
    """As many SBCs as a site is meant to have, over two WANs."""
    primary, alternate = failed_over().sbcs
    names = [f"sbc-{number}" for number in range(sbcs)]
    return replace(
        failed_over(), sbcs=tuple(replace((primary, alternate)[name > "sbc-0"], name=name) for name in names)
    )


def _wan(name: str, interface: str, address: str) -> WanReport:
    return WanReport(
        name=name,
        interface=interface,
        state=WanState.UP,
        penalty=0.0,
        transitions=1,
        losses_1h=0,
        suppressed_s=None,
        blamed=False,
        carrier="yes",
        addresses=(address,),
        metered=False,
        probing_bytes=None,
        probing_budget_bytes=None,
        since_s=11530.0,
    )


def _up(wan: str, address: str, rtt_ms: float) -> PathReport:
    return PathReport(
        wan=wan,
        transport="udp",
        address=address,
        state=PathState.UP,
        rtt_ms=rtt_ms,
        loss=0.0,
        last_reply="200",
        last_reply_s=1.2,
        since_s=11530.0,
        sent=2306,
        received=2305,
        ignored=1,
        confirmations=3,
        timeout_ms=500.0,
        reason="answered 200",
    )


def phones() -> tuple[PhoneReport, ...]:
    """Two desk phones, one of them refused, and something that only a MAC address gives away."""
    desk = PhoneReport(
        address="192.168.1.20",
        user_agent="Yealink SIP-T46U 108.86.0.20",
        profile="yealink-desk",
        firmware="108.86.0.20",
        vendor="Yealink",
        model="T46U",
        mac="00:15:65:aa:bb:cc",
        seen_by=("lease", "register"),
        transport="udp",
        expiry_s=3600,
        granted_s=600,
        status=200,
        retry_s=540.2,
        keepalive_s=30.0,
        last_seen_s=17.0,
    )
    silent = replace(desk, address="192.168.1.22", user_agent="", profile="", vendor="Snom", model="", status=None)
    return (desk, replace(desk, address="192.168.1.21", status=403), silent)
