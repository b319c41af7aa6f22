"""Forged replies over TCP: they come on the connection itself, from a proxy or a firewall that thinks it knows better.

The SBC is a few lines of Python (scripted.py), so that it can send what no SBC sends. What a stranger puts on the wire
is no reply at all: it is not of the connection, and the kernel throws it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.agent import Agent
from tests.lab.scripted import Scripted, answered
from tests.lab.test_hostile_network import GARBAGE
from tests.lab.topology import Lab
from tests.lab.verdicts import codes, path_states
from tests.lab.wiretap import Datagram, answer_to, with_header

pytestmark = pytest.mark.lab

PORT = 5090
UP = {"fibre": "up", "lte": "up"}

ONE_WRONG_FIELD: dict[str, Callable[[Datagram], Datagram]] = {
    "branch": lambda true: with_header(true, "via", lambda via: via.replace("z9hG4bK", "z9hG4bKx")),
    "call-id": lambda true: with_header(true, "call-id", lambda call_id: call_id + "x"),
    "cseq number": lambda true: with_header(true, "cseq", lambda cseq: " 4711 OPTIONS"),
    "cseq method": lambda true: with_header(true, "cseq", lambda cseq: cseq.replace("OPTIONS", "REGISTER")),
    "second Via": lambda true: with_header(true, "via", lambda via: f"{via}, SIP/2.0/TCP 192.0.2.99;branch=z9hG4bK9"),
}


@pytest.fixture
def scripted(lab: Lab) -> Iterator[Scripted]:
    site = lab.sbc("primary")
    with Scripted(site.namespace, (site.address, PORT)) as scripted:
        yield scripted


@pytest.fixture
def streaming(lab: Lab, scripted: Scripted, make_agent: Callable[..., Agent]) -> Agent:
    """The primary over TCP, the alternate as ever; running and ready."""
    alternate = lab.sbc("alternate")
    agent = make_agent(
        sbc=[
            {"name": "primary", "uri": f"sip:{scripted.address[0]}:{PORT};transport=tcp"},
            {"name": "alternate", "uri": alternate.uri},
        ]
    )
    agent.start()
    return agent


@pytest.mark.parametrize("field", ONE_WRONG_FIELD)
def test_a_forged_reply_on_the_connection_keeps_no_dead_sbc_alive(scripted: Scripted, streaming: Agent, field: str):
    before = {path["wan"]: path["received"] for path in streaming.status().sbc("primary")["paths"]}
    scripted.respond = lambda request: [ONE_WRONG_FIELD[field](answer_to(request)).payload]
    status = streaming.wait_for(lambda now: now.sbc("primary")["state"] == "down", within=20)
    for path in status.sbc("primary")["paths"]:
        assert path["ignored"] > 0
        assert path["received"] <= before[path["wan"]] + 1, "one true answer may have been under way"


def test_forged_replies_beside_true_ones_change_nothing(scripted: Scripted, streaming: Agent):
    """Of every kind and with the worst of codes; the true one comes last."""

    def forged_first(request: Datagram) -> list[bytes]:
        worst = answer_to(request, "503 Go Away")
        return [*(change(worst).payload for change in ONE_WRONG_FIELD.values()), *answered(request)]

    before = streaming.status()
    scripted.respond = forged_first
    sent = {path["wan"]: path["sent"] for path in before.sbc("primary")["paths"]}
    status = streaming.wait_for(
        lambda now: all(path["sent"] >= sent[path["wan"]] + 4 for path in now.sbc("primary")["paths"]), within=15
    )
    assert path_states(status, "primary") == UP
    assert all(path["ignored"] >= 3 * len(ONE_WRONG_FIELD) for path in status.sbc("primary")["paths"])
    assert status.sbc("primary")["state"] == "healthy"
    assert set(status.sbc("primary")["responses"]) == {"200"}
    assert codes(status) == set()
    assert len(status["changes"]) == len(before["changes"])


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_garbage_on_the_connection_is_counted_or_ends_it_and_the_path_lives_on(
    scripted: Scripted, streaming: Agent, number: int
):
    """A stream that cannot be cut into messages any more is of no further use: it is opened anew."""
    sent_once = False

    def garbage_once(request: Datagram) -> list[bytes]:
        nonlocal sent_once
        first, sent_once = not sent_once, True
        return [GARBAGE[number], *answered(request)] if first else answered(request)

    scripted.respond = garbage_once
    streaming.wait_for(lambda now: sent_once, within=5)
    asked = {path["wan"]: path["received"] for path in streaming.status().sbc("primary")["paths"]}
    status = streaming.wait_for(
        lambda now: all(path["received"] >= asked[path["wan"]] + 3 for path in now.sbc("primary")["paths"]), within=30
    )
    assert status.sbc("primary")["state"] == "healthy"
    assert path_states(status, "primary") == UP
