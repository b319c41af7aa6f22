"""What comes back from an SBC, and what does not, told apart."""

from __future__ import annotations

import errno

import pytest

from tests.unit.core.egress.world import (
    HERE,
    HOST,
    PORT,
    PROHIBITED,
    SBC,
    Router,
    Way,
    World,
    examine,
    question,
)
from tonekeeper.core.egress.messages import (
    IcmpReceived,
    SendRefused,
    SocketOpened,
    SocketRefused,
    StreamOpened,
    Walked,
    WalkWay,
)
from tonekeeper.core.egress.result import Icmp, Outcome
from tonekeeper.core.machine import DeadlineReached, Finished
from tonekeeper.core.site import Transport

STREAMS = (Transport.TCP, Transport.TLS)


def routers(**changes: object) -> list[Router]:
    """The second one is different."""
    return [Router("192.0.2.1"), Router("192.0.2.2", **changes)]


def test_an_answer_ends_it_after_three_packets():
    trial = examine()
    assert (trial.outcome, trial.packets) == (Outcome.ANSWERED, 3)
    assert trial.detail == "200 after 20 ms"
    assert trial.hops is None


def test_without_measuring_one_packet_is_enough():
    assert examine(measures=False).packets == 1


@pytest.mark.parametrize("transport", list(Transport))
def test_silence_is_walked_and_the_last_router_is_named(transport):
    trial = examine(Way(routers(drops=True)), transport)
    assert trial.outcome is Outcome.SILENT
    assert (trial.hops, trial.last_hop) == (("192.0.2.1",), "192.0.2.1")
    assert trial.elapsed_s <= 11.0
    assert trial.packets <= 20


@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize(
    ("sign", "outcome"),
    [(PROHIBITED, Outcome.PROHIBITED), (PORT, Outcome.PORT_UNREACHABLE), (HOST, Outcome.UNREACHABLE)],
)
def test_an_icmp_error_is_told_with_who_sent_it(transport, sign, outcome):
    trial = examine(Way(routers(refuses=sign)), transport)
    assert (trial.outcome, trial.hop) == (outcome, "192.0.2.2")
    assert trial.hops is None
    assert trial.elapsed_s < 1.0


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (1, Outcome.PROHIBITED),
        (5, Outcome.PROHIBITED),
        (6, Outcome.PROHIBITED),
        (4, Outcome.PORT_UNREACHABLE),
        (0, Outcome.UNREACHABLE),
        (3, Outcome.UNREACHABLE),
    ],
)
def test_icmpv6_is_read_as_well(code, outcome):
    world = World()
    world.run(until=lambda world: bool(world.sent))
    for _ in range(2):
        world.tell(IcmpReceived(Icmp(1, code, "2001:db8::1")))
    assert world.run().outcome is outcome


def test_a_routing_loop_is_an_unreachable_that_says_so():
    world = World(Way(serves=False))
    world.run(until=lambda world: bool(world.sent))
    for _ in range(2):
        world.tell(IcmpReceived(Icmp(11, 0, "192.0.2.2")))
    assert "routing loop" in world.run().detail


def test_a_closed_port_of_the_sbc_itself_is_its_word():
    trial = examine(Way(refuses=PORT))
    assert (trial.outcome, trial.hop) == (Outcome.PORT_UNREACHABLE, SBC)


def test_one_icmp_error_does_not_outweigh_an_answer():
    world = World()
    world.run(until=lambda world: bool(world.sent))
    world.tell(IcmpReceived(Icmp(*HOST, "192.0.2.1")))
    assert world.run().outcome is Outcome.ANSWERED


def test_one_icmp_error_and_then_silence_is_that_error():
    world = World(Way(serves=False))
    world.run(until=lambda world: bool(world.sent))
    world.tell(IcmpReceived(Icmp(*HOST, "192.0.2.1")))
    assert world.run().outcome is Outcome.UNREACHABLE


def test_an_icmp_error_that_this_host_made_up_is_its_own_rule():
    world = World(Way(serves=False))
    world.run(until=lambda world: bool(world.sent))
    for _ in range(2):
        world.tell(IcmpReceived(Icmp(*PORT, HERE)))
    assert world.run().outcome is Outcome.FORBIDDEN_HERE


