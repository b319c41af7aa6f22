"""Whatever happens to a deep probe, in whatever state: it ends, once, in its time, with a result that can be kept.

A probe is led into each of its states by an SBC that plays its part; then events of every kind, drawn by hypothesis,
come in any order, and after that silence.
"""

from __future__ import annotations

import heapq
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.depth.world import HERE, MEDIA_HERE, MEDIA_THERE, PASSWORD, Sbc, World, question
from tonekeeper.core.depth.messages import (
    GarbageReceived,
    MediaBroken,
    MediaOpened,
    MediaRefused,
    ProbeAbandoned,
    RtpReceived,
    SignallingBroken,
    SignallingOpened,
    SignallingRefused,
    SipReceived,
)
from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Depth
from tonekeeper.errors import DecodeError
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.rtp import RtpPacket
from tonekeeper.wire.sip.message import Request, decode_message

LONGEST = 30.0
"""Seconds: 8 for the media, 8 for the question, 2.5 of voice and 4 for each way of ending."""

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.sampled_from([0, 8, 13, 72, 101]),
    sequence=st.integers(0, 65535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.just(b"x"),
)
PLAIN = st.one_of(
    st.builds(DeadlineReached, st.just("0" * 32)),
    st.just(SignallingOpened(HERE)),
    st.just(SignallingRefused(111, "refused")),
    st.just(SignallingBroken("broken")),
    st.just(GarbageReceived("garbage")),
    st.just(MediaOpened(MEDIA_HERE)),
    st.just(MediaRefused(24, "refused")),
    st.just(MediaBroken("ICMP 3/3")),
    st.just(ProbeAbandoned("ends")),
    st.builds(
        RtpReceived,
        st.sampled_from([MEDIA_THERE, Endpoint("192.0.2.66", 9)]),
        PACKETS,
        st.floats(100.0, 200.0),
    ),
)
REPLIES = st.tuples(
    st.sampled_from([100, 180, 183, 200, 202, 302, 401, 403, 404, 407, 423, 481, 486, 487, 489, 500, 503, 600]),
    st.sampled_from(["", "b1", "b2"]),
    st.sampled_from(
        [
            {},
            {"Contact": "<sip:echo@203.0.113.2>"},
            {"Contact": "<sip:"},
            {"Record-Route": "<tel:1>"},
            {"WWW-Authenticate": 'Digest realm="a", nonce="b", qop="auth"', "Proxy-Authenticate": 'Digest realm="a"'},
            {"WWW-Authenticate": 'Digest realm="a", nonce="b", stale=true', "Retry-After": "18000000000"},
            {"Min-Expires": "120"},
        ]
    ),
    st.sampled_from([b"", b"v=0", Sbc().sdp()]),
    st.integers(0, 5),
)
ASKED = st.sampled_from(["BYE", "NOTIFY", "INVITE", "OPTIONS", "ACK", "CANCEL", "MESSAGE"])


def reply_to(world: World, status, tag, headers, body, which) -> SipReceived | None:
    requests = [message for message in world.messages if isinstance(message, Request)]
    if not requests:
        return None
    asked = requests[-1 - which % len(requests)]
    return SipReceived(decode_message(world.sbc.reply(asked, status, headers, body, tag=tag)))


def asked_of(world: World, method: str) -> SipReceived | None:
    requests = [message for message in world.messages if isinstance(message, Request)]
    if not requests:
        return None
    text = world.sbc.notify(requests[-1]).replace(b"1 NOTIFY", f"1 {method}".encode())
    return SipReceived(decode_message(text.replace(b"NOTIFY sip:", f"{method} sip:".encode(), 1)))


STEPS = (0, 1, 2, 3, 4, 5, 8, 12, 40, 110, 215, 220)


@settings(max_examples=4 * settings.default.max_examples)
@given(st.sampled_from(list(Depth)), st.sampled_from(STEPS), st.data())
def test_a_probe_ends_once_and_in_time_whatever_happens(depth, steps, data):
    let_happen(depth, steps, data)


@pytest.mark.simulation
@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("steps", STEPS)
@given(data=st.data())
def test_the_same_after_each_number_of_steps(depth, steps, data):
    let_happen(depth, steps, data)


def let_happen(depth, steps, data):
    world = World(question(depth), Sbc())
    for _ in range(steps):
        if world.result is not None:
            return
        step(world)
    silence(world)
    for _ in range(data.draw(st.integers(0, 12))):
        event = data.draw(
            st.one_of(
                PLAIN,
                REPLIES.map(lambda drawn: reply_to(world, *drawn)),
                ASKED.map(lambda method: asked_of(world, method)),
            )
        )
        if event is not None:
            world.now += data.draw(st.sampled_from([0.0, 0.02, 1.0]))
            world.tell(event)
    if world.result is None:
        result = world.run()
        assert world.now - 100.0 <= LONGEST + 12
    else:
        result = world.result
    assert isinstance(result, DepthResult)
    kept = msgspec.json.encode(result)
    assert msgspec.json.decode(kept, type=DepthResult) == result
    assert PASSWORD.encode() not in kept
    for late in (DeadlineReached("0" * 32), SignallingOpened(HERE), ProbeAbandoned("again")):
        assert world.probe.handle(late, world.now) == []


def step(world: World) -> None:
    """One thing that comes, or one deadline."""
    deadline = world.probe.next_deadline()
    if world._coming and (deadline is None or world._coming[0][0] <= deadline):
        world.now, _, what = heapq.heappop(world._coming)
        what()
    elif deadline is not None:
        world.now = max(world.now, deadline)
        world.tell(DeadlineReached(f"{next(world._tokens):032x}"))


def silence(world: World) -> None:
    """From now on nothing comes by itself."""
    world._coming.clear()
    world.sbc.hear = lambda data: []
    world.sbc.echo = lambda packet: []


@pytest.mark.parametrize("depth", list(Depth))
def test_any_bytes_in_a_reply_change_nothing_or_are_a_message(depth):
    @given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
    def any_bytes(noise, begin, length):
        world = World(question(depth), Sbc())
        for _ in range(4):
            step(world)
        requests = [message for message in world.messages if isinstance(message, Request)]
        if not requests:
            return
        whole = world.sbc.reply(requests[-1], 200, {"Contact": "<sip:a@203.0.113.2>"})
        try:
            message = decode_message(whole[:begin] + noise + whole[begin + length :])
        except DecodeError:
            return
        for command in world.probe.handle(SipReceived(message), world.now):
            assert not isinstance(command, Finished) or isinstance(command.result, DepthResult)

    any_bytes()


@given(st.integers(1, 2**32), st.floats(0.05, 0.5), st.sampled_from(list(Depth)))
def test_on_a_line_that_loses_at_random_what_was_begun_is_ended_or_told(seed, loss, depth):

    dice = random.Random(seed)
    sbc = Sbc()
    world = World(question(depth), sbc)
    world.line.loses = lambda number: dice.random() < loss
    result = world.run()
    if sbc.bindings:
        assert "may stay" in result.left_behind
    if sbc.answered_calls and not sbc.ended_calls:
        assert result.left_behind or "hung up" in result.reason or not world.voice
