"""A mailbox is asked for its state, and it is the NOTIFY that counts."""

from __future__ import annotations

import pytest

from tests.unit.core.depth.world import Line, Sbc, World, probe, question, requests_of
from tonekeeper.core.depth.messages import ProbeAbandoned
from tonekeeper.core.depth.result import DepthVerdict
from tonekeeper.core.site import Depth


def world_of(sbc: Sbc, line: Line | None = None) -> World:
    return World(question(Depth.VOICEMAIL), sbc, line)


@pytest.mark.parametrize(("body", "waiting"), [(b"Messages-Waiting: yes\r\n", True), (b"Messages-Waiting: no", False)])
def test_the_state_of_the_mailbox_is_told(body, waiting):
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.reply(request, 202)), (0.1, sbc.notify(request, body))]
    world = world_of(sbc)
    result = world.run()
    assert (result.verdict, result.messages_waiting, result.statuses) == (DepthVerdict.PASSED, waiting, (401, 202))
    assert world.methods == ["SUBSCRIBE", "SUBSCRIBE", "200"]
    subscribe = requests_of(world, "SUBSCRIBE")[-1]
    assert (subscribe.header("event"), subscribe.header("expires")) == ("message-summary", "0")
    assert str(subscribe.uri) == "sip:100@sbc.example.net"


def test_a_notify_may_come_before_the_answer():
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.notify(request)), (0.2, sbc.reply(request, 200))]
    result = probe(Depth.VOICEMAIL, sbc)
    assert (result.verdict, result.messages_waiting) == (DepthVerdict.PASSED, True)


def test_an_answer_without_a_notify_is_no_mailbox():
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.reply(request, 200))]
    result = probe(Depth.VOICEMAIL, sbc)
    assert result.verdict is DepthVerdict.FAILED
    assert result.reason == "SUBSCRIBE was answered 200, and no NOTIFY came within 5 s"
    assert result.elapsed_s == pytest.approx(5.04)


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (489, DepthVerdict.FAILED, "knows nothing of message-summary"),
        (404, DepthVerdict.FAILED, "the mailbox is not known"),
        (405, DepthVerdict.FAILED, "takes no subscriptions"),
        (403, DepthVerdict.DENIED, "may not ask for this mailbox"),
        (480, DepthVerdict.FAILED, "480"),
    ],
)
def test_what_a_refusal_means(status, verdict, reason):
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.reply(request, status))]
    result = probe(Depth.VOICEMAIL, sbc)
    assert result.verdict is verdict
    assert reason in result.reason


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"", {"Subscription-State": "terminated;reason=noresource"}, "does not tell its state: noresource"),
        (b"", {"Subscription-State": "terminated"}, "of no use"),
        (b"<html>", {"Subscription-State": "terminated;;"}, "of no use"),
    ],
)
def test_a_notify_that_tells_nothing_is_a_fault(body, headers, reason):
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.reply(request, 200)), (0.1, sbc.notify(request, body, **headers))]
    result = probe(Depth.VOICEMAIL, sbc)
    assert (result.verdict, result.messages_waiting) == (DepthVerdict.FAILED, None)
    assert reason in result.reason


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Event": "presence"}, "489"),
        ({"Call-ID": "another"}, "481"),
        ({"To": "<sip:100@sbc.example.net>;tag=another"}, "481"),
    ],
)
def test_a_notify_of_something_else_is_refused(headers, status):
    sbc = Sbc()
    sbc.on_subscribe = lambda request: [(0.0, sbc.reply(request, 200)), (0.1, sbc.notify(request, **headers))]
    world = world_of(sbc)
    assert world.run().verdict is DepthVerdict.FAILED
    assert world.methods[-1] == status


def test_silence_is_unanswered():
    result = probe(Depth.VOICEMAIL, Sbc(), Line(loses=lambda number: True))
    assert (result.verdict, result.reason) == (DepthVerdict.UNANSWERED, "no answer to SUBSCRIBE within 8 s")


def test_an_abandoned_question_keeps_what_it_was_told():
    sbc = Sbc(challenges=False)
    sbc.on_subscribe = lambda request: [(0.0, sbc.notify(request))]
    world = world_of(sbc)
    world.say(101.0, ProbeAbandoned("the agent ends"))
    assert world.run().verdict is DepthVerdict.PASSED