def test_no_neighbour_is_no_route():
    world = World(Way(serves=False))
    world.run(until=lambda world: bool(world.sent))
    for _ in range(2):
        world.tell(IcmpReceived(Icmp(*HOST, HERE)))
    assert world.run().outcome is Outcome.NO_ROUTE


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.EPERM, Outcome.FORBIDDEN_HERE),
        (errno.EACCES, Outcome.FORBIDDEN_HERE),
        (errno.ENETUNREACH, Outcome.NO_ROUTE),
        (errno.EHOSTUNREACH, Outcome.NO_ROUTE),
    ],
)
def test_a_packet_that_the_kernel_does_not_take_says_why(number, outcome):
    world = World(Way(serves=False))
    world.run(until=lambda world: bool(world.sent))
    for _ in range(2):
        world.tell(SendRefused(number))
    trial = world.run()
    assert (trial.outcome, trial.hops) == (outcome, None)
    assert errno.errorcode[number] in trial.detail


def test_a_full_buffer_says_nothing_of_the_way():
    world = World()
    world.run(until=lambda world: bool(world.sent))
    for _ in range(3):
        world.tell(SendRefused(errno.ENOBUFS))
    assert world.run().outcome is Outcome.ANSWERED


def begun(transport: Transport = Transport.UDP) -> World:
    world = World(asked=question(transport))
    world.probe.handle(DeadlineReached("0" * 32), 100.0)
    return world


@pytest.mark.parametrize(
    ("number", "outcome"),
    [(errno.ENODEV, Outcome.NO_ROUTE), (errno.EMFILE, Outcome.NOT_CHECKED)],
)
@pytest.mark.parametrize("transport", list(Transport))
def test_a_socket_that_is_refused_is_not_the_way_s_fault(number, outcome, transport):
    (finished,) = begun(transport).probe.handle(SocketRefused(number, "cannot open"), 100.0)
    assert isinstance(finished, Finished)
    assert (finished.result.outcome, finished.result.detail) == (outcome, "cannot open")


def test_a_way_that_does_not_exist_is_known_before_the_first_packet():
    (finished,) = begun().probe.handle(SendRefused(errno.ENETUNREACH), 100.0)
    assert finished.result.outcome is Outcome.NO_ROUTE


def test_a_gateway_that_keeps_sip_back_is_seen_by_what_it_does_not_recognise():
    trial = examine(Way(keeps_back_sip=True))
    assert (trial.outcome, trial.unusual_answered) == (Outcome.SILENT, True)


def test_where_usual_requests_are_answered_after_all_no_gateway_is_suspected():
    world = World(Way(keeps_back_sip=True))
    world.happens[8] = lambda: setattr(world.way, "keeps_back_sip", False)
    trial = world.run()
    assert (trial.outcome, trial.unusual_answered) == (Outcome.ANSWERED, False)


def test_an_sbc_that_answers_the_walk_is_not_silent():
    world = World(Way(serves=False))
    world.run(until=lambda world: any(isinstance(command, WalkWay) for command in world.commands))
    world.tell(Walked(("192.0.2.1",), answered=True))
    assert world.run().outcome is Outcome.ANSWERED


def test_a_walk_that_ends_with_an_icmp_error_tells_what_silence_did_not():
    world = World(Way(serves=False))
    world.run(until=lambda world: any(isinstance(command, WalkWay) for command in world.commands))
    world.tell(Walked(("192.0.2.1",), icmp=Icmp(*PROHIBITED, "192.0.2.2")))
    trial = world.run()
    assert (trial.outcome, trial.hop) == (Outcome.PROHIBITED, "192.0.2.2")


def test_a_walk_that_nobody_answers_ends_by_itself():
    world = World(Way(serves=False))
    world.run(until=lambda world: any(isinstance(command, WalkWay) for command in world.commands))
    world.forget()
    assert world.run().hops == ()


@pytest.mark.parametrize("transport", STREAMS)
def test_a_reset_is_told_apart_from_an_icmp_error(transport):
    trial = examine(Way(resets=True), transport)
    assert (trial.outcome, trial.hop) == (Outcome.RESET, "")


@pytest.mark.parametrize("transport", STREAMS)
def test_a_connection_is_an_answer(transport):
    trial = examine(Way(), transport, measures=False)
    assert trial.outcome is Outcome.ANSWERED


def test_what_belongs_to_another_part_is_passed_over():
    world = World()
    world.run(until=lambda world: bool(world.sent))
    for stray in (StreamOpened(), Walked(()), SocketOpened("192.0.2.99", 9000)):
        world.tell(stray)
    assert world.run().mtu.tried == 1500


def test_lost_packets_are_repeated():
    assert examine(Way(loses=lambda number: number < 4)).outcome is Outcome.ANSWERED
