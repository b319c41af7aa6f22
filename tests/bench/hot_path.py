"""What the daemon does again and again, timed piece by piece: the core, the codec, the journal, the faces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from tests.bench.results import Figure, Row, Table
from tonekeeper.core.agent import Agent
from tonekeeper.core.events import ReplyReceived
from tonekeeper.core.journal import write_entry
from tonekeeper.core.site import Sbc, Site, Wan
from tonekeeper.drivers.sim.simulation import Simulation, Step, hours, minutes
from tonekeeper.faces.http.message import HttpRequest
from tonekeeper.faces.http.routes import Routes
from tonekeeper.wire.sip.reply import decode_reply

REPEATS = 7
BATCH = 0.2
"""Seconds that one repetition takes, or more."""
LIMIT = 0.005
"""Seconds of the processor that an answer may take."""
WANS = (Wan("fibre", "eth0"), Wan("lte", "wwan0"))

OK = b"""\
SIP/2.0 200 OK
Via: SIP/2.0/UDP 198.51.100.2:49152;branch=z9hG4bKccb87cd86269159f;rport=49152;received=198.51.100.2
From: <sip:tonekeeper@198.51.100.2>;tag=4448e867
To: <sip:sbc1.example.net>;tag=b27e1a1d33761e85846fc98f5f3a7e58.0dcf
Call-ID: ed07bfa1@198.51.100.2
CSeq: 20 OPTIONS
Contact: <sip:203.0.113.2:5060>
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE
Accept: application/sdp, application/dtmf-relay
Supported: replaces, timer, path, outbound
Server: SBC 5.6.3
Content-Length: 0

""".replace(b"\n", b"\r\n")


@dataclass(frozen=True, slots=True)
class HotPath:
    events_per_second: float
    virtual_seconds_per_second: float
    decode: float
    """Seconds, as all that follow."""
    journal: float
    metrics: float
    metrics_size: int
    short_metrics: float
    """Compressed; likewise below."""
    short_metrics_size: int
    status: float
    status_size: int
    short_status: float
    short_status_size: int
    unchanged: float
    """Status for somebody who has it."""
    page: float
    page_size: int


def bench(seed: int) -> Iterator[Table]:
    yield tabulate(measure(seed))


def measure(seed: int) -> HotPath:
    sim = Simulation(_site(2), seed=seed, keep_journal=True)
    began = time.perf_counter()
    sim.run(hours(6))
    simulated = time.perf_counter() - began
    assert sim.journal is not None
    reply = next(step for step in sim.journal if isinstance(step.event, ReplyReceived))
    routes = _routes(seed)

    def answer(path: str, **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return routes.respond(HttpRequest("GET", path, headers=named)).body

    tag = dict(routes.respond(HttpRequest("GET", "/api/v1/status")).headers)["ETag"]

    return HotPath(
        events_per_second=len(sim.journal) / median(_redrive(sim, sim.journal) for _ in range(REPEATS)),
        virtual_seconds_per_second=hours(6) / simulated,
        decode=_seconds_per_call(lambda: decode_reply(OK)),
        journal=_seconds_per_call(lambda: write_entry(reply.now, reply.event, reply.commands)),
        metrics=_seconds_per_call(lambda: answer("/metrics")),
        metrics_size=len(answer("/metrics")),
        status=_seconds_per_call(lambda: answer("/api/v1/status")),
        status_size=len(answer("/api/v1/status")),
        short_metrics=_seconds_per_call(lambda: answer("/metrics", accept_encoding="gzip")),
        short_metrics_size=len(answer("/metrics", accept_encoding="gzip")),
        short_status=_seconds_per_call(lambda: answer("/api/v1/status", accept_encoding="gzip")),
        short_status_size=len(answer("/api/v1/status", accept_encoding="gzip")),
        unchanged=_seconds_per_call(lambda: answer("/api/v1/status", if_none_match=tag)),
        page=_seconds_per_call(lambda: answer("/")),
        page_size=len(answer("/")),
    )


def _site(sbcs: int) -> Site:
    named = (f"sbc{number}.example.net" for number in range(1, sbcs + 1))
    return Site("site-0042", WANS, tuple(Sbc(host, f"sip:{host}", host, 5060) for host in named))


def _routes(seed: int) -> Routes:
    """The faces of an agent with 8 SBCs that has seen one of them die."""
    sim = Simulation(_site(8), seed=seed)
    sim.run(minutes(10))
    sim.sbc("sbc1.example.net").fall_silent()
    sim.run(minutes(1))
    return Routes(sim.report, lambda: True)


def _redrive(sim: Simulation, steps: list[Step]) -> float:
    """Seconds that the core alone takes for what happened in the simulation."""
    agent = Agent(_site(2), seed=sim.core_seed, started=0.0, version="simulated")
    began = time.perf_counter()
    for step in steps:
        agent.handle(step.event, step.now)
        agent.next_deadline()
    return time.perf_counter() - began


def _seconds_per_call(call: Callable[[], object]) -> float:
    """Median of repetitions that each last long enough for the clock."""
    calls = 1
    while (took := _time(call, calls)) < BATCH:
        calls = max(calls + 1, round(calls * BATCH * 1.1 / max(took, BATCH / 100)))
    return median(_time(call, calls) / calls for _ in range(REPEATS))


def _time(call: Callable[[], object], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - began


def _answer(subject: str, seconds: float, size: int) -> Row:
    return Row(subject, (Figure(seconds * 1e6, "µs", LIMIT * 1e6), Figure(size / 1000, "kB")))


def tabulate(hot: HotPath) -> Table:
    return Table(
        "Hot path",
        "In one process, seconds of the processor, median of several repetitions. The core is given again all events "
        "of six simulated hours, 2 WANs x 2 SBCs at a 5 s cadence, and asked for its deadline after each. The faces "
        "make and render a fresh report of 8 SBCs x 2 WANs each time, one SBC dead.",
        ("measured", "size"),
        (
            Row("core, events", (Figure(hot.events_per_second, "/s"), None)),
            Row("simulation, virtual seconds", (Figure(hot.virtual_seconds_per_second, "/s"), None)),
            Row("decoding a 200 OK", (Figure(hot.decode * 1e6, "µs"), Figure(len(OK) / 1000, "kB"))),
            Row("writing its journal line", (Figure(hot.journal * 1e6, "µs"), None)),
            _answer("`/metrics`", hot.metrics, hot.metrics_size),
            _answer("`/metrics`, by gzip", hot.short_metrics, hot.short_metrics_size),
            _answer("`/api/v1/status`", hot.status, hot.status_size),
            _answer("`/api/v1/status`, by gzip", hot.short_status, hot.short_status_size),
            _answer("`/api/v1/status`, not modified", hot.unchanged, 0),
            Row("`/`, the page", (Figure(hot.page * 1e6, "µs"), Figure(hot.page_size / 1000, "kB"))),
        ),
    )
