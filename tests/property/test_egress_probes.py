"""Whatever happens to an examination, in whatever state: it ends, once, in its time, with a result that can be kept.

A probe is led into each of its states over a way of some kind; then events of every kind, drawn by hypothesis, come in
any order, and after that silence.
"""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.egress.world import HERE, SBC, Router, Way, World, question
from tonekeeper.core.egress.judgement import Surroundings, judge_egress
from tonekeeper.core.egress.machine import LONGEST
from tonekeeper.core.egress.messages import (
    Connected,
    ConnectionFailed,
    Event,
    IcmpReceived,
    ReplyReceived,
    SendRefused,
    SocketOpened,
    SocketRefused,
    StreamEnded,
    StreamOpened,
    Walked,
)
from tonekeeper.core.egress.result import EgressTrial, Icmp
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Transport

MOST_PACKETS = 260

ICMPS = st.builds(
    Icmp,
    st.sampled_from([3, 11, 12, 1, 2, 4, 255]),
    st.integers(0, 15),
    st.sampled_from(["", HERE, SBC, "192.0.2.1", "2001:db8::1"]),
    st.sampled_from([0, 68, 576, 1280, 1400, 1499, 1500, 65535]),
)
ERRNOS = st.sampled_from([0, 1, 11, 13, 19, 24, 90, 101, 104, 105, 110, 111, 113])
WAYS = {
    "well": Way(),
    "silent": Way(serves=False),
    "a gateway": Way(keeps_back_sip=True),
    "a black hole": Way([Router("192.0.2.1"), Router("192.0.2.2", mtu=1400, tells=False)]),
    "a narrow link": Way([Router("192.0.2.1", mtu=1400)]),
    "lost fragments": Way([Router("192.0.2.1", drops_fragments=True)]),
    "short streams": Way(takes_streams_up_to=1400),
}
EVENTS = st.one_of(
    st.builds(DeadlineReached, st.just("0" * 32)),
    st.builds(SocketOpened, st.just(HERE), st.sampled_from([0, 68, 1500, 65536])),
    st.builds(SocketRefused, ERRNOS, st.just("cannot open")),
    st.builds(SendRefused, ERRNOS, st.sampled_from([0, 576, 1400, 9000])),
    st.builds(IcmpReceived, ICMPS),
    st.just(Connected(HERE)),
    st.builds(ConnectionFailed, ERRNOS, st.none() | ICMPS),
    st.just(StreamOpened()),
    st.builds(StreamEnded, ERRNOS, st.just("ended")),
    st.builds(
        Walked, st.sampled_from([(), ("",), ("192.0.2.1", "", SBC)]), st.booleans(), st.none() | ICMPS, st.just(20)
    ),
)
REPLIES = st.builds(lambda which, status: (which, status), st.integers(0, 9), st.sampled_from([100, 200, 404, 503]))


def test_every_kind_of_event_is_drawn():
    drawn = {DeadlineReached, SocketOpened, SocketRefused, SendRefused, IcmpReceived, Connected, ConnectionFailed}
    assert drawn | {StreamOpened, StreamEnded, Walked, ReplyReceived} == set(get_args(Event))


TRANSPORTS = (Transport.UDP, Transport.TCP)
STEPS = (0, 1, 2, 3, 5, 8, 13, 30, 60)
STORIES = st.lists(EVENTS | REPLIES, max_size=12)


@settings(max_examples=8 * settings.default.max_examples)
@given(st.sampled_from(TRANSPORTS), st.sampled_from(list(WAYS)), st.sampled_from(STEPS), STORIES)
def test_whatever_happens_it_ends_once_in_time_and_with_a_result(transport, kind, steps, story):
    let_happen(transport, kind, steps, story)


@pytest.mark.simulation
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("steps", STEPS)
@given(story=STORIES)
def test_the_same_after_each_number_of_steps_on_each_way(transport, kind, steps, story):
    let_happen(transport, kind, steps, story)


def let_happen(transport, kind, steps, story):
    world = World(WAYS[kind], question(transport))
    for _ in range(steps):
        if world.result is None:
            world.step()
    for event in story:
        if isinstance(event, tuple):
            which, status = event
            if not world.sent:
                continue
            event = ReplyReceived(world.sent[-1 - which % len(world.sent)].branch, status)
        world.tell(event)
    trial = world.run()
    assert sum(isinstance(command, Finished) for command in world.commands) == 1
    assert trial.elapsed_s <= LONGEST
    assert len(world.sent) <= MOST_PACKETS
    assert msgspec.json.decode(msgspec.json.encode(trial), type=EgressTrial) == trial
    assert world.probe.next_deadline() is None
    assert world.probe.handle(Connected(HERE), world.now) == []
    assert judge_egress([trial], Surroundings())[0].why is not None
