"""Whether long requests get through a connection."""

from __future__ import annotations

import pytest

from tests.unit.core.egress.world import Way, World, examine, question
from tonekeeper.core.egress.messages import OpenStream, SendOptions, StreamEnded
from tonekeeper.core.egress.result import Fact, Outcome
from tonekeeper.core.site import Transport

STREAMS = (Transport.TCP, Transport.TLS)


@pytest.mark.parametrize("transport", STREAMS)
def test_a_long_request_that_is_answered_gets_through(transport):
    trial = examine(Way(), transport)
    assert (trial.outcome, trial.stream) == (Outcome.ANSWERED, Fact.YES)


@pytest.mark.parametrize("transport", STREAMS)
def test_a_long_request_that_is_lost_twice_does_not(transport):
    world = World(Way(takes_streams_up_to=1400), question(transport))
    trial = world.run()
    assert trial.stream is Fact.NO
    assert sum(isinstance(command, OpenStream) for command in world.commands) == 2
    assert trial.elapsed_s < 15.0


def test_where_short_requests_are_not_answered_either_nothing_is_said():
    assert examine(Way(takes_streams_up_to=-1), Transport.TCP).stream is Fact.NOT_CHECKED


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_stream_that_the_other_side_ends_says_nothing(after):
    world = World(Way(takes_streams_up_to=1400), question(Transport.TCP))

    def has_sent(world: World) -> bool:
        opened = any(isinstance(command, OpenStream) for command in world.commands)
        return opened and sum(isinstance(command, SendOptions) for command in world.commands) >= after

    world.run(until=has_sent)
    world.tell(StreamEnded(104, "reset"))
    trial = world.run()
    assert (trial.outcome, trial.stream) == (Outcome.ANSWERED, Fact.NOT_CHECKED)
    assert trial.elapsed_s < 1.0
