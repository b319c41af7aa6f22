"""Whatever is done to the HTTP port of a running daemon: memory and probing stay as they were, others are served."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from random import Random

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests.lab.agent import HTTP, Agent
from tests.lab.namespace import LabError
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap
from tonekeeper.core.probe import JITTER

pytestmark = pytest.mark.lab

CADENCE = 5.0
LASTING = 3.5 * CADENCE
"""Seconds of each attack: two whole gaps between steady probes, wherever it begins."""
GROWTH = 12 * 1024
"""KiB that the daemon may grow: each of 32 connections may have 64 KiB of body and an answer under way."""


@pytest.fixture(scope="module")
def agent(standing_lab: Lab) -> Iterator[Agent]:
    agent = Agent(standing_lab, name="under-load", probe={"interval": f"{CADENCE:g}s"})
    agent.start()
    yield agent
    agent.kill()


class Probes:
    """When probes left over fibre to the primary SBC, while inside `with`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._times: list[float] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Probes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        sbc = (self._lab.sbc("primary").address, 5060)
        with Wiretap(self._lab.provider("fibre").namespace, "access") as tap:
            while not self._is_over.is_set():
                with contextlib.suppress(LabError):
                    tap.next_probe(sbc, within=0.2)
                    self._times.append(time.monotonic())

    @property
    def longest_gap(self) -> float:
        assert len(self._times) > 2, "too few probes to judge"
        return max(later - before for before, later in zip(self._times, self._times[1:], strict=False))


def connect(agent: Agent) -> socket.socket:
    peer = agent.namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
    peer.settimeout(10.0)
    peer.connect(HTTP)
    return peer


def attack(lab: Lab, agent: Agent, strike: Callable[[], None]) -> None:
    """Strikes until the time is over; then nothing must have suffered."""
    before = resident(agent)
    with Probes(lab) as probes:
        end = time.monotonic() + LASTING
        while time.monotonic() < end:
            strike()
    print(f"longest gap {probes.longest_gap:.3f} s, grown by {resident(agent) - before} KiB")
    assert probes.longest_gap <= CADENCE * (1 + JITTER)
    assert agent.status().path("fibre", "primary")["state"] == "up"
    assert resident(agent) - before < GROWTH


def resident(agent: Agent) -> int:
    """KiB"""
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def test_peers_that_send_a_byte_a_second_are_let_go_and_keep_nobody_out(lab: Lab, agent: Agent):
    request = b"GET /api/v1/status HTTP/1.1\r\nHost: " + 100 * b"a"
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(agent)) for _ in range(20)]
        sent = iter(request)

        def drip() -> None:
            byte = bytes([next(sent)])
            for peer in slow:
                with contextlib.suppress(OSError):
                    peer.send(byte)
            assert agent.get("/healthz") == (200, b"ok\n")
            time.sleep(1.0)

        attack(lab, agent, drip)
        assert {peer.recv(12) for peer in slow} == {b"HTTP/1.1 408"}


def test_a_thousand_connections_at_once_are_let_in_or_told_and_the_next_one_is_served(lab: Lab, agent: Agent):
    def storm() -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(1000):
                with contextlib.suppress(OSError):
                    peer = stack.enter_context(connect(agent))
                    peer.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            assert agent.get("/healthz")[0] in (200, 503)

    attack(lab, agent, storm)
    assert agent.get("/healthz")[0] == 200


def test_garbage_is_refused(lab: Lab, agent: Agent):
    random = Random(1)
    parts = [b"GET ", b"/", b" HTTP/1.1\r\n", b"\r\n", b"Host: a\r\n", b"Content-Length: 9", b"\x16\x03\x01", b"%2e"]

    def strike() -> None:
        with connect(agent) as peer, contextlib.suppress(OSError):
            chosen = random.choices([*parts, random.randbytes(random.randrange(2000))], k=random.randrange(1, 20))
            peer.sendall(b"".join(chosen))
            peer.shutdown(socket.SHUT_WR)
            said = peer.recv(65536)
            assert said == b"" or said.startswith(b"HTTP/1.1 ")

    attack(lab, agent, strike)


def test_readers_of_everything_delay_no_probe(lab: Lab, agent: Agent):
    def read() -> None:
        for path in ("/api/v1/journal", "/api/v1/status", "/metrics", "/", "/api/v1/openapi.json"):
            assert agent.get(path)[0] == 200

    attack(lab, agent, read)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/page/page.css",
        "/page.html",
        "/api/v1/journal/../../../../etc/passwd",
        "/api/v1/journal/journal-00000001.jsonl.gz",
        "http://a/etc/passwd",
        "file:///etc/passwd",
        "/\\..\\etc\\passwd",
        "/etc/passwd%00",
    ],
)
def test_no_file_can_be_asked_for(agent: Agent, path: str):
    with connect(agent) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        said = b"".join(iter(lambda: peer.recv(65536), b""))
    assert said.split(b" ")[1] in (b"404", b"400")
    assert b"root:" not in said


def test_what_a_daemon_answers_is_what_its_document_describes(agent: Agent):
    document = msgspec.json.decode(agent.get("/api/v1/openapi.json")[1])
    for path, operations in document["paths"].items():
        for media_type, content in operations.get("get", {}).get("responses", {}).get("200", {})["content"].items():
            if media_type == "application/json" and "schema" in content:
                schema = {**content["schema"], "components": document["components"]}
                Draft202012Validator(schema).validate(msgspec.json.decode(agent.get(path)[1]))
    lines = [msgspec.json.decode(line) for line in agent.get("/api/v1/journal")[1].splitlines()]
    assert lines[0]["cursor"] == "1:0"
    assert lines[-1].keys() == {"cursor", "more"}
    assert lines[1]["journal"]
