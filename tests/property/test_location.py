"""Server location against anything a resolver may say: targets or a failure, in bounded steps, never an exception."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tonekeeper.core.events import NameFailure
from tonekeeper.core.location import (
    MOST_SERVERS,
    MOST_SERVICES,
    MOST_TARGETS,
    Answer,
    Ask,
    HostAddress,
    Located,
    Naptr,
    NoAnswer,
    NotLocated,
    Srv,
    locate,
)
from tonekeeper.core.site import Transport

SHORT = st.integers(0, 65535)
NAMES = st.sampled_from(["example.net", "A.example.net", "_sip._udp.example.net", "b.net", ".", "", "192.0.2.1", "::"])
ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(["0.0.0.0", "::", "fe80::1%eth0", "fe80::1", "x", ""])
SERVICES = st.sampled_from(["SIP+D2U", "sip+d2t", "SIPS+D2T", "SIP+D2S", "E2U+sip", ""])
RECORDS = st.one_of(
    st.builds(HostAddress, ADDRESSES | st.text(max_size=8)),
    st.builds(Srv, SHORT, SHORT, SHORT, NAMES | st.text(max_size=8)),
    st.builds(Naptr, SHORT, SHORT, st.sampled_from(["s", "S", "u", ""]), SERVICES, NAMES | st.text(max_size=8)),
)
REPLIES = st.one_of(
    st.builds(Answer, st.lists(RECORDS, max_size=40).map(tuple), st.floats(0, 2.0**31)),
    st.builds(NoAnswer, st.sampled_from(NameFailure), st.text(max_size=8)),
)
ZONES = st.lists(REPLIES, min_size=1, max_size=12)
TRANSPORTS = st.none() | st.sampled_from(Transport)


def conversation(host, port, transport, said):
    """Each question gets the next of what is said, over and over again."""
    replies, number = {}, 0
    for _ in range(5):
        step = locate(host, port, transport, replies)
        if not isinstance(step, Ask):
            return step, replies
        assert step.questions
        for question in step.questions:
            assert question not in replies
            replies[question] = said[number % len(said)]
            number += 1
    raise AssertionError("it never ends")


@given(NAMES | st.text(max_size=12), SHORT, TRANSPORTS, ZONES)
def test_whatever_is_answered_the_end_is_targets_or_a_failure(host, port, transport, said):
    outcome, replies = conversation(host, port, transport, said)
    assert len(replies) <= 1 + MOST_SERVICES + 2 * MOST_SERVERS
    match outcome:
        case Located(targets, ttl):
            assert 0 < len(targets) <= MOST_TARGETS
            assert ttl >= 0
            assert len({(target.transport, target.address) for target in targets}) == len(targets)
            order = [(target.priority, -target.weight) for target in targets]
            assert order == sorted(order)
        case NotLocated(failure, reason):
            assert failure in NameFailure
            assert reason.startswith("cannot locate ")


@given(TRANSPORTS, ZONES, st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(transport, said, chance):
    def shuffled(reply):
        if isinstance(reply, NoAnswer):
            return reply
        return Answer(tuple(chance.sample(reply.records, len(reply.records))), reply.ttl)

    outcome, replies = conversation("example.net", 0, transport, said)
    turned = {question: shuffled(reply) for question, reply in replies.items()}
    assert locate("example.net", 0, transport, turned) == outcome
